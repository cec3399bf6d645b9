"""What scenes play with: the watch over all quotes, the other side of the exchange, the quicker rival, the direction
that plays and compares. No hedger runs; the rival stands in where a quote must be taken."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from devnet.demo.api import ApiSilent, HedgerApi
from devnet.demo.direction import Direction, cast_size
from devnet.demo.figures import figures_of
from devnet.demo.rival import Rival
from devnet.demo.script import PROXY, Scene
from devnet.demo.stage import FAR, LONG, NEAR, SHORT, Ends, Play, Stage
from devnet.demo.watch import QuoteWatch, SceneFailed
from devnet.exchange.orders import OrderRequest, OrderType, Side
from devnet.world import World
from hedger.domain.money import WAD
from hedger.domain.terms import QuoteStatus


@pytest.fixture(scope="module")
async def stage(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stage]:
    """A world whose blocks follow each other at once, and whose hedgers know every quote as the chain has it."""
    async with World(tmp_path_factory.mktemp("demo"), hedgers=(PROXY,), block_time_s=0) as world:
        watch = QuoteWatch(world.rpc, world.deployment.diamond)
        async with watch.running(), _mirror(watch) as url:
            yield Stage(world, watch, Rival(world), {PROXY.name: HedgerApi(world.session, url)})


@pytest.fixture
async def play(stage: Stage) -> Play:
    [trader] = await stage.world.traders(1)
    return Play(stage, trader, stage.world.hedgers[PROXY.name], "ETHUSDT", LONG)


@asynccontextmanager
async def _mirror(watch: QuoteWatch) -> AsyncIterator[str]:
    """A hedger's API that tells what the chain has, and pages by one row."""

    async def quote(request: web.Request) -> web.Response:
        found = watch.quotes.get(int(request.match_info["quote_id"]))
        return web.json_response({"item": _row(found)}) if found is not None else web.json_response({}, status=404)

    async def listing(request: web.Request) -> web.Response:
        name = request.match_info["listing"]
        if name == "orders":
            return web.json_response({"error_code": 4292}, status=503)
        rows = [{"status": "opened", "state": "mined"}] * 2
        page = int(request.query.get("cursor", "0"))
        following = str(page + 1) if page + 1 < len(rows) else None
        return web.json_response({"as_of": 40 + page, "items": rows[page : page + 1], "next_cursor": following})

    application = web.Application()
    application.router.add_get("/quotes/{quote_id}", quote)
    application.router.add_get("/{listing}", listing)
    async with TestServer(application) as server:
        yield str(server.make_url("")).rstrip("/")


def _row(quote: Any) -> dict[str, Any]:
    row = {"quote_id": quote.quote_id, "status": quote.status.name.lower(), "code": 0, "verdict": "rejected"}
    return {**row, "orders_unsettled": 0, "request_in_flight": "", "required": "0", "hedged": "0"}


def _order(play: Play, client_order_id: str, *, price: str, quantity: str = "0.4", reduce_only: bool = False) -> None:
    side = Side.SELL if reduce_only else Side.BUY
    request = OrderRequest(
        play.symbol, side, OrderType.LIMIT, Decimal(quantity), client_order_id, Decimal(price), reduce_only=reduce_only
    )
    play.hedger.exchange.engine.place(request)


async def test_the_watch_tells_a_change_of_status(play: Play) -> None:
    quote_id = await play.send(play.limit())
    assert (await play.watch.until_status(quote_id, QuoteStatus.PENDING)).party_a == play.trader.party_a.lower()
    await play.trader.cancel(quote_id)
    assert (await play.watch.until_status(quote_id, QuoteStatus.CANCELED)).quote_id == quote_id


async def test_the_watch_says_what_is_there_instead(play: Play) -> None:
    quote_id = await play.send(play.limit())
    with pytest.raises(SceneFailed, match=f"quote {quote_id} is PENDING, a lock was expected"):
        await play.watch.until(quote_id, lambda quote: False, "a lock", patience_s=0.3)


async def test_the_watch_forgets_what_a_reorganisation_took(play: Play) -> None:
    quote_id = await play.send(play.limit())
    await play.watch.until_status(quote_id, QuoteStatus.PENDING)
    await play.stage.world.chain.reorg(1)
    await play.watch.read_all()
    assert play.watch.describe(quote_id) == "not on chain"


async def test_terms_lie_where_the_price_reaches_them_or_does_not(play: Play) -> None:
    market = play.price
    assert play.limit(FAR).price < play.limit(NEAR).price < market < play.limit(-NEAR).price
    assert play.market().price > market > play.market_close(WAD).price
    assert play.limit_close(WAD).price > market
    assert play.market().white_list == (play.hedger.party_b,)
    assert play.quantity == 4 * WAD // 10


