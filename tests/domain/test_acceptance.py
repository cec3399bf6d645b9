"""Every acceptance rule refuses what it is for, with its own code, and nothing else."""

from typing import Any

import msgspec
import pytest

from hedger.domain.error_codes import ErrorCode
from hedger.domain.margins import Locked
from hedger.domain.policies.acceptance import RULE_NAMES, candidate, judge
from hedger.domain.policies.inputs import Inputs
from hedger.domain.policies.policy import BalancePolicy, Policy
from hedger.domain.quote.onchain import born
from hedger.domain.terms import OrderType, PositionType, TradingState
from tests.domain.given import (
    ACCOUNT,
    BOOK,
    INPUTS,
    LIMITS,
    MARKET,
    NOW,
    OTHER,
    POLICY,
    SYMBOL,
    US,
    Chain,
    inputs,
    wad,
)

replace = msgspec.structs.replace


def failures(seen: Inputs = INPUTS, policy: Policy = POLICY, **sent: Any) -> dict[str, int]:
    quote = born(Chain().sent(**sent))
    assert quote is not None
    found = candidate(quote, seen, policy)
    assert found is not None
    return {result.rule: result.code for result in judge(found) if not result.passed}


def symbol_policy(**changes: Any) -> Policy:
    return replace(POLICY, symbols={"BTCUSDT": replace(POLICY.symbols["BTCUSDT"], **changes)})


def test_a_sound_intent_passes_every_rule() -> None:
    assert failures() == {}
    assert failures(order_type=OrderType.LIMIT, position=PositionType.SHORT, price="99") == {}


CASES: list[tuple[str, ErrorCode, dict[str, Any]]] = [
    ("addressed", ErrorCode.NOT_ADDRESSED, {"whitelist": (OTHER,)}),
    ("trading_state", ErrorCode.TRADING_PAUSED, {"seen": inputs(trading_state=TradingState.REDUCING)}),
    ("chain_not_paused", ErrorCode.TRADING_PAUSED, {"seen": inputs(paused=("partyBActions",))}),
    ("symbol_enabled", ErrorCode.SYMBOL_DISABLED, {"policy": symbol_policy(enabled=False)}),
    ("symbol_enabled", ErrorCode.SYMBOL_DISABLED, {"seen": inputs(symbol=replace(SYMBOL, is_valid=False))}),
    ("symbol_enabled", ErrorCode.SYMBOL_DISABLED, {"seen": inputs(symbol=replace(SYMBOL, name="DOGEUSDT"))}),
    ("side_enabled", ErrorCode.SIDE_DISABLED, {"policy": symbol_policy(long_enabled=False)}),
    ("accounts_in_order", ErrorCode.NOT_WANTED, {"seen": inputs(account=replace(ACCOUNT, party_a_suspended=True))}),
    ("deadline", ErrorCode.DEADLINE, {"deadline": NOW + 9}),
    ("min_notional", ErrorCode.NOTIONAL_TOO_SMALL, {"policy": symbol_policy(min_notional=wad("2000"))}),
    ("max_notional", ErrorCode.NOTIONAL_TOO_LARGE, {"policy": symbol_policy(max_notional=wad("1000"))}),
    ("lot_size", ErrorCode.LOT_SIZE, {"quantity": "10.0005"}),
    ("lot_size", ErrorCode.LOT_SIZE, {"seen": inputs(limits=replace(LIMITS, max_quantity=wad("9")))}),
    ("leverage", ErrorCode.LEVERAGE, {"policy": symbol_policy(max_leverage=wad("10"))}),
    ("locked_values", ErrorCode.LOCKED_VALUES, {"policy": symbol_policy(cva_lf_portion=wad("0.02"))}),
    ("locked_values", ErrorCode.LOCKED_VALUES, {"policy": symbol_policy(cva_lf_portion=0), "lf": "0"}),
    ("funding_rate", ErrorCode.FUNDING_RATE, {"policy": symbol_policy(max_funding_rate=wad("0.001"))}),
    ("price_age", ErrorCode.PRICE_UNKNOWN, {"seen": inputs(venue_time_ms=6_001)}),
    ("price", ErrorCode.MARKET_MOVED, {"seen": inputs(market=replace(MARKET, ask=wad("101")))}),
    ("price", ErrorCode.MARKET_MOVED, {"order_type": OrderType.LIMIT, "price": "49"}),
    ("cap_symbol", ErrorCode.PARTY_B_LIMIT_MARKET, {"seen": inputs(book=replace(BOOK, symbol_notional=wad("999000")))}),
    (
        "cap_symbol",
        ErrorCode.PARTY_B_LIMIT_LIMIT,
        {"seen": inputs(book=replace(BOOK, symbol_notional=wad("999000"))), "order_type": OrderType.LIMIT},
    ),
    ("cap_account", ErrorCode.ACCOUNT_CAP, {"seen": inputs(book=replace(BOOK, account_notional=wad("499000")))}),
    ("cap_total", ErrorCode.CAPACITY, {"seen": inputs(book=replace(BOOK, total_notional=wad("4999000")))}),
    (
        "party_a_solvent",
        ErrorCode.PARTY_A_INSOLVENT_MARKET,
        {"seen": inputs(account=replace(ACCOUNT, party_a_allocated=wad("99")))},
    ),
    (
        "party_b_funds",
        ErrorCode.PARTY_B_LIMIT_MARKET,
        {
            "seen": inputs(account=replace(ACCOUNT, party_b_free=wad("10"))),
            "policy": replace(POLICY, balance=BalancePolicy(max_account_share=wad("1"))),
        },
    ),
    (
        "party_b_funds",
        ErrorCode.PARTY_B_LIMIT_MARKET,
        {"seen": inputs(book=replace(BOOK, promised_allocation=wad("9999")))},
    ),
    (
        "account_share",
        ErrorCode.ACCOUNT_CAP,
        {"policy": replace(POLICY, balance=BalancePolicy(max_account_share=wad("0.006")))},
    ),
    (
        "account_share",
        ErrorCode.ACCOUNT_CAP,
        {"seen": inputs(book=replace(BOOK, account_promised=wad("4990"), total_allocated=wad("1")))},
    ),
    ("venue_margin", ErrorCode.CAPACITY, {"seen": inputs(venue_margin=wad("1"))}),
]


@pytest.mark.parametrize(("rule", "code", "case"), CASES, ids=[f"{c[0]}-{i}" for i, c in enumerate(CASES)])
def test_each_rule_refuses_what_it_is_for(rule: str, code: ErrorCode, case: dict[str, Any]) -> None:
    assert failures(**case) == {rule: int(code)}


def test_a_party_b_never_trades_with_itself() -> None:
    quote = born(replace(Chain().sent(), party_a=US))
    assert quote is not None
    found = candidate(quote, INPUTS, POLICY)
    assert found is not None
    assert [result.rule for result in judge(found) if not result.passed] == ["not_itself"]


def test_every_rule_has_a_case() -> None:
    assert {case[0] for case in CASES} | {"not_itself"} == set(RULE_NAMES)


def test_the_loss_of_party_a_counts_against_its_solvency() -> None:
    at_a_loss = inputs(
        account=replace(ACCOUNT, party_a_allocated=wad("120"), party_a_locked=Locked()),
        book=replace(BOOK, account_upnl=-wad("30")),
    )
    assert set(failures(seen=at_a_loss)) == {"party_a_solvent"}
