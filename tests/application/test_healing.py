"""The healer: levels instead of triggers; a restart and a periodic pass are the same path."""

import asyncio

import msgspec
import pytest
from deciding_world import REDELIVER_AFTER_MS, World, of_quote

from hedger.adapters.chain.rpc import RpcUnavailable
from hedger.application.ledger import Draft
from hedger.domain import transactions
from hedger.domain.feed import ProtocolRead
from hedger.domain.obligations import urgency
from hedger.domain.quote import events
from hedger.domain.quote.quote import Quote
from hedger.domain.reverts import RevertAction
from hedger.domain.terms import QuoteStatus
from tests.domain.given import HEDGE_FIRST, NOW, TRADER, US, Chain, accepted_order, ended, failed, filled, succeeded

O1, LOCK = "t-7-o1", "t-7-lock-1"
PROTOCOL = ProtocolRead(
    chain_id=31337,
    block_number=1,
    upnl_valid_s=120,
    force_cancel_cooldown_s=300,
    force_cancel_close_cooldown_s=300,
    force_close_first_cooldown_s=300,
    force_close_second_cooldown_s=120,
    paused=(),
)


def told(world: World) -> list[tuple[str, bool]]:
    """Which requests were told again, and that they may have been carried out."""
    return [
        (
            getattr(each.recorded.event, "request_id", "") or getattr(each.recorded.event, "client_order_id", ""),
            each.redelivered,
        )
        for each in world.streams.logged
    ]


async def test_after_a_restart_every_outstanding_request_is_told_as_one_that_may_have_been_carried_out() -> None:
    world, sent = World(), Chain().sent()
    await world.told(sent, of_quote(sent, 8))
    next_process = world.restarted()
    await next_process.healer.restore([7, 8])
    await next_process.healer.tell_outstanding()
    assert told(next_process) == [(LOCK, True), ("t-8-lock-1", True)]


async def test_an_outstanding_cancel_is_told_too() -> None:
    world, chain = World(HEDGE_FIRST), Chain()
    await world.told(chain.sent())
    await world.reported(accepted_order(O1))
    await world.told(chain.cancel_accepted())
    await world.healer.tell_outstanding()
    [message] = world.streams.logged
    assert isinstance(message.recorded.event, events.OrderCancelRequested)


async def test_a_cancel_is_told_again_sooner_than_what_may_not_happen_twice() -> None:
    world, chain = World(HEDGE_FIRST), Chain()
    await world.told(chain.sent())
    await world.reported(accepted_order(O1))
    await world.told(chain.cancel_accepted())
    await world.healer.heal()
    world.now_ms += REDELIVER_AFTER_MS // 4 - 1
    await world.healer.heal()
    assert told(world) == []
    world.now_ms += 1
    await world.healer.heal()
    [message] = world.streams.logged
    assert isinstance(message.recorded.event, events.OrderCancelRequested)


async def test_what_has_its_outcome_is_not_told_again() -> None:
    world = World(HEDGE_FIRST)
    await world.told(Chain().sent())
    await world.reported(accepted_order(O1))
    await world.healer.tell_outstanding()
    assert told(world) == []


async def test_a_request_without_outcome_is_told_again_after_its_time_and_then_once_a_time() -> None:
    world = World()
    await world.told(Chain().sent())
    await world.healer.heal()
    world.now_ms += REDELIVER_AFTER_MS - 1
    await world.healer.heal()
    assert told(world) == []
    world.now_ms += 1
    await world.healer.heal()
    await world.healer.heal()
    assert told(world) == [(LOCK, True)]
    world.now_ms += REDELIVER_AFTER_MS
    await world.healer.heal()
    assert told(world) == [(LOCK, True), (LOCK, True)]


async def test_a_request_told_at_the_start_is_not_told_by_the_next_pass() -> None:
    world = World()
    await world.told(Chain().sent())
    await world.healer.tell_outstanding()
    await world.healer.heal()
    assert len(told(world)) == 1


async def test_a_pass_decides_what_was_missed() -> None:
    world = World()
    world.views.failing = RpcUnavailable("away")
    await world.told(Chain().sent())
    world.views.failing = None
    await world.healer.heal()
    assert world.names()[-1] == "TransactionRequested"


async def test_a_pass_over_what_is_well_records_nothing() -> None:
    world = World()
    await world.told(Chain().sent())
    before = world.names()
    for _ in range(5):
        await world.healer.heal()
    assert world.names() == before


async def test_one_quotes_trouble_does_not_keep_the_others_from_being_healed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world, sent = World(), Chain().sent()
    world.views.failing = RpcUnavailable("away")
    await world.told(sent, of_quote(sent, 8), of_quote(sent, 9))
    world.views.failing = None
    heal = world.manager.heal

    async def troubled(quote_id: int, party_a: str) -> object:
        if quote_id == 8:
            raise RuntimeError("trouble")
        return await heal(quote_id, party_a)

    monkeypatch.setattr(world.manager, "heal", troubled)
    await world.healer.heal()
    asked = [each.event for each in world.log.recorded if isinstance(each.event, transactions.TransactionRequested)]
    assert [request.request_id for request in asked] == [LOCK, "t-9-lock-1"]


