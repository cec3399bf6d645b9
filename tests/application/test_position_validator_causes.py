"""Why the sides differ: the first event on which they part, the likely cause, the stake, and the command to repair."""

import msgspec
import pytest
from deciding_world import in_block
from fake_venue import BTC
from validating_world import Watched, agreeing, facts_of, hold, on_chain, trade

from hedger.domain import chain_facts
from hedger.domain.mismatch import Cause, Finding, MismatchFound
from hedger.domain.quote.events import OrderFilled
from hedger.domain.repairs import RepairKind, RepairProposed
from hedger.domain.terms import QuoteStatus, Side
from tests.domain.given import TRADER, Chain, accepted_order, ended, filled, wad


async def with_missed_close(at: int = 150) -> tuple[Watched, chain_facts.CloseRequested]:
    """The chain tells of a close request that was never recorded."""
    watched, chain = await agreeing(), Chain()
    chain.block = at
    missed = chain.close_requested()
    watched.history.facts.append(missed)
    watched.views.quotes[7] = on_chain(status=QuoteStatus.CLOSE_PENDING)
    watched.world.board.head = msgspec.structs.replace(watched.world.board.head, number=400)
    return watched, missed


# --- the chain against the log


async def test_a_missed_log_is_named_with_its_block_and_place() -> None:
    watched, missed = await with_missed_close()
    found = await watched.found()
    assert (found.explanation.cause, found.symbol) == (Cause.MISSED_LOG, BTC)
    since = found.explanation.since
    assert since is not None
    assert (since.finding, since.event) == (Finding.MISSING, "CloseRequested.1")
    assert (since.block_number, since.block_hash, since.log_index) == (151, missed.source.block_hash, 0)
    assert found.explanation.repair == "hedger repair 7 logs --blocks 151-151"


async def test_what_is_missing_is_placed_behind_the_last_fact_recorded_before_it() -> None:
    watched, _ = await with_missed_close()
    opened = watched.world.recorded(chain_facts.PositionOpened)
    since = (await watched.found()).explanation.since
    assert since is not None
    assert since.log_position == opened.position


async def test_the_gap_is_halved_and_one_block_is_read() -> None:
    watched, _ = await with_missed_close()
    await watched.found()
    assert watched.history.read == 1
    assert watched.history.asked < 30


async def test_where_old_state_is_pruned_the_logs_are_read() -> None:
    watched, missed = await with_missed_close()
    watched.history.is_pruned = True
    found = await watched.found()
    assert found.explanation.cause is Cause.MISSED_LOG
    assert found.explanation.since is not None
    assert found.explanation.since.block_number == missed.source.block_number


async def test_the_first_of_two_missed_logs_is_named() -> None:
    watched, first = await with_missed_close()
    chain = Chain()
    chain.block = 200
    watched.history.facts.append(chain.close_filled("10"))
    watched.views.quotes.clear()
    await watched.validator.look_and_record()
    [found] = [e for e in await watched.recorded(1) if isinstance(e, MismatchFound) and e.subject == "7"]
    assert found.explanation.since is not None
    assert found.explanation.since.block_number == first.source.block_number


async def test_a_fact_of_a_block_that_left_the_chain_is_a_reorganisation() -> None:
    watched = await agreeing()
    opened = watched.world.recorded(chain_facts.PositionOpened)
    fact = opened.event
    assert isinstance(fact, chain_facts.PositionOpened)
    watched.history.facts[-1] = in_block(msgspec.structs.replace(fact, price=wad("100.4")), "0xother")
    watched.views.quotes[7] = on_chain(price=wad("100.4"))
    found = await watched.found()
    assert found.explanation.cause is Cause.REORGANISATION
    assert found.explanation.since is not None
    assert (found.explanation.since.finding, found.explanation.since.log_position) == (
        Finding.ORPHANED,
        opened.position,
    )
    assert found.explanation.since.block_number == fact.source.block_number


async def test_a_fact_that_no_log_of_its_block_tells_is_extra() -> None:
    watched = await agreeing()
    opened = watched.world.recorded(chain_facts.PositionOpened)
    told = watched.history.facts[-1]
    elsewhere = msgspec.structs.replace(told.source, log_index=9)
    watched.history.facts[-1] = msgspec.structs.replace(told, quote_id=8, source=elsewhere)
    watched.views.quotes[7] = on_chain(status=QuoteStatus.LOCKED)
    since = (await watched.found()).explanation.since
    assert since is not None
    assert (since.finding, since.log_position) == (Finding.EXTRA, opened.position)


