"""Intents that our hedger does not take, by the rule that refuses them; each is taken back in the end."""

from collections.abc import Callable, Coroutine
from dataclasses import replace
from decimal import Decimal
from typing import Any

from devnet.demo.stage import MARKET, Ends, Play
from devnet.traders import LockedValues, QuoteTerms, TransactionReverted
from hedger.domain.error_codes import ErrorCode
from hedger.domain.money import WAD
from hedger.domain.terms import QuoteStatus

Terms = Callable[[Play], QuoteTerms]


def _too_small(play: Play) -> QuoteTerms:
    return replace(play.market(), quantity=play.quantity // 40, leverage=1)


def _too_large(play: Play) -> QuoteTerms:
    return replace(play.market(), quantity=play.quantity * 50)


def _beyond_the_account(play: Play) -> QuoteTerms:
    return replace(play.market(), quantity=play.quantity * 20)


def _off_the_lot_size(play: Play) -> QuoteTerms:
    return replace(play.market(), quantity=play.quantity + 1)


def _too_much_leverage(play: Play) -> QuoteTerms:
    return play.market(leverage=50)


def _too_little_locked(play: Play) -> QuoteTerms:
    return play.market(locked=LockedValues(cva=8 * WAD, lf=WAD, party_a_mm=111 * WAD, party_b_mm=0))


def _no_funding(play: Play) -> QuoteTerms:
    return play.market(max_funding_rate=0)


def _market_moved(play: Play) -> QuoteTerms:
    return replace(play.limit(Decimal(1)), order_type=MARKET)


def _limit_too_far(play: Play) -> QuoteTerms:
    return play.limit(Decimal(40))


def _too_little_time(play: Play) -> QuoteTerms:
    return play.market(deadline_s=3)


def _plain(play: Play) -> QuoteTerms:
    return play.market()


def refused(name: str, terms: Terms, code: ErrorCode) -> Callable[[Play], Coroutine[Any, Any, Ends]]:
    """The scene of an intent with these terms that is refused with this code."""

    async def scene(play: Play) -> Ends:
        quote_id = await play.send(terms(play))
        await play.refused(quote_id, code)
        try:
            await play.trader.cancel(quote_id)
        except TransactionReverted:
            await play.watch.until_status(quote_id, QuoteStatus.CANCELED, QuoteStatus.EXPIRED)
        return [play.ends(quote_id, QuoteStatus.CANCELED, QuoteStatus.EXPIRED, code=code)]

    scene.__name__, scene.__doc__ = f"refused_{name}", f"Refused with code {int(code)}."
    return scene


too_small = refused("too_small", _too_small, ErrorCode.NOTIONAL_TOO_SMALL)
too_large = refused("too_large", _too_large, ErrorCode.NOTIONAL_TOO_LARGE)
beyond_the_account = refused("beyond_the_account", _beyond_the_account, ErrorCode.ACCOUNT_CAP)
off_the_lot_size = refused("off_the_lot_size", _off_the_lot_size, ErrorCode.LOT_SIZE)
too_much_leverage = refused("too_much_leverage", _too_much_leverage, ErrorCode.LEVERAGE)
too_little_locked = refused("too_little_locked", _too_little_locked, ErrorCode.LOCKED_VALUES)
no_funding = refused("no_funding", _no_funding, ErrorCode.FUNDING_RATE)
market_moved = refused("market_moved", _market_moved, ErrorCode.MARKET_MOVED)
limit_too_far = refused("limit_too_far", _limit_too_far, ErrorCode.MARKET_MOVED)
too_little_time = refused("too_little_time", _too_little_time, ErrorCode.DEADLINE)
symbol_disabled = refused("symbol_disabled", _plain, ErrorCode.SYMBOL_DISABLED)
side_disabled = refused("side_disabled", _plain, ErrorCode.SIDE_DISABLED)
