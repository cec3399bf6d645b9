"""Repairs: proposed with reasons and bounds, run when configured or confirmed, each outcome recorded."""

import msgspec
import pytest
from deciding_world import in_block
from fake_venue import BTC, LIFETIME_MS, report
from validating_world import Watched, agreeing, facts_of, hold, on_chain, propose, run_within, trade

from hedger.adapters.chain.rpc import RpcUnavailable
from hedger.adapters.venue.port import Refused, Unknown
from hedger.application.position_validator import Settings
from hedger.application.validation.asking import NothingToRepair, asked
from hedger.domain import chain_facts
from hedger.domain.events import Event
from hedger.domain.foreign import ForeignPositionAccepted, ForeignTradeFound
from hedger.domain.quote.events import OrderFilled
from hedger.domain.reconciliation import Reconciliation
from hedger.domain.repairs import RepairConfirmed, RepairFailed, RepairKind, RepairProposed, RepairRun
from hedger.domain.terms import OrderType, QuoteStatus, Side, TradingState
from tests.domain.given import Chain, accepted_order, wad


async def with_missed_close(settings: Settings | None = None) -> Watched:
    watched, chain = await agreeing(settings), Chain()
    chain.block = 150
    watched.history.facts.append(chain.close_requested())
    watched.views.quotes[7] = on_chain(status=QuoteStatus.CLOSE_PENDING)
    watched.world.board.head = msgspec.structs.replace(watched.world.board.head, number=400)
    return watched


async def with_foreign(settings: Settings | None = None, quantity: str = "2") -> Watched:
    watched = await agreeing(settings)
    watched.world.venue.held = {BTC: wad(10) + wad(quantity)}
    watched.world.venue.trades[""] = [trade(5, quantity)]
    watched.world.now_ms += LIFETIME_MS + 1_000  # no request of a former process can be under way any more
    return watched


async def word(
    watched: Watched,
    subject: str,
    kind: RepairKind | None = None,
    blocks: tuple[int, int] | None = None,
    bound: str = "1000",
) -> str:
    """A person asks, as the command does."""

    def decide(known: Reconciliation) -> list[Event]:
        told = asked(known, subject, kind, blocks, by="operator", max_notional=wad(bound))
        ids.append(told.repair_id)
        return told.events

    ids: list[str] = []
    ledger = watched.world.ledger
    known = await ledger.reconciliation()
    await ledger.change(ledger.reconciliation, known.id, decide, correlation_id="", causation_id="")
    return ids[-1]


def outcomes(watched: Watched) -> list[tuple[str, str]]:
    """Every outcome: run or failed, and what is told of it."""
    return [
        ("run", event.outcome) if isinstance(event, RepairRun) else ("failed", event.reason)
        for event in watched.world.events
        if isinstance(event, RepairRun | RepairFailed)
    ]


# --- proposed, confirmed


async def test_a_repair_is_proposed_with_its_reason_and_its_bound() -> None:
    watched = await with_missed_close(propose("5000"))
    await watched.recorded()
    proposed = watched.world.recorded(RepairProposed).event
    assert isinstance(proposed, RepairProposed)
    assert (proposed.repair_id, proposed.plan.kind, proposed.plan.subject) == ("r1", RepairKind.LOGS, "7")
    assert (proposed.plan.first_block, proposed.plan.last_block) == (151, 151)
    assert (proposed.plan.notional, proposed.max_notional) == (wad(1000), wad(5000))
    assert proposed.reason == "quote 7: missed_log since missing CloseRequested.1 in block 151, log 0"


async def test_what_is_proposed_waits_for_a_person() -> None:
    watched = await with_missed_close()
    await watched.recorded(looks=3)
    await watched.repairer.work()
    assert watched.retelling.told == []
    assert await word(watched, "7") == "r1"
    await watched.repairer.work()
    assert watched.retelling.told == [(151, 151)]
    assert outcomes(watched) == [("run", "1 facts told again, 0 blocks told to be gone")]


