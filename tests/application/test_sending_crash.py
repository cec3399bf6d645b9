"""The process dies between any two of requested, signed, broadcast, mined and reported: one nonce, one outcome."""

from collections.abc import AsyncIterator

import pytest
from memory_log import Crash, DyingLog, MemoryLog
from sending_world import ALLOCATION, Hedger, SendingWorld, sending_world

from hedger.adapters.log.codec import EventCodec
from hedger.adapters.log.port import EventLog
from hedger.adapters.log.postgres_log import PostgresEventLog
from hedger.domain.catalogue import ALL_EVENTS
from hedger.domain.events import Event
from hedger.domain.terms import CallKind, QuoteStatus
from hedger.domain.transactions import Call, TransactionSucceeded
from hedger.domain.wallet import TransactionBroadcast, TransactionMined, TransactionSigned

LOCK = Call(kind=CallKind.LOCK, allocate=ALLOCATION)
MOMENTS = [
    pytest.param(kind, after, id=f"{'after' if after else 'before'} {kind.__name__}")
    for kind in (TransactionSigned, TransactionBroadcast, TransactionMined)
    for after in (False, True)
]


@pytest.fixture(scope="module")
async def world() -> AsyncIterator[SendingWorld]:
    async with sending_world() as world:
        yield world


async def dies_and_starts_again(
    world: SendingWorld, log: EventLog, kind: type[Event], *, after: bool, nth: int = 1, plain: bool = False
) -> tuple[Hedger, int]:
    """A lock whose process dies at one event and is told again to the next process; the nonces that were used."""
    dying = world.hedger(plain=plain, log=DyingLog(log, kind, after=after, nth=nth))  # type: ignore[arg-type]
    trader, before = await world.trader(), await dying.used_nonces()
    quote_id = await world.intent(trader)
    message = await dying.requested(quote_id, trader.party_a, LOCK)
    with pytest.raises(Crash):
        await dying.outcome(message)
    next_life = dying.restarted(log=log)
    await next_life.sender.recover()
    await next_life.sender.handle("key", message)
    assert (await trader.quote(quote_id)).status is QuoteStatus.LOCKED
    assert await world.allocated(next_life, trader) == ALLOCATION
    return next_life, await next_life.used_nonces() - before


@pytest.mark.parametrize(("kind", "after"), MOMENTS)
async def test_a_request_gets_one_nonce_whenever_the_process_dies(
    world: SendingWorld, kind: type[Event], after: bool
) -> None:
    hedger, nonces = await dies_and_starts_again(world, MemoryLog(), kind, after=after)
    assert nonces == 1
    assert [type(fact) for fact in hedger.reported] == [TransactionSucceeded]
    assert (await hedger.wallet()).unmined == []


@pytest.mark.parametrize("nth", [1, 2])
@pytest.mark.parametrize(("kind", "after"), MOMENTS)
async def test_a_plain_key_allocates_once_and_locks_once_whenever_the_process_dies(
    world: SendingWorld, kind: type[Event], after: bool, nth: int
) -> None:
    hedger, nonces = await dies_and_starts_again(world, MemoryLog(), kind, after=after, nth=nth, plain=True)
    assert nonces == 2
    assert [type(fact) for fact in hedger.reported] == [TransactionSucceeded]


async def test_an_outcome_that_was_not_acknowledged_is_reported_again_and_alike(world: SendingWorld) -> None:
    hedger, trader = world.hedger(), await world.trader()
    message = await hedger.requested(await world.intent(trader), trader.party_a, LOCK)
    before = await hedger.used_nonces()
    first = await hedger.outcome(message)
    assert await hedger.restarted().outcome(message) == first
    assert await hedger.used_nonces() == before + 1


async def test_an_outcome_that_was_never_published_is_published_after_the_restart(world: SendingWorld) -> None:
    hedger, trader = world.hedger(), await world.trader()
    message = await hedger.requested(await world.intent(trader), trader.party_a, LOCK)

    async def dies(topic: str, key: str, content: object) -> None:
        raise Crash

    hedger.streams.publish = dies  # type: ignore[method-assign, assignment]
    with pytest.raises(Crash):
        await hedger.outcome(message)
    assert isinstance(await hedger.restarted().outcome(message), TransactionSucceeded)


@pytest.mark.parametrize("after", [False, True])
async def test_the_same_holds_over_a_real_database(world: SendingWorld, postgres_url: str, after: bool) -> None:
    log = await PostgresEventLog.open(postgres_url, EventCodec(ALL_EVENTS), clock_ms=lambda: 0)
    try:
        _, nonces = await dies_and_starts_again(world, log, TransactionBroadcast, after=after)
        assert nonces == 1
    finally:
        await log.close()
