"""The book: what is held and promised, as each decision sees it."""

import copy
import random
from collections.abc import Sequence

import pytest
from deciding_world import of_quote
from hypothesis import given as for_all
from hypothesis import strategies as st
from msgspec.structs import replace

from hedger.application.book import Book
from hedger.domain.events import Event
from hedger.domain.policies.decide import decide
from hedger.domain.quote.quote import Quote
from hedger.domain.terms import PositionType, QuoteStatus
from tests.domain.given import OTHER, POLICY, TRADER, Chain, ended, filled, inputs, succeeded, wad

SECOND_TRADER = "0x" + "ac" * 20
MARK = wad("110")


def mark_of(symbol_id: int) -> int:
    return MARK if symbol_id == 1 else 0


def quote(
    quote_id: int,
    stage: str = "open",
    *,
    position: PositionType = PositionType.LONG,
    party_a: str = TRADER,
    symbol_id: int = 1,
) -> Quote:
    """A quote of 10 at 101 (a short at 99) as it is at one stage of its life."""
    chain, one = Chain(), Quote.new(31337, "0x" + "dd" * 20, quote_id)
    price = "101" if position is PositionType.LONG else "99"
    sent = of_quote(chain.sent(position=position, price=price), quote_id, party_a=party_a)
    if symbol_id != 1:
        sent = type(sent)(**{name: getattr(sent, name) for name in sent.__struct_fields__} | {"symbol_id": symbol_id})
    one.advance([sent])
    _on(one, [])  # judged, and the lock asked for
    lock, order = f"t-{quote_id}-lock-1", f"t-{quote_id}-o1"
    history: dict[str, Sequence[Event]] = {
        "judged": [],
        "hedged": [succeeded(lock), of_quote(chain.locked(), quote_id)],
        "open": [of_quote(chain.opened(price="100"), quote_id)],
        "closed": [of_quote(chain.close_filled("10"), quote_id)],
    }
    for name, told in history.items():
        _on(one, told)
        if name == "hedged":
            one.advance([filled(order, "10"), ended(order, "10")])
        if name == stage:
            break
    return one


def _on(one: Quote, told: Sequence[Event]) -> None:
    one.advance(told)
    for _ in range(6):
        step = decide(one, inputs(), POLICY)
        if not step:
            return
        one.advance(step)


def noted(*quotes: Quote) -> Book:
    book = Book(POLICY)
    for each in quotes:
        book.note(each)
    return book


def test_a_quote_sees_the_others_and_not_itself() -> None:
    first, second = quote(7, "judged"), quote(8, "judged")
    view = noted(first, second).view(first, mark_of)
    assert view == noted(second).view(first, mark_of)
    assert view.total_notional == view.symbol_notional == view.account_notional == wad(1010)
    assert view.promised_allocation > 0


def test_the_hedge_of_the_symbol_counts_the_quotes_own_too() -> None:
    long, short = quote(7), quote(8, position=PositionType.SHORT)
    view = noted(long, short).view(long, mark_of)
    assert (view.symbol_long_hedge, view.symbol_short_hedge) == (wad(10), wad(10))


def test_the_profit_of_the_accounts_other_positions_moves_with_the_mark() -> None:
    new, long = quote(7, "judged"), quote(8)
    assert noted(new, long).view(new, mark_of).account_upnl == wad(100)  # 10 from 100 to 110, PartyA's profit
    short = quote(8, position=PositionType.SHORT)
    assert noted(new, short).view(new, mark_of).account_upnl == -wad(100)


def test_a_position_without_a_mark_counts_as_even() -> None:
    new, other_symbol = quote(7, "judged"), quote(8, symbol_id=2)
    assert noted(new, other_symbol).view(new, mark_of).account_upnl == 0