async def test_a_pass_over_many_quotes_lets_others_work_in_between() -> None:
    world, sent, quotes = World(), Chain().sent(), 20
    await world.told(*(of_quote(sent, quote_id) for quote_id in range(1, quotes + 1)))
    healing, turns = asyncio.create_task(world.healer.heal()), 0
    while not healing.done():
        await asyncio.sleep(0)
        turns += 1
    assert turns >= quotes


async def test_after_a_block_only_those_are_decided_on_that_waited_for_it() -> None:
    world, chain = World(), Chain()
    sent, locked = chain.sent(), chain.locked()
    await world.told(sent, of_quote(sent, 8))
    await world.reported(succeeded(LOCK, block=locked.source.block_number))
    asked = world.views.asked
    await world.healer.heal_after_block()
    assert world.manager.awaiting_blocks == {7}
    assert world.views.asked - asked <= 1


async def test_a_transaction_mined_in_a_block_that_left_the_chain_unread_is_under_way_again() -> None:
    """Nobody tells of a reorganisation of blocks that were never read; another transaction might double this one."""
    world, chain = World(), Chain()
    await world.told(chain.sent())
    await world.reported(succeeded(LOCK, block=150))
    assert world.manager.awaiting_blocks == {7}
    head = world.board.head
    assert head is not None
    world.board.head = type(head)(number=150, hash="0x150", parent_hash="", timestamp=head.timestamp)
    await world.healer.heal_after_block()
    assert world.names()[-1] == "BlocksOrphaned"
    assert world.names().count("TransactionRequested") == 1
    assert world.manager.awaiting_blocks == set()
    await world.healer.heal()
    world.now_ms += REDELIVER_AFTER_MS
    await world.healer.heal()
    assert told(world)[-1] == (LOCK, True)


async def test_a_quote_that_has_ended_is_healed_until_its_last_transaction_is_read() -> None:
    """Lost with its block, the transaction would leave a nonce unused, and hold up every later one of the key."""
    world, chain = World(), Chain()
    await world.told(chain.sent())
    await world.reported(succeeded(LOCK, block=150))
    await world.told(chain.open_expired())
    assert world.book.live == {7: TRADER}


async def test_a_quote_that_has_ended_leaves_the_book_and_is_healed_no_more() -> None:
    world, chain = World(), Chain()
    await world.told(chain.sent(), chain.locked(by="0x" + "cc" * 20))
    await world.reported(
        transactions.TransactionFailed(
            request_id=LOCK,
            stage="simulation",
            reason="locked",
            action=RevertAction.GIVE_UP,
            block_timestamp=0,
        )
    )
    await world.told(chain.opened(by="0x" + "cc" * 20), chain.close_filled("10"))
    quote = await world.quote()
    assert quote.chain is not None
    assert quote.chain.status is QuoteStatus.CLOSED
    assert world.book.live == {}


async def test_restoring_brings_back_what_the_book_knew() -> None:
    world, sent = World(), Chain().sent()
    await world.told(sent, of_quote(sent, 8))
    next_process = world.restarted()
    await next_process.healer.restore([7, 8])
    assert next_process.book.live == world.book.live == {7: TRADER, 8: TRADER}
    quote = await world.quote()
    assert next_process.book.view(quote, world.board.mark_of) == world.book.view(quote, world.board.mark_of)


async def test_a_pass_begins_with_what_is_late_and_of_that_with_the_most_at_stake() -> None:
    world, chain = World(), Chain()
    feed = await world.ledger.feed()
    draft = Draft(feed)
    draft.add([PROTOCOL])
    await world.ledger.save([draft], correlation_id="", causation_id="")
    soon, late = chain.sent(deadline=NOW + 60), chain.sent(deadline=NOW + 30)
    large = msgspec.structs.replace(late, quantity=2 * late.quantity)
    for quote_id, sent in ((6, chain.sent()), (7, soon), (8, late), (9, large)):
        await world.told(of_quote(sent, quote_id))
        if quote_id > 6:
            await world.told(of_quote(chain.locked(), quote_id))
    healed: list[int] = []
    heal = world.manager.heal

    async def noted(quote_id: int, party_a: str) -> Quote:
        healed.append(quote_id)
        return await heal(quote_id, party_a)

    world.manager.heal = noted  # type: ignore[method-assign]
    await world.healer.heal()
    assert healed == [9, 8, 7, 6]


async def test_a_hedge_without_a_position_comes_before_everything_that_is_due() -> None:
    world, chain = World(HEDGE_FIRST), Chain()
    await world.told(chain.sent())
    await world.reported(accepted_order(O1), filled(O1, "10"), ended(O1, "10"))
    await world.reported(failed("t-7-lock_and_open-1", "PartyBFacet: Invalid state"))
    await world.told(chain.locked(by="0x" + "cc" * 20))
    quote = await world.quote()
    assert urgency(quote, US, PROTOCOL) == (0, 0)
    assert urgency(quote, US, None) == (0, 0)
