"""Puts the whole system on a fresh chain in one go: token, diamond, accounts, the hedger's proxy, symbols, settings."""

import asyncio
import json
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from itertools import count
from typing import Any, Self

from eth_abi.abi import encode
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak

from devnet.chain import Anvil, ChainAccount
from devnet.compiler import Artifacts
from devnet.contract_abi import Abi
from devnet.rpc import RpcError

WAD = 10**18
COLLATERAL_UNIT = 10**6
MINING_TIMEOUT_S = 30.0
MINING_PAUSE_S = 0.02
DEPLOY_GAS = 12_000_000
MAX_UINT256 = 2**256 - 1

FACETS = (
    "DiamondFacet",
    "AccountFacet",
    "PartyBAccountFacet",
    "PartyAQuoteFacet",
    "PartyACloseFacet",
    "PartyBQuoteFacet",
    "PartyBPositionFacet",
    "ForceFacet",
    "ForceCloseFacet",
    "ReserveVaultFacet",
    "FundingFacet",
    "SettlementFacet",
    "PartyBLiquidationFacet",
    "PartyALiquidationFacet",
    "PartyASettlementFacet",
    "AccessFacet",
    "PauseFacet",
    "SymbolFacet",
    "SettingFacet",
    "QuoteViewFacet",
    "BalanceViewFacet",
    "SystemViewFacet",
)
ADMIN_ROLES = (
    "DEFAULT_ADMIN_ROLE",
    "MUON_SETTER_ROLE",
    "SYMBOL_MANAGER_ROLE",
    "SETTER_ROLE",
    "PAUSER_ROLE",
    "UNPAUSER_ROLE",
    "PARTY_B_MANAGER_ROLE",
    "LIQUIDATOR_ROLE",
    "DISPUTE_ROLE",
    "SUSPENDER_ROLE",
    "AFFILIATE_MANAGER_ROLE",
)
# Of the chain's accounts, those that may liquidate; the last one is the fee collector's.
LIQUIDATOR_PLACES = (-2, -3)
TRUSTED_ROLE = keccak(text="TRUSTED_ROLE")
CUT_ADD = 0
FACET_CUT_TYPE = "(address,uint8,bytes4[])"


class DeploymentFailed(Exception):
    """One step was refused; the text names it and the contract's reason."""


@dataclass(frozen=True, slots=True)
class MuonIdentity:
    """Whose signatures the diamond accepts."""

    app_id: int
    public_key_x: int
    parity: int
    gateway_address: str


@dataclass(frozen=True, slots=True)
class SymbolSpec:
    """A symbol to list: values and ratios with 18 decimals, times in seconds."""

    name: str
    min_quote_value: int = 5 * WAD
    min_portion_lf: int = 3 * WAD // 1000
    trading_fee: int = 5 * WAD // 10_000
    max_leverage: int = 60 * WAD
    funding_epoch_s: int = 28_800
    funding_window_s: int = 900
    force_close_gap_ratio: int = WAD // 100


DEFAULT_SYMBOLS = (SymbolSpec("BTCUSDT"), SymbolSpec("ETHUSDT"), SymbolSpec("SOLUSDT"))


@dataclass(frozen=True, slots=True)
class Settings:
    """What a fresh diamond is set to: amounts and ratios with 18 decimals, times in seconds."""

    balance_limit_per_user: int = 100_000_000 * WAD
    pending_quotes_valid_length: int = 50
    upnl_valid_time_s: int = 120
    price_valid_time_s: int = 120
    deallocate_cooldown_s: int = 120
    deallocate_debounce_s: int = 10
    force_cancel_cooldown_s: int = 300
    force_cancel_close_cooldown_s: int = 300
    force_close_first_cooldown_s: int = 300
    force_close_second_cooldown_s: int = 120
    force_close_min_sig_period_s: int = 120
    force_close_price_penalty: int = 5 * WAD // 1000
    settlement_cooldown_s: int = 300
    liquidation_timeout_s: int = 1800
    liquidator_share: int = WAD // 10
    revoke_cooldown_s: int = 300


