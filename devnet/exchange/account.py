"""The one account of the exchange: wallet, one-way positions, income, margin. Exact to eight decimals of USDT."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal

from devnet.exchange.orders import Order, Side
from devnet.exchange.symbols import SymbolSpec

CENT = Decimal("0.00000001")
ZERO = Decimal(0)
DEFAULT_LEVERAGE = 20


def money(amount: Decimal) -> Decimal:
    """Rounded to what the wallet can hold."""
    return amount.quantize(CENT, ROUND_HALF_UP)


@dataclass
class Position:
    """Signed quantity and what it cost, also signed. The cost of the closed part leaves with it, so over the
    life of an account realised result plus remaining cost is the cash traded, to the last digit."""

    quantity: Decimal = ZERO
    cost: Decimal = ZERO
    leverage: int = DEFAULT_LEVERAGE
    isolated: bool = False
    realised: Decimal = ZERO
    updated_ms: int = 0

    @property
    def entry_price(self) -> Decimal:
        return self.cost / self.quantity if self.quantity else ZERO

    def unrealised(self, mark: Decimal) -> Decimal:
        return money(self.quantity * mark - self.cost)

    def trade(self, side: Side, quantity: Decimal, price: Decimal) -> Decimal:
        """Book a fill; returns the realised result in USDT, before commission."""
        signed = quantity * side.sign
        closing = min(quantity, abs(self.quantity)) if signed * self.quantity < 0 else ZERO
        realised = ZERO
        if closing:
            released = self.cost if closing == abs(self.quantity) else money(self.cost * closing / abs(self.quantity))
            realised = -side.sign * closing * price - released
            self.cost -= released
            self.quantity += side.sign * closing
            self.realised += realised
        opening = quantity - closing
        self.quantity += side.sign * opening
        self.cost += side.sign * opening * price
        return realised


@dataclass(frozen=True)
class Income:
    """One movement of the wallet; `kind` is Binance's incomeType."""

    tran_id: int
    kind: str
    symbol: str
    amount: Decimal
    time_ms: int
    trade_id: str = ""


@dataclass(frozen=True)
class Margin:
    """Initial margin of one symbol in USDT: by its position, and by open orders on top."""

    position: Decimal
    orders: Decimal


@dataclass
class Account:
    """Cross margin over all symbols, one asset (USDT)."""

    start_balance: Decimal
    specs: Mapping[str, SymbolSpec]
    mark_of: Callable[[str], Decimal]
    positions: dict[str, Position] = field(init=False)
    wallet: Decimal = field(init=False)
    income: list[Income] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.wallet = self.start_balance
        self.positions = {name: Position() for name in self.specs}

    def receive(self, kind: str, symbol: str, amount: Decimal, time_ms: int, trade_id: str = "") -> None:
        """Move the wallet by `amount` and keep the record; nothing is kept of a zero."""
        if amount == 0:
            return
        self.wallet += amount
        self.income.append(Income(len(self.income) + 1, kind, symbol, amount, time_ms, trade_id))

    def total_income(self, kind: str) -> Decimal:
        return sum((entry.amount for entry in self.income if entry.kind == kind), ZERO)

    def unrealised(self) -> Decimal:
        return sum((p.unrealised(self.mark_of(name)) for name, p in self.positions.items()), ZERO)

    def margin_balance(self) -> Decimal:
        return self.wallet + self.unrealised()

    def margin(self, symbol: str, open_orders: list[Order]) -> Margin:
        """Held for the larger exposure the open orders could lead to, as the exchange does in one-way mode."""
        position, mark = self.positions[symbol], self.mark_of(symbol)
        sums = {side: sum((o.remaining for o in open_orders if counts(o, symbol, side)), ZERO) for side in Side}
        worst = max(
            abs(position.quantity),
            abs(position.quantity + sums[Side.BUY]),
            abs(position.quantity - sums[Side.SELL]),
        )
        held = abs(position.quantity) * mark / position.leverage
        return Margin(money(held), money(worst * mark / position.leverage) - money(held))

    def initial_margin(self, open_orders: list[Order]) -> Decimal:
        margins = [self.margin(symbol, open_orders) for symbol in self.specs]
        return sum((m.position + m.orders for m in margins), ZERO)

    def maintenance_margin(self, symbol: str) -> Decimal:
        notional = abs(self.positions[symbol].quantity) * self.mark_of(symbol)
        bracket = self.specs[symbol].bracket_of(notional)
        return money(notional * bracket.maintenance_ratio - bracket.cum)

    def available(self, open_orders: list[Order]) -> Decimal:
        return max(ZERO, self.margin_balance() - self.initial_margin(open_orders))

    def liquidation_price(self, symbol: str) -> Decimal:
        """Where the whole margin balance would be used up by maintenance, other marks unchanged; 0 for never."""
        position, mark = self.positions[symbol], self.mark_of(symbol)
        if not position.quantity:
            return ZERO
        size = abs(position.quantity)
        bracket = self.specs[symbol].bracket_of(size * mark)
        elsewhere = sum((self.maintenance_margin(name) for name in self.specs if name != symbol), ZERO)
        spare = self.margin_balance() - position.unrealised(mark) - elsewhere + bracket.cum - position.cost
        return max(ZERO, money(spare / (size * bracket.maintenance_ratio - position.quantity)))


def counts(order: Order, symbol: str, side: Side) -> bool:
    """Whether an open order could enlarge the exposure of this symbol on this side."""
    return order.symbol == symbol and order.side is side and not order.request.reduce_only
