"""The relay: requests reach whoever carries them out once, in the order of the log."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

import pytest
from deciding_world import CHAIN_ID, DIAMOND, CountingLog, World, of_quote
from hypothesis import given as for_all
from hypothesis import strategies as st

from hedger.adapters.streams import topics
from hedger.application.ledger import Ledger
from hedger.application.relay import quote_of
from hedger.domain import transactions
from hedger.domain.events import Event, Recorded
from hedger.domain.quote import events
from hedger.domain.quote.quote import Quote
from hedger.domain.terms import Leg, OrderType, Side, TradingState
from hedger.domain.trading import Trading, TradingStateChanged
from tests.domain.given import TAG, TRADER, US, Chain, wad


@asynccontextmanager
async def relaying(world: World, *, after: int = 0) -> AsyncIterator[None]:
    running = asyncio.create_task(world.relay.run(world.log, after=after))
    await asyncio.sleep(0)
    try:
        yield
    finally:
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110 (what is waited for is a state of several parts)
            await asyncio.sleep(0)


def order(quote_id: int, attempt: int = 1) -> events.OrderRequested:
    return events.OrderRequested(
        client_order_id=f"{TAG}-{quote_id}-o{attempt}",
        leg=Leg.OPEN,
        symbol="BTCUSDT",
        side=Side.BUY,
        order_type=OrderType.MARKET,
        quantity=wad(1),
        limit_price=0,
        reduce_only=False,
        close_id=0,
        decision_price=wad(100),
        requested_at=0,
    )


async def save(ledger: Ledger, quote_id: int, *new: Event) -> list[Recorded]:
    aggregate_id = Quote.create_id(CHAIN_ID, DIAMOND, quote_id)
    return await ledger.change(
        lambda: ledger.quote(quote_id), aggregate_id, lambda quote: new, correlation_id="", causation_id=""
    )


def other_process(world: World) -> Ledger:
    return Ledger(world.log, chain_id=CHAIN_ID, diamond=DIAMOND, party_b=US)


async def test_a_request_is_told_keyed_by_party_a_with_its_place_in_the_log() -> None:
    world = World()
    async with relaying(world):
        await world.told(Chain().sent())
        await until(lambda: bool(world.streams.published))
    [(topic, key, _)] = world.streams.published
    [message] = world.streams.logged
    assert (topic, key) == (topics.LOG, TRADER)
    assert message.recorded == world.recorded(transactions.TransactionRequested)
    assert message.quote_id == 7
    assert not message.redelivered


async def test_facts_and_reasons_are_not_told() -> None:
    world = World()
    async with relaying(world):
        await world.told(Chain().sent())
        await until(lambda: len(world.streams.published) == 1)
        await asyncio.sleep(0.01)
    assert len(world.events) > len(world.streams.published) == 1


async def test_what_this_process_saves_is_told_once_though_it_is_read_back_too() -> None:
    world = World()
    async with relaying(world):
        for attempt in range(1, 6):
            await save(world.ledger, 7, order(7, attempt))
            await asyncio.sleep(0)
        await until(lambda: len(world.streams.logged) >= 5)
        await asyncio.sleep(0.01)
    assert [message.recorded.position for message in world.streams.logged] == [1, 2, 3, 4, 5]


async def test_what_this_process_saves_does_not_wait_for_the_log_to_be_read() -> None:
    world = World()

    class UnreadLog(CountingLog):
        async def follow(self, *, after: int, batch: int = 500) -> AsyncIterator[list[Recorded]]:
            await asyncio.Event().wait()
            yield []

    running = asyncio.create_task(world.relay.run(UnreadLog(), after=0))
    await asyncio.sleep(0)
    await save(world.ledger, 7, order(7))
    await until(lambda: len(world.streams.logged) == 1)
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running


async def test_what_follows_behind_events_of_another_process_is_told_in_its_turn() -> None:
    world = World()
    async with relaying(world):
        elsewhere = other_process(world)
        await save(elsewhere, 8, order(8))
        await save(world.ledger, 7, order(7))
        await save(elsewhere, 9, order(9))
        await until(lambda: len(world.streams.logged) == 3)
    assert [message.quote_id for message in world.streams.logged] == [8, 7, 9]


@for_all(st.lists(st.tuples(st.booleans(), st.integers(0, 3)), max_size=25))
def test_whoever_saves_and_however_it_interleaves_each_request_is_told_once_in_log_order(
    saves: list[tuple[bool, int]],
) -> None:
    async def play() -> list[int]:
        world = World()
        elsewhere = other_process(world)
        async with relaying(world):
            for quote_id, (ours, turns) in enumerate(saves, start=1):
                await save(world.ledger if ours else elsewhere, quote_id, order(quote_id))
                for _ in range(turns):
                    await asyncio.sleep(0)
            await until(lambda: len(world.streams.logged) >= len(saves))
            await asyncio.sleep(0)
        return [message.recorded.position for message in world.streams.logged]

    assert asyncio.run(play()) == list(range(1, len(saves) + 1))


async def test_requests_before_the_place_it_begins_at_are_not_told() -> None:
    world = World()
    await save(world.ledger, 7, order(7))
    await save(world.ledger, 8, order(8))
    async with relaying(world, after=1):
        await until(lambda: len(world.streams.logged) == 1)
    assert [message.quote_id for message in world.streams.logged] == [8]


async def test_started_again_it_goes_on_where_it_was() -> None:
    world = World()
    async with relaying(world):
        await save(world.ledger, 7, order(7))
        await until(lambda: len(world.streams.logged) == 1)
    await save(world.ledger, 8, order(8))
    async with relaying(world):
        await until(lambda: len(world.streams.logged) == 2)
    assert [message.quote_id for message in world.streams.logged] == [7, 8]


async def test_a_quote_that_is_not_on_the_chain_is_told_by_its_id() -> None:
    world = World()
    async with relaying(world):
        await save(world.ledger, 7, order(7))
        await until(lambda: bool(world.streams.published))
    assert [key for _, key, _ in world.streams.published] == ["quote:7"]


async def test_a_trading_state_changed_elsewhere_is_known_here_once_it_is_read() -> None:
    world = World()
    assert (await world.ledger.trading()).of("BTCUSDT") is TradingState.ACTIVE
    async with relaying(world):
        changed = TradingStateChanged(scope="*", state=TradingState.HALTED, reason="", by="operator")
        elsewhere = other_process(world)
        aggregate_id = Trading.create_id(CHAIN_ID, DIAMOND, US)
        await elsewhere.change(elsewhere.trading, aggregate_id, lambda _: [changed], correlation_id="", causation_id="")
        await save(elsewhere, 8, order(8))
        await until(lambda: bool(world.streams.logged))
    assert (await world.ledger.trading()).of("BTCUSDT") is TradingState.HALTED


async def test_a_request_told_again_says_that_it_may_have_been_carried_out() -> None:
    world = World()
    await world.told(Chain().sent())
    await world.relay.tell_again(world.recorded(transactions.TransactionRequested))
    assert [message.redelivered for message in world.streams.logged] == [True]


@pytest.mark.parametrize(
    ("event", "quote_id"),
    [
        (Chain().sent(), 7),
        (of_quote(Chain().locked(), 12), 12),
        (order(31), 31),
        (events.OrderCancelRequested(client_order_id="other-31-o1", reason=""), 0),
        (TradingStateChanged(scope="*", state=TradingState.ACTIVE, reason="", by=""), 0),
    ],
)
def test_an_event_names_the_quote_it_is_about(event: Event, quote_id: int) -> None:
    assert quote_of(event, TAG) == quote_id
