"""The oracle's answers to forced closes, settlements and liquidations, taken to the real contract."""

from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import orjson
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from trading_world import BTC, SYMMIO, TradingWorld, trading_world

from devnet.oracle import Fault, FaultKind, MuonOracle
from devnet.oracle.candles import Candles, CandlesMissing
from devnet.oracle.schnorr import is_signed
from devnet.signing import CURVE_ORDER, DEV_APP_ID, DEV_GATEWAY_KEY, DEV_SCHNORR_KEY, MuonSigner
from devnet.traders import CloseTerms, QuoteTerms, Trader, TransactionReverted
from hedger.domain.money import WAD, to_text
from hedger.domain.terms import OrderType, PositionType, QuoteStatus

PRICE = 60_000 * WAD
TERMS = QuoteTerms(BTC, PositionType.LONG, OrderType.LIMIT, PRICE, WAD // 10)
Candle = tuple[str, str, str, str, str]


class Market:
    """An exchange of one mark price and of the candles it is told, by minute of their opening."""

    def __init__(self) -> None:
        self.price = PRICE
        self.candles: dict[int, Candle] = {}

    async def premium_index(self, request: web.Request) -> web.Response:
        return web.json_response({"symbol": request.query["symbol"], "markPrice": to_text(self.price)})

    async def klines(self, request: web.Request) -> web.Response:
        start, end = int(request.query["startTime"]), int(request.query["endTime"])
        told = [[each * 1000, *self.candles[each]] for each in sorted(self.candles) if start <= each * 1000 <= end]
        return web.json_response(told)


@pytest.fixture(scope="module")
async def world() -> AsyncIterator[TradingWorld]:
    async with trading_world() as world:
        yield world


@pytest.fixture
async def market() -> Market:
    return Market()


@pytest.fixture
async def exchange(market: Market) -> AsyncIterator[str]:
    application = web.Application()
    application.router.add_get("/fapi/v1/premiumIndex", market.premium_index)
    application.router.add_get("/fapi/v1/klines", market.klines)
    async with TestServer(application) as server:
        yield str(server.make_url(""))


@pytest.fixture
async def oracle(world: TradingWorld, exchange: str) -> AsyncIterator[MuonOracle]:
    diamond = world.deployment.diamond
    async with MuonOracle(rpc_url=world.chain.rpc_url, exchange_url=exchange, diamond=diamond) as oracle:
        yield oracle


async def ask(world: TradingWorld, oracle: MuonOracle, method: str, **params: str) -> Any:
    common = {"chainId": str(world.deployment.chain_id), "symmio": world.deployment.diamond}
    query = {"app": "symmio", "method": method}
    query |= {f"params[{name}]": value for name, value in (params | common).items()}
    async with world.session.get(oracle.url, params=query) as response:
        return orjson.loads(await response.read())


def tail(answer: Any) -> tuple[Any, ...]:
    result = answer["result"]
    signature = result["signatures"][0]
    sigs = int(signature["signature"], 16), signature["owner"], result["data"]["init"]["nonceAddress"]
    return bytes.fromhex(result["nodeSignature"][2:]), sigs


def head(answer: Any) -> tuple[Any, ...]:
    return bytes.fromhex(answer["result"]["reqId"][2:]), answer["result"]["data"]["timestamp"]


def told(answer: Any) -> Any:
    assert answer["success"], answer
    return answer["result"]["data"]["result"]


def high_low(answer: Any) -> tuple[Any, ...]:
    names = ["symbolId", "highest", "lowest", "mean", "startTime", "endTime", "uPnlB", "uPnlA", "price"]
    return (*head(answer), *(int(told(answer)[name]) for name in names), *tail(answer))


def overview(answer: Any) -> tuple[Any, ...]:
    fields = told(answer)
    numbers = int(fields["uPnl"]), int(fields["loss"])
    lists = [[int(each) for each in fields[name]] for name in ("symbolIds", "symbolIdsPrices")]
    return (*head(answer), bytes.fromhex(fields["liquidationId"][2:]), *numbers, *lists, *tail(answer))


async def opened(world: TradingWorld, trader: Trader, *, allocate: int = 2_000 * WAD) -> int:
    quote_id = await trader.send_quote(TERMS)
    await world.lock(trader, quote_id, allocate=allocate)
    await world.open(trader, quote_id)
    return quote_id


async def test_candles_force_a_close_that_the_hedger_left_unanswered(
    world: TradingWorld, oracle: MuonOracle, market: Market
) -> None:
    trader = await world.trader()
    quote_id = await opened(world, trader)
    await trader.request_close(quote_id, CloseTerms(PRICE, WAD // 10, OrderType.LIMIT, 86_400))
    start = (await trader.now() + 300) // 60 * 60 + 60
    market.candles = {
        start - 60: ("1", "1", "1", "1", "9"),
        start: ("60000", "61000", "59000", "60100", "3"),
        start + 60: ("60100", "60100", "60000", "60000", "0"),
        start + 120: ("60000", "60300", "60000", "60300", "1"),
    }
    await world.chain.advance(900)
    parties = {"partyB": world.deployment.party_b, "partyA": trader.party_a}
    asked = {"t0": str(start), "t1": str(start + 120), "symbolId": str(BTC)}
    answer = await ask(world, oracle, "priceRange", **parties, **asked)
    fields = told(answer)
    assert [int(fields[name]) // WAD for name in ("lowest", "highest")] == [59_000, 61_000]
    assert int(fields["mean"]) == (3 * 60_050 * WAD + 60_150 * WAD) // 4
    assert (int(fields["startTime"]), int(fields["endTime"])) == (start, start + 120)
    await trader.wallet.send(
        world.deployment.diamond, SYMMIO["forceClosePosition"].calldata(quote_id, high_low(answer))
    )
    assert (await trader.quote(quote_id)).status is QuoteStatus.CLOSED


@pytest.mark.parametrize(
    ("t0", "t1", "text"),
    [
        ("61", "120", "BAD_START_OR_END_TIME"),
        ("120", "60", "START_AFTER_END_TIME"),
        ("60", "60", "START_AFTER_END_TIME"),
        ("60", "120", "INVALID_CANDLES_LENGTH"),
        ("x", "120", "Invalid t0"),
    ],
)
async def test_a_period_without_all_its_candles_is_refused(
    world: TradingWorld, oracle: MuonOracle, market: Market, t0: str, t1: str, text: str
) -> None:
    market.candles = {60: ("1", "1", "1", "1", "1")}
    parties = {"partyB": "0x" + "22" * 20, "partyA": "0x" + "11" * 20}
    answer = await ask(world, oracle, "priceRange", **parties, t0=t0, t1=t1, symbolId=str(BTC))
    assert answer == {"success": False, "error": {"message": text}}


async def test_minutes_without_trades_count_alike_and_a_price_of_nothing_is_refused(
    exchange: str, market: Market
) -> None:
    market.candles = {60: ("10", "12", "9", "11", "0"), 120: ("11", "11", "10", "10", "0")}
    async with aiohttp.ClientSession() as session:
        candles = Candles(exchange, session)
        assert (await candles.period("BTCUSDT", 60, 120)).mean == 21 * WAD // 2
        market.candles[60] = ("10", "12", "0", "11", "0")
        with pytest.raises(CandlesMissing, match="ZERO_LOWEST"):
            await candles.period("BTCUSDT", 60, 120)
        market.candles[60] = ("ten", "12", "1", "11", "0")
        with pytest.raises(CandlesMissing, match="BAD_BINANCE_RESPONSE"):
            await candles.period("BTCUSDT", 60, 120)


async def test_a_hedger_settles_with_the_oracles_signature(
    world: TradingWorld, oracle: MuonOracle, market: Market
) -> None:
    trader = await world.trader()
    quote_ids = [await opened(world, trader) for _ in range(2)]
    market.price = PRICE + 100 * WAD
    oracle.faults.add(Fault(FaultKind.WRONG_NONCE))
    for reason in ("LibMuon: TSS not verified", ""):
        answer = await ask(world, oracle, "settle_upnl", partyA=trader.party_a, quoteIds="[1]")
        fields = told(answer)
        data = [tuple(int(each) for each in entry) for entry in fields["quoteSettlementData"]]
        assert data == [(each, market.price, 0) for each in quote_ids]
        upnls_b = [int(each) for each in fields["upnlPartyBs"]]
        assert (upnls_b, int(fields["uPnlA"])) == ([-20 * WAD], 20 * WAD)
        signature = (*head(answer), data, upnls_b, int(fields["uPnlA"]), *tail(answer))
        values = signature, [market.price] * 2, trader.party_a
        if not reason:
            await world.as_hedger("settleUpnl", *values)
            continue
        with pytest.raises(Exception, match=reason):
            await world.as_hedger("settleUpnl", *values)
    assert [(await trader.quote(each)).opened_price for each in quote_ids] == [market.price] * 2


async def test_a_trader_is_liquidated_with_an_overview_and_its_verified_part(
    world: TradingWorld, oracle: MuonOracle, market: Market
) -> None:
    trader = await world.trader(funds=1_000 * WAD)
    quote_id = await opened(world, trader)
    market.price = PRICE - 10_000 * WAD
    answer = await ask(world, oracle, "partyA_overview", partyA=trader.party_a)
    whole, fields = overview(answer), told(answer)
    assert whole[3:7] == (-1_000 * WAD, -1_000 * WAD, [BTC], [market.price])
    await world.hedger.send(world.deployment.diamond, SYMMIO["liquidatePartyA"].calldata(trader.party_a, whole))
    result = answer["result"]
    again = {
        "signature": result["signatures"][0]["signature"],
        "reqId": result["reqId"],
        "nonceAddress": result["data"]["init"]["nonceAddress"],
        "timestamp": str(result["data"]["timestamp"]),
        "symbolIds": orjson.dumps(fields["symbolIds"]).decode(),
        "prices": orjson.dumps(fields["symbolIdsPrices"]).decode(),
        **{name: fields[name] for name in ("liquidationId", "partyA", "nonce", "uPnl", "loss")},
        "start": "0",
        "size": "1",
    }
    part = overview(await ask(world, oracle, "verify", **again))
    assert part[1:7] == whole[1:7]
    forged = await ask(world, oracle, "verify", **(again | {"prices": '["1"]'}))
    assert forged == {"success": False, "error": {"message": "Invalid signature"}}
    garbled = await ask(world, oracle, "verify", **(again | {"reqId": "0xzz"}))
    assert garbled == {"success": False, "error": {"message": "Invalid reqId"}}
    unsigned = await ask(world, oracle, "verify", **(again | {"loss": "some"}))
    assert unsigned == {"success": False, "error": {"message": "Invalid loss"}}
    steps = [
        ("setSymbolsPrice", part),
        ("liquidatePendingPositionsPartyA", None),
        ("liquidatePositionsPartyA", [quote_id]),
        ("settlePartyALiquidation", [world.deployment.party_b]),
    ]
    for function, argument in steps:
        arguments = (trader.party_a,) if argument is None else (trader.party_a, argument)
        await world.hedger.send(world.deployment.diamond, SYMMIO[function].calldata(*arguments))
    assert (await trader.quote(quote_id)).status is QuoteStatus.LIQUIDATED
    with pytest.raises(TransactionReverted, match="LiquidationFacet: PartyA is solvent"):
        await trader.wallet.send(
            world.deployment.diamond, SYMMIO["settlePartyALiquidation"].calldata(trader.party_a, [])
        )


def test_a_signature_counts_for_its_hash_its_nonce_and_its_key_alone() -> None:
    signer = MuonSigner(DEV_SCHNORR_KEY, DEV_GATEWAY_KEY, DEV_APP_ID)
    signed = signer.sign(b"\x01" * 32)
    key = signer.public_key_x, signer.parity
    assert is_signed(*key, b"\x01" * 32, signed.signature, signed.nonce_address)
    assert not is_signed(*key, b"\x02" * 32, signed.signature, signed.nonce_address)
    assert not is_signed(*key, b"\x01" * 32, signed.signature ^ 1, signed.nonce_address)
    assert not is_signed(*key, b"\x01" * 32, signed.signature, "0x" + "11" * 20)
    assert not is_signed(*key, b"\x01" * 32, signed.signature + CURVE_ORDER, signed.nonce_address)
