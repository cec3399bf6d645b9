"""Each row of the table in `outcomes`, against the server."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import ccxt
import pytest
from conftest_venue import BTC, PaperWorld, garbling, limit, market, paper_world, settings_for

from devnet.exchange.faults import FaultKind
from hedger.adapters.venue.ccxt_venue import CcxtVenue
from hedger.adapters.venue.outcomes import VenueRateLimited, judge
from hedger.adapters.venue.port import (
    Accepted,
    NotFound,
    OrderReport,
    Refused,
    Unknown,
    VenueAnswerInvalid,
    VenueUnavailable,
)
from hedger.domain.terms import Side

REFUSALS = [
    (-1008, 503, "rate_limited"),
    (-1015, 400, "rate_limited"),
    (-1022, 400, "permission"),
    (-2015, 401, "permission"),
    (-2018, 400, "funds"),
    (-2019, 400, "funds"),
    (-2022, 400, "reduce_only"),
    (-2024, 400, "reduce_only"),
    (-4118, 400, "reduce_only"),
    (-4164, 400, "min_notional"),
    (-5021, 400, "not_fillable"),
    (-5022, 400, "not_fillable"),
    (-2020, 400, "not_fillable"),
    (-2025, 400, "order_limit"),
    (-2027, 400, "position_limit"),
    (-4131, 400, "price_band"),
    (-1013, 400, "invalid"),
    (-1111, 400, "invalid"),
    (-1121, 400, "invalid"),
    (-4003, 400, "invalid"),
    (-2010, 400, "rejected"),
    (-2023, 400, "rejected"),
    (-4141, 400, "rejected"),
    (-5028, 400, "clock"),
    (-1021, 400, "clock"),
]
UNKNOWNS = [
    (-1000, 400, "unclear"),
    (-1001, 500, "no_answer"),
    (-1001, 400, "no_answer"),
    (-1006, 400, "unclear"),
    (-1007, 408, "no_answer"),
    (-1007, 504, "no_answer"),
    (-2019, 500, "no_answer"),  # a refusal does not come with this status: believe neither
    (-1000, 503, "no_answer"),
    (-4116, 400, "duplicate"),
    (-9999, 400, "unclear"),
]


@pytest.fixture(scope="module")
async def shared() -> AsyncIterator[PaperWorld]:
    async with paper_world() as made:
        yield made


@pytest.fixture
async def world() -> AsyncIterator[PaperWorld]:
    async with paper_world() as made:
        yield made


@pytest.mark.parametrize(("code", "status", "meaning"), REFUSALS)
async def test_a_definite_no_is_refused_with_its_code(shared: PaperWorld, code: int, status: int, meaning: str) -> None:
    shared.strike(kind=FaultKind.REFUSE, code=code, status=status)
    outcome = await shared.venue.place(market("refused", "0.01"))
    assert isinstance(outcome, Refused)
    assert (outcome.code, outcome.client_order_id) == (meaning, "refused")
    assert str(code) in outcome.reason


@pytest.mark.parametrize(("code", "status", "meaning"), UNKNOWNS)
async def test_whatever_proves_nothing_is_unknown(shared: PaperWorld, code: int, status: int, meaning: str) -> None:
    shared.strike(kind=FaultKind.REFUSE, code=code, status=status)
    outcome = await shared.venue.place(market("unknown", "0.01"))
    assert isinstance(outcome, Unknown)
    assert outcome.reason.startswith(f"{meaning}: ")


@pytest.mark.parametrize(
    ("error", "meaning", "refused"),
    [
        (ccxt.DuplicateOrderId("again"), "duplicate", False),
        (ccxt.OrderNotFound("none"), "not_found", True),
        (ccxt.OrderNotFillable("none"), "not_fillable", True),
        (ccxt.InvalidOrder("bad"), "invalid", True),
        (ccxt.InsufficientFunds("poor"), "funds", True),
        (ccxt.PermissionDenied("no"), "permission", True),
        (ccxt.BadSymbol("bad"), "invalid", True),
        (ccxt.MarketClosed("shut"), "rejected", True),
        (ccxt.RateLimitExceeded("slow"), "rate_limited", True),
        (ccxt.DDoSProtection("slow"), "rate_limited", True),
        (ccxt.InvalidNonce("late"), "clock", True),
        (ccxt.RequestTimeout("late"), "no_answer", False),
        (ccxt.OnMaintenance("soon"), "no_answer", False),
        (ccxt.ExchangeNotAvailable("gone"), "no_answer", False),
        (ccxt.BadResponse("html"), "unclear", False),
        (ccxt.ExchangeError("?"), "unclear", False),
        (TimeoutError(), "no_answer", False),
        (KeyError("info"), "unclear", False),
    ],
)
def test_without_a_code_the_class_of_the_error_decides(error: Exception, meaning: str, refused: bool) -> None:
    verdict = judge(error, lambda code: None)
    assert (verdict.code, verdict.refused) == (meaning, refused)


@pytest.mark.parametrize(("code", "status"), [(-1000, 503), (-1007, 504), (-1001, 500)])
async def test_an_order_behind_an_unknown_answer_is_found(world: PaperWorld, code: int, status: int) -> None:
    world.strike(kind=FaultKind.REFUSE_AFTER, code=code, status=status)
    assert isinstance(await world.venue.place(market("behind", "0.01")), Unknown)
    assert isinstance(await world.venue.find(BTC, "behind"), OrderReport)


async def test_the_exchange_s_own_refusals_have_their_codes() -> None:
    orders = {
        "funds": market("rich", "10"),
        "min_notional": market("small", "0.001"),
        "reduce_only": market("reduce", "0.01", Side.SELL, reduce_only=True),
        "invalid": limit("many", "2000", "50000"),
    }
    async with paper_world(balance=1_000) as world:
        for code, order in orders.items():
            outcome = await world.venue.place(order)
            assert isinstance(outcome, Refused), order
            assert outcome.code == code


async def test_a_late_answer_is_unknown_in_good_time() -> None:
    async with paper_world(timeout_ms=150) as world:
        world.strike(kind=FaultKind.DELAY_ANSWER, seconds=1.0)
        async with asyncio.timeout(0.6):
            assert isinstance(await world.venue.place(market("late", "0.01")), Unknown)
        assert isinstance(await world.venue.find(BTC, "late"), OrderReport)


@pytest.mark.parametrize(
    "body",
    [
        "<html>bad gateway</html>",
        "",
        "{}",
        "[]",
        '{"orderId": 1, "clientOrderId": "another", "symbol": "BTCUSDT", "updateTime": 1}',
        '{"orderId": null, "clientOrderId": "garbled", "symbol": "BTCUSDT", "updateTime": 1}',
    ],
)
async def test_an_answer_that_does_not_parse_is_unknown(world: PaperWorld, body: str) -> None:
    async with garbling(world.exchange.url, "POST", "/fapi/v1/order", 200, body) as relay:
        venue = await CcxtVenue.open(settings_for(relay), clock_ms=world.clock)
        outcome = await venue.place(market("garbled", "0.01"))
        await venue.close()
    assert isinstance(outcome, Unknown)


async def test_a_question_whose_answer_does_not_parse_names_the_field(world: PaperWorld) -> None:
    body = '[{"symbol": "BTCUSDT", "positionSide": "BOTH", "positionAmt": 0.1}]'
    async with garbling(world.exchange.url, "GET", "/fapi/v3/positionRisk", 200, body) as relay:
        venue = await CcxtVenue.open(settings_for(relay), clock_ms=world.clock)
        with pytest.raises(VenueAnswerInvalid) as caught:
            await venue.positions()
        await venue.close()
    assert caught.value.field == "positionAmt"
    assert "0.1" in caught.value.raw


@pytest.mark.parametrize("body", ["<html>sorry</html>", '{"status": "fine"}', "[1]"])
async def test_garbage_is_unavailable_not_empty(world: PaperWorld, body: str) -> None:
    async with garbling(world.exchange.url, "GET", "/fapi/v1/userTrades", 200, body) as relay:
        venue = await CcxtVenue.open(settings_for(relay), clock_ms=world.clock)
        with pytest.raises(VenueUnavailable):
            await venue.fills(BTC)
        await venue.close()


class TestRateLimit:
    @pytest.mark.parametrize(("status", "seconds"), [(429, 7), (418, 120)])
    async def test_nothing_is_asked_until_the_venue_s_pause_is_over(
        self, world: PaperWorld, status: int, seconds: int
    ) -> None:
        world.strike(kind=FaultKind.REFUSE, code=-1003, status=status, retry_after_s=seconds)
        first = await world.venue.place(market("limited", "0.01"))
        asked = world.requests("POST /fapi/v1/order")
        second = await world.venue.place(market("limited", "0.01"))
        assert isinstance(first, Refused)
        assert isinstance(second, Refused)
        assert first.code == second.code == "rate_limited"
        assert f"retry after {seconds * 1000} ms" in first.reason
        assert world.requests("POST /fapi/v1/order") == asked
        world.clock.lead_ms += seconds * 1000
        await world.venue.sync_clock()
        assert isinstance(await world.venue.place(market("limited", "0.01")), Accepted)

    async def test_a_question_says_how_long_to_wait(self, world: PaperWorld) -> None:
        world.strike(method="GET", path="/fapi/v3/positionRisk", kind=FaultKind.REFUSE, code=-1003, status=429)
        with pytest.raises(VenueRateLimited) as caught:
            await world.venue.positions()
        assert 0 < caught.value.retry_after_ms <= 1000 * world.venue.settings.default_retry_after_s
        with pytest.raises(VenueRateLimited):
            await world.venue.find(BTC, "any")

    async def test_a_cancel_is_unknown_meanwhile_since_refused_would_mean_ended(self, world: PaperWorld) -> None:
        await world.venue.place(limit("open", "0.01", "50000"))
        world.strike(method="DELETE", kind=FaultKind.REFUSE, code=-1003, status=429, retry_after_s=5)
        assert isinstance(await world.venue.cancel(BTC, "open"), Unknown)
        assert isinstance(await world.venue.cancel(BTC, "open"), Unknown)

    async def test_the_bound_of_the_client_lets_a_burst_through_at_once(self, world: PaperWorld) -> None:
        async with asyncio.timeout(2):
            outcomes = await asyncio.gather(*(world.venue.place(limit(f"b-{n}", "0.01", "50000")) for n in range(100)))
        assert all(isinstance(outcome, Accepted) for outcome in outcomes)


class TestClock:
    async def test_a_clock_that_went_astray_is_set_and_the_order_can_be_sent_again(self, world: PaperWorld) -> None:
        world.clock.lead_ms = 60_000
        refused = await world.venue.place(market("early", "0.01"))
        assert isinstance(refused, Refused)
        assert refused.code == "clock"
        assert isinstance(await world.venue.place(market("early", "0.01")), Accepted)

    async def test_a_time_that_is_asked_is_the_venue_s(self, world: PaperWorld) -> None:
        world.clock.lead_ms = -3_600_000
        assert abs(await world.venue.sync_clock() - 3_600_000) < 1_000
        missing = await world.venue.find(BTC, "none")
        assert isinstance(missing, NotFound)
        assert abs(missing.at_ms - world.exchange.clock.now_ms()) < 1_000

    async def test_a_request_older_than_its_lifetime_is_not_taken(self) -> None:
        async with paper_world(recv_window_ms=100) as world:
            assert world.venue.request_lifetime_ms == 1_100
            world.clock.lead_ms = -world.venue.request_lifetime_ms
            refused = await world.venue.place(market("old", "0.01"))
            assert isinstance(refused, Refused)
            assert isinstance(await world.venue.find(BTC, "old"), NotFound)


@pytest.mark.parametrize(("code", "status"), [(-1001, 500), (-1022, 400), (-1021, 400), (-2015, 401)])
async def test_a_cancel_that_failed_otherwise_is_unknown(world: PaperWorld, code: int, status: int) -> None:
    await world.venue.place(limit("stays", "0.01", "50000"))
    world.strike(method="DELETE", kind=FaultKind.REFUSE, code=code, status=status)
    assert isinstance(await world.venue.cancel(BTC, "stays"), Unknown)


async def test_a_symbol_the_venue_does_not_list_is_refused_without_a_request() -> None:
    async with paper_world(symbols=(BTC, "NOPEUSDT")) as world:
        outcome: Any = await world.venue.place(market("nope", "1", symbol="NOPEUSDT"))
        assert (type(outcome), outcome.code) == (Refused, "invalid")
        assert world.requests("POST /fapi/v1/order") == 0
        assert (await world.venue.rules()).keys() == {BTC}
        with pytest.raises(VenueUnavailable):
            await world.venue.find("NOPEUSDT", "nope")
