"""The position validator: chain, venue and log side by side; only what stays is told, and told once."""

from collections.abc import Callable

import pytest
from deciding_world import of_quote
from fake_venue import BTC
from validating_world import Watched, agreeing, hold, on_chain

from hedger.adapters.chain.rpc import RpcUnavailable
from hedger.adapters.venue.port import VenueUnavailable
from hedger.domain.mismatch import MismatchFound, MismatchKind
from hedger.domain.terms import PositionType, QuoteStatus
from tests.domain.given import TRADER, Chain, accepted_order, filled, wad

# --- agreement


async def test_where_all_three_agree_nothing_is_told() -> None:
    watched = await agreeing()
    assert await watched.told(looks=3) == []
    verdict = await watched.validator.look()
    assert verdict.agrees
    assert (verdict.quotes_compared, verdict.live_quotes) == (1, 1)
    [row] = verdict.symbols
    assert (row.chain_open, row.venue_position, row.log_open, row.log_hedge) == (wad(10),) * 4
    assert row.residual == 0


async def test_longs_and_shorts_of_a_symbol_net() -> None:
    watched = await agreeing()
    watched.views.quotes[8] = on_chain(8, quantity=wad(4), position=PositionType.SHORT)
    [row] = (await watched.validator.look()).symbols
    assert row.chain_open == wad(6)


# --- each kind of mismatch


async def test_a_quote_that_the_contract_has_otherwise_is_told() -> None:
    watched = await agreeing()
    watched.views.quotes[7] = on_chain(price=wad("100.6"))
    assert await watched.told() == [("quote", "7")]
    found = watched.world.recorded(MismatchFound).event
    assert isinstance(found, MismatchFound)
    assert (found.chain, found.log) == ("OPENED 10 at 100.6", "OPENED 10 at 100.5")


async def test_a_quote_that_the_contract_has_and_the_log_does_not_is_told() -> None:
    watched = await agreeing()
    watched.views.quotes[8] = on_chain(8, status=QuoteStatus.LOCKED)
    assert await watched.told() == [("quote", "8")]


async def test_a_quote_that_the_contract_no_longer_has_is_told_with_what_hangs_on_it() -> None:
    watched = await agreeing()
    watched.views.quotes.clear()
    assert await watched.told() == [("quote", "7"), ("exposure", BTC)]


async def test_a_venue_position_that_is_not_the_sum_of_the_hedges_is_told() -> None:
    watched = await agreeing()
    hold(watched.world.venue, "10.001")  # by one step: the exposure is within bounds
    assert await watched.told() == [("position", BTC)]


async def test_an_exposure_that_an_order_could_hedge_is_told() -> None:
    watched = await agreeing()
    hold(watched.world.venue, "10.05")  # the venue takes orders from 5 USDT on, which is 0.05 at the mark
    assert await watched.told() == [("position", BTC), ("exposure", BTC)]


async def test_an_exposure_too_small_for_any_order_is_a_residual_and_no_mismatch() -> None:
    watched = await agreeing()
    hold(watched.world.venue, "10.049")
    assert await watched.told() == [("position", BTC)]


async def test_an_allocation_that_differs_from_the_sum_of_the_facts_is_told() -> None:
    watched = await agreeing()
    watched.party_as = [TRADER]
    await watched.world.told(Chain().allocation("100"))
    watched.views.allocated[TRADER] = wad(100)
    assert await watched.told() == []
    watched.views.allocated[TRADER] = wad(90)
    assert await watched.told() == [("allocation", TRADER)]


async def test_while_an_order_is_under_way_chain_and_venue_may_differ_by_it() -> None:
    watched = await agreeing()
    chain = Chain()
    chain.block = 300
    await watched.world.told(chain.close_requested())
    await watched.world.reported(accepted_order("t-7-c1"), filled("t-7-c1", "4"))
    watched.views.quotes[7] = on_chain(status=QuoteStatus.CLOSE_PENDING)
    hold(watched.world.venue, "6")
    assert await watched.told() == []


# --- what is on its way is no mismatch


async def test_a_difference_that_is_gone_at_the_next_look_is_not_told() -> None:
    watched = await agreeing()
    hold(watched.world.venue, "12")
    assert await watched.told(looks=1) == []
    hold(watched.world.venue, "10")
    assert await watched.told(looks=2) == []


async def test_a_difference_that_moves_between_two_looks_is_not_told() -> None:
    watched = await agreeing()
    for held in ("11", "12", "13"):
        hold(watched.world.venue, held)
        assert await watched.told(looks=1) == []


async def test_a_difference_that_stays_is_told_once() -> None:
    watched = await agreeing()
    hold(watched.world.venue, "10.001")
    assert await watched.told(looks=5) == [("position", BTC)]


async def test_a_difference_that_changes_and_stays_is_told_anew() -> None:
    watched = await agreeing()
    hold(watched.world.venue, "10.001")
    await watched.told()
    hold(watched.world.venue, "9.999")
    assert await watched.told() == [("position", BTC)]


async def test_a_difference_that_is_explained_again_is_resolved_once() -> None:
    watched = await agreeing()
    hold(watched.world.venue, "10.001")
    await watched.told()
    hold(watched.world.venue, "10")
    assert await watched.told(looks=3) == [("resolved", BTC)]
    assert (await watched.world.ledger.reconciliation()).open == {}


async def test_open_differences_are_remembered_over_a_restart() -> None:
    watched = await agreeing()
    hold(watched.world.venue, "10.001")
    await watched.told()
    next_process = Watched(watched.world.restarted())
    await next_process.world.healer.restore([7])
    next_process.views.quotes[7] = on_chain()
    hold(next_process.world.venue, "10")
    assert await next_process.told(looks=1) == [("resolved", BTC)]


async def test_a_mismatch_says_where_it_was_seen() -> None:
    watched = await agreeing()
    hold(watched.world.venue, "10.001")
    position = len(watched.world.log.recorded)
    await watched.told()
    found = watched.world.recorded(MismatchFound).event
    assert isinstance(found, MismatchFound)
    assert watched.world.board.head is not None
    assert (found.kind, found.log_position) == (MismatchKind.POSITION, position)
    assert found.block_number == watched.world.board.head.number
    assert (found.chain, found.venue, found.log) == ("10", "10.001", "10")


# --- not known is not zero


def chain_is_away(watched: Watched) -> None:
    watched.views.failing = RpcUnavailable("away")


def venue_is_away(watched: Watched) -> None:
    watched.world.venue.is_away = True


@pytest.mark.parametrize("goes_away", [chain_is_away, venue_is_away])
async def test_where_one_side_does_not_answer_nothing_is_concluded(goes_away: Callable[[Watched], None]) -> None:
    watched = await agreeing()
    goes_away(watched)
    before = watched.world.names()
    for _ in range(2):
        with pytest.raises((RpcUnavailable, VenueUnavailable)):
            await watched.validator.look_and_record()
    assert watched.world.names() == before


async def test_an_intent_that_is_still_pending_is_nobodys() -> None:
    watched = await agreeing()
    await watched.world.told(of_quote(Chain().sent(), 8))
    assert await watched.told() == []


async def test_a_symbol_that_the_venue_does_not_list_keeps_nothing_from_being_compared() -> None:
    watched = await agreeing()
    watched.world.board.rules.clear()
    hold(watched.world.venue, "10.5")
    verdict = await watched.validator.look()
    assert [mismatch.kind for mismatch in verdict.mismatches] == [MismatchKind.POSITION, MismatchKind.EXPOSURE]
    assert verdict.trades_compared == {}
