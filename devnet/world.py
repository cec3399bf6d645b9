"""The whole local world in one block: chain, contracts, oracle, and hedgers with an exchange account each."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import aiohttp

from devnet.actors import Administrator, Enforcer, Liquidator, OracleClient
from devnet.chain import Anvil, ChainAccount
from devnet.compiler import compile_contracts
from devnet.contract_abi import Abi, Function
from devnet.deployment import (
    COLLATERAL_UNIT,
    MAX_UINT256,
    MuonIdentity,
    Settings,
    SymbolSpec,
    deploy,
    liquidator_accounts,
)
from devnet.exchange import PaperExchange
from devnet.exchange import SymbolSpec as ListedSymbol
from devnet.exchange.symbols import DEFAULT_SYMBOLS
from devnet.hedger_process import HedgerProcess, Section
from devnet.oracle import MuonOracle, dev_signer
from devnet.rpc import JsonRpc
from devnet.traders import SubAccountTrader, Trader, Wallet
from hedger.adapters.muon import Muon, MuonClient
from hedger.domain.money import WAD

# Short cooldowns, so that what needs them to pass can be shown within a minute.
QUICK_SETTINGS = Settings(
    force_cancel_cooldown_s=15,
    force_cancel_close_cooldown_s=15,
    force_close_first_cooldown_s=20,
    force_close_second_cooldown_s=10,
    force_close_min_sig_period_s=10,
    upnl_valid_time_s=60,
)
# The oracle tells what the market did second by second, so that a close can be forced without waiting for minutes.
CANDLE_S = 1
PARTY_B_FUNDS = 2_000_000 * COLLATERAL_UNIT
TRADER_FUNDS = 50_000 * WAD
TRADER_KEYS = 0xA11CE00
# Of the chain's accounts, that of the enforcer: neither a hedger's nor one with a role.
ENFORCER_PLACE = -4
RECEIPT_POLL_S = 0.1
PUMP_S = 0.02
MINT = Function("mint", ("address", "uint256"))


@dataclass(frozen=True, slots=True)
class HedgerSetup:
    """What one hedger of the world is: through the proxy contract or by its own key, with its policy."""

    name: str
    through_proxy: bool = True
    policy: Section = field(default_factory=dict)


PROXY_HEDGER = HedgerSetup("proxy")
KEY_HEDGER = HedgerSetup("key", through_proxy=False, policy={"market_mode": "hedge_first", "open_parts_after_s": 2})


@dataclass(frozen=True, slots=True)
class LocalHedger:
    """A hedger with the exchange account it alone trades on; `party_b` is its address on the contract."""

    setup: HedgerSetup
    party_b: str
    tag: str
    exchange: PaperExchange
    process: HedgerProcess


class QuietRpc(JsonRpc):
    """Looks for a receipt only some times a block: many traders wait at once here."""

    async def wait_receipt(
        self, transaction_hash: str, *, timeout_s: float = 30.0, poll_s: float = RECEIPT_POLL_S
    ) -> dict[str, Any]:
        return await super().wait_receipt(transaction_hash, timeout_s=timeout_s, poll_s=poll_s)


class World:
    """`async with World(state_dir) as world:` everything but the hedgers runs; these are started by name.

    `rival` is one more registered hedger, a plain unlocked account that obeys the caller. The oracle's prices are
    those of the first hedger's exchange. Every process logs below `state_dir/logs`.
    """

    def __init__(
        self,
        state_dir: Path,
        *,
        seed: int = 7,
        block_time_s: float = 1,
        hedgers: Sequence[HedgerSetup] = (PROXY_HEDGER, KEY_HEDGER),
        settings: Settings = QUICK_SETTINGS,
        listed: Sequence[ListedSymbol] = DEFAULT_SYMBOLS,
    ) -> None:
        self.state_dir, self.seed = state_dir.resolve(), seed
        self.logs = self.state_dir / "logs"
        self.settings = settings
        self.hedgers: dict[str, LocalHedger] = {}
        self._setups, self._listed, self._block_time_s = tuple(hedgers), tuple(listed), block_time_s
        self._exit = AsyncExitStack()
        self._traders_made = 0

    async def __aenter__(self) -> Self:
        self.logs.mkdir(parents=True, exist_ok=True)
        try:
            await self._build()
        except BaseException:
            await self._exit.aclose()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._exit.aclose()

    @property
    def exchange(self) -> PaperExchange:
        """The first hedger's exchange, whose prices the oracle signs."""
        return next(iter(self.hedgers.values())).exchange

    # --- hedgers

    async def start_hedger(self, name: str = PROXY_HEDGER.name) -> str:
        """Start one and wait until it is ready; returns the URL of its API. Raises HedgerFailed."""
        process = self.hedgers[name].process
        await process.start()
        return await process.wait_ready()

    async def start_hedgers(self) -> None:
        """Start all side by side."""
        await asyncio.gather(*(self.start_hedger(name) for name in self.hedgers))

    async def kill_hedger(self, name: str = PROXY_HEDGER.name) -> None:
        """As a crash would end it."""
        await self.hedgers[name].process.kill()

    async def stop_hedger(self, name: str = PROXY_HEDGER.name) -> None:
        await self.hedgers[name].process.stop()

    async def _stop_hedgers(self) -> None:
        await asyncio.gather(*(hedger.process.stop() for hedger in self.hedgers.values()))

    # --- traders

    async def traders(self, count: int, *, sub_accounts: int = 0, funds: int = TRADER_FUNDS) -> list[Trader]:
        """New traders with money, the first `sub_accounts` of them behind the MultiAccount contract."""
        async with self.fast_blocks():
            return list(await asyncio.gather(*(self._trader(each < sub_accounts, funds) for each in range(count))))

    async def trader(self, funds: int) -> Trader:
        """One more, made at the pace of the chain: nobody else is hurried."""
        return await self._trader(False, funds)

    async def _trader(self, behind_sub_account: bool, funds: int) -> Trader:
        self._traders_made += 1
        wallet = await Wallet.funded(self.rpc, TRADER_KEYS + self._traders_made, self.deployment.chain_id)
        if behind_sub_account:
            trader: Trader = await SubAccountTrader.create(self.deployment, wallet, self.muon, name="demo")
        else:
            trader = Trader(self.deployment, wallet, self.muon)
        await trader.fund(funds)
        return trader

    # --- third parties

    async def liquidator(self, place: int = 0) -> Liquidator:
        """Who liquidates on an account of its own, the first or the second of the chain's liquidators."""
        wallet = await self._wallet_of(liquidator_accounts(self.chain)[place])
        return Liquidator(self.deployment, wallet, self._oracle_client())

    async def enforcer(self) -> Enforcer:
        """Who ends and forces what hedgers leave unanswered, without any role."""
        wallet = await self._wallet_of(self.chain.accounts[ENFORCER_PLACE])
        return Enforcer(self.deployment, wallet, self._oracle_client(), candle_s=CANDLE_S)

    async def administrator(self) -> Administrator:
        """Who holds every other role of the contract."""
        return Administrator(self.deployment, await self._wallet_of(self.chain.accounts[0]))

    async def _wallet_of(self, account: ChainAccount) -> Wallet:
        return await Wallet.funded(self.rpc, account.private_key, self.deployment.chain_id)

    def _oracle_client(self) -> OracleClient:
        return OracleClient(self.oracle.url, self.deployment, self.session)

    @asynccontextmanager
    async def fast_blocks(self) -> AsyncIterator[None]:
        """Blocks follow each other at once within this block, so that preparations take no time."""
        pump = asyncio.create_task(self._pump())
        try:
            yield
        finally:
            pump.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await pump

    async def _pump(self) -> None:
        while True:
            await self.chain.mine(interval_s=0)
            await asyncio.sleep(PUMP_S)

    # --- building

    async def _build(self) -> None:
        artifacts = await compile_contracts()
        self.chain = await self._exit.enter_async_context(Anvil(self._block_time_s, log_path=self.logs / "anvil.log"))
        signer = dev_signer()
        self.session = await self._exit.enter_async_context(aiohttp.ClientSession())
        self.rpc = QuietRpc(self.chain.rpc_url, self.session)
        operator, *keys = self.chain.accounts[1 : len(self._setups) + 3]
        own_keys = dict(zip([setup.name for setup in self._setups if not setup.through_proxy], keys, strict=False))
        self.rival = keys[-1]
        self.deployment = await deploy(
            self.chain,
            artifacts=artifacts,
            muon=MuonIdentity(signer.app_id, signer.public_key_x, signer.parity, signer.gateway_address),
            symbols=[SymbolSpec(symbol.name) for symbol in self._listed],
            settings=self.settings,
            party_b_operators=[operator.address],
            party_b_keys=[account.address for account in (*own_keys.values(), self.rival)],
            party_b_deposit=PARTY_B_FUNDS,
        )
        async with self.fast_blocks():
            await asyncio.gather(*(self._fund_party_b(account) for account in (*own_keys.values(), self.rival)))
        exchanges = [await self._start_exchange() for _ in self._setups]
        await self._start_oracle(exchanges[0])
        self._exit.push_async_callback(self._stop_hedgers)
        for setup, exchange in zip(self._setups, exchanges, strict=True):
            self.hedgers[setup.name] = self._hedger(setup, own_keys.get(setup.name, operator), exchange)

    async def _fund_party_b(self, account: ChainAccount) -> None:
        symmio, erc20 = Abi.load("symmio"), Abi.load("erc20")
        wallet = await Wallet.funded(self.rpc, account.private_key, self.deployment.chain_id)
        collateral, diamond = self.deployment.collateral, self.deployment.diamond
        await wallet.send(collateral, MINT.calldata(account.address, PARTY_B_FUNDS))
        await wallet.send(collateral, erc20["approve"].calldata(diamond, MAX_UINT256))
        await wallet.send(diamond, symmio["deposit"].calldata(PARTY_B_FUNDS))

    async def _start_exchange(self) -> PaperExchange:
        exchange = PaperExchange(self._listed, self.seed)
        await exchange.start()
        self._exit.push_async_callback(exchange.stop)
        return exchange

    async def _start_oracle(self, exchange: PaperExchange) -> None:
        deployment = self.deployment
        self.oracle = await self._exit.enter_async_context(
            MuonOracle(
                rpc_url=deployment.rpc_url,
                exchange_url=exchange.url,
                diamond=deployment.diamond,
                candle_s=CANDLE_S,
            )
        )
        self.muon: Muon = MuonClient(
            [self.oracle.url],
            diamond=deployment.diamond,
            chain_id=deployment.chain_id,
            session=self.session,
            timeout_s=10.0,
        )

    def _hedger(self, setup: HedgerSetup, key: ChainAccount, exchange: PaperExchange) -> LocalHedger:
        party_b = self.deployment.party_b if setup.through_proxy else key.address
        tag = setup.name[:8]
        process = HedgerProcess(
            setup.name,
            self.state_dir / setup.name,
            self.logs,
            settings=self._settings_of(setup, party_b, tag, exchange),
            secrets={
                "HEDGER_SENDER__KEY": key.private_key,
                "HEDGER_VENUE__API_KEY": exchange.credentials.api_key,
                "HEDGER_VENUE__SECRET": exchange.credentials.secret,
            },
        )
        return LocalHedger(setup, party_b, tag, exchange, process)

    def _settings_of(
        self, setup: HedgerSetup, party_b: str, tag: str, exchange: PaperExchange
    ) -> Mapping[str, Section]:
        """The hedger's configuration file: what it must know of this world, and quick looks at its levels."""
        deployment = self.deployment
        policy: dict[str, Any] = {
            "tag": tag,
            "min_seconds_to_open": 4,
            "min_seconds_to_close": 3,
            "symbols": {symbol.name: {} for symbol in self._listed},
        }
        return {
            "chain": {
                "rpc_urls": [deployment.rpc_url],
                "ws_url": deployment.ws_url,
                "chain_id": deployment.chain_id,
                "diamond": deployment.diamond,
                "party_b": party_b,
                "through_proxy": setup.through_proxy,
            },
            "muon": {"urls": [self.oracle.url]},
            "venue": {"base_url": exchange.url, "poll_s": 1.0, "income_poll_s": 2.0},
            "sender": {"replace_after_s": 8.0},
            "api": {"port": 0},
            "timing": {"heal_s": 1.0, "redeliver_after_s": 4.0, "validate_s": 5.0},
            "policy": {**policy, **setup.policy},
        }
