"""The position validator: chain, venue and log side by side; only what stays is told, and told once."""

from collections.abc import Callable, Sequence

import pytest
from deciding_world import World, of_quote
from fake_venue import BTC

from hedger.adapters.chain.rpc import RpcUnavailable
from hedger.adapters.chain.view_structs import QuoteView
from hedger.adapters.venue.port import VenueUnavailable
from hedger.application.position_validator import PositionValidator
from hedger.domain.margins import Locked
from hedger.domain.reconciliation import MismatchFound, MismatchKind, MismatchResolved
from hedger.domain.terms import OrderType, PositionType, QuoteStatus
from hedger.domain.transactions import TransactionRequested
from tests.domain.given import TRADER, US, Chain, accepted_order, ended, filled, succeeded, wad

NOBODY = "0x" + "00" * 20


class FakeValidatorViews:
    """What the contract has: `quotes` by id, `allocated` by PartyA; `failing` is raised."""

    def __init__(self) -> None:
        self.quotes: dict[int, QuoteView] = {}
        self.allocated: dict[str, int] = {}
        self.failing: Exception | None = None

    async def active_quotes_of_party_b(self, party_b: str) -> list[QuoteView]:
        assert party_b == US
        if self.failing is not None:
            raise self.failing
        return list(self.quotes.values())

    async def allocations(self, party_b: str, party_as: Sequence[str]) -> dict[str, int]:
        return {party_a: self.allocated.get(party_a, 0) for party_a in party_as}


class Watched:
    """A hedger with an open and hedged long of 10, on which chain, venue and log agree."""

    def __init__(self, world: World) -> None:
        self.world, self.views = world, FakeValidatorViews()
        self.party_as: list[str] = []
        self.validator = PositionValidator(
            world.ledger, world.book, world.board, world.venue, self.views, self._party_as
        )

    async def _party_as(self) -> list[str]:
        return self.party_as

    async def told(self, looks: int = 2) -> list[tuple[str, str]]:
        """Kind and subject of what so many looks record."""
        before = len(self.world.log.recorded)
        for _ in range(looks):
            await self.validator.look_and_record()
        return [
            (event.kind.value, event.subject) if isinstance(event, MismatchFound) else ("resolved", event.subject)
            for event in (each.event for each in self.world.log.recorded[before:])
            if isinstance(event, MismatchFound | MismatchResolved)
        ]


def on_chain(
    quote_id: int = 7,
    status: QuoteStatus = QuoteStatus.OPENED,
    quantity: str = "10",
    price: str = "100.5",
    position: PositionType = PositionType.LONG,
) -> QuoteView:
    return QuoteView(
        quote_id=quote_id,
        party_bs_whitelist=(),
        symbol_id=1,
        position_type=position,
        order_type=OrderType.MARKET,
        opened_price=wad(price),
        initial_opened_price=wad(price),
        requested_open_price=wad("101"),
        market_price=wad("100"),
        quantity=wad(quantity),
        closed_amount=0,
        initial_locked=Locked(),
        locked=Locked(),
        max_funding_rate=0,
        party_a=TRADER,
        party_b=US,
        status=status,
        average_closed_price=0,
        requested_close_price=0,
        quantity_to_close=0,
        parent_id=0,
        created_at=0,
        status_modified_at=0,
        last_funding_at=0,
        deadline=0,
        trading_fee=0,
        affiliate=NOBODY,
    )


async def agreeing() -> Watched:
    world, chain = World(), Chain()
    await world.told(chain.sent())
    locked = chain.locked()
    await world.reported(succeeded("t-7-lock-1", block=locked.source.block_number))
    await world.told(locked)
    await world.reported(accepted_order("t-7-o1"), filled("t-7-o1", "10"), ended("t-7-o1", "10"))
    opened = chain.opened()
    request = world.recorded(TransactionRequested).event
    assert isinstance(request, TransactionRequested)
    await world.reported(succeeded(request.request_id, block=opened.source.block_number))
    await world.told(opened)
    watched = Watched(world)
    watched.views.quotes[7] = on_chain()
    world.venue.held = {BTC: wad(10)}
    return watched


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
    watched.views.quotes[8] = on_chain(8, quantity="4", position=PositionType.SHORT)
    [row] = (await watched.validator.look()).symbols
    assert row.chain_open == wad(6)


# --- each kind of mismatch


async def test_a_quote_that_the_contract_has_otherwise_is_told() -> None:
    watched = await agreeing()
    watched.views.quotes[7] = on_chain(price="100.6")
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
    watched.world.venue.held = {BTC: wad("10.001")}  # by one step: the exposure is within bounds
    assert await watched.told() == [("position", BTC)]


async def test_an_exposure_above_one_step_is_told() -> None:
    watched = await agreeing()
    watched.world.venue.held = {BTC: wad("10.002")}
    assert await watched.told() == [("position", BTC), ("exposure", BTC)]


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
    watched.world.venue.held = {BTC: wad(6)}
    assert await watched.told() == []


# --- what is on its way is no mismatch


async def test_a_difference_that_is_gone_at_the_next_look_is_not_told() -> None:
    watched = await agreeing()
    watched.world.venue.held = {BTC: wad(12)}
    assert await watched.told(looks=1) == []
    watched.world.venue.held = {BTC: wad(10)}
    assert await watched.told(looks=2) == []


async def test_a_difference_that_moves_between_two_looks_is_not_told() -> None:
    watched = await agreeing()
    for held in ("11", "12", "13"):
        watched.world.venue.held = {BTC: wad(held)}
        assert await watched.told(looks=1) == []


async def test_a_difference_that_stays_is_told_once() -> None:
    watched = await agreeing()
    watched.world.venue.held = {BTC: wad("10.001")}
    assert await watched.told(looks=5) == [("position", BTC)]


async def test_a_difference_that_changes_and_stays_is_told_anew() -> None:
    watched = await agreeing()
    watched.world.venue.held = {BTC: wad("10.001")}
    await watched.told()
    watched.world.venue.held = {BTC: wad("9.999")}
    assert await watched.told() == [("position", BTC)]


async def test_a_difference_that_is_explained_again_is_resolved_once() -> None:
    watched = await agreeing()
    watched.world.venue.held = {BTC: wad("10.001")}
    await watched.told()
    watched.world.venue.held = {BTC: wad(10)}
    assert await watched.told(looks=3) == [("resolved", BTC)]
    assert (await watched.world.ledger.reconciliation()).open == {}


async def test_open_differences_are_remembered_over_a_restart() -> None:
    watched = await agreeing()
    watched.world.venue.held = {BTC: wad("10.001")}
    await watched.told()
    next_process = Watched(watched.world.restarted())
    await next_process.world.healer.restore([7])
    next_process.views.quotes[7] = on_chain()
    next_process.world.venue.held = {BTC: wad(10)}
    assert await next_process.told(looks=1) == [("resolved", BTC)]


async def test_a_mismatch_says_where_it_was_seen() -> None:
    watched = await agreeing()
    watched.world.venue.held = {BTC: wad("10.001")}
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
