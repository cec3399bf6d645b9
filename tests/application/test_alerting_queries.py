"""Levels of the read models, from recorded histories in a real database."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal

import pytest

from hedger.adapters.log.codec import EventCodec
from hedger.adapters.log.port import Change
from hedger.adapters.log.postgres_log import PostgresEventLog
from hedger.adapters.postgres import Pool, open_pool
from hedger.adapters.venue.port import Market
from hedger.application.alerting_queries import QueriedLevels
from hedger.application.inputs import Board
from hedger.domain import chain_facts as facts
from hedger.domain.alerts.watch import Look
from hedger.domain.catalogue import ALL_EVENTS
from hedger.domain.feed import BlockRef
from hedger.domain.money import WAD
from hedger.domain.quote import events
from hedger.domain.terms import CallKind, Leg, OrderType
from hedger.domain.transactions import Call, TransactionRequested
from hedger.projections.catalogue import all_projections
from hedger.projections.engine import Projector
from tests.projections.histories import ALICE, US, History

RECORDED_AT_MS = 1_760_000_000_000


class Told:
    """The levels of one history, at prices and times set by hand."""

    def __init__(self, pool: Pool, levels: QueriedLevels, board: Board, clock: list[int], history: History) -> None:
        self.pool, self.levels, self.board, self.clock, self.history = pool, levels, board, clock, history
        board.head = BlockRef(number=history.block, hash="0x1", parent_hash="0x0", timestamp=history.now)

    def price(self, mark: int, symbol: str = "BTCUSDT") -> None:
        self.board.take(
            Market(
                symbol=symbol,
                bid=mark * WAD,
                ask=mark * WAD,
                mark=mark * WAD,
                funding_rate=0,
                next_funding_at_ms=0,
                at_ms=self.history.now * 1000,
            )
        )


@asynccontextmanager
async def levels_of(url: str, history: History) -> AsyncIterator[Told]:
    log = await PostgresEventLog.open(url, EventCodec(ALL_EVENTS), lambda: RECORDED_AT_MS)
    pool = await open_pool(url)
    try:
        for each in history.recorded:
            change = Change(aggregate_id=each.aggregate_id, expected_version=each.version - 1, events=(each.event,))
            await log.append([change], correlation_id="test", causation_id="test")
        await Projector(log, pool, all_projections(US)).catch_up()
        clock = [RECORDED_AT_MS]
        board = Board(lambda: clock[0])
        yield Told(pool, QueriedLevels(pool, board, log.head, clock_ms=lambda: clock[0]), board, clock, history)
    finally:
        await pool.close()
        await log.close()


def values(look: Look | None) -> dict[str, Decimal | None]:
    assert look is not None
    return {subject: reading.value for subject, reading in look.items()}


def opened(history: History, quote_id: int = 1, *, hedged: int = 2) -> None:
    """A long of 2 at 100, `hedged` of it held at the venue."""
    history.protocol()
    history.sent(quote_id)
    history.judged(quote_id)
    history.locked(quote_id)
    history.ordered(quote_id, Leg.OPEN, 2 * WAD, [(hedged * WAD, 100 * WAD)])
    history.allocated(ALICE, 35 * WAD)
    history.quote(
        quote_id,
        facts.PositionOpened(
            source=history.source(),
            quote_id=quote_id,
            party_a=ALICE,
            party_b=US,
            quantity=2 * WAD,
            price=100 * WAD,
        ),
    )


async def test_exposure_is_told_in_collateral_at_the_mark_and_unknown_without_one(postgres_url: str) -> None:
    history = History()
    opened(history, hedged=1)
    async with levels_of(postgres_url, history) as told:
        assert values(await told.levels.exposure()) == {"BTCUSDT": None}
        told.price(110)
        look = await told.levels.exposure()
        assert values(look) == {"BTCUSDT": 110}
        assert look["BTCUSDT"].detail == "Open on chain 2, held at the venue 1"


async def test_a_residual_ages_from_the_first_look_that_saw_it(postgres_url: str) -> None:
    history = History()
    opened(history, hedged=1)
    async with levels_of(postgres_url, history) as told:
        assert values(await told.levels.residual_age()) == {"BTCUSDT": None}
        told.clock[0] += 7_500
        assert values(await told.levels.residual_age()) == {"BTCUSDT": Decimal("7.5")}


async def test_a_whole_hedge_leaves_no_exposure_and_no_residual(postgres_url: str) -> None:
    history = History()
    opened(history)
    async with levels_of(postgres_url, history) as told:
        assert values(await told.levels.exposure()) == {"BTCUSDT": 0}
        assert values(await told.levels.residual_age()) == {"BTCUSDT": 0}


async def test_the_distance_from_liquidation_moves_with_the_mark(postgres_url: str) -> None:
    history = History()
    opened(history)
    async with levels_of(postgres_url, history) as told:
        assert values(await told.levels.liquidation()) == {ALICE: None}
        told.price(100)
        assert values(await told.levels.liquidation()) == {ALICE: Decimal("0.15")}  # (35 - 3 - 2) / 200
        told.price(125)
        assert values(await told.levels.liquidation()) == {ALICE: Decimal("-0.08")}  # (30 - 50) / 250


def close_asked(history: History, *, order_type: OrderType, price: int = 120) -> None:
    history.quote(
        1,
        facts.CloseRequested(
            source=history.source(),
            quote_id=1,
            party_a=ALICE,
            party_b=US,
            quantity=2 * WAD,
            price=price * WAD,
            order_type=order_type,
            deadline=history.now + 90,
            close_id=1,
        ),
    )


async def test_time_left_is_counted_by_the_clock_of_the_chain(postgres_url: str) -> None:
    history = History()
    opened(history)
    close_asked(history, order_type=OrderType.MARKET)
    async with levels_of(postgres_url, history) as told:
        look = await told.levels.obligation()
        assert values(look) == {"quote 1": 90}
        assert look is not None
        assert look["quote 1"].detail == "close, with 200 of notional at stake"
        told.board.head = None
        assert await told.levels.obligation() is None


async def test_a_limit_close_is_owed_only_once_its_price_was_reached(postgres_url: str) -> None:
    history = History()
    opened(history)
    close_asked(history, order_type=OrderType.LIMIT)
    async with levels_of(postgres_url, history) as told:
        assert values(await told.levels.obligation()) == {"quote 1": None}
        told.price(119)
        assert values(await told.levels.obligation()) == {}
        told.price(120)
        reached = values(await told.levels.obligation())
        assert reached["quote 1"] is not None
        told.price(119)  # it may still be forced for having been reached
        assert values(await told.levels.obligation()) == reached


async def test_a_transaction_ages_until_its_outcome_is_known(postgres_url: str) -> None:
    history = History()
    opened(history)
    history.quote(
        1,
        events.Decided(policy="v1", rule="close it", inputs=history.inputs()),
        TransactionRequested(
            request_id="h-1-fill_close-1",
            party_a=ALICE,
            symbol_id=1,
            call=Call(kind=CallKind.FILL_CLOSE),
            valid_until=history.now + 60,
            requested_at=history.now - 42,
        ),
    )
    async with levels_of(postgres_url, history) as told:
        look = await told.levels.transaction()
        assert values(look) == {"h-1-fill_close-1": 42}
        assert look is not None
        assert look["h-1-fill_close-1"].detail == "It is not signed"


async def test_mismatches_are_told_while_they_are_open(postgres_url: str) -> None:
    history = History()
    history.mismatch("BTCUSDT")
    history.mismatch("ETHUSDT")
    history.mismatch("ETHUSDT", resolved=True)
    async with levels_of(postgres_url, history) as told:
        look = await told.levels.mismatch()
        assert values(look) == {"exposure BTCUSDT": 1}
        assert look["exposure BTCUSDT"].detail == "Chain: 1; venue: 0.5; log: 1"


async def test_rejected_inputs_count_for_ten_minutes(postgres_url: str) -> None:
    history = History()
    history.rejected_input("0xzz")
    history.rejected_input("0xyy")
    async with levels_of(postgres_url, history) as told:
        told.clock[0] += 599_000
        assert values(await told.levels.rejected_input()) == {"inputs": 2}
        told.clock[0] += 2_000
        assert values(await told.levels.rejected_input()) == {"inputs": 0}


async def test_a_parked_read_model_is_told_as_parked_and_not_as_lagging(postgres_url: str) -> None:
    history = History()
    opened(history)
    async with levels_of(postgres_url, history) as told:
        async with told.pool.connection() as connection:
            await connection.execute(
                "UPDATE projection_positions SET position = 3, parked_at = 4, error = 'cannot' WHERE name = 'quotes'"
            )
            await connection.execute("UPDATE projection_positions SET position = 5 WHERE name = 'accounts'")
        lag, parked = values(await told.levels.projection_lag()), values(await told.levels.projection_parked())
        assert (lag["quotes"], lag["accounts"], lag["mismatches"]) == (None, len(history.recorded) - 5, 0)
        assert (parked["quotes"], parked["accounts"]) == (1, 0)


async def test_without_read_models_nothing_is_known(postgres_url: str) -> None:
    pool = await open_pool(postgres_url)
    board = Board(lambda: 0)

    async def head() -> int:
        return 0

    with pytest.raises(Exception, match="does not exist"):
        await QueriedLevels(pool, board, head, clock_ms=lambda: 0).exposure()
    await pool.close()
