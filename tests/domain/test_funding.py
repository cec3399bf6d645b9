"""Charging funding: which positions, at which rate, for which epoch, and what follows where the contract refuses."""

from collections.abc import Iterable
from fractions import Fraction

import msgspec
import pytest

from hedger.domain.account import Account, AccountDecided
from hedger.domain.events import Event
from hedger.domain.funding import (
    SymbolFunding,
    VenueRate,
    amount_moved,
    contract_rate,
    epoch_of,
    is_window_open,
    taken_by_venue,
)
from hedger.domain.margins import Locked
from hedger.domain.money import WAD
from hedger.domain.policies.accounts import decide_account
from hedger.domain.policies.inputs import AccountInputs, PositionView
from hedger.domain.policies.policy import FundingPolicy, Policy, SymbolPolicy
from hedger.domain.reverts import action_for
from hedger.domain.terms import CallKind, PositionType, TradingState
from hedger.domain.transactions import Call, TransactionFailed, TransactionRequested
from tests.domain.given import ACCOUNT, POLICY, TRADER, US, succeeded, wad

EPOCH_S, WINDOW_S = 28_800, 900
BOUNDARY = 1_700_006_400  # a multiple of the epoch
LONG, SHORT = PositionType.LONG, PositionType.SHORT
RATE = wad("0.0001")
ALLOCATED = msgspec.structs.replace(ACCOUNT, party_b_allocated=wad("1000"))
BOTH = msgspec.structs.replace(
    POLICY,
    symbols={"BTCUSDT": SymbolPolicy(), "ETHUSDT": SymbolPolicy()},
    funding=FundingPolicy(user_to_hedger=WAD, hedger_to_user=wad("0.75")),
)


def position(quote_id: int = 7, **changes: object) -> PositionView:
    """Ten at a price of 100, opened long before the boundary, never charged, of a PartyA that agreed to anything."""
    view = PositionView(
        quote_id=quote_id,
        symbol_id=1,
        position_type=LONG,
        open_quantity=wad("10"),
        opened_price=wad("100"),
        locked=Locked(),
        mark=wad("100"),
        opened_at=BOUNDARY - 5_000,
        max_funding_rate=wad("200"),
    )
    return msgspec.structs.replace(view, **changes)


def funding(*rates: VenueRate, **changes: object) -> SymbolFunding:
    """A symbol whose exchange settles with the contract's epoch, and told that it applied one in ten thousand."""
    told = SymbolFunding(
        symbol_id=1,
        name="BTCUSDT",
        epoch_s=EPOCH_S,
        window_s=WINDOW_S,
        interval_s=EPOCH_S,
        trading_state=TradingState.ACTIVE,
        rates=rates or (applied(RATE),),
    )
    return msgspec.structs.replace(told, **changes)


def applied(rate: int, at: int = BOUNDARY) -> VenueRate:
    return VenueRate(settles_at=at, rate=rate, is_settled=True)


def seen(rate: int, at: int = BOUNDARY) -> VenueRate:
    return VenueRate(settles_at=at, rate=rate, is_settled=False)


def account(*history: Event) -> Account:
    pair = Account.new(31337, "0x" + "dd" * 20, US, TRADER)
    pair.advance(history)
    return pair


def inputs(
    *positions: PositionView, fundings: Iterable[SymbolFunding] = (), at: int = BOUNDARY + 5, **changes: object
) -> AccountInputs:
    told = AccountInputs(
        block_number=1_000,
        block_timestamp=at,
        venue_time_ms=at * 1000,
        trading_state=TradingState.ACTIVE,
        account=ALLOCATED,
        positions=positions or (position(),),
        funding=tuple(fundings) or (funding(),),
    )
    return msgspec.structs.replace(told, **changes)


def charge(told: AccountInputs, pair: Account | None = None, policy: Policy = BOTH) -> Call | None:
    """The charge that is asked for, if any."""
    decided = decide_account(pair or account(), told, policy)
    return next((event.call for event in decided if isinstance(event, TransactionRequested)), None)


def charges(call: Call | None) -> dict[int, int]:
    return dict(zip(call.quote_ids, call.rates, strict=True)) if call is not None else {}


def asked(*quote_ids: int, attempt: int = 1, at: int = BOUNDARY + 5) -> TransactionRequested:
    return TransactionRequested(
        request_id=f"t-{TRADER}-charge_funding-{attempt}",
        party_a=TRADER,
        symbol_id=0,
        call=Call(kind=CallKind.CHARGE_FUNDING, quote_ids=quote_ids, rates=(RATE,) * len(quote_ids)),
        valid_until=0,
        requested_at=at,
    )


