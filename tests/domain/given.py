"""The words of the domain's tests: a quote given by its events, inputs as a decision sees them."""

from collections.abc import Iterable

import msgspec

from hedger.domain import chain_facts as facts
from hedger.domain import transactions
from hedger.domain.events import ChainFact, ChainSource, Event
from hedger.domain.margins import Locked
from hedger.domain.money import from_text
from hedger.domain.policies.decide import decide
from hedger.domain.policies.inputs import AccountView, BookView, Inputs, MarketView, SymbolTerms, VenueLimits
from hedger.domain.policies.policy import Policy, SymbolPolicy
from hedger.domain.quote import events
from hedger.domain.quote.quote import Quote
from hedger.domain.reverts import RevertAction, action_for
from hedger.domain.terms import BalanceChange, MarketMode, OrderType, PositionType, QuoteStatus, TradingState

US = "0x" + "bb" * 20
OTHER = "0x" + "cc" * 20
TRADER = "0x" + "aa" * 20
NOW = 1_700_000_000
DEADLINE = NOW + 600
QUOTE_ID = 7
TAG = "t"


def wad(text: str | int) -> int:
    return from_text(str(text))


class Chain:
    """Tells facts with sources of their own, one block each."""

    def __init__(self) -> None:
        self.block = 100

    def source(self, at: int = NOW) -> ChainSource:
        self.block += 1
        return ChainSource(
            chain_id=31337,
            block_number=self.block,
            block_hash=f"0xb{self.block}",
            block_timestamp=at,
            transaction_hash=f"0xt{self.block}",
            log_index=0,
        )

    def sent(
        self,
        *,
        order_type: OrderType = OrderType.MARKET,
        position: PositionType = PositionType.LONG,
        price: str = "101",
        quantity: str = "10",
        whitelist: tuple[str, ...] = (),
        deadline: int = DEADLINE,
        lf: str = "5",
    ) -> facts.QuoteSent:
        return facts.QuoteSent(
            source=self.source(),
            quote_id=QUOTE_ID,
            party_a=TRADER,
            party_bs_whitelist=whitelist,
            symbol_id=1,
            position_type=position,
            order_type=order_type,
            price=wad(price),
            market_price=wad("100"),
            quantity=wad(quantity),
            cva=wad("10"),
            lf=wad(lf),
            party_a_mm=wad("85"),
            party_b_mm=0,
            trading_fee=wad("0.001"),
            deadline=deadline,
        )

    def locked(self, by: str = US) -> facts.QuoteLocked:
        return facts.QuoteLocked(source=self.source(), quote_id=QUOTE_ID, party_b=by)

    def unlocked(self) -> facts.QuoteUnlocked:
        return facts.QuoteUnlocked(source=self.source(), quote_id=QUOTE_ID, party_b=US)

    def opened(self, quantity: str = "10", price: str = "100.5", by: str = US) -> facts.PositionOpened:
        return facts.PositionOpened(
            source=self.source(),
            quote_id=QUOTE_ID,
            party_a=TRADER,
            party_b=by,
            quantity=wad(quantity),
            price=wad(price),
        )

    def cancel_requested(self, status: QuoteStatus = QuoteStatus.CANCEL_PENDING) -> facts.CancelRequested:
        return facts.CancelRequested(source=self.source(), quote_id=QUOTE_ID, party_a=TRADER, party_b=US, status=status)

    def cancel_accepted(self) -> facts.CancelAccepted:
        return facts.CancelAccepted(source=self.source(), quote_id=QUOTE_ID)

    def cancel_forced(self) -> facts.CancelForced:
        return facts.CancelForced(source=self.source(), quote_id=QUOTE_ID)

    def open_expired(self) -> facts.OpenExpired:
        return facts.OpenExpired(source=self.source(), quote_id=QUOTE_ID)

    def close_requested(
        self,
        *,
        price: str = "99",
        quantity: str = "10",
        order_type: OrderType = OrderType.MARKET,
        deadline: int = DEADLINE,
        close_id: int = 1,
    ) -> facts.CloseRequested:
        return facts.CloseRequested(
            source=self.source(),
            quote_id=QUOTE_ID,
            party_a=TRADER,
            party_b=US,
            price=wad(price),
            quantity=wad(quantity),
            order_type=order_type,
            deadline=deadline,
            close_id=close_id,
        )

    def close_filled(
        self, quantity: str, price: str = "99.5", status: QuoteStatus = QuoteStatus.CLOSED
    ) -> facts.CloseFilled:
        return facts.CloseFilled(
            source=self.source(),
            quote_id=QUOTE_ID,
            party_a=TRADER,
            party_b=US,
            quantity=wad(quantity),
            price=wad(price),
            status=status,
            close_id=1,
        )

    def close_cancel_requested(self) -> facts.CloseCancelRequested:
        return facts.CloseCancelRequested(
            source=self.source(), quote_id=QUOTE_ID, party_a=TRADER, party_b=US, close_id=1
        )

    def close_cancel_forced(self) -> facts.CloseCancelForced:
        return facts.CloseCancelForced(source=self.source(), quote_id=QUOTE_ID, close_id=1)

    def close_expired(self) -> facts.CloseExpired:
        return facts.CloseExpired(source=self.source(), quote_id=QUOTE_ID, close_id=1)

    def close_cancel_accepted(self) -> facts.CloseCancelAccepted:
        return facts.CloseCancelAccepted(source=self.source(), quote_id=QUOTE_ID, close_id=1)

    def force_closed(
        self, quantity: str = "10", price: str = "103", status: QuoteStatus = QuoteStatus.CLOSED
    ) -> facts.ForceClosed:
        return facts.ForceClosed(
            source=self.source(),
            quote_id=QUOTE_ID,
            party_a=TRADER,
            party_b=US,
            quantity=wad(quantity),
            price=wad(price),
            status=status,
            close_id=1,
        )

    def emergency_closed(self, quantity: str = "10", price: str = "100") -> facts.EmergencyClosed:
        return facts.EmergencyClosed(
            source=self.source(),
            quote_id=QUOTE_ID,
            party_a=TRADER,
            party_b=US,
            quantity=wad(quantity),
            price=wad(price),
            close_id=0,
        )

    def liquidated(self, quantity: str = "10") -> facts.PositionLiquidated:
        return facts.PositionLiquidated(source=self.source(), quote_id=QUOTE_ID, party_a=TRADER, quantity=wad(quantity))

    def pending_liquidated(self) -> facts.PendingLiquidated:
        return facts.PendingLiquidated(source=self.source(), quote_id=QUOTE_ID, party_a=TRADER)

    def funding_charged(self, rate: str) -> facts.FundingCharged:
        return facts.FundingCharged(source=self.source(), quote_id=QUOTE_ID, party_a=TRADER, party_b=US, rate=wad(rate))

    def price_settled(self, price: str) -> facts.PriceSettled:
        return facts.PriceSettled(source=self.source(), quote_id=QUOTE_ID, party_a=TRADER, price=wad(price))

    def party_b_liquidation(self) -> facts.PartyBLiquidationStarted:
        return facts.PartyBLiquidationStarted(source=self.source(), party_b=US, party_a=TRADER, upnl=0)

    def allocation(self, amount: str, kind: BalanceChange = BalanceChange.ALLOCATE) -> facts.AllocationChanged:
        return facts.AllocationChanged(source=self.source(), party_b=US, party_a=TRADER, amount=wad(amount), kind=kind)