async def test_a_repair_within_bounds_runs_by_itself_where_it_is_configured() -> None:
    watched = await with_missed_close(run_within("1000"))
    await watched.recorded()
    assert watched.world.recorded(RepairConfirmed).event == RepairConfirmed(repair_id="r1", by="validator")
    await watched.repairer.work()
    assert watched.retelling.told == [(151, 151)]


async def test_a_repair_beyond_its_bound_does_not_run_by_itself() -> None:
    watched = await with_missed_close(run_within("999"))
    await watched.recorded()
    await watched.repairer.work()
    assert watched.retelling.told == []


async def test_a_person_cannot_run_a_repair_beyond_the_bound_either() -> None:
    watched = await with_missed_close(propose("999"))
    await watched.recorded()
    await word(watched, "7", bound="999")
    await watched.repairer.work()
    assert outcomes(watched) == [("failed", "1000 is above the bound 999")]


async def test_under_a_new_bound_a_proposal_is_made_anew() -> None:
    watched = await with_missed_close(propose("999"))
    await watched.recorded()
    assert await word(watched, "7", bound="2000") == "r2"
    await watched.repairer.work()
    assert outcomes(watched)[0][0] == "run"


async def test_a_repair_is_proposed_once() -> None:
    watched = await with_missed_close()
    await watched.recorded(looks=6)
    assert sum(isinstance(event, RepairProposed) for event in watched.world.events) == 1


async def test_a_proposal_falls_with_the_difference_it_was_for() -> None:
    watched = await with_missed_close()
    await watched.recorded()
    watched.views.quotes[7] = on_chain()
    await watched.recorded(looks=1)
    assert (await watched.validator.known()).repairs == {}
    with pytest.raises(NothingToRepair):
        await word(watched, "7")


async def test_a_confirmed_repair_is_run_after_a_restart() -> None:
    watched = await with_missed_close()
    await watched.recorded()
    await word(watched, "7")
    next_process = Watched(watched.world.restarted())
    await next_process.repairer.work()
    assert next_process.retelling.told == [(151, 151)]


async def test_a_repair_is_run_once() -> None:
    watched = await with_missed_close(run_within())
    await watched.recorded()
    for _ in range(3):
        await watched.repairer.work()
    assert watched.retelling.told == [(151, 151)]


# --- logs


async def test_blocks_that_left_the_chain_are_told_to_be_gone_before_the_others_are_told() -> None:
    watched = await agreeing(run_within())
    opened = watched.history.facts[-1]
    assert isinstance(opened, chain_facts.PositionOpened)
    watched.history.facts[-1] = in_block(msgspec.structs.replace(opened, price=wad("100.4")), "0xother")
    watched.views.quotes[7] = on_chain(price=wad("100.4"))
    await watched.recorded()
    await watched.repairer.work()
    assert watched.retelling.gone == [(opened.source.block_hash,)]
    assert watched.retelling.told[0][0] == opened.source.block_number


async def test_a_person_may_name_the_blocks() -> None:
    watched = await agreeing()
    await word(watched, "7", RepairKind.LOGS, (120, 125))
    await watched.repairer.work()
    assert watched.retelling.told == [(120, 125)]
    with pytest.raises(NothingToRepair):
        await word(watched, "7", RepairKind.LOGS)


async def test_more_blocks_than_one_repair_may_read_are_refused() -> None:
    watched = await agreeing()
    await word(watched, "7", RepairKind.LOGS, (1, 5_001))
    await watched.repairer.work()
    assert outcomes(watched) == [("failed", "between 1 and 5000 blocks can be read again")]


async def test_while_the_chain_does_not_answer_a_repair_waits_and_is_given_up_in_the_end() -> None:
    watched = await with_missed_close(run_within())
    await watched.recorded()
    watched.retelling.failing = RpcUnavailable("away")
    for _ in range(59):
        await watched.repairer.work()
    assert outcomes(watched) == []
    await watched.repairer.work()
    assert outcomes(watched) == [("failed", "no answer: away")]