def refused(reason: str, *, attempt: int = 1, at: int = BOUNDARY + 6) -> TransactionFailed:
    return TransactionFailed(
        request_id=f"t-{TRADER}-charge_funding-{attempt}",
        stage="simulation",
        reason=reason,
        action=action_for(reason),
        block_timestamp=at,
    )


# --- rates


@pytest.mark.parametrize(
    ("side", "taken", "rate"),
    [
        (LONG, "0.00005394", "0.00005394"),  # longs pay: the user pays what the venue took of the long hedge
        (SHORT, "0.00005394", "-0.000040455"),  # and a user's short gets the hedger's part of what the hedge earned
        (LONG, "-0.00005394", "-0.000040455"),
        (SHORT, "-0.00005394", "0.00005394"),
    ],
)
def test_the_sign_is_the_contracts_and_each_direction_has_its_own_coefficient(
    side: PositionType, taken: str, rate: str
) -> None:
    told = funding(applied(wad(taken)))
    assert charges(charge(inputs(position(position_type=side), fundings=[told]))) == {7: wad(rate)}


def test_what_a_user_pays_rounds_up_and_what_it_is_paid_rounds_down() -> None:
    third = Fraction(10, 3)
    numbers = {"user_to_hedger": WAD, "hedger_to_user": WAD, "highest": WAD}
    assert contract_rate(LONG, third, **numbers) == 4
    assert contract_rate(SHORT, third, **numbers) == -3


def test_a_symbol_may_have_coefficients_of_its_own() -> None:
    own = SymbolPolicy(funding_user_to_hedger=2 * WAD, funding_hedger_to_user=0)
    policy = msgspec.structs.replace(BOTH, symbols={"BTCUSDT": own})
    told = inputs(position(1), position(2, position_type=SHORT))
    assert charges(charge(told, policy=policy)) == {1: 2 * RATE}


def test_more_than_party_a_agreed_to_is_clamped_in_both_directions() -> None:
    told = inputs(
        position(1, max_funding_rate=wad("0.00002")),
        position(2, position_type=SHORT, max_funding_rate=wad("0.00003")),
    )
    assert charges(charge(told)) == {1: wad("0.00002"), 2: -wad("0.00003")}


@pytest.mark.parametrize("agreed", [0, None])
def test_a_quote_that_agreed_to_nothing_or_is_not_known_to_is_never_charged(agreed: int | None) -> None:
    assert charge(inputs(position(max_funding_rate=agreed))) is None


def test_a_rate_of_zero_is_worth_no_transaction() -> None:
    assert charge(inputs(fundings=[funding(applied(0))])) is None


def test_several_settlements_within_an_epoch_are_added_up() -> None:
    hourly = [applied(wad("0.0001"), BOUNDARY - 3_600), applied(-wad("0.00004"), BOUNDARY)]
    told = funding(applied(wad("1"), BOUNDARY - 7_200), *hourly, epoch_s=7_200, interval_s=3_600)
    assert taken_by_venue(told, BOUNDARY, guess=False) == wad("0.00006")


def test_a_settlement_that_spans_several_epochs_counts_in_parts() -> None:
    between = funding(seen(wad("0.0003"), BOUNDARY + 2 * EPOCH_S), interval_s=3 * EPOCH_S)
    assert taken_by_venue(between, BOUNDARY, guess=False) == wad("0.0001")
    last = funding(seen(wad("0.0003")), interval_s=3 * EPOCH_S)
    assert taken_by_venue(last, BOUNDARY, guess=False) is None
    assert taken_by_venue(last, BOUNDARY, guess=True) == wad("0.0001")


def test_what_the_venue_applied_is_waited_for_and_its_last_rate_taken_after_a_while() -> None:
    told = [funding(seen(RATE))]
    assert charge(inputs(fundings=told, at=BOUNDARY + 59)) is None
    assert charges(charge(inputs(fundings=told, at=BOUNDARY + 60))) == {7: RATE}


def test_without_any_rate_nothing_is_charged() -> None:
    at = BOUNDARY + 600
    assert charge(inputs(fundings=[funding(interval_s=0)], at=at)) is None
    assert charge(inputs(fundings=[funding(seen(RATE, BOUNDARY + EPOCH_S))], at=at)) is None


