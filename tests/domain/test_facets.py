"""Facts move the on-chain facet as the contract does; repetition and order of what sources tell do no harm."""

import msgspec
import pytest
from hypothesis import given as generated
from hypothesis import strategies as st

from hedger.domain.account import Account
from hedger.domain.catalogue import ALL_EVENTS, tag_of
from hedger.domain.chain_facts import CancelAccepted, FundingCharged, PositionLiquidated, QuoteFact
from hedger.domain.events import Event
from hedger.domain.feed import BlocksOrphaned, BlocksReadopted
from hedger.domain.money import mul
from hedger.domain.policies.decide import decide
from hedger.domain.quote.events import QuoteAccepted
from hedger.domain.quote.onchain import fold, open_part_problem
from hedger.domain.quote.quote import Quote
from hedger.domain.reverts import RevertAction, action_for, known_reasons
from hedger.domain.terms import BalanceChange, Leg, OrderType, QuoteStatus
from tests.domain.given import (
    INPUTS,
    POLICY,
    QUOTE_ID,
    TRADER,
    US,
    Chain,
    ended,
    filled,
    given,
    wad,
)


def test_a_partial_open_scales_the_locked_values_as_the_contract_does() -> None:
    chain = Chain()
    facet = fold([chain.sent(order_type=OrderType.LIMIT), chain.locked(), chain.opened("3", "100")])
    assert facet is not None
    assert facet.quantity == wad("3")
    # floor(floor(10 * 3/10) * 100/101), component by component
    assert facet.locked.cva == wad("3") * 100 // 101
    assert facet.locked.party_a_mm == wad("25.5") * 100 // 101


def test_a_close_in_parts_keeps_the_average_and_frees_pro_rata() -> None:
    chain = Chain()
    history = [chain.sent(), chain.locked(), chain.opened(), chain.close_requested(order_type=OrderType.LIMIT)]
    history.append(chain.close_filled("4", "99", QuoteStatus.CLOSE_PENDING))
    facet = fold(history)
    assert facet is not None
    assert facet.close is not None
    assert facet.close.remaining == wad("6")
    assert facet.open_quantity == wad("6")
    facet.apply(chain.close_filled("6", "100", QuoteStatus.CLOSED))
    assert facet.status is QuoteStatus.CLOSED
    assert facet.average_closed_price == wad("99.6")
    assert facet.close is None
    assert facet.locked.total_a == 0


def test_funding_moves_the_opened_price_towards_party_b_when_positive() -> None:
    chain = Chain()
    facet = fold([chain.sent(), chain.locked(), chain.opened()])
    assert facet is not None
    rate = wad("0.0001")
    facet.apply(FundingCharged(source=chain.source(), quote_id=QUOTE_ID, party_a=TRADER, party_b=US, rate=rate))
    assert facet.opened_price == wad("100.5") + mul(wad("100.5"), rate)
    assert facet.initial_opened_price == wad("100.5")


def test_a_liquidated_position_has_nothing_open() -> None:
    chain = Chain()
    facet = fold([chain.sent(), chain.locked(), chain.opened()])
    assert facet is not None
    facet.apply(PositionLiquidated(source=chain.source(), quote_id=QUOTE_ID, party_a=TRADER, quantity=wad("10")))
    assert facet.status is QuoteStatus.LIQUIDATED
    assert facet.open_quantity == 0
    assert facet.liquidated_quantity == wad("10")


def test_a_child_born_cancelled_is_known_without_its_send_quote() -> None:
    quote = given(CancelAccepted(source=Chain().source(), quote_id=QUOTE_ID, parent_id=3))
    assert quote.chain is not None
    assert quote.chain.status is QuoteStatus.CANCELED
    assert quote.chain.parent_id == 3


def test_a_fact_told_twice_is_recorded_once() -> None:
    sent = Chain().sent()
    quote = given(sent)
    assert quote.news([sent]) == []


def hedged_quote() -> Quote:
    """An order for 10 asked for, nothing told of it yet."""
    chain = Chain()
    quote = given(chain.sent(), QuoteAccepted(policy="test", inputs=INPUTS, rules=()), chain.locked())
    quote.advance(decide(quote, INPUTS, POLICY))
    assert list(quote.hedge.orders) == ["t-7-o1"]
    return quote


def test_a_fill_told_twice_is_booked_once() -> None:
    quote = hedged_quote()
    fill = filled("t-7-o1", "4")
    assert quote.order_facts([fill, fill]) == [fill]
    quote.advance([fill])
    assert quote.order_facts([fill]) == []
    assert quote.hedge.quantity == wad("4")


@generated(st.permutations(range(4)), st.lists(st.integers(0, 3), max_size=6))
def test_fills_and_the_final_word_give_one_state_in_any_order_and_repetition(
    order: list[int], repeated: list[int]
) -> None:
    quote = hedged_quote()
    told: list[Event] = [
        filled("t-7-o1", "4", "100", "1"),
        filled("t-7-o1", "5", "101", "2"),
        filled("t-7-o1", "1", "102", "3"),
        ended("t-7-o1", "10"),
    ]
    for index in [*order, *repeated]:
        quote.advance(quote.order_facts([told[index]]))
    assert quote.hedge.quantity == wad("10")
    assert quote.hedge.unsettled == []
    assert (
        quote.hedge.value_between(0, wad("10"), Leg.OPEN)
        == wad("400") * 10**18 + wad("505") * 10**18 + wad("102") * 10**18
    )