def accepted_order(order_id: str) -> events.OrderAccepted:
    return events.OrderAccepted(client_order_id=order_id, venue_order_id=f"v{order_id}", at_ms=0)


def refused_order(order_id: str, code: str = "-2019") -> events.OrderRefused:
    return events.OrderRefused(client_order_id=order_id, code=code, reason="no")


def filled(order_id: str, quantity: str, price: str = "100", trade: str = "1") -> events.OrderFilled:
    return events.OrderFilled(
        venue="paper",
        trade_id=f"{order_id}/{trade}",
        client_order_id=order_id,
        quantity=wad(quantity),
        price=wad(price),
        fee=0,
        fee_asset="USDT",
        traded_at_ms=0,
    )


def ended(order_id: str, executed: str, status: str = "filled") -> events.OrderEnded:
    return events.OrderEnded(
        client_order_id=order_id, venue_order_id=f"v{order_id}", status=status, executed_quantity=wad(executed), at_ms=0
    )


def succeeded(request_id: str, block: int = 100) -> transactions.TransactionSucceeded:
    return transactions.TransactionSucceeded(
        request_id=request_id,
        transaction_hash="0xtx",
        block_number=block,
        block_hash=f"0xb{block}",
        gas_used=1,
        gas_price_wei=1,
    )


def failed(
    request_id: str, reason: str, *, at: int = NOW, action: RevertAction | None = None
) -> transactions.TransactionFailed:
    return transactions.TransactionFailed(
        request_id=request_id,
        stage="simulation",
        reason=reason,
        action=action or action_for(reason),
        block_timestamp=at,
    )


