"""Where the money of a pair should be: raised, lent, given back, each between two bounds of its health."""

from typing import Any

import msgspec
import pytest
from hypothesis import given as for_all
from hypothesis import strategies as st

from hedger.domain.money import to_text
from hedger.domain.policies.accounts import decide_account, needs_view
from hedger.domain.policies.balance import seen as seen_pair
from hedger.domain.policies.decide import decide
from hedger.domain.policies.health import match, missing, spare
from hedger.domain.policies.inputs import AccountInputs
from hedger.domain.policies.policy import BalancePolicy
from hedger.domain.terms import BalanceChange, CallKind, PositionType, TradingState
from hedger.domain.transactions import TransactionRequested
from tests.domain.given import INPUTS, NOW, TRADER, US, Chain, failed, given, succeeded, wad
from tests.domain.given_accounts import (
    BALANCE,
    KEEPER,
    SECOND,
    account,
    decided,
    pair_of,
    position,
    requested,
    seen,
    with_pair,
)

replace = msgspec.structs.replace


def balance(**changes: Any) -> Any:
    """The policy with other numbers of the balance."""
    return replace(KEEPER, balance=replace(BALANCE, **changes))


# --- raised


def test_below_the_lower_bound_an_allocation_is_raised_to_the_target() -> None:
    # A notional of 1000; 15 of 34 are taken by cva and lf: 19 are left, 20 are the bound, 50 the target.
    assert decided(account(), seen("34", position())) == ["allocate 31"]


def test_at_the_lower_bound_nothing_is_done() -> None:
    assert decided(account(), seen("35", position())) == []


def test_what_was_raised_is_not_lowered_again() -> None:
    assert decided(account(), seen("65", position())) == []


def test_our_loss_counts_whichever_side_the_trader_has() -> None:
    assert decided(account(), seen("65", position(mark="104"))) == ["allocate 42"]
    assert decided(account(), seen("65", position(mark="96", side=PositionType.SHORT))) == ["allocate 38"]


def test_it_is_raised_by_no_more_than_is_free_and_not_promised_to_others() -> None:
    assert decided(account(), seen("20", position(), free="30")) == ["allocate 30"]
    assert decided(account(), seen("20", position(), free="30", promised_allocation=wad("25"))) == ["allocate 5"]
    assert decided(account(), seen("20", position(), free="30", promised_allocation=wad("30"))) == []


def test_what_is_on_its_way_to_the_pair_is_not_asked_for_again() -> None:
    assert decided(account(), with_pair(seen("20", position()), arriving=wad("40"))) == []
    assert decided(account(), with_pair(seen("20", position()), arriving=wad("10"))) == ["allocate 35"]


def test_one_account_gets_no_more_than_its_share() -> None:
    # Of 1020 in all a twentieth is 51.
    inputs = seen("20", position(), free="1000")
    assert decided(account(), inputs, balance(max_account_share=wad("0.05"))) == ["allocate 31"]
    assert decided(account(), inputs, balance(max_account_share=wad("0.01"))) == []


@pytest.mark.parametrize(("share", "allocated"), [("0.5", "65.5"), ("0.005", "50"), ("0.00001", "0.1")])
def test_a_lock_allocates_no_more_than_the_share_that_is_left(share: str, allocated: str) -> None:
    quote, policy = given(Chain().sent()), balance(max_account_share=wad(share))
    quote.advance(decide(quote, INPUTS, KEEPER))
    [lock] = [event for event in decide(quote, INPUTS, policy) if isinstance(event, TransactionRequested)]
    assert to_text(lock.call.allocate) == allocated


def test_without_a_price_nothing_is_concluded() -> None:
    assert decided(account(), seen("15", position(mark="0"))) == []
    assert decided(account(), seen("5000", position(), position(mark="0", quote_id=8))) == []


def test_while_a_transaction_is_under_way_nothing_else_is_asked() -> None:
    one = account()
    one.advance(decide_account(one, seen("20", position()), KEEPER))
    assert decided(one, seen("20", position())) == []


