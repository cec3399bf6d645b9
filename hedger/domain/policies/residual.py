"""When the residual of a symbol is hedged, and when that hedge is taken back.

With hysteresis, so that a residual at the bound is not traded to and fro: it is hedged once it passes the outer bound,
which is what the venue takes at the least, or the symbol's own band; the book's position is taken back once the
residual is inside the inner bound, a part of the outer one.
"""

from hedger.domain.events import Event
from hedger.domain.money import WAD, floor_to, mul
from hedger.domain.policies.policy import Policy, SymbolPolicy
from hedger.domain.policies.residual_inputs import ResidualInputs
from hedger.domain.quote.events import OrderRequested
from hedger.domain.quote.hedge import HedgeOrder
from hedger.domain.request_ids import residual_order_id
from hedger.domain.residual import ResidualBook, ResidualDecided
from hedger.domain.terms import HedgingMode, Leg, OrderType, Side, TradingState


def decide_residual(book: ResidualBook, inputs: ResidualInputs, policy: Policy) -> list[Event]:
    """The next order at market, with its reason; empty where nothing is to be traded, or an order is under way."""
    symbol = policy.of(inputs.symbol.name)
    if symbol is None or inputs.trading_state is TradingState.HALTED or book.unsettled:
        return []
    if not _is_patient(book, inputs, policy):
        return []
    target = _target(book, inputs, symbol, policy)
    if target is None:
        return []
    rule, missing = target[0], target[1] - book.held
    quantity = min(floor_to(abs(missing), inputs.limits.step), floor_to(inputs.limits.max_quantity, inputs.limits.step))
    side = Side.BUY if missing > 0 else Side.SELL
    reduce_only = _shrinks_the_account(side, quantity, inputs)
    if not _is_tradable(quantity, inputs, reduce_only=reduce_only):
        return []
    order = OrderRequested(
        client_order_id=residual_order_id(policy.tag, book.symbol_id, len(book.hedge.orders) + 1),
        leg=Leg.REHEDGE if book.held * missing >= 0 else Leg.UNWIND,
        symbol=inputs.symbol.name,
        side=side,
        order_type=OrderType.MARKET,
        quantity=quantity,
        limit_price=0,
        reduce_only=reduce_only,
        close_id=0,
        decision_price=inputs.market.ask if side is Side.BUY else inputs.market.bid,
        requested_at=inputs.block_timestamp,
    )
    return [ResidualDecided(policy=policy.version, rule=rule, inputs=inputs), order]


def _target(book: ResidualBook, inputs: ResidualInputs, symbol: SymbolPolicy, policy: Policy) -> tuple[str, int] | None:
    """What the book should hold and why, or None where what it holds may stay."""
    if symbol.hedging is HedgingMode.NONE:
        return ("the symbol is not hedged", 0) if book.held else None
    outer = _outer_bound(inputs, symbol)
    if abs(inputs.residual - book.held) >= outer:
        return "the residual is beyond its bound", inputs.residual
    if book.held and abs(inputs.residual) <= mul(outer, policy.residual_inner):
        return "the residual is small again", 0
    return None


def _outer_bound(inputs: ResidualInputs, symbol: SymbolPolicy) -> int:
    """The smallest quantity worth a trade: what the venue takes, or the symbol's band where that is more (wad)."""
    mark = max(inputs.market.mark, 1)
    least = max(inputs.limits.min_quantity, inputs.limits.step, -(-inputs.limits.min_notional * WAD // mark))
    return max(least, symbol.net_band * WAD // mark)


def _shrinks_the_account(side: Side, quantity: int, inputs: ResidualInputs) -> bool:
    """True where the order may be reduce-only, which the venue judges on the account's net position in the symbol."""
    signed = quantity if side is Side.BUY else -quantity
    return inputs.account_hedge * signed < 0 and abs(inputs.account_hedge) >= quantity


def _is_tradable(quantity: int, inputs: ResidualInputs, *, reduce_only: bool) -> bool:
    """The venue asks no minimum notional of what is reduce-only."""
    if quantity < max(inputs.limits.min_quantity, inputs.limits.step, 1):
        return False
    return reduce_only or quantity * inputs.market.mark // WAD >= inputs.limits.min_notional


def _is_patient(book: ResidualBook, inputs: ResidualInputs, policy: Policy) -> bool:
    """False while the last orders, which filled nothing, still ask to wait."""
    failed: list[HedgeOrder] = []
    for order in reversed(book.hedge.orders.values()):
        if order.filled:
            break
        failed.append(order)
    return not failed or inputs.block_timestamp - failed[0].requested_at >= policy.retry.wait_s(len(failed))
