"""How a random trader makes up its mind: a pure choice from what it sees and a seeded random source."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from random import Random

from devnet.traders.actions import (
    Action,
    Cancel,
    CancelClose,
    Expire,
    ForceCancel,
    ForceCancelClose,
    RequestClose,
    Send,
    Wait,
)
from devnet.traders.quotes import QuoteOnChain
from devnet.traders.terms import CloseTerms, QuoteTerms, with_slippage
from hedger.domain.money import WAD, ceil_to, floor_to, mul_div
from hedger.domain.terms import OrderType, PositionType, QuoteStatus

SLIPPAGE_PERCENT = Decimal(1)
# A limit price lies up to this far on either side of the market, so that some fill at once and some wait.
LIMIT_DISTANCE_BPS = 50
BPS = 10_000
WHOLE_CLOSES_PERCENT = 60
DEADLINES_S = (120, 600, 3_600)
SIDES = tuple(PositionType)
ORDER_TYPES = tuple(OrderType)

SEND_WEIGHT, CANCEL_WEIGHT, CLOSE_WEIGHT, TIDY_WEIGHT, WAIT_WEIGHT = 6, 1, 2, 3, 2


@dataclass(frozen=True, slots=True)
class Market:
    """What may be traded of one symbol; steps, notionals and the smallest quote value are wads."""

    symbol_id: int
    price_step: int
    quantity_step: int
    min_notional: int
    max_notional: int
    min_quote_value: int
    leverages: tuple[int, ...] = (1, 5, 10, 20)


@dataclass(frozen=True, slots=True)
class Habits:
    """Bounds of a trader: how many quotes it keeps alive, whom it trades with, how long it waits to force, the
    deadlines it chooses from, in seconds, and how readily it cancels and closes."""

    most_live: int = 5
    white_list: tuple[str, ...] = ()
    force_cancel_cooldown_s: int = 300
    force_cancel_close_cooldown_s: int = 300
    deadlines_s: tuple[int, ...] = DEADLINES_S
    cancel_weight: int = CANCEL_WEIGHT
    close_weight: int = CLOSE_WEIGHT


@dataclass(frozen=True, slots=True)
class Scene:
    """What a trader sees: its living quotes by id, prices (wad) by symbol id, the time of the latest block."""

    quotes: Sequence[QuoteOnChain]
    prices: Mapping[int, int]
    now: int


def choose(random: Random, scene: Scene, markets: Sequence[Market], habits: Habits) -> Action:
    """One action; the same random state and scene give the same one."""
    by_symbol = {market.symbol_id: market for market in markets}
    weighted: list[tuple[int, Action]] = [(WAIT_WEIGHT, Wait())]
    if len(scene.quotes) < habits.most_live:
        market = random.choice(markets)
        terms = _quote_terms(random, market, scene.prices[market.symbol_id], habits)
        weighted.append((SEND_WEIGHT, Send(terms)))
    for quote in scene.quotes:
        if (candidate := _about(random, quote, scene, by_symbol, habits)) is not None:
            weighted.append(candidate)
    return random.choices([action for _, action in weighted], [weight for weight, _ in weighted])[0]


def _about(
    random: Random, quote: QuoteOnChain, scene: Scene, markets: Mapping[int, Market], habits: Habits
) -> tuple[int, Action] | None:
    """What can be done about one quote now, with its weight."""
    quote_id, waited_s = quote.quote_id, scene.now - quote.status_modified_at
    if quote.status is not QuoteStatus.OPENED and scene.now > quote.deadline:
        return TIDY_WEIGHT, Expire(quote_id)
    match quote.status:
        case QuoteStatus.PENDING | QuoteStatus.LOCKED:
            return habits.cancel_weight, Cancel(quote_id)
        case QuoteStatus.CANCEL_PENDING if waited_s > habits.force_cancel_cooldown_s:
            return TIDY_WEIGHT, ForceCancel(quote_id)
        case QuoteStatus.OPENED if quote.symbol_id in markets:
            terms = _close_terms(random, markets[quote.symbol_id], scene.prices[quote.symbol_id], quote, habits)
            return habits.close_weight, RequestClose(quote_id, terms)
        case QuoteStatus.CLOSE_PENDING:
            return habits.cancel_weight, CancelClose(quote_id)
        case QuoteStatus.CANCEL_CLOSE_PENDING if waited_s > habits.force_cancel_close_cooldown_s:
            return TIDY_WEIGHT, ForceCancelClose(quote_id)
    return None


def _quote_terms(random: Random, market: Market, price: int, habits: Habits) -> QuoteTerms:
    side, order_type = random.choice(SIDES), random.choice(ORDER_TYPES)
    notional = random.randint(market.min_notional, market.max_notional)
    asked = _asked_price(random, market, price, order_type, upward=side is PositionType.LONG)
    return QuoteTerms(
        symbol_id=market.symbol_id,
        position_type=side,
        order_type=order_type,
        price=asked,
        quantity=ceil_to(mul_div(notional, WAD, asked), market.quantity_step),
        leverage=random.choice(market.leverages),
        deadline_s=random.choice(habits.deadlines_s),
        white_list=habits.white_list,
    )


def _close_terms(random: Random, market: Market, price: int, quote: QuoteOnChain, habits: Habits) -> CloseTerms:
    order_type = random.choice(ORDER_TYPES)
    return CloseTerms(
        price=_asked_price(random, market, price, order_type, upward=quote.position_type is PositionType.SHORT),
        quantity=_quantity_to_close(random, market, quote),
        order_type=order_type,
        deadline_s=random.choice(habits.deadlines_s),
    )


def _quantity_to_close(random: Random, market: Market, quote: QuoteOnChain) -> int:
    """All of it, or a part whose remainder the contract still accepts."""
    part = floor_to(quote.open_amount * random.randint(20, 80) // 100, market.quantity_step)
    whole = random.randrange(100) < WHOLE_CLOSES_PERCENT
    remaining_value = mul_div(quote.locked_total_a, quote.open_amount - part, quote.open_amount)
    if whole or part == 0 or remaining_value < market.min_quote_value:
        return quote.open_amount
    return part


def _asked_price(random: Random, market: Market, price: int, order_type: OrderType, *, upward: bool) -> int:
    """Market orders bound the slippage, `upward` where the trader buys; limit prices scatter around the market."""
    if order_type is OrderType.MARKET:
        return floor_to(with_slippage(price, SLIPPAGE_PERCENT, upward=upward), market.price_step)
    distance = random.randint(-LIMIT_DISTANCE_BPS, LIMIT_DISTANCE_BPS)
    return floor_to(mul_div(price, BPS + distance, BPS), market.price_step)