def test_a_lock_under_way_claims_what_it_takes_beyond_what_it_brings_of_the_same_account_alone() -> None:
    first, second = quote(1, "judged"), quote(2, "judged")
    assert noted(first, second).view(first, mark_of).account_claims == 0  # it brings what it takes
    lean = copy.deepcopy(second)
    for request in lean.requests.values():
        request.call = replace(request.call, allocate=wad("4"))
    assert noted(first, lean).view(first, mark_of).account_claims == wad("11")
    lean.advance([succeeded("t-2-lock-1", block=2_000_000)])
    assert noted(first, lean).view(first, mark_of).account_claims == wad("11")  # mined in a block nobody has read
    lean.advance([succeeded("t-2-lock-1"), of_quote(Chain().locked(), 2)])
    stranger = quote(3, "judged", party_a=SECOND_TRADER)
    assert noted(stranger, lean).view(stranger, mark_of).account_claims == 0


def test_other_accounts_count_in_the_totals_alone() -> None:
    new, other = quote(7, "judged"), quote(8, party_a=SECOND_TRADER)
    view = noted(new, other).view(new, mark_of)
    assert (view.account_notional, view.account_upnl) == (0, 0)
    assert view.total_notional == view.symbol_notional == wad(1000)


def test_other_symbols_count_in_account_and_total_alone() -> None:
    new, other = quote(7, "judged"), quote(8, "judged", symbol_id=2)
    view = noted(new, other).view(new, mark_of)
    assert view.symbol_notional == 0
    assert view.account_notional == view.total_notional == wad(1010)


def test_a_quote_that_is_not_on_the_chain_sees_the_totals() -> None:
    unknown = Quote.new(31337, "0x" + "dd" * 20, 99)
    view = noted(quote(7, "judged")).view(unknown, mark_of)
    assert view.total_notional == wad(1010)
    assert view.symbol_notional == view.account_notional == 0


def test_what_is_closed_and_unwound_leaves_the_book() -> None:
    book = noted(quote(7))
    closed = quote(7, "closed")
    assert closed.chain is not None
    assert closed.chain.status is QuoteStatus.CLOSED
    closed.advance([filled("t-7-u1", "10")])
    book.note(closed)
    assert book.view(quote(8, "judged"), mark_of) == Book(POLICY).view(quote(8, "judged"), mark_of)


def test_only_what_may_need_something_is_live() -> None:
    lost = quote(8, "judged")
    lost.advance([of_quote(Chain().locked(by=OTHER), 8), of_quote(Chain().opened(by=OTHER), 8)])
    rejected = Quote.new(31337, "0x" + "dd" * 20, 9)
    rejected.advance([of_quote(Chain().sent(whitelist=(OTHER,)), 9)])
    _on(rejected, [])
    book = noted(quote(7), rejected)
    assert book.live == {7: TRADER}
    book.note(lost)
    assert 8 in book.live  # its lock is still under way


STAGES = st.sampled_from(["judged", "hedged", "open", "closed"])
SIDES = st.sampled_from(list(PositionType))
OWNERS = st.sampled_from([TRADER, SECOND_TRADER])


@pytest.fixture(scope="module")
def states() -> dict[tuple[int, str, PositionType, str, int], Quote]:
    return {
        (quote_id, stage, side, owner, symbol): quote(quote_id, stage, position=side, party_a=owner, symbol_id=symbol)
        for quote_id in (1, 2, 3)
        for stage in ("judged", "hedged", "open", "closed")
        for side in PositionType
        for owner in (TRADER, SECOND_TRADER)
        for symbol in (1, 2)
    }


@for_all(
    st.lists(st.tuples(st.integers(1, 3), STAGES, SIDES, OWNERS, st.integers(1, 2)), max_size=12),
    st.integers(0, 2**16),
)
def test_however_often_quotes_are_noted_the_sums_are_those_of_their_last_states(
    states: dict[tuple[int, str, PositionType, str, int], Quote],
    notes: list[tuple[int, str, PositionType, str, int]],
    seed: int,
) -> None:
    book = noted(*(states[each] for each in notes))
    last = list({each[0]: states[each] for each in notes}.values())
    random.Random(seed).shuffle(last)
    once = noted(*(copy.deepcopy(each) for each in last))
    for asked in states.values():
        assert book.view(asked, mark_of) == once.view(asked, mark_of)
    assert book.live == once.live
