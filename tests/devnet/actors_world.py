"""A trading world with third parties in it, and an exchange whose candles follow what the test says of its price."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from aiohttp import web
from aiohttp.test_utils import TestServer
from trading_world import TradingWorld, trading_world

from devnet.actors import Administrator, Enforcer, Liquidator, OracleClient
from devnet.deployment import liquidator_accounts
from devnet.oracle import MuonOracle
from devnet.traders import Wallet
from hedger.domain.money import WAD, to_text

PRICE = 60_000 * WAD
MINUTE_MS = 60_000


class Market:
    """One price for all symbols; `low` and `high` are those of every candle ever asked for."""

    def __init__(self) -> None:
        self.price = self.low = self.high = PRICE

    def move(self, price: int) -> None:
        """Jump to a price and stay there."""
        self.price = self.low = self.high = price

    async def premium_index(self, request: web.Request) -> web.Response:
        return web.json_response({"symbol": request.query["symbol"], "markPrice": to_text(self.price)})

    async def klines(self, request: web.Request) -> web.Response:
        start, end = int(request.query["startTime"]), int(request.query["endTime"])
        price, high, low = to_text(self.price), to_text(self.high), to_text(self.low)
        return web.json_response(
            [[each, price, high, low, price, "1"] for each in range(start, end + MINUTE_MS, MINUTE_MS) if each <= end]
        )


@dataclass
class ActorsWorld:
    """`trading` has the traders and the hedger; the oracle of the third parties follows `market`."""

    trading: TradingWorld
    market: Market
    oracle: MuonOracle
    liquidator: Liquidator
    rival: Liquidator
    enforcer: Enforcer
    administrator: Administrator


@asynccontextmanager
async def actors_world() -> AsyncIterator[ActorsWorld]:
    async with AsyncExitStack() as stack:
        trading = await stack.enter_async_context(trading_world())
        market, application = Market(), web.Application()
        application.router.add_get("/fapi/v1/premiumIndex", market.premium_index)
        application.router.add_get("/fapi/v1/klines", market.klines)
        server = await stack.enter_async_context(TestServer(application))
        deployment, rpc = trading.deployment, trading.rpc
        oracle = await stack.enter_async_context(
            MuonOracle(rpc_url=deployment.rpc_url, exchange_url=str(server.make_url("")), diamond=deployment.diamond)
        )
        client = OracleClient(oracle.url, deployment, trading.session)
        keys = [account.private_key for account in liquidator_accounts(trading.chain)]
        first, second, outsider, admin = [
            await Wallet.funded(rpc, key, deployment.chain_id) for key in (*keys, 0xE0F0, deployment.admin_key)
        ]
        yield ActorsWorld(
            trading,
            market,
            oracle,
            Liquidator(deployment, first, client, chunk=2),
            Liquidator(deployment, second, client),
            Enforcer(deployment, outsider, client),
            Administrator(deployment, admin),
        )