def test_missing_settlements_count_as_the_newest_one() -> None:
    told = funding(applied(RATE), interval_s=EPOCH_S // 4)
    assert taken_by_venue(told, BOUNDARY, guess=False) is None
    assert taken_by_venue(told, BOUNDARY, guess=True) == 4 * RATE


def test_the_amount_is_rounded_as_the_contract_rounds_it() -> None:
    assert amount_moved(wad("100"), RATE, wad("10")) == wad("0.1")
    assert amount_moved(wad("100"), -RATE, wad("10")) == -wad("0.1")
    assert amount_moved(1, RATE, wad("10")) == 0


# --- epochs and windows


@pytest.mark.parametrize(
    ("at", "epoch"),
    [
        (0, 0),
        (BOUNDARY - WINDOW_S, BOUNDARY),
        (BOUNDARY - EPOCH_S + WINDOW_S, BOUNDARY - EPOCH_S),
        (BOUNDARY - EPOCH_S + WINDOW_S + 1, BOUNDARY),
        (BOUNDARY, BOUNDARY),
        (BOUNDARY + WINDOW_S, BOUNDARY),
        (BOUNDARY + EPOCH_S - WINDOW_S, BOUNDARY + EPOCH_S),
    ],
)
def test_a_charge_pays_for_the_epoch_that_the_contract_says(at: int, epoch: int) -> None:
    assert epoch_of(at, EPOCH_S, WINDOW_S) == epoch


@pytest.mark.parametrize(
    ("at", "is_charged"),
    [
        (BOUNDARY - 1, False),  # the contract would take it; what the venue takes is not known yet
        (BOUNDARY, True),
        (BOUNDARY + WINDOW_S - 16, True),
        (BOUNDARY + WINDOW_S - 15, False),  # it might be mined too late
        (BOUNDARY + WINDOW_S + 1, False),
    ],
)
def test_funding_is_charged_from_the_boundary_to_shortly_before_the_window_ends(at: int, is_charged: bool) -> None:
    assert (charge(inputs(at=at)) is not None) == is_charged


def test_a_request_is_pointless_once_the_window_ends() -> None:
    [_, request] = decide_account(account(), inputs(), BOTH)
    assert isinstance(request, TransactionRequested)
    assert request.valid_until == BOUNDARY + WINDOW_S - 15


def test_a_symbol_without_an_epoch_is_never_due() -> None:
    assert not is_window_open(BOUNDARY, 0, 0)


def test_a_position_is_charged_once_per_epoch() -> None:
    assert charge(inputs(position(funded_at=BOUNDARY - EPOCH_S + WINDOW_S))) is not None
    assert charge(inputs(position(funded_at=BOUNDARY + 2))) is None


def test_what_was_charged_ahead_of_the_boundary_is_not_charged_again_behind_it() -> None:
    assert charge(inputs(position(funded_at=BOUNDARY - WINDOW_S))) is None


def test_a_position_opened_behind_the_boundary_waits_for_the_next_one() -> None:
    assert charge(inputs(position(opened_at=BOUNDARY + 1))) is None
    assert charge(inputs(position(opened_at=BOUNDARY))) is not None


def test_symbols_with_different_epochs_go_into_one_call() -> None:
    hour = funding(applied(-RATE), symbol_id=2, name="ETHUSDT", epoch_s=3_600, window_s=300, interval_s=3_600)
    late = inputs(position(1), position(2, symbol_id=2), fundings=[funding(), hour])
    [_, request] = decide_account(account(), late, BOTH)
    assert isinstance(request, TransactionRequested)
    assert charges(request.call) == {1: RATE, 2: -wad("0.000075")}
    assert request.valid_until == BOUNDARY + 300 - 15


# --- what holds it back


def test_while_reducing_funding_is_charged_and_while_halted_it_is_not() -> None:
    assert charge(inputs(trading_state=TradingState.REDUCING)) is not None
    assert charge(inputs(trading_state=TradingState.HALTED)) is None
    assert charge(inputs(fundings=[funding(trading_state=TradingState.HALTED)])) is None


def test_funding_that_is_switched_off_is_not_charged() -> None:
    policy = msgspec.structs.replace(BOTH, funding=FundingPolicy(enabled=False))
    assert charge(inputs(), policy=policy) is None


def test_while_the_contract_is_paused_nothing_is_charged() -> None:
    assert charge(inputs(paused=("party_b_actions",))) is None
    assert charge(inputs(paused=("liquidation",))) is not None


def test_a_quote_with_a_transaction_of_its_own_under_way_waits() -> None:
    assert charges(charge(inputs(position(1, is_busy=True), position(2)))) == {2: RATE}


def test_while_a_charge_is_under_way_or_its_block_is_not_read_nothing_is_asked_for() -> None:
    assert charge(inputs(), account(asked(7))) is None
    mined = succeeded(f"t-{TRADER}-charge_funding-1", block=1_001)
    assert charge(inputs(), account(asked(7), mined)) is None
    assert charge(inputs(block_number=1_001), account(asked(7), mined)) is not None


def test_a_decision_is_recorded_with_its_rule_and_what_it_saw() -> None:
    told = inputs()
    [decided, request] = decide_account(account(), told, BOTH)
    assert isinstance(decided, AccountDecided)
    assert decided.inputs == told
    assert decided.rule == "charge funding: an epoch has ended"
    assert isinstance(request, TransactionRequested)
    assert request.request_id == f"t-{TRADER}-charge_funding-1"


# --- batches and failures


def many(count: int) -> AccountInputs:
    return inputs(*(position(number) for number in range(1, count + 1)), at=BOUNDARY + 300)


def test_a_call_holds_so_many_quotes_and_no_more() -> None:
    call = charge(many(130))
    assert call is not None
    assert call.quote_ids == tuple(range(1, 101))


def test_a_party_a_that_cannot_pay_is_left_out_for_this_epoch() -> None:
    pair = account(asked(7), refused("ChargeFundingFacet: PartyA will be insolvent"))
    assert charge(inputs(at=BOUNDARY + 800), pair) is None
    after = BOUNDARY + EPOCH_S
    coming = inputs(fundings=[funding(applied(RATE, after))], at=after + 5)
    assert charge(coming, pair) is not None


@pytest.mark.parametrize(
    "reason",
    [
        "ChargeFundingFacet: High funding rate",
        "ChargeFundingFacet: Invalid state",
        "ChargeFundingFacet: Funding already paid for this window",
    ],
)
def test_where_one_quote_spoils_a_call_fewer_are_charged_at_once_until_it_is_alone(reason: str) -> None:
    pair = account(asked(*range(1, 5)), refused(reason, at=BOUNDARY + 10))
    policy = msgspec.structs.replace(BOTH, funding=FundingPolicy(max_quotes=4))
    half = charge(many(4), pair, policy)
    assert half is not None
    assert half.quote_ids == (1, 2)
    pair.advance([asked(1, 2, attempt=2), refused(reason, attempt=2, at=BOUNDARY + 20)])
    one = charge(many(4), pair, policy)
    assert one is not None
    assert one.quote_ids == (1,)
    pair.advance([asked(1, attempt=3), refused(reason, attempt=3, at=BOUNDARY + 30)])
    following = charge(many(4), pair, policy)
    assert following is not None
    assert following.quote_ids == (2,)


def test_a_signature_that_went_stale_is_asked_for_again_at_once() -> None:
    pair = account(asked(7), refused("LibMuon: TSS not verified"))
    assert charges(charge(inputs(at=BOUNDARY + 6), pair)) == {7: RATE}


def test_what_is_out_of_the_window_by_the_contracts_clock_is_tried_again_later() -> None:
    pair = account(asked(7), refused("ChargeFundingFacet: Current timestamp is out of window", at=BOUNDARY + 5))
    assert charge(inputs(at=BOUNDARY + 5), pair) is None
    assert charges(charge(inputs(at=BOUNDARY + 10), pair)) == {7: RATE}


def test_where_we_would_be_insolvent_an_allocation_goes_with_the_charge() -> None:
    pays = [funding(applied(-wad("0.1")))]
    poor = msgspec.structs.replace(ACCOUNT, party_b_allocated=wad("60"))
    call = charge(inputs(fundings=pays, account=poor))
    # 75 go to PartyA; five per cent of the notional, 1000, are to be left.
    assert call is not None
    assert call.rates == (-wad("0.075"),)
    assert call.allocate == wad("65")


def test_where_the_contract_said_so_more_is_allocated_than_our_own_numbers_ask_for() -> None:
    pair = account(asked(7), refused("ChargeFundingFacet: PartyB will be insolvent"))
    pays = [funding(applied(-wad("0.02")))]
    enough = msgspec.structs.replace(ACCOUNT, party_b_allocated=wad("60"))
    assert charge(inputs(fundings=pays, account=enough)) == Call(
        kind=CallKind.CHARGE_FUNDING, quote_ids=(7,), rates=(-wad("0.015"),)
    )
    call = charge(inputs(fundings=pays, account=enough, at=BOUNDARY + 20), pair)
    assert call is not None
    assert call.allocate == wad("15")