@generated(st.data())
def test_orphaning_gives_the_state_of_the_facts_that_are_left(data: st.DataObject) -> None:
    chain = Chain()
    history: list[QuoteFact] = [
        chain.sent(order_type=OrderType.LIMIT),
        chain.locked(),
        chain.unlocked(),
        chain.locked(),
        chain.opened(),
        chain.close_requested(),
        chain.close_filled("4", status=QuoteStatus.OPENED),
    ]
    cut = data.draw(st.integers(0, len(history)))
    quote = given(*history)
    gone = tuple(fact.source.block_hash for fact in history[cut:])
    if gone:
        quote.advance([BlocksOrphaned(chain_id=31337, block_hashes=gone, common_ancestor=1)])
    assert quote.chain == fold(list(history[:cut]))


@generated(st.data())
def test_a_chain_that_returns_to_its_first_branch_gives_the_first_state_again(data: st.DataObject) -> None:
    chain = Chain()
    facts: list[QuoteFact] = [chain.sent(), chain.locked(), chain.opened(), chain.close_requested()]
    cut = data.draw(st.integers(0, len(facts) - 1))
    quote = given(*facts)
    before = fold(list(facts))
    gone = tuple(fact.source.block_hash for fact in facts[cut:])
    quote.advance([BlocksOrphaned(chain_id=31337, block_hashes=gone, common_ancestor=1)])
    other = chain.unlocked()
    quote.advance([other, BlocksOrphaned(chain_id=31337, block_hashes=(other.source.block_hash,), common_ancestor=1)])
    told = quote.news(facts)
    assert [type(event) for event in told] == [BlocksReadopted] * len(gone)
    quote.advance(told)
    assert quote.chain == before
    assert quote.news(facts) == []


def test_an_allocation_that_returns_with_its_block_counts_once() -> None:
    chain = Chain()
    account = Account.new(31337, "0x" + "dd" * 20, US, TRADER)
    change = chain.allocation("100")
    account.advance([change])
    account.advance([BlocksOrphaned(chain_id=31337, block_hashes=(change.source.block_hash,), common_ancestor=1)])
    assert account.allocated == 0
    account.advance(account.news([change]))
    assert account.allocated == wad("100")
    assert account.news([change]) == []


def test_the_allocation_is_the_sum_of_its_changes_and_falls_back_with_their_blocks() -> None:
    chain = Chain()
    account = Account.new(31337, "0x" + "dd" * 20, US, TRADER)
    first, second = chain.allocation("100"), chain.allocation("30", BalanceChange.REALIZED_PNL_OUT)
    account.advance([first, second])
    assert account.allocated == wad("70")
    assert account.news([first]) == []
    account.advance([BlocksOrphaned(chain_id=31337, block_hashes=(second.source.block_hash,), common_ancestor=1)])
    assert account.allocated == wad("100")


@pytest.mark.parametrize("is_told_again", [True, False])
def test_a_liquidation_of_the_hedger_takes_the_allocation_once_however_often_it_is_told(is_told_again: bool) -> None:
    chain = Chain()
    account = Account.new(31337, "0x" + "dd" * 20, US, TRADER)
    allocated = chain.allocation("100")
    begun = chain.party_b_liquidation()
    taken = chain.allocation("100", BalanceChange.REALIZED_PNL_OUT)
    taken = msgspec.structs.replace(
        taken, source=msgspec.structs.replace(taken.source, transaction_hash=begun.source.transaction_hash)
    )
    account.advance([allocated, begun, *([taken] if is_told_again else [])])
    assert account.allocated == 0
    account.advance([chain.allocation("40"), chain.allocation("10", BalanceChange.REALIZED_PNL_OUT)])
    assert account.allocated == wad("30")


def test_what_the_contract_would_refuse_to_open_is_known_before() -> None:
    chain = Chain()
    facet = fold([chain.sent(order_type=OrderType.LIMIT), chain.locked()])
    assert facet is not None
    terms = {"min_quote_value": wad("5"), "max_leverage": wad("60")}
    assert open_part_problem(facet, wad("10"), wad("101"), **terms) is None
    assert open_part_problem(facet, wad("10"), wad("101") + 1, **terms) == "PartyBFacet: Opened price isn't valid"
    assert open_part_problem(facet, 0, wad("100"), **terms) == "PartyBFacet: Invalid filledAmount"
    assert open_part_problem(facet, wad("0.4"), wad("100"), **terms) == "PartyBFacet: Quote value is low"
    assert open_part_problem(facet, wad("9.8"), wad("100"), **terms) == "PartyBFacet: Quote value is low"
    low = {"min_quote_value": wad("5"), "max_leverage": wad("9")}
    assert open_part_problem(facet, wad("10"), wad("101"), **low) == "PartyBFacet: Leverage is high"


def test_every_known_revert_has_its_answer_and_the_longest_text_decides() -> None:
    assert all(action_for(reason) is action for reason, action in known_reasons())
    assert action_for("Accessibility: Should be partyB of quote") is RevertAction.STATE_MOVED
    assert action_for("Accessibility: Should be partyB") is RevertAction.HALT
    assert action_for("") is RevertAction.WAIT


def test_names_of_events_in_the_log_are_unique_and_carry_their_version() -> None:
    tags = [tag_of(event) for event in ALL_EVENTS]
    assert len(tags) == len(set(tags))
    assert all(tag.rsplit(".", 1)[1].isdigit() for tag in tags)
