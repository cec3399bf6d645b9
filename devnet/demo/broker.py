"""The other customers of a hedger's exchange, and its misfortunes: who trades against its orders, what goes wrong."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal

from devnet.demo.watch import SceneFailed
from devnet.exchange.faults import Fault, FaultKind
from devnet.exchange.orders import Order
from devnet.world import LocalHedger
from hedger.domain.terms import PositionType

PATIENCE_S = 30.0
POLL_S = 0.05
ORDERS = "/fapi/v1/order"
# Far enough to reach the limit orders that rest near the market, too near to disturb the others.
SWING = Decimal("0.006")
SWING_LASTS_S = 0.4


class Broker:
    """The exchange of one hedger, from the other side."""

    def __init__(self, hedger: LocalHedger) -> None:
        self._exchange, self._tag = hedger.exchange, hedger.tag
        self._swinging: dict[str, asyncio.Lock] = {}

    def mid(self, symbol: str) -> Decimal:
        return self._exchange.engine.market(symbol).price.mid

    def order_id(self, quote_id: int, leg: str = "o", attempt: int = 1) -> str:
        """The client order id the hedger gives this order of a quote."""
        return f"{self._tag}-{quote_id}-{leg}{attempt}"

    async def resting(self, quote_id: int, leg: str = "o") -> Order:
        """The working order of one leg of a quote, once it is at the exchange. Raises SceneFailed."""
        begins = f"{self._tag}-{quote_id}-{leg}"
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE_S):
                while True:
                    for order in self._exchange.engine.orders.open():
                        if order.client_order_id.startswith(begins):
                            return order
                    await asyncio.sleep(POLL_S)
        raise SceneFailed(f"no order {begins}... came to the exchange")

    def trade_against(self, order: Order, fraction: Decimal = Decimal(1)) -> Decimal:
        """Somebody takes this part of the order's whole quantity, in steps, at its price; returns how much. Raises
        SceneFailed where the order works no more: what an exchange has ended it never fills."""
        if not order.is_open:
            raise SceneFailed(f"the order {order.client_order_id} works no more")
        market = self._exchange.engine.market(order.symbol)
        quantity = market.part_of(order, fraction)
        self._exchange.engine.ledger.fill(market, order, quantity, order.price, maker=True)
        return quantity

    async def swing(self, symbol: str, side: PositionType) -> None:
        """The price dips below what longs wait for, or rises above what shorts wait for, and comes back."""
        async with self._swinging.setdefault(symbol, asyncio.Lock()):
            before = self.mid(symbol)
            change = before * SWING * (-1 if side is PositionType.LONG else 1)
            self._exchange.set_price(symbol, shift=change)
            await asyncio.sleep(SWING_LASTS_S)
            self._exchange.set_price(symbol, shift=-change)

    # --- misfortunes

    def lose_answer(self, client_order_id: str) -> None:
        """The order is taken; its answer never arrives."""
        self._arm(FaultKind.LOSE_ANSWER, "POST", client_order_id)

    def refuse_for_rate(self, client_order_id: str) -> None:
        """The order is refused once: too many requests, retry after a second."""
        self._arm(FaultKind.REFUSE, "POST", client_order_id, code=-1003, status=429, retry_after_s=1)

    def answer_unknown(self, client_order_id: str) -> None:
        """The order is taken, and the exchange says that it does not know."""
        self._arm(FaultKind.REFUSE_AFTER, "POST", client_order_id, code=-1000, status=503)

    def delay_cancel(self, client_order_id: str, seconds: float) -> None:
        """The cancel of the order lies about for a while before it is carried out."""
        self._arm(FaultKind.DELAY_REQUEST, "DELETE", client_order_id, seconds=seconds)

    @asynccontextmanager
    async def no_cancels(self, client_order_id: str) -> AsyncIterator[None]:
        """The exchange fails on every cancel of this order within this block."""
        fault = self._arm(FaultKind.REFUSE, "DELETE", client_order_id, code=-1001, status=500, times=None)
        try:
            yield
        finally:
            self._exchange.faults.remove(fault.fault_id)

    def drop_streams(self) -> int:
        """Every user stream is cut off; returns how many."""
        return self._exchange.hub.drop_user_streams()

    @asynccontextmanager
    async def silent_stream(self) -> AsyncIterator[None]:
        """What happens within this block is never told on the user stream."""
        self._exchange.hub.user_faults.swallow = None
        try:
            yield
        finally:
            self._exchange.hub.user_faults.swallow = 0

    def _arm(self, kind: FaultKind, method: str, client_order_id: str, **details: object) -> Fault:
        fault = Fault(kind, method=method, path=ORDERS, client_order_id=client_order_id)
        for name, value in details.items():
            setattr(fault, name, value)
        return self._exchange.faults.add(fault)
