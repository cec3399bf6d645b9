"""A broker in virtual time: fills in parts and late, loses requests and answers, repeats and reorders its stream."""

from collections.abc import Callable
from dataclasses import dataclass, field

from hedger.adapters.venue.port import Accepted, Fill, Market, OrderReport, Refused, SymbolRules, VenueOrder
from hedger.domain.terms import OrderType, Side
from tests.simulation.faults import Weather
from tests.simulation.model_state import WAD
from tests.simulation.model_wallet import ModelWallet
from tests.simulation.virtual_time import VirtualLoop

LIFETIME_MS = 6_000
STEP = WAD // 1000
TICK = WAD // 10
MIN_NOTIONAL = 5 * WAD
SYMBOLS = {1: "BTCUSDT", 2: "ETHUSDT"}
Told = OrderReport | Fill


@dataclass
class Order:
    """One order as the venue has it."""

    request: VenueOrder
    number: int
    arrived_s: float
    status: str = "open"
    fills: list[Fill] = field(default_factory=list)
    told_s: float = 0.0

    @property
    def executed(self) -> int:
        return sum(fill.quantity for fill in self.fills)

    @property
    def left(self) -> int:
        return self.request.quantity - self.executed


class ModelVenue:
    """The exchange itself: it outlives every process of the hedger."""

    def __init__(self, loop: VirtualLoop, weather: Weather) -> None:
        self._loop, self._weather, self._random = loop, weather, weather.random
        self.offset_ms = self._random.randint(-200, 200)
        self.mids = {"BTCUSDT": 100 * WAD, "ETHUSDT": 50 * WAD}
        self.orders: dict[str, Order] = {}
        self.positions: dict[str, int] = dict.fromkeys(self.mids, 0)
        self.arrivals: dict[str, int] = {}
        self.listeners: list[Callable[[Told], None]] = []
        self.wallet = ModelWallet()
        self._trades = 0
        self._before_wick: dict[str, int] = {}
        self.history: list[tuple[float, dict[str, int]]] = []  # prices of every second

    # --- the market

    def now_ms(self) -> int:
        return 1_700_000_000_000 + self._loop.now_ms() + self.offset_ms

    def market(self, symbol: str) -> Market:
        mid = self.mids[symbol]
        return Market(
            symbol=symbol,
            bid=mid - TICK,
            ask=mid + TICK,
            mark=mid,
            funding_rate=0,
            next_funding_at_ms=0,
            at_ms=self.now_ms(),
        )

    def rules(self) -> dict[str, SymbolRules]:
        return {
            symbol: SymbolRules(
                symbol=symbol,
                tick=TICK,
                step=STEP,
                min_quantity=STEP,
                max_quantity=1_000 * WAD,
                market_max_quantity=1_000 * WAD,
                min_notional=MIN_NOTIONAL,
            )
            for symbol in self.mids
        }

    def move(self) -> None:
        """Prices walk, and what may trade does."""
        for symbol, mid in self.mids.items():
            steady = self._before_wick.pop(symbol, mid)
            self.mids[symbol] = max(20 * WAD, steady + self._random.choice((-3, -1, 0, 0, 1, 3)) * TICK)
            if self._weather.happens(self._weather.wicks):
                self._before_wick[symbol] = self.mids[symbol]
                self.mids[symbol] += self._random.choice((-1, 1)) * self._random.randint(5, 25) * TICK
        self.history.append((self._loop.time(), dict(self.mids)))
        for order in list(self.orders.values()):
            if order.status == "open":
                self._trade(order)

    # --- requests

    def arrive(self, order: VenueOrder, sent_s: float) -> Accepted | Refused | None:
        """None: it came too late, and nobody is told."""
        if (self._loop.time() - sent_s) * 1000 > LIFETIME_MS:
            return None
        name = order.client_order_id
        self.arrivals[name] = self.arrivals.get(name, 0) + 1
        if name in self.orders:
            return Refused(client_order_id=name, code="duplicate", reason="this id was used before")
        if self._weather.happens(self._weather.place_refused):
            return Refused(client_order_id=name, code="margin", reason="not today")
        refusal = self._refusal(order)
        if refusal:
            return Refused(client_order_id=name, code=refusal, reason=refusal)
        kept = Order(order, len(self.orders) + 1, self._loop.time(), told_s=self._loop.time())
        self.orders[name] = kept
        self._tell(self.report(kept))
        if order.order_type is OrderType.MARKET:
            self._trade(kept)
        return Accepted(client_order_id=name, venue_order_id=str(kept.number), at_ms=self.now_ms())

    def _refusal(self, order: VenueOrder) -> str:
        price = order.limit_price or self.mids[order.symbol]
        if order.quantity <= 0 or order.quantity % STEP or order.limit_price % TICK:
            return "filter"
        if not order.reduce_only and order.quantity * price // WAD < MIN_NOTIONAL:
            return "min_notional"
        if order.reduce_only and self._reducible(order) <= 0:
            return "reduce_only"
        return ""

    def cancel(self, name: str) -> Accepted | Refused:
        order = self.orders.get(name)
        if order is None or order.status != "open":
            return Refused(client_order_id=name, code="unknown_order", reason="no such order is open")
        self._end(order, "canceled")
        return Accepted(client_order_id=name, venue_order_id=str(order.number), at_ms=self.now_ms())

    # --- answers

    def report(self, order: Order) -> OrderReport:
        return OrderReport(
            client_order_id=order.request.client_order_id,
            venue_order_id=str(order.number),
            symbol=order.request.symbol,
            status=order.status,
            quantity=order.request.quantity,
            executed_quantity=order.executed,
            updated_at_ms=self.now_ms(),
        )

    def fills_of(self, number: str) -> list[Fill]:
        """REST does not know the newest trades for a moment."""
        until_ms = self.now_ms() - int(self._weather.find_lags_s * 1000) * (not self._weather.is_calm)
        found = [order for order in self.orders.values() if str(order.number) == number]
        return [fill for order in found for fill in order.fills if fill.traded_at_ms <= until_ms]

    def find(self, name: str) -> OrderReport | None:
        order = self.orders.get(name)
        lag = 0.0 if self._weather.is_calm else self._weather.find_lags_s
        if order is None or order.arrived_s + lag > self._loop.time():
            return None
        return self.report(order)

    # --- trading

    def _trade(self, order: Order) -> None:
        request = order.request
        price = self._touch(request)
        if request.order_type is OrderType.LIMIT:
            reached = price <= request.limit_price if request.side is Side.BUY else price >= request.limit_price
            if not reached:
                return
        if self._weather.happens(0.3):
            return  # later
        part = order.left
        if self._weather.happens(0.4):
            part = max(STEP, part * self._random.randint(1, 9) // 10 // STEP * STEP)
        if request.reduce_only:
            part = min(part, self._reducible(request))
        if part > 0:
            self._fill(order, min(part, order.left), price)
        if order.left == 0:
            self._end(order, "filled")
        elif part <= 0 or (request.order_type is OrderType.MARKET and self._weather.happens(0.1)):
            self._end(order, "expired")

    def _touch(self, request: VenueOrder) -> int:
        market = self.market(request.symbol)
        return market.ask if request.side is Side.BUY else market.bid

    def _reducible(self, request: VenueOrder) -> int:
        held = self.positions[request.symbol]
        return -held if request.side is Side.BUY else held

    def _fill(self, order: Order, quantity: int, price: int) -> None:
        self._trades += 1
        request = order.request
        fill = Fill(
            trade_id=str(self._trades),
            client_order_id=request.client_order_id,
            venue_order_id=str(order.number),
            symbol=request.symbol,
            side=request.side,
            quantity=quantity,
            price=price,
            fee=quantity * price // WAD // 2500,
            fee_asset="USDT",
            traded_at_ms=self.now_ms(),
        )
        order.fills.append(fill)
        self.wallet.trade(fill)
        self.positions[request.symbol] += quantity if request.side is Side.BUY else -quantity
        self._tell(fill)

    def _end(self, order: Order, status: str) -> None:
        order.status = status
        self._tell(self.report(order))

    # --- the user stream

    def _tell(self, told: Told) -> None:
        if self._weather.happens(self._weather.stream_lost):
            return
        for _ in range(2 if self._weather.happens(self._weather.stream_twice) else 1):
            self._loop.call_later(self._weather.takes(self._weather.stream_late_s), self._deliver, told)

    def _deliver(self, told: Told) -> None:
        if self._weather.is_away("venue", self._loop.time()):
            return
        for listener in list(self.listeners):
            listener(told)