async def test_where_told_and_recorded_are_alike_the_event_that_is_read_otherwise_is_named() -> None:
    watched = await agreeing()
    watched.views.quotes[7] = on_chain(price=wad("100.6"))
    watched.history.price_is = wad("100.6")
    found = await watched.found()
    assert (found.explanation.cause, found.explanation.repair) == (Cause.UNKNOWN, "")
    assert found.explanation.since is not None
    assert found.explanation.since.finding is Finding.READ_OTHERWISE


async def test_a_missed_allocation_is_named_with_its_block() -> None:
    watched, chain = await agreeing(), Chain()
    watched.party_as = [TRADER]
    chain.block = 200
    told, missed = chain.allocation("100"), chain.allocation("25")
    await watched.world.told(told)
    watched.world.board.head = msgspec.structs.replace(watched.world.board.head, number=400)
    watched.history.facts += [told, missed]
    watched.views.allocated[TRADER] = wad(125)
    found = await watched.found()
    assert (found.explanation.cause, found.explanation.at_stake, found.symbol) == (Cause.MISSED_LOG, wad(25), "")
    assert found.explanation.repair == f"hedger repair {TRADER} logs --blocks 202-202"


# --- the venue against the log


async def test_a_foreign_trade_is_named() -> None:
    watched = await agreeing()
    hold(watched.world.venue, "12")
    watched.world.venue.trades[""] = [trade(5, "2")]
    found = await watched.found()
    assert found.explanation.cause is Cause.FOREIGN_TRADE
    assert found.explanation.since is not None
    assert (found.explanation.since.finding, found.explanation.since.trade_id) == (Finding.FOREIGN, f"{BTC}:5")
    assert (found.explanation.at_stake, found.explanation.repair) == (wad(200), f"hedger repair {BTC} close")


async def test_a_trade_of_an_order_of_ours_that_is_not_recorded_is_a_late_fill() -> None:
    watched = await with_unrecorded_fill("4")
    found = await watched.found()
    assert found.explanation.cause is Cause.LATE_FILL
    assert found.explanation.since is not None
    assert found.explanation.since.finding is Finding.MISSING
    assert found.explanation.repair == f"hedger repair {BTC} fills"


async def with_unrecorded_fill(quantity: str) -> Watched:
    """The close order of 10 has executed a part at the venue that nobody has told."""
    watched, chain = await agreeing(), Chain()
    chain.block = 300
    await watched.world.told(chain.close_requested())
    watched.history.facts = facts_of(watched)
    await watched.world.reported(accepted_order("t-7-c1"))
    watched.views.quotes[7] = on_chain(status=QuoteStatus.CLOSE_PENDING)
    watched.world.venue.trades[""] = [trade(9, quantity, Side.SELL, order="vt-7-c1")]
    watched.world.venue.held = {BTC: wad(10) - wad(quantity)}
    return watched


async def test_an_unrecorded_trade_beyond_what_its_order_asked_is_an_over_fill() -> None:
    watched = await with_unrecorded_fill("11")
    explained = (await watched.validator.look()).explanations[f"position:{BTC}"]
    assert explained.cause is Cause.OVER_FILL
    assert explained.repair == f"hedger repair {BTC} fills"


async def test_a_recorded_fill_beyond_what_its_order_asked_explains_the_exposure() -> None:
    watched, chain = await agreeing(), Chain()
    over = _at(filled("t-7-o1", "1", trade="2"), 60_000)
    await watched.world.reported(over)
    watched.world.book.note(await watched.world.ledger.quote(7))
    chain.block = 300
    watched.world.venue.held = {BTC: wad(11)}
    watched.world.venue.trades[""] = []
    verdict = await watched.validator.look()
    quote = await watched.world.quote()
    assert quote.hedge.quantity == wad(11)
    row = verdict.row(BTC)
    assert row is not None
    trades = await watched.looker.seen(await watched.validator.known(), trades_of=[BTC])
    divergence = trades.trades[BTC].first_divergence()
    assert divergence is not None
    assert divergence[0] is Cause.OVER_FILL
    assert divergence[1].log_position == watched.world.recorded(OrderFilled).position


def _at(fact: OrderFilled, at_ms: int) -> OrderFilled:
    return msgspec.structs.replace(fact, traded_at_ms=at_ms)