# --- fills


async def with_late_fill(settings: Settings | None = None) -> Watched:
    """Of the close order of 10, 4 have executed, and nobody has told."""
    watched, chain = await agreeing(settings), Chain()
    chain.block = 300
    await watched.world.told(chain.close_requested())
    watched.history.facts = facts_of(watched)
    await watched.world.reported(accepted_order("t-7-c1"))
    watched.views.quotes[7] = on_chain(status=QuoteStatus.CLOSE_PENDING)
    watched.world.venue.trades[""] = [trade(9, "4", Side.SELL, order="vt-7-c1")]
    hold(watched.world.venue, "6")
    return watched


async def test_a_late_fill_is_told_to_whoever_records_fills() -> None:
    watched = await with_late_fill(run_within())
    await watched.recorded()
    await watched.repairer.work()
    [told] = watched.world.streams.reported
    assert isinstance(told, OrderFilled)
    assert (told.trade_id, told.client_order_id, told.quantity) == (f"{BTC}:9", "t-7-c1", wad(4))
    assert outcomes(watched) == [("run", "1 fills told again")]
    await watched.world.reported(told)
    assert await watched.told(looks=1) == [("resolved", BTC)]


async def test_fills_beyond_the_bound_are_not_told_again_whoever_asks() -> None:
    watched = await with_late_fill()
    await word(watched, BTC, RepairKind.FILLS, bound="399")
    await watched.repairer.work()
    assert outcomes(watched) == [("failed", "400 is above the bound 399")]
    assert watched.world.streams.reported == []


async def test_where_no_fill_is_missing_none_is_told() -> None:
    watched = await agreeing()
    await word(watched, BTC, RepairKind.FILLS)
    await watched.repairer.work()
    assert outcomes(watched) == [("run", "0 fills told again")]


# --- closing what is foreign


async def test_a_foreign_position_is_closed_at_the_market_by_one_order() -> None:
    watched = await with_foreign(run_within(close_foreign=True))
    await watched.recorded()
    await watched.repairer.work()
    [order] = watched.world.venue.placed
    assert (order.client_order_id, order.side, order.quantity) == ("t-x1", Side.SELL, wad(2))
    assert (order.order_type, order.reduce_only) == (OrderType.MARKET, False)
    executed(watched, "t-x1", trade(6, "2", Side.SELL, order="v-t-x1"))
    await watched.repairer.work()
    assert outcomes(watched) == [("run", "2 closed at the market")]
    closing = watched.world.recorded(ForeignTradeFound).event
    assert isinstance(closing, ForeignTradeFound)
    assert (closing.trade_id, closing.repair_id) == (f"{BTC}:6", "r1")
    assert (await watched.validator.known()).foreign == {}
    assert len(watched.world.venue.placed) == 1


def executed(watched: Watched, order_id: str, *fills) -> None:  # type: ignore[no-untyped-def]
    """The venue has executed the order whole."""
    venue = watched.world.venue
    venue.reports[order_id] = report(order_id, "filled", "2")
    venue.trades[f"v-{order_id}"] = list(fills)
    venue.trades[""] = [*venue.trades[""], *fills]
    hold(venue, "10")


async def test_a_foreign_position_is_left_alone_unless_closing_is_configured() -> None:
    watched = await with_foreign(run_within())
    await watched.recorded(looks=4)
    await watched.repairer.work()
    assert watched.world.venue.placed == []
    await word(watched, BTC, RepairKind.CLOSE)
    await watched.repairer.work()
    assert [order.quantity for order in watched.world.venue.placed] == [wad(2)]


async def test_an_order_without_an_answer_is_looked_up_and_never_placed_twice() -> None:
    watched = await with_foreign(run_within(close_foreign=True))
    await watched.recorded()
    watched.world.venue.answer = Unknown(client_order_id="t-x1", reason="no answer")
    for _ in range(3):
        await watched.repairer.work()
    assert len(watched.world.venue.placed) == 1
    executed(watched, "t-x1", trade(6, "2", Side.SELL, order="v-t-x1"))
    await watched.repairer.work()
    assert outcomes(watched)[0][0] == "run"