def test_until_the_block_of_a_mined_transaction_is_read_nothing_else_is_asked() -> None:
    one = account()
    told = decide_account(one, seen("20", position()), KEEPER)
    one.advance([*told, succeeded(requested(told).request_id, block=1_000_001)])
    assert decided(one, seen("20", position())) == []
    assert decided(one, seen("20", position(), block_number=1_000_001)) == ["allocate 45"]


def test_a_failed_request_is_asked_again_under_a_new_id_after_a_while() -> None:
    one, inputs = account(), seen("20", position())
    told = decide_account(one, inputs, KEEPER)
    first = requested(told).request_id
    one.advance([*told, failed(first, "Pausable: Global paused", at=inputs.block_timestamp)])
    assert decided(one, inputs) == []
    later = replace(inputs, block_timestamp=inputs.block_timestamp + 1)
    assert requested(decide_account(one, later, KEEPER)).request_id != first


@pytest.mark.parametrize("paused", ["global", "party_b_actions"])
def test_while_the_contract_refuses_partyb_nothing_is_asked(paused: str) -> None:
    assert decided(account(), seen("20", position(), paused=(paused,))) == []


def test_reducing_still_keeps_from_liquidation_and_halted_sends_nothing() -> None:
    assert decided(account(), seen("20", position(), trading_state=TradingState.REDUCING)) == ["allocate 45"]
    assert decided(account(), seen("20", position(), trading_state=TradingState.HALTED)) == []


# --- lowered


def test_above_the_upper_bound_an_allocation_is_lowered_to_the_target() -> None:
    assert decided(account(), seen("165", position())) == []
    assert decided(account(), seen("166", position())) == ["deallocate 101"]


def test_profit_that_is_not_realised_is_not_taken_away() -> None:
    assert decided(account(), seen("165", position(mark="50"))) == ["deallocate 125"]
    assert decided(account(), seen("90", position(mark="50"))) == []


def test_once_nothing_is_open_all_but_what_is_configured_is_given_back() -> None:
    assert decided(account(), seen("40")) == ["deallocate 40"]
    assert decided(account(), seen("40"), balance(idle_allocation=wad("25"))) == ["deallocate 15"]


def test_what_an_intent_or_a_lock_needs_stays() -> None:
    assert decided(account(), with_pair(seen("60"), pledged=wad("1000"))) == []
    assert decided(account(), with_pair(seen("200"), pledged=wad("1000"), claimed=wad("20"))) == ["deallocate 130"]


def test_less_than_is_worth_a_transaction_stays() -> None:
    assert decided(account(), seen("9.99")) == []
    assert decided(account(), seen("9.99"), balance(min_move=wad("5"))) == ["deallocate 9.99"]


def test_money_that_was_just_moved_stays_for_a_while() -> None:
    policy, chain = balance(lower_after_s=300), Chain()
    one = account(chain.allocation("400"))
    lately, later = (seen("400", position(), block_timestamp=NOW + seconds) for seconds in (299, 300))
    assert decided(one, lately, policy) == []
    assert decided(one, later, policy) == ["deallocate 335"]


def test_after_a_close_an_idle_pair_keeps_its_money_for_a_while() -> None:
    policy, chain = balance(lower_after_s=300), Chain()
    one = account(chain.allocation("400", BalanceChange.REALIZED_PNL_IN))
    assert decided(one, seen("400", block_timestamp=NOW + 299), policy) == []
    assert decided(one, seen("400", position(), block_timestamp=NOW + 299), policy) == ["deallocate 335"]
    assert decided(one, seen("400", block_timestamp=NOW + 300), policy) == ["deallocate 400"]


def test_deallocations_of_all_pairs_keep_their_distance() -> None:
    policy = balance(deallocate_interval_s=60)
    now = seen("400").block_timestamp
    assert decided(account(), seen("400", deallocated_at=now - 59), policy) == []
    assert decided(account(), seen("400", deallocated_at=now - 60), policy) == ["deallocate 400"]