async def test_an_order_is_found_by_its_quote_and_filled_in_part(play: Play) -> None:
    _order(play, play.broker.order_id(901), price="2900")
    order = await play.broker.resting(901)
    assert play.broker.trade_against(order, Decimal("0.5")) == Decimal("0.200")
    assert order.executed == Decimal("0.200")
    assert order.is_open
    play.broker.trade_against(order)
    assert not order.is_open


async def test_a_swing_fills_what_is_near_and_leaves_what_is_far_and_the_price(play: Play) -> None:
    mid = play.broker.mid(play.symbol)
    _order(play, play.broker.order_id(902), price=str((mid * Decimal("0.997")).quantize(Decimal("0.01"))))
    _order(play, play.broker.order_id(903), price=str((mid * Decimal("0.985")).quantize(Decimal("0.01"))))
    near, far = await play.broker.resting(902), await play.broker.resting(903)
    await play.broker.swing(play.symbol, play.side)
    assert (near.is_open, far.is_open) == (False, True)
    assert abs(play.broker.mid(play.symbol) - mid) < mid / 500


async def test_cancels_fail_only_within_their_block(play: Play) -> None:
    faults = play.hedger.exchange.faults
    async with play.broker.no_cancels("proxy-904-o1"):
        assert [(fault.method, fault.client_order_id, fault.times) for fault in faults.faults] == [
            ("DELETE", "proxy-904-o1", None)
        ]
    assert faults.faults == []


async def test_the_rival_takes_a_quote_and_opens_it(play: Play) -> None:
    await play.stage.rival.prepare(play.trader)
    quote_id = await play.send(play.market(white_list=(play.stage.rival.address,)))
    assert await play.stage.rival.snatch(play.trader, quote_id)
    quote = await play.watch.until_status(quote_id, QuoteStatus.OPENED)
    assert quote.party_b == play.stage.rival.address.lower()


async def test_the_rival_notices_that_somebody_was_quicker(play: Play) -> None:
    await play.stage.rival.prepare(play.trader)
    quote_id = await play.send(play.market(white_list=(play.stage.rival.address,)))
    await play.trader.cancel(quote_id)
    assert not await play.stage.rival.snatch(play.trader, quote_id)


async def test_every_page_of_a_listing_is_read(stage: Stage) -> None:
    as_of, rows = await stage.apis[PROXY.name].all_of("quotes")
    assert (as_of, len(rows)) == (41, 2)


async def test_an_answer_that_is_no_success_is_silence(stage: Stage) -> None:
    with pytest.raises(ApiSilent, match="503"):
        await figures_of(stage.apis[PROXY.name], 0)


async def test_a_refusal_is_awaited_with_its_code(play: Play) -> None:
    quote_id = await play.send(play.limit())
    await play.watch.until_status(quote_id, QuoteStatus.PENDING)
    await play.refused(quote_id, 0)
    with pytest.raises(SceneFailed, match=r"says rejected \(0\) of quote \d+, a refusal with 4203"):
        await play.refused(quote_id, 4203)


async def _cancelled(play: Play) -> Ends:
    quote_id = await play.send(play.limit())
    await play.trader.cancel(quote_id)
    return [play.ends(quote_id, QuoteStatus.CANCELED)]


async def _breaks(play: Play) -> Ends:
    raise ValueError("a hole in the script")


async def _fails(play: Play) -> Ends:
    raise SceneFailed("nothing came")


async def test_the_direction_plays_on_when_a_scene_fails_and_keeps_what_differs(stage: Stage) -> None:
    scenes = [Scene(each, "ETHUSDT", SHORT) for each in (_cancelled, _breaks, _fails)]
    told: list[str] = []
    direction = Direction(stage, await stage.world.traders(cast_size(scenes)), told.append)
    await direction.play_together(scenes)
    assert (direction.outcome.ended, direction.outcome.of) == (3, 3)
    assert sorted(direction.outcome.differences) == [
        " breaks, ETHUSDT short, hedger proxy: ValueError: a hole in the script",
        " fails, ETHUSDT short, hedger proxy: nothing came",
    ]
    assert sum("as expected" in line for line in told) == 1


async def test_what_comes_later_must_not_undo_an_end(stage: Stage) -> None:
    async def pending(play: Play) -> Ends:
        return [play.ends(await play.send(play.limit()), QuoteStatus.PENDING)]

    [trader] = await stage.world.traders(1)
    direction = Direction(stage, [trader], lambda line: None)
    await direction.play_apart([Scene(pending, "ETHUSDT", LONG)])
    assert direction.outcome.differences == []
    [(_, expected)] = direction.outcome.expected
    await trader.cancel(expected.quote_id)
    await direction.look_again()
    assert len(direction.outcome.differences) == 1
    assert "is CANCELED, expected PENDING (later)" in direction.outcome.differences[0]
