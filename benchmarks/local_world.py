"""The world that reactions are measured in: chain, contracts, oracle, two exchanges, two PartyBs, many traders."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import aiohttp

from benchmarks.processes import helper
from devnet.chain import Anvil, ChainAccount
from devnet.compiler import compile_contracts
from devnet.contract_abi import Abi, Function
from devnet.deployment import COLLATERAL_UNIT, MAX_UINT256, Deployment, MuonIdentity, deploy
from devnet.oracle import dev_signer
from devnet.rpc import JsonRpc
from devnet.traders import QuoteTerms, Trader, Wallet
from devnet.traders.terms import with_slippage
from hedger.adapters.chain import calls
from hedger.adapters.muon import MuonClient
from hedger.domain.money import WAD
from hedger.domain.terms import OrderType, PositionType

SYMBOL = "BTCUSDT"
API_KEY, SECRET = "paper-key", "paper-secret"
_QUANTITY = WAD // 500
_SLIPPAGE = Decimal(5)
_PARTY_B_FUNDS = 50_000_000 * COLLATERAL_UNIT
_TRADER_FUNDS = 2_000 * WAD
_ALLOCATION = 1_000 * WAD
_FIRST_TRADER_KEY = 0xBE0C0000
_AT_ONCE = 16
_MINT = Function("mint", ("address", "uint256"))


class PatientRpc(JsonRpc):
    """Does not look for a receipt before `patience_s` is over: what is measured must not share the machine with it."""

    patience_s = 0.0

    async def wait_receipt(
        self, transaction_hash: str, *, timeout_s: float = 30.0, poll_s: float = 0.01
    ) -> dict[str, Any]:
        await asyncio.sleep(self.patience_s)
        return await super().wait_receipt(transaction_hash, timeout_s=timeout_s, poll_s=poll_s)


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two that react: its PartyB, which is a plain key, and the exchange it trades at."""

    name: str
    account: ChainAccount
    exchange_url: str
    wallet: Wallet

    @property
    def party_b(self) -> str:
        return self.account.address.lower()


@dataclass(frozen=True, slots=True)
class LocalWorld:
    """Every quote is a market long of one symbol, from a trader of its own, addressed to one side."""

    chain: Anvil
    deployment: Deployment
    rpc: PatientRpc
    muon: MuonClient
    muon_url: str
    hedger: Side
    bare: Side
    _traders_made: list[int] = field(default_factory=lambda: [0])

    async def traders_for(self, side: Side, count: int) -> list[Trader]:
        """Traders with money, towards each of whom the side has allocated: what is measured allocates nothing."""
        gate = asyncio.Semaphore(_AT_ONCE)

        async def make(key: int) -> Trader:
            async with gate:
                wallet = await Wallet.funded(self.rpc, key, self.deployment.chain_id)
                trader = Trader(self.deployment, wallet, self.muon)
                await trader.fund(_TRADER_FUNDS)
                await side.wallet.send(self.deployment.diamond, calls.allocate_for_party_b(_ALLOCATION, trader.party_a))
                return trader

        first = _FIRST_TRADER_KEY + self._traders_made[0]
        self._traders_made[0] += count
        return list(await asyncio.gather(*(make(first + each) for each in range(count))))

    async def send_quote(self, trader: Trader, to: Side) -> int:
        """Send a quote; returns its id well after it is in a block."""
        symbol_id = self.deployment.symbols[SYMBOL]
        price = with_slippage(await trader.market_price(symbol_id), _SLIPPAGE, upward=True)
        terms = QuoteTerms(
            symbol_id,
            PositionType.LONG,
            OrderType.MARKET,
            price=price,
            quantity=_QUANTITY,
            white_list=(to.party_b,),
        )
        return await trader.send_quote(terms)


@asynccontextmanager
async def local_world() -> AsyncIterator[LocalWorld]:
    """Mines each transaction at once. Oracle and exchanges are processes of their own."""
    async with AsyncExitStack() as stack:
        artifacts = await compile_contracts()
        chain = await stack.enter_async_context(Anvil(block_time_s=0))
        accounts = chain.accounts[1:3]
        signer = dev_signer()
        deployment = await deploy(
            chain,
            artifacts=artifacts,
            muon=MuonIdentity(signer.app_id, signer.public_key_x, signer.parity, signer.gateway_address),
            party_b_keys=[account.address for account in accounts],
        )
        session = await stack.enter_async_context(aiohttp.ClientSession())
        rpc = PatientRpc(chain.rpc_url, session)
        sides: list[Side] = []
        for name, account in zip(("hedger", "bare"), accounts, strict=True):
            exchange = await stack.enter_async_context(helper("devnet.exchange"))
            url = (await exchange.told())["url"]
            sides.append(Side(name, account, url, await _funded(rpc, account, deployment)))
        oracle = await stack.enter_async_context(
            helper(
                "devnet.oracle",
                "--rpc",
                chain.rpc_url,
                "--exchange",
                sides[0].exchange_url,
                "--diamond",
                deployment.diamond,
            )
        )
        muon_url = (await oracle.told())["url"]
        muon = MuonClient(
            [muon_url], diamond=deployment.diamond, chain_id=chain.chain_id, session=session, timeout_s=10.0
        )
        yield LocalWorld(chain, deployment, rpc, muon, muon_url, hedger=sides[0], bare=sides[1])


async def _funded(rpc: JsonRpc, account: ChainAccount, deployment: Deployment) -> Wallet:
    """PartyB's own key with a deposit at the contract."""
    wallet = await Wallet.funded(rpc, account.private_key, deployment.chain_id)
    await wallet.send(deployment.collateral, _MINT.calldata(account.address, _PARTY_B_FUNDS))
    await wallet.send(deployment.collateral, Abi.load("erc20")["approve"].calldata(deployment.diamond, MAX_UINT256))
    await wallet.send(deployment.diamond, Abi.load("symmio")["deposit"].calldata(_PARTY_B_FUNDS))
    return wallet