def test_while_money_is_to_leave_the_contract_its_wait_is_not_begun_anew() -> None:
    assert decided(account(), seen("400", is_withdrawing=True)) == []


def test_nothing_is_taken_away_by_old_prices() -> None:
    age = KEEPER.max_price_age_ms + 1
    assert decided(account(), seen("400", position(), price_age_ms=age)) == []
    assert decided(account(), seen("20", position(), price_age_ms=age)) == ["allocate 45"]


# --- transferred


NEEDY = pair_of("20", party_a=SECOND, notional="1000", locked=position().locked)  # lacks 45


def test_a_pair_with_too_much_gives_to_one_in_need_in_one_transaction() -> None:
    assert decided(account(), seen("400", needy=NEEDY)) == ["transfer 45 to 0xac"]


def test_a_pair_within_its_bounds_gives_only_where_the_free_balance_is_too_small() -> None:
    assert decided(account(), seen("150", position(), needy=NEEDY)) == []
    assert decided(account(), seen("150", position(), needy=NEEDY, free="44")) == ["transfer 45 to 0xac"]


def test_a_pair_gives_nothing_that_it_needs_itself() -> None:
    assert decided(account(), seen("90", position(), needy=NEEDY, free="0")) == ["transfer 25 to 0xac"]
    assert decided(account(), seen("70", position(), needy=NEEDY, free="0")) == []
    assert decided(account(), seen("20", position(), needy=NEEDY, free="30")) == ["allocate 30"]


def test_who_receives_stays_below_its_share() -> None:
    assert decided(account(), seen("400", needy=NEEDY), balance(max_account_share=wad("0.003"))) == [
        "transfer 11.2 to 0xac"
    ]


def test_who_is_in_need_leaves_it_to_a_pair_that_gives_back_anyway() -> None:
    rich = pair_of("400", party_a=SECOND)
    # Below the bound, and not yet by half.
    assert decided(account(), seen("30", position(), donor=rich)) == []
    assert decided(account(), seen("30", position(), donor=pair_of("20", party_a=SECOND))) == ["allocate 35"]


def test_in_great_need_nobody_waits_for_another() -> None:
    rich = pair_of("400", party_a=SECOND)
    assert decided(account(), seen("20", position(), donor=rich)) == ["allocate 45"]
    assert decided(account(), seen("20", position(), donor=rich, free="0")) == []


def test_the_pair_nearest_to_liquidation_is_matched_with_the_one_that_can_spare_most() -> None:
    worse = pair_of("16", party_a=US, notional="1000", locked=position().locked)
    poor, rich = pair_of("50", party_a=SECOND), pair_of("90", party_a=TRADER)
    bound = pair_of("900", party_a="0x" + "ee" * 20, is_free=False)
    found = match([poor, NEEDY, rich, worse, bound], BALANCE)
    assert found == (worse, rich)
    assert match([NEEDY, worse], BALANCE) is None
    assert match([replace(NEEDY, in_liquidation=True), rich], BALANCE) is None
    assert match([poor, rich], BALANCE) is None


# --- memory first


@pytest.mark.parametrize(
    ("allocated", "is_needed"), [("20", True), ("39.9", True), ("40", False), ("165", False), ("180", True)]
)
def test_the_chain_is_asked_only_where_memory_says_that_something_may_be_due(allocated: str, is_needed: bool) -> None:
    assert needs_view(seen(allocated, position()), KEEPER) is is_needed