async def test_a_recorded_fill_that_the_venue_does_not_tell_is_named() -> None:
    watched = await agreeing()
    await watched.world.reported(_at(filled("t-7-o1", "1", trade="2"), 60_000))
    orphan = watched.world.recorded(OrderFilled)
    watched.world.venue.trades[""] = [trade(8, "1", order="vt-7-o1", at_ms=90_000)]
    known = await watched.validator.known()
    seen = await watched.looker.seen(known, trades_of=[BTC])
    divergence = seen.trades[BTC].first_divergence()
    assert divergence is not None
    assert (divergence[1].finding, divergence[1].log_position) == (Finding.EXTRA, orphan.position)


async def test_a_difference_that_nothing_explains_may_be_accepted_by_a_person() -> None:
    watched = await agreeing()
    hold(watched.world.venue, "10.5")
    found = await watched.found()
    assert (found.explanation.cause, found.explanation.since) == (Cause.UNKNOWN, None)
    assert found.explanation.repair == f"hedger repair {BTC} accept"
    proposed = watched.world.recorded(RepairProposed).event
    assert isinstance(proposed, RepairProposed)
    assert (proposed.plan.kind, proposed.plan.quantity) == (RepairKind.ACCEPT, wad("0.5"))


async def test_an_exposure_that_follows_from_a_quote_takes_the_quotes_cause() -> None:
    watched, missed = await with_missed_close()
    chain = Chain()
    chain.block = 160
    watched.history.facts.append(chain.close_filled("10"))
    watched.views.quotes.clear()
    found = [event for event in await watched.recorded() if isinstance(event, MismatchFound)]
    assert [(each.kind.value, each.explanation.cause) for each in found] == [
        ("quote", Cause.MISSED_LOG),
        ("exposure", Cause.MISSED_LOG),
    ]
    assert found[1].explanation.at_stake == wad(1000)
    assert found[1].explanation.since == found[0].explanation.since
    assert missed.source.block_number == 151


@pytest.mark.parametrize(
    ("view", "at_stake"),
    [
        (on_chain(quantity=wad(4)), wad(600)),
        (on_chain(price=wad("100.6")), wad(1)),
        (on_chain(status=QuoteStatus.CLOSE_PENDING), wad(1000)),
    ],
    ids=["another quantity", "another price", "another state"],
)
async def test_at_stake_is_the_notional_of_what_differs(view, at_stake: int) -> None:  # type: ignore[no-untyped-def]
    watched = await agreeing()
    watched.views.quotes[7] = view
    verdict = await watched.validator.look()
    assert verdict.explanations["quote:7"].at_stake == at_stake


# --- while an outcome is awaited


async def test_while_an_orders_outcome_is_not_known_the_venues_position_is_no_mismatch() -> None:
    watched, chain = await agreeing(), Chain()
    chain.block = 300
    await watched.world.told(chain.close_requested())
    watched.history.facts = facts_of(watched)
    watched.views.quotes[7] = on_chain(status=QuoteStatus.CLOSE_PENDING)
    hold(watched.world.venue, "6")  # the order that was just asked for has traded already
    assert await watched.told(looks=3) == []
    head = watched.world.board.head
    assert head is not None
    watched.world.board.head = msgspec.structs.replace(head, timestamp=head.timestamp + 61)
    assert await watched.told() == [("position", BTC)]


async def test_what_cannot_be_told_while_an_order_is_under_way_is_not_resolved_by_it() -> None:
    watched, chain = await agreeing(), Chain()
    hold(watched.world.venue, "10.5")
    await watched.told()
    chain.block = 300
    await watched.world.told(chain.close_requested())
    watched.history.facts = facts_of(watched)
    watched.views.quotes[7] = on_chain(status=QuoteStatus.CLOSE_PENDING)
    assert await watched.told() == []
    await watched.world.reported(ended("t-7-c1", "0", "canceled"))
    watched.views.quotes[7] = on_chain(status=QuoteStatus.CLOSE_PENDING)
    assert f"position:{BTC}" in (await watched.validator.known()).open


async def test_a_difference_names_the_same_place_after_a_restart() -> None:
    watched, _ = await with_missed_close()
    before = await watched.found()
    again = Watched(watched.world.restarted())
    await again.world.healer.restore([7])
    again.views.quotes, again.history.facts = watched.views.quotes, watched.history.facts
    again.world.board.head = watched.world.board.head
    again.world.venue.held = watched.world.venue.held
    after = (await again.validator.look()).explanations["quote:7"]
    assert after == before.explanation
