"""Is an intent interesting? Small named rules, each with its own code; all run, all are recorded."""

from collections.abc import Callable

import msgspec

from hedger.domain.error_codes import ErrorCode
from hedger.domain.margins import available_for_liquidation, available_for_quote_a, leverage
from hedger.domain.money import WAD, mul, to_text
from hedger.domain.policies import allocation
from hedger.domain.policies.inputs import AccountView, BookView, Inputs, MarketView, SymbolTerms, VenueLimits
from hedger.domain.policies.policy import Policy, SymbolPolicy
from hedger.domain.policies.pricing import expected_open, is_reachable_to_open
from hedger.domain.quote.events import RuleResult
from hedger.domain.quote.onchain import OnChain
from hedger.domain.solvency import Headroom, after_open
from hedger.domain.terms import OrderType, PositionType, TradingState


class Candidate(msgspec.Struct, frozen=True, kw_only=True):
    """An intent with everything the rules look at; only complete inputs make one."""

    quote: OnChain
    policy: Policy
    symbol_policy: SymbolPolicy
    inputs: Inputs
    symbol: SymbolTerms
    limits: VenueLimits
    market: MarketView
    account: AccountView
    book: BookView

    @property
    def notional(self) -> int:
        return mul(self.quote.quantity, self.quote.requested_price)

    @property
    def expected_price(self) -> int:
        """What it would open at now: a short at the market may open far better than asked, and locks more then."""
        return expected_open(self.quote, self.market.bid, self.market.ask, self.policy.spread_open)

    @property
    def largest_notional(self) -> int:
        """The notional at whichever is more, the price asked or the one expected."""
        return max(self.notional, mul(self.quote.quantity, self.expected_price))

    @property
    def is_market(self) -> bool:
        return self.quote.order_type is OrderType.MARKET


Finding = tuple[bool, str, str]
Rule = Callable[[Candidate], Finding]


def _trading_state(c: Candidate) -> Finding:
    return c.inputs.trading_state is TradingState.ACTIVE, c.inputs.trading_state.value, TradingState.ACTIVE.value


def _not_paused(c: Candidate) -> Finding:
    return not c.inputs.paused, ",".join(c.inputs.paused) or "none", "none"


def _addressed(c: Candidate) -> Finding:
    return is_addressed(c.quote, c.policy), ",".join(c.quote.party_bs_whitelist) or "everyone", c.policy.party_b


def _not_itself(c: Candidate) -> Finding:
    return c.quote.party_a != c.policy.party_b, c.quote.party_a, "another than the hedger"


def _symbol_enabled(c: Candidate) -> Finding:
    return c.symbol_policy.enabled and c.symbol.is_valid, c.symbol.name, "enabled here and valid on the contract"


def _side_enabled(c: Candidate) -> Finding:
    long = c.quote.position_type is PositionType.LONG
    return (c.symbol_policy.long_enabled if long else c.symbol_policy.short_enabled), c.quote.position_type.name, "on"


def _accounts_in_order(c: Candidate) -> Finding:
    troubles = [
        name
        for name, is_so in (
            ("partyA liquidated", c.account.party_a_liquidated),
            ("partyA suspended", c.account.party_a_suspended),
            ("partyB liquidated towards it", c.account.party_b_liquidated),
        )
        if is_so
    ]
    return not troubles, ", ".join(troubles) or "in order", "in order"


def _deadline(c: Candidate) -> Finding:
    left = c.quote.deadline - c.inputs.block_timestamp
    return left >= c.policy.min_seconds_to_open, f"{left} s", f"{c.policy.min_seconds_to_open} s"


def _min_notional(c: Candidate) -> Finding:
    least = max(c.symbol_policy.min_notional, c.limits.min_notional)
    return c.notional >= least, to_text(c.notional), to_text(least)


def _max_notional(c: Candidate) -> Finding:
    most = c.symbol_policy.max_notional
    return c.largest_notional <= most, to_text(c.largest_notional), to_text(most)


def _lot_size(c: Candidate) -> Finding:
    fits = c.limits.min_quantity <= c.quote.quantity <= c.limits.max_quantity
    whole = c.quote.quantity % c.limits.step == 0 if c.limits.step else True
    limit = f"{to_text(c.limits.min_quantity)}..{to_text(c.limits.max_quantity)} step {to_text(c.limits.step)}"
    return fits and whole, to_text(c.quote.quantity), limit


def _leverage(c: Candidate) -> Finding:
    asked = leverage(c.quote.quantity, c.quote.requested_price, c.quote.locked)
    most = min(c.symbol_policy.max_leverage, c.symbol.max_leverage)
    return 0 < asked <= most, to_text(asked), to_text(most)