async def test_an_order_that_never_arrived_ends_the_repair() -> None:
    watched = await with_foreign(run_within(close_foreign=True))
    await watched.recorded()
    watched.world.venue.answer = Unknown(client_order_id="t-x1", reason="no answer")
    await watched.repairer.work()
    watched.world.now_ms += LIFETIME_MS + 1_000
    await watched.repairer.work()
    assert outcomes(watched) == [("failed", "the venue never received the order")]
    assert len(watched.world.venue.placed) == 1


async def test_after_a_restart_an_order_is_placed_only_once_none_can_be_under_way() -> None:
    watched = await with_foreign(run_within(close_foreign=True))
    await watched.recorded()
    again = Watched(watched.world.restarted())
    again.world.venue.trades[""], again.world.venue.held = watched.world.venue.trades[""], watched.world.venue.held
    await again.repairer.work()
    assert again.world.venue.placed == []
    again.world.now_ms += LIFETIME_MS + 1_000
    await again.repairer.work()
    assert len(again.world.venue.placed) == 1


async def test_a_refused_order_ends_the_repair() -> None:
    watched = await with_foreign(run_within(close_foreign=True))
    await watched.recorded()
    watched.world.venue.answer = Refused(client_order_id="t-x1", code="funds", reason="too little")
    await watched.repairer.work()
    assert outcomes(watched) == [("failed", "refused: funds too little")]


async def test_nothing_is_placed_while_trading_is_halted() -> None:
    watched = await with_foreign(run_within(close_foreign=True))
    await watched.recorded()
    await watched.world.trading_is(TradingState.HALTED)
    await watched.repairer.work()
    assert (watched.world.venue.placed, outcomes(watched)) == ([], [])


async def test_a_foreign_position_that_grew_beyond_the_bound_is_not_closed() -> None:
    watched = await with_foreign(propose("300"))
    await watched.recorded(looks=3)
    watched.world.venue.trades[""].append(trade(6, "2", at_ms=51_000))
    hold(watched.world.venue, "14")
    await watched.recorded(looks=2)
    await word(watched, BTC, RepairKind.CLOSE, bound="300")
    await watched.repairer.work()
    assert outcomes(watched) == [("failed", "400 is above the bound 300")]
    assert watched.world.venue.placed == []


# --- accepting what nobody explains


async def test_what_nobody_explains_is_taken_for_foreign_by_a_person_alone() -> None:
    watched = await agreeing(run_within())
    hold(watched.world.venue, "10.5")
    await watched.recorded(looks=3)
    await watched.repairer.work()
    assert outcomes(watched) == []
    await word(watched, BTC, RepairKind.ACCEPT)
    await watched.repairer.work()
    accepted = watched.world.recorded(ForeignPositionAccepted).event
    assert isinstance(accepted, ForeignPositionAccepted)
    assert (accepted.quantity, accepted.by) == (wad("0.5"), "operator")
    await watched.recorded(looks=1)
    assert (await watched.validator.look()).agrees
    assert (await watched.world.ledger.trading()).of(BTC) is TradingState.ACTIVE


async def test_only_the_difference_that_was_seen_is_accepted() -> None:
    watched = await agreeing()
    hold(watched.world.venue, "10.5")
    await watched.recorded()
    await word(watched, BTC, RepairKind.ACCEPT)
    hold(watched.world.venue, "11")
    await watched.repairer.work()
    assert outcomes(watched) == [("failed", "the difference is 1 now, not 0.5")]


async def test_there_is_nothing_to_close_or_to_accept_where_all_agree() -> None:
    watched = await agreeing()
    for kind in (RepairKind.CLOSE, RepairKind.ACCEPT, None):
        with pytest.raises(NothingToRepair):
            await word(watched, BTC, kind)