def test_the_vault_is_kept_by_partybs_account_with_itself_alone() -> None:
    policy, own = balance(reserve_vault=wad("500")), account(party_a=US)
    assert decided(own, seen("0", reserve_vault=wad("100")), policy) == ["fill_vault 400"]
    assert decided(own, seen("0", reserve_vault=wad("495")), policy) == []
    assert decided(own, seen("0", reserve_vault=wad("600")), policy) == ["empty_vault 100"]
    assert decided(own, seen("0", reserve_vault=wad("600"), is_withdrawing=True), policy) == []
    assert decided(own, seen("0", free="120"), policy) == ["fill_vault 120"]
    assert decided(account(), seen("0"), policy) == []
    assert decided(own, seen("0", reserve_vault=wad("600")), KEEPER) == []


# --- properties

AMOUNTS = st.integers(min_value=0, max_value=3_000)
PRICES = st.integers(min_value=40, max_value=250)


@st.composite
def situations(draw: st.DrawFn) -> AccountInputs:
    """A pair in any state of health, with little or much free, and sometimes another that could give or needs."""
    side = draw(st.sampled_from(PositionType))
    held = (position(mark=str(draw(PRICES)), side=side),) if draw(st.booleans()) else ()
    inputs = seen(str(draw(AMOUNTS)), *held, free=str(draw(AMOUNTS)), promised_allocation=wad(draw(AMOUNTS)))
    inputs = with_pair(inputs, arriving=wad(draw(AMOUNTS) // 20), claimed=wad(draw(AMOUNTS) // 20))
    other = pair_of(str(draw(AMOUNTS)), party_a=SECOND, notional=str(draw(AMOUNTS)))
    if draw(st.booleans()):
        return replace(inputs, donor=other)
    return replace(inputs, needy=other if missing(other, BALANCE) else None)


@for_all(situations(), st.integers(min_value=1, max_value=100))
def test_a_decision_allocates_what_is_there_and_takes_away_what_is_spare(inputs: AccountInputs, percent: int) -> None:
    policy = balance(max_account_share=wad(percent) // 100, min_move=0)
    view, pair = inputs.account, seen_pair(inputs)
    assert view is not None
    assert pair is not None
    for event in decide_account(account(), inputs, policy)[1:]:
        call = requested([event]).call
        if call.kind is CallKind.ALLOCATE:
            total = view.party_b_free + max(inputs.total_allocated, view.party_b_allocated)
            assert 0 < call.allocate <= view.party_b_free - inputs.promised_allocation
            assert 100 * (view.party_b_allocated + call.allocate) <= percent * total
            assert pair.left + call.allocate <= pair.notional * BALANCE.health_target // wad("1")
        else:
            assert 0 < call.amount <= spare(pair, policy.balance) <= view.party_b_allocated
            after = replace(pair, allocated=pair.allocated - call.amount)
            assert after.left >= pair.notional * BALANCE.health_target // wad("1")
            assert missing(after, policy.balance) == 0


@for_all(st.lists(st.integers(min_value=-190, max_value=190), min_size=1, max_size=40), st.sampled_from(PositionType))
def test_steps_of_the_price_below_the_lower_bound_never_liquidate(steps: list[int], side: PositionType) -> None:
    """Each look comes in time for a step of the mark by up to 1.9 percent of it, one way or the other."""
    policy, allocated, mark = balance(), wad("65"), wad("100")
    for step in steps:
        mark += mark * step // 10_000
        inputs = seen("65", position(mark="100", side=side))
        held = replace(position(side=side), mark=mark)
        inputs = seen(_text(allocated), held, free="1000000")
        pair = seen_pair(inputs)
        assert pair is not None
        assert pair.left >= 0
        for event in decide_account(account(), inputs, policy)[1:]:
            call = requested([event]).call
            allocated += call.allocate - call.amount
        settled = seen_pair(seen(_text(allocated), held))
        assert settled is not None
        assert settled.left >= pair.notional * BalancePolicy().health_low // wad("1")


@for_all(situations())
def test_the_same_inputs_give_the_same_decision(inputs: AccountInputs) -> None:
    assert decide_account(account(), inputs, KEEPER) == decide_account(account(), inputs, KEEPER)


def _text(amount: int) -> str:
    return f"{amount // 10**18}.{amount % 10**18:018d}"
