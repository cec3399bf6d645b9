"""A chain with the real contracts, an exchange of mark prices alone, the oracle, and a hedger that obeys the test."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp
from aiohttp import web
from aiohttp.test_utils import TestServer

from devnet.chain import Anvil
from devnet.compiler import compile_contracts
from devnet.contract_abi import Abi
from devnet.deployment import Deployment, MuonIdentity, deploy
from devnet.oracle import MuonOracle, dev_signer
from devnet.rpc import JsonRpc
from devnet.traders import SubAccountTrader, Trader, Wallet
from hedger.adapters.muon import MuonClient
from hedger.domain.money import WAD, to_text

SYMMIO, PARTY_B = Abi.load("symmio"), Abi.load("party_b")
BTC, ETH = 1, 2
START_PRICES = {"BTCUSDT": 60_000 * WAD, "ETHUSDT": 3_000 * WAD}
FUNDS = 100_000 * WAD


@dataclass
class TradingWorld:
    """Everything a test needs; `prices` are the exchange's, by symbol name, and may be changed."""

    chain: Anvil
    deployment: Deployment
    oracle: MuonOracle
    muon: MuonClient
    session: aiohttp.ClientSession
    hedger: Wallet
    prices: dict[str, int]
    traders_made: int = 0

    @property
    def rpc(self) -> JsonRpc:
        return self.chain.rpc

    async def trader(self, *, funds: int = FUNDS) -> Trader:
        """A plain trader with an account of its own."""
        trader = Trader(self.deployment, await self._wallet(), self.muon)
        await trader.fund(funds)
        return trader

    async def sub_account_trader(self, *, funds: int = FUNDS) -> SubAccountTrader:
        """A trader behind a new sub-account."""
        trader = await SubAccountTrader.create(self.deployment, await self._wallet(), self.muon, name="first")
        await trader.fund(funds)
        return trader

    async def as_hedger(self, function: str, *arguments: Any) -> dict[str, Any]:
        """A call of the diamond through the hedger's proxy, which hides why it fails: so it is tried bare first."""
        calldata = SYMMIO[function].calldata(*arguments)
        await self.rpc.eth_call(self.deployment.diamond, calldata, sender=self.deployment.party_b)
        batch = PARTY_B["_call"].calldata([calldata])
        return await self.hedger.send(self.deployment.party_b, batch)

    async def lock(self, trader: Trader, quote_id: int, *, allocate: int = 10_000 * WAD) -> None:
        """The hedger allocates to the trader and locks its quote."""
        if allocate:
            await self.as_hedger("allocateForPartyB", allocate, trader.party_a)
        signature = await self.muon.upnl_b(self.deployment.party_b, trader.party_a)
        await self.as_hedger("lockQuote", quote_id, signature.as_abi())

    async def open(self, trader: Trader, quote_id: int, *, price: int | None = None) -> None:
        """The hedger opens the whole quote, at the price the trader asked for unless another is given."""
        quote = await trader.quote(quote_id)
        signature = await self.muon.upnl_with_price(self.deployment.party_b, trader.party_a, quote.symbol_id)
        opened = quote.requested_open_price if price is None else price
        await self.as_hedger("openPosition", quote_id, quote.quantity, opened, signature.as_abi())

    async def fill_close(self, trader: Trader, quote_id: int, price: int) -> None:
        """The hedger fills the whole close request."""
        quote = await trader.quote(quote_id)
        signature = await self.muon.upnl_with_price(self.deployment.party_b, trader.party_a, quote.symbol_id)
        await self.as_hedger("fillCloseRequest", quote_id, quote.quantity_to_close, price, signature.as_abi())

    async def read(self, function: str, *arguments: Any) -> Any:
        """The single value a view of the diamond returns. Reverts raise RpcError."""
        view = SYMMIO[function]
        returned = view.decode(await self.rpc.eth_call(self.deployment.diamond, view.calldata(*arguments)))
        return returned[0] if returned else None

    async def _wallet(self) -> Wallet:
        self.traders_made += 1
        return await Wallet.funded(self.rpc, 0xA11CE00 + self.traders_made, self.deployment.chain_id)


@asynccontextmanager
async def trading_world() -> AsyncIterator[TradingWorld]:
    async with AsyncExitStack() as stack:
        chain = await stack.enter_async_context(Anvil())
        signer = dev_signer()
        identity = MuonIdentity(signer.app_id, signer.public_key_x, signer.parity, signer.gateway_address)
        deployment = await deploy(chain, artifacts=await compile_contracts(), muon=identity)
        prices = dict(START_PRICES)
        exchange = await stack.enter_async_context(_mark_prices(prices))
        oracle = await stack.enter_async_context(
            MuonOracle(rpc_url=chain.rpc_url, exchange_url=exchange, diamond=deployment.diamond)
        )
        session = await stack.enter_async_context(aiohttp.ClientSession())
        muon = MuonClient(
            [oracle.url],
            diamond=deployment.diamond,
            chain_id=deployment.chain_id,
            session=session,
            timeout_s=5.0,
            rounds=1,
        )
        hedger = await Wallet.funded(chain.rpc, deployment.admin_key, deployment.chain_id)
        yield TradingWorld(chain, deployment, oracle, muon, session, hedger, prices)


@asynccontextmanager
async def _mark_prices(prices: dict[str, int]) -> AsyncIterator[str]:
    """The one route of an exchange that the oracle asks."""

    async def premium_index(request: web.Request) -> web.Response:
        symbol = request.query["symbol"]
        if symbol not in prices:
            return web.json_response({"code": -1121, "msg": "Invalid symbol."}, status=400)
        return web.json_response({"symbol": symbol, "markPrice": to_text(prices[symbol])})

    application = web.Application()
    application.router.add_get("/fapi/v1/premiumIndex", premium_index)
    async with TestServer(application) as server:
        yield str(server.make_url(""))