SYMBOL = SymbolTerms(
    symbol_id=1,
    name="BTCUSDT",
    is_valid=True,
    min_quote_value=wad("5"),
    min_lf_portion=wad("0.005"),
    max_leverage=wad("60"),
)
LIMITS = VenueLimits(
    tick=wad("0.1"), step=wad("0.001"), min_quantity=wad("0.001"), max_quantity=wad("1000"), min_notional=wad("5")
)
MARKET = MarketView(bid=wad("99.9"), ask=wad("100"), mark=wad("100"), funding_rate=0, at_ms=1_000)
ACCOUNT = AccountView(
    party_a_allocated=wad("1000"),
    party_a_locked=Locked(),
    party_a_pending=Locked(cva=wad("10"), lf=wad("5"), party_a_mm=wad("85")),
    party_a_liquidated=False,
    party_a_suspended=False,
    party_b_free=wad("10000"),
    party_b_allocated=0,
    party_b_locked=Locked(),
    party_b_pending=Locked(),
    party_b_liquidated=False,
)
BOOK = BookView(
    symbol_notional=0,
    symbol_long_hedge=wad("1000"),
    symbol_short_hedge=0,
    account_notional=0,
    total_notional=0,
    account_upnl=0,
    promised_allocation=0,
)
INPUTS = Inputs(
    block_number=1_000_000,
    block_timestamp=NOW + 1,
    venue_time_ms=1_000,
    trading_state=TradingState.ACTIVE,
    symbol=SYMBOL,
    limits=LIMITS,
    market=MARKET,
    account=ACCOUNT,
    book=BOOK,
    venue_margin=wad("100000"),
    max_funding_rate=0,
)
POLICY = Policy(
    version="test",
    party_b=US,
    tag=TAG,
    symbols={"BTCUSDT": SymbolPolicy(max_leverage=wad("60"), cva_lf_portion=wad("0.01"))},
)
HEDGE_FIRST = msgspec.structs.replace(POLICY, market_mode=MarketMode.HEDGE_FIRST)


def inputs(**changes: object) -> Inputs:
    return msgspec.structs.replace(INPUTS, **changes)


def later(seconds: int) -> Inputs:
    return inputs(block_timestamp=NOW + seconds)


def position(chain: Chain, *, short: bool = False) -> Quote:
    """An open position of 10 at 100.5 (short: at 99.5), fully hedged, nothing to be done."""
    side = PositionType.SHORT if short else PositionType.LONG
    quote = given(chain.sent(position=side, price="99" if short else "101"))
    when_decided(quote)
    quote.advance([chain.locked(), succeeded("t-7-lock-1")])
    when_decided(quote)
    quote.advance([filled("t-7-o1", "10"), ended("t-7-o1", "10")])
    when_decided(quote)
    quote.advance([chain.opened(price="99.5" if short else "100.5"), succeeded("t-7-open-1")])
    assert when_decided(quote) == []
    return quote


def given(*history: Event) -> Quote:
    """A quote with these events behind it."""
    quote = Quote.new(31337, "0x" + "dd" * 20, QUOTE_ID)
    quote.advance(history)
    return quote


def when_decided(quote: Quote, seen: Inputs = INPUTS, policy: Policy = POLICY) -> list[Event]:
    """Every event of the decisions that follow on one another now; the quote is moved on by them."""
    told: list[Event] = []
    for _ in range(6):
        step = decide(quote, seen, policy)
        if not step:
            return told
        quote.advance(step)
        told.extend(step)
    raise AssertionError(f"the policy does not come to rest: {told}")


def requests(told: Iterable[Event]) -> list[Event]:
    """What is asked of the venue and of the chain, without the reasons."""
    asked = events.OrderRequested | events.OrderCancelRequested | transactions.TransactionRequested
    return [event for event in told if isinstance(event, asked)]


def summary(told: Iterable[Event]) -> list[str]:
    """The requests in short: `order o1 buy 10`, `cancel o1`, `lock`, `open 10 at 100.5`."""
    from hedger.domain.money import to_text

    lines = []
    for event in requests(told):
        match event:
            case events.OrderRequested():
                price = f" at {to_text(event.limit_price)}" if event.limit_price else ""
                reduce = " reduce-only" if event.reduce_only else ""
                name = event.client_order_id.rsplit("-", 1)[1]
                lines.append(f"order {name} {event.side.value} {to_text(event.quantity)}{price}{reduce}")
            case events.OrderCancelRequested():
                lines.append(f"cancel {event.client_order_id.rsplit('-', 1)[1]}")
            case transactions.TransactionRequested():
                call = event.call
                amount = f" {to_text(call.quantity)} at {to_text(call.price)}" if call.quantity else ""
                lines.append(f"{call.kind.value}{amount}")
    return lines


def facts_only(history: Iterable[Event]) -> list[ChainFact]:
    return [event for event in history if isinstance(event, ChainFact)]