def _locked_values(c: Candidate) -> Finding:
    wanted = mul(c.notional, c.symbol_policy.cva_lf_portion)
    wanted_cva, wanted_lf = (mul(part, WAD - c.policy.locked_tolerance) for part in (wanted * 2 // 3, wanted // 3))
    # A quote without liquidation fee can never be closed the normal way, whatever the policy asks.
    enough = c.quote.locked.cva >= wanted_cva and c.quote.locked.lf >= max(1, wanted_lf)
    seen = f"cva {to_text(c.quote.locked.cva)}, lf {to_text(c.quote.locked.lf)}"
    return enough, seen, f"cva {to_text(wanted_cva)}, lf {to_text(wanted_lf)}"


def _funding_rate(c: Candidate) -> Finding:
    agreed = c.inputs.max_funding_rate or 0
    return agreed >= c.symbol_policy.max_funding_rate, to_text(agreed), to_text(c.symbol_policy.max_funding_rate)


def _price_age(c: Candidate) -> Finding:
    age = c.inputs.venue_time_ms - c.market.at_ms
    return age <= c.policy.max_price_age_ms, f"{age} ms", f"{c.policy.max_price_age_ms} ms"


def _price(c: Candidate) -> Finding:
    seen = f"bid {to_text(c.market.bid)}, ask {to_text(c.market.ask)}, mark {to_text(c.market.mark)}"
    if c.is_market:
        reachable = is_reachable_to_open(c.quote, c.market.bid, c.market.ask, c.policy.spread_open)
        return reachable, seen, f"{to_text(c.quote.requested_price)} with spread {to_text(c.policy.spread_open)}"
    distance = abs(c.quote.requested_price - c.market.mark) * WAD // c.market.mark
    return distance <= c.policy.max_limit_distance, to_text(distance), to_text(c.policy.max_limit_distance)


def _cap(held: int, more: int, cap: int) -> Finding:
    return held + more <= cap, f"{to_text(held)} + {to_text(more)}", to_text(cap)


def _cap_symbol(c: Candidate) -> Finding:
    return _cap(c.book.symbol_notional, c.largest_notional, c.symbol_policy.cap_notional)


def _cap_account(c: Candidate) -> Finding:
    return _cap(c.book.account_notional, c.largest_notional, c.policy.cap_account)


def _cap_total(c: Candidate) -> Finding:
    return _cap(c.book.total_notional, c.largest_notional, c.policy.cap_total)


def _party_a_solvent(c: Candidate) -> Finding:
    # The quote's own locked values are among the pending ones already: sending it put them there.
    free = available_for_quote_a(
        c.account.party_a_allocated, c.account.party_a_locked, c.account.party_a_pending, c.book.account_upnl
    )
    locked = c.account.party_a_locked.plus(c.quote.locked.scaled(c.expected_price, c.quote.requested_price))
    above = available_for_liquidation(c.account.party_a_allocated, locked, c.book.account_upnl)
    after = after_open(
        Headroom(party_a=above, party_b=0),
        c.quote.position_type,
        c.quote.quantity,
        c.expected_price,
        c.market.mark,
    )
    least = min(free, after.party_a)
    return least >= 0, to_text(least), "0"


def _party_b_funds(c: Candidate) -> Finding:
    short = allocation.for_lock(c.quote, c.account, c.book, c.policy, price=c.expected_price)
    free = c.account.party_b_free - c.book.promised_allocation
    return short <= free, f"needs {to_text(short)}", f"free {to_text(free)}"


def _account_share(c: Candidate) -> Finding:
    short = allocation.for_lock(c.quote, c.account, c.book, c.policy, price=c.expected_price)
    room = allocation.share_room(c.account, c.book, c.policy)
    # What is not there at all is the matter of the rule before.
    return min(short, c.account.party_b_free) <= room, f"needs {to_text(short)}", f"{to_text(room)} left of its share"


def _venue_margin(c: Candidate) -> Finding:
    margin = c.inputs.venue_margin or 0
    most = min(c.symbol_policy.max_leverage, c.symbol.max_leverage)
    needed = c.largest_notional * WAD // most
    return margin >= needed, to_text(margin), to_text(needed)


_RULES: tuple[tuple[str, ErrorCode, ErrorCode, Rule], ...] = (
    # name, code for MARKET, code for LIMIT, rule
    ("addressed", ErrorCode.NOT_ADDRESSED, ErrorCode.NOT_ADDRESSED, _addressed),
    ("not_itself", ErrorCode.NOT_WANTED, ErrorCode.NOT_WANTED, _not_itself),
    ("trading_state", ErrorCode.TRADING_PAUSED, ErrorCode.TRADING_PAUSED, _trading_state),
    ("chain_not_paused", ErrorCode.TRADING_PAUSED, ErrorCode.TRADING_PAUSED, _not_paused),
    ("symbol_enabled", ErrorCode.SYMBOL_DISABLED, ErrorCode.SYMBOL_DISABLED, _symbol_enabled),
    ("side_enabled", ErrorCode.SIDE_DISABLED, ErrorCode.SIDE_DISABLED, _side_enabled),
    ("accounts_in_order", ErrorCode.NOT_WANTED, ErrorCode.NOT_WANTED, _accounts_in_order),
    ("deadline", ErrorCode.DEADLINE, ErrorCode.DEADLINE, _deadline),
    ("min_notional", ErrorCode.NOTIONAL_TOO_SMALL, ErrorCode.NOTIONAL_TOO_SMALL, _min_notional),
    ("max_notional", ErrorCode.NOTIONAL_TOO_LARGE, ErrorCode.NOTIONAL_TOO_LARGE, _max_notional),
    ("lot_size", ErrorCode.LOT_SIZE, ErrorCode.LOT_SIZE, _lot_size),
    ("leverage", ErrorCode.LEVERAGE, ErrorCode.LEVERAGE, _leverage),
    ("locked_values", ErrorCode.LOCKED_VALUES, ErrorCode.LOCKED_VALUES, _locked_values),
    ("funding_rate", ErrorCode.FUNDING_RATE, ErrorCode.FUNDING_RATE, _funding_rate),
    ("price_age", ErrorCode.PRICE_UNKNOWN, ErrorCode.PRICE_UNKNOWN, _price_age),
    ("price", ErrorCode.MARKET_MOVED, ErrorCode.MARKET_MOVED, _price),
    ("cap_symbol", ErrorCode.PARTY_B_LIMIT_MARKET, ErrorCode.PARTY_B_LIMIT_LIMIT, _cap_symbol),
    ("cap_account", ErrorCode.ACCOUNT_CAP, ErrorCode.ACCOUNT_CAP, _cap_account),
    ("cap_total", ErrorCode.CAPACITY, ErrorCode.CAPACITY, _cap_total),
    ("party_a_solvent", ErrorCode.PARTY_A_INSOLVENT_MARKET, ErrorCode.PARTY_A_INSOLVENT_LIMIT, _party_a_solvent),
    ("party_b_funds", ErrorCode.PARTY_B_LIMIT_MARKET, ErrorCode.PARTY_B_LIMIT_LIMIT, _party_b_funds),
    ("account_share", ErrorCode.ACCOUNT_CAP, ErrorCode.ACCOUNT_CAP, _account_share),
    ("venue_margin", ErrorCode.CAPACITY, ErrorCode.CAPACITY, _venue_margin),
)

RULE_NAMES = tuple(name for name, _, _, _ in _RULES)


def candidate(quote: OnChain, inputs: Inputs, policy: Policy) -> Candidate | None:
    """The intent with its inputs, or None while a part of them is not known: not known is not a refusal."""
    symbol, limits, market = inputs.symbol, inputs.limits, inputs.market
    account, book = inputs.account, inputs.book
    if symbol is None or limits is None or market is None or account is None or book is None:
        return None
    return Candidate(
        quote=quote,
        policy=policy,
        symbol_policy=policy.of(symbol.name) or SymbolPolicy(enabled=False),
        inputs=inputs,
        symbol=symbol,
        limits=limits,
        market=market,
        account=account,
        book=book,
    )


def judge_unseen(quote: OnChain, inputs: Inputs, policy: Policy) -> tuple[RuleResult, ...]:
    """What refuses an intent whatever the rest would say; empty where the rest must be known first."""
    failed = []
    if not is_addressed(quote, policy):
        failed.append(("addressed", ErrorCode.NOT_ADDRESSED, ",".join(quote.party_bs_whitelist), policy.party_b))
    if inputs.symbol is not None and policy.of(inputs.symbol.name) is None:
        failed.append(("symbol_enabled", ErrorCode.SYMBOL_DISABLED, inputs.symbol.name, "configured here"))
    if inputs.block_timestamp > quote.deadline:
        left = f"{quote.deadline - inputs.block_timestamp} s"
        failed.append(("deadline", ErrorCode.DEADLINE, left, f"{policy.min_seconds_to_open} s"))
    return tuple(
        RuleResult(rule=rule, passed=False, code=int(code), seen=seen, limit=limit)
        for rule, code, seen, limit in failed
    )


def is_addressed(quote: OnChain, policy: Policy) -> bool:
    """True where everybody, or this hedger by name, may take the intent."""
    return not quote.party_bs_whitelist or policy.party_b in quote.party_bs_whitelist


def judge(c: Candidate) -> tuple[RuleResult, ...]:
    """Every rule's result, in the order in which the first failure gives the refusal its code."""
    results = []
    for name, market_code, limit_code, rule in _RULES:
        passed, seen, limit = rule(c)
        code = ErrorCode.NONE if passed else market_code if c.is_market else limit_code
        results.append(RuleResult(rule=name, passed=passed, code=int(code), seen=seen, limit=limit))
    return tuple(results)