@dataclass(frozen=True, slots=True)
class Deployment:
    """Where everything is. `symbols` maps a name to its symbol id; `party_b` is the hedger's proxy contract."""

    rpc_url: str
    ws_url: str
    chain_id: int
    diamond: str
    collateral: str
    multi_account: str
    party_b: str
    next_quote_id_verifier: str
    symbols: dict[str, int]
    muon_app_id: int
    fee_collector: str
    admin: str
    admin_key: str = field(repr=False)

    def to_json(self) -> str:
        return json.dumps(asdict(self), indent=2)

    @classmethod
    def from_json(cls, text: str) -> Self:
        return cls(**json.loads(text))


@dataclass(frozen=True, slots=True)
class _Step:
    """One transaction of the admin, and what to call it when it fails; `to` is empty for a creation."""

    nonce: int
    label: str
    to: str
    payload: bytes


class _Plan:
    """The admin's transactions in order. Addresses of contracts are known before anything is sent."""

    def __init__(self, admin: str, nonce: int, artifacts: Artifacts) -> None:
        self.steps: list[_Step] = []
        self._admin = bytes.fromhex(admin[2:])
        self._nonces: Iterator[int] = count(nonce)
        self._artifacts = artifacts

    def create(self, name: str, types: Sequence[str] = (), values: Sequence[Any] = ()) -> str:
        """Add the creation of a contract; returns the address it will have."""
        arguments = encode(types, values) if types else b""
        code = bytes.fromhex(self._artifacts[name].bytecode) + arguments
        nonce = next(self._nonces)
        self.steps.append(_Step(nonce, name, "", code))
        return _created_address(self._admin, nonce)

    def call(self, to: str, abi: Abi, function: str, *values: Any) -> None:
        """Add a call."""
        self.steps.append(_Step(next(self._nonces), f"{function}{values}", to, abi[function].calldata(*values)))

    def call_raw(self, to: str, signature: str, *values: Any) -> None:
        """Add a call of a function that is in no interface file."""
        types = signature[signature.index("(") + 1 : -1].split(",")
        self.steps.append(_Step(next(self._nonces), signature, to, keccak(text=signature)[:4] + encode(types, values)))


async def deploy(
    chain: Anvil,
    *,
    artifacts: Artifacts,
    muon: MuonIdentity,
    symbols: Sequence[SymbolSpec] = DEFAULT_SYMBOLS,
    settings: Settings | None = None,
    party_b_operators: Sequence[str] = (),
    party_b_keys: Sequence[str] = (),
    party_b_deposit: int = 1_000_000 * COLLATERAL_UNIT,
) -> Deployment:
    """Deploy and configure everything from the chain's first account, which becomes the admin.

    Two of the last accounts become liquidators (see `liquidator_accounts`).

    `party_b_operators` may send batches through the proxy (the admin always may); `party_b_keys` are addresses to
    register as hedgers besides it; `party_b_deposit`, in collateral decimals, is minted and deposited for the proxy.
    Raises DeploymentFailed.
    """
    admin = chain.accounts[0]
    fee_collector = chain.accounts[-1].address
    nonce = int(await chain.request("eth_getTransactionCount", admin.address, "latest"), 16)
    plan = _Plan(admin.address, nonce, artifacts)
    collateral = plan.create("CollateralToken")
    diamond = _plan_diamond(plan, artifacts, admin.address)
    multi_account = plan.create("MultiAccount")
    party_b = plan.create("SymmioPartyB")
    verifier = plan.create("NextQuoteIDVerifier", ["address"], [diamond])
    chosen = settings or Settings()
    for liquidator in liquidator_accounts(chain):
        plan.call(diamond, Abi.load("symmio"), "grantRole", liquidator.address, keccak(text="LIQUIDATOR_ROLE"))
    _plan_settings(plan, diamond, chosen, muon, collateral, fee_collector)
    _plan_symbols(plan, diamond, symbols)
    _plan_accounts(plan, artifacts, multi_account, diamond, admin.address, chosen.revoke_cooldown_s)
    _plan_proxy(plan, party_b, diamond, admin.address, [multi_account, verifier], party_b_operators)
    for hedger in (party_b, *party_b_keys):
        plan.call(diamond, Abi.load("symmio"), "registerPartyB", hedger)
    _plan_funds(plan, party_b, collateral, party_b_deposit)
    await _carry_out(chain, admin.address, plan.steps)
    return Deployment(
        rpc_url=chain.rpc_url,
        ws_url=chain.ws_url,
        chain_id=chain.chain_id,
        diamond=diamond,
        collateral=collateral,
        multi_account=multi_account,
        party_b=party_b,
        next_quote_id_verifier=verifier,
        symbols={spec.name: index for index, spec in enumerate(symbols, start=1)},
        muon_app_id=muon.app_id,
        fee_collector=fee_collector,
        admin=admin.address,
        admin_key=admin.private_key,
    )


def liquidator_accounts(chain: Anvil) -> list[ChainAccount]:
    """The accounts that hold LIQUIDATOR_ROLE besides the admin, and nothing else."""
    return [chain.accounts[place] for place in LIQUIDATOR_PLACES]


def _created_address(creator: bytes, nonce: int) -> str:
    """Where a contract made by `creator` at this nonce will be: the hash of both, each with its length."""
    counter = nonce.to_bytes((nonce.bit_length() + 7) // 8, "big")
    counted = counter if 0 < nonce < 0x80 else bytes([0x80 + len(counter)]) + counter
    body = bytes([0x80 + len(creator)]) + creator + counted
    return str(to_checksum_address(keccak(bytes([0xC0 + len(body)]) + body)[-20:]))


def _plan_diamond(plan: _Plan, artifacts: Artifacts, admin: str) -> str:
    facets = {name: plan.create(name) for name in FACETS}
    cuts = [
        (address, CUT_ADD, [bytes.fromhex(selector) for selector in artifacts[name].selectors])
        for name, address in facets.items()
    ]
    diamond = plan.create("Diamond", ["address", f"{FACET_CUT_TYPE}[]"], [admin, cuts])
    symmio = Abi.load("symmio")
    plan.call(diamond, symmio, "setAdmin", admin)
    for role in ADMIN_ROLES:
        plan.call(diamond, symmio, "grantRole", admin, keccak(text=role))
    return diamond


def _plan_settings(
    plan: _Plan, diamond: str, settings: Settings, muon: MuonIdentity, collateral: str, fee_collector: str
) -> None:
    calls: Mapping[str, tuple[Any, ...]] = {
        "setCollateral": (collateral,),
        "setDefaultFeeCollector": (fee_collector,),
        "setMuonIds": (muon.app_id, muon.gateway_address, (muon.public_key_x, muon.parity)),
        "setMuonConfig": (settings.upnl_valid_time_s, settings.price_valid_time_s),
        "setBalanceLimitPerUser": (settings.balance_limit_per_user,),
        "setPendingQuotesValidLength": (settings.pending_quotes_valid_length,),
        "setDeallocateCooldown": (settings.deallocate_cooldown_s,),
        "setDeallocateDebounceTime": (settings.deallocate_debounce_s,),
        "setForceCancelCooldown": (settings.force_cancel_cooldown_s,),
        "setForceCancelCloseCooldown": (settings.force_cancel_close_cooldown_s,),
        "setForceCloseCooldowns": (settings.force_close_first_cooldown_s, settings.force_close_second_cooldown_s),
        "setForceCloseMinSigPeriod": (settings.force_close_min_sig_period_s,),
        "setForceClosePricePenalty": (settings.force_close_price_penalty,),
        "setSettlementCooldown": (settings.settlement_cooldown_s,),
        "setLiquidationTimeout": (settings.liquidation_timeout_s,),
        "setLiquidatorShare": (settings.liquidator_share,),
    }
    symmio = Abi.load("symmio")
    for function, values in calls.items():
        plan.call(diamond, symmio, function, *values)


def _plan_symbols(plan: _Plan, diamond: str, symbols: Sequence[SymbolSpec]) -> None:
    symmio = Abi.load("symmio")
    listed = [
        (
            0,
            spec.name,
            True,
            spec.min_quote_value,
            spec.min_portion_lf,
            spec.trading_fee,
            spec.max_leverage,
            spec.funding_epoch_s,
            spec.funding_window_s,
        )
        for spec in symbols
    ]
    plan.call(diamond, symmio, "addSymbols", listed)
    for symbol_id, spec in enumerate(symbols, start=1):
        plan.call(diamond, symmio, "setForceCloseGapRatio", symbol_id, spec.force_close_gap_ratio)


def _plan_accounts(
    plan: _Plan, artifacts: Artifacts, multi_account: str, diamond: str, admin: str, revoke_cooldown_s: int
) -> None:
    """The front end's accounts; the front end is an affiliate of the diamond."""
    interface = Abi.load("multi_account")
    sub_account_code = bytes.fromhex(artifacts["SymmioPartyA"].bytecode)
    plan.call(multi_account, interface, "initialize", admin, diamond, sub_account_code)
    plan.call(multi_account, interface, "setRevokeCooldown", revoke_cooldown_s)
    plan.call(diamond, Abi.load("symmio"), "registerAffiliate", multi_account)


def _plan_proxy(
    plan: _Plan, party_b: str, diamond: str, admin: str, destinations: Sequence[str], operators: Sequence[str]
) -> None:
    interface = Abi.load("party_b")
    plan.call(party_b, interface, "initialize", admin, diamond)
    for destination in destinations:
        plan.call(party_b, interface, "setMulticastWhitelist", destination, True)
    for operator in operators:
        plan.call(party_b, interface, "grantRole", TRUSTED_ROLE, operator)


def _plan_funds(plan: _Plan, party_b: str, collateral: str, amount: int) -> None:
    interface = Abi.load("party_b")
    plan.call(party_b, interface, "_approve", collateral, MAX_UINT256)
    if amount:
        plan.call_raw(collateral, "mint(address,uint256)", party_b, amount)
        plan.call(party_b, interface, "_call", [Abi.load("symmio")["deposit"].calldata(amount)])


async def _carry_out(chain: Anvil, admin: str, steps: Sequence[_Step]) -> None:
    """Send all steps in one round trip, then see that each was mined and succeeded."""
    # A plain gas price, with room for a rising base fee, is understood by chains with and without one.
    gas_price = hex(2 * int(await chain.request("eth_gasPrice"), 16))
    requests = [{**_transaction(admin, step), "gasPrice": gas_price} for step in steps]
    receipts = await _mined(chain, requests)
    for step, request, receipt in zip(steps, requests, receipts, strict=True):
        if receipt["status"] != "0x1":
            raise DeploymentFailed(f"{step.label}: {await _reason(chain, request, receipt['blockNumber'])}")


def _transaction(admin: str, step: _Step) -> dict[str, str]:
    # The node takes the requests of a batch in any order: the nonces give it back.
    request = {"from": admin, "data": "0x" + step.payload.hex(), "gas": hex(DEPLOY_GAS), "nonce": hex(step.nonce)}
    return {**request, "to": step.to} if step.to else request


async def _mined(chain: Anvil, requests: Sequence[Mapping[str, str]]) -> list[dict[str, Any]]:
    """The receipts of all. Mining rests until the node has every transaction: one that mines while others arrive
    sometimes forgets that the turn of a waiting one has come, and all behind that one wait for ever.
    """
    mines_at_once = await chain.request("anvil_getAutomine")
    if mines_at_once:
        await chain.request("evm_setAutomine", False)
    try:
        hashes = await chain.rpc.batch([("eth_sendTransaction", [request]) for request in requests])
        return await _receipts(chain, hashes)
    finally:
        if mines_at_once:
            await chain.request("evm_setAutomine", True)


async def _receipts(chain: Anvil, hashes: Sequence[str]) -> list[dict[str, Any]]:
    """The node is told to mine now, as often as it takes; a busy one is given time."""
    deadline = time.monotonic() + MINING_TIMEOUT_S
    while time.monotonic() < deadline:
        await chain.mine()
        receipts = await chain.rpc.batch([("eth_getTransactionReceipt", [each]) for each in hashes])
        if all(receipts):
            return receipts
        await asyncio.sleep(MINING_PAUSE_S)
    raise DeploymentFailed("the transactions were not mined")


async def _reason(chain: Anvil, request: Mapping[str, str], block: str) -> str:
    try:
        await chain.request("eth_call", {key: request[key] for key in request if key != "nonce"}, block)
    except RpcError as error:
        return str(error)
    return "out of gas, or refused only in its own block"
