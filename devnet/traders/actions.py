"""What a trader can do next, as values: chosen in one place, carried out in another."""

from dataclasses import dataclass

from devnet.traders.terms import CloseTerms, QuoteTerms
from devnet.traders.trader import Trader


@dataclass(frozen=True, slots=True)
class Send:
    terms: QuoteTerms


@dataclass(frozen=True, slots=True)
class Cancel:
    quote_id: int


@dataclass(frozen=True, slots=True)
class RequestClose:
    quote_id: int
    terms: CloseTerms


@dataclass(frozen=True, slots=True)
class CancelClose:
    quote_id: int


@dataclass(frozen=True, slots=True)
class Expire:
    quote_id: int


@dataclass(frozen=True, slots=True)
class ForceCancel:
    quote_id: int


@dataclass(frozen=True, slots=True)
class ForceCancelClose:
    quote_id: int


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing, this time."""


Action = Send | Cancel | RequestClose | CancelClose | Expire | ForceCancel | ForceCancelClose | Wait


async def carry_out(action: Action, trader: Trader) -> int | None:
    """Do it; returns the id of the quote it was about, None for Wait. Raises what the trader's methods raise."""
    match action:
        case Send(terms):
            return await trader.send_quote(terms)
        case Cancel(quote_id):
            return await trader.cancel(quote_id)
        case RequestClose(quote_id, terms):
            return await trader.request_close(quote_id, terms)
        case CancelClose(quote_id):
            return await trader.cancel_close(quote_id)
        case Expire(quote_id):
            return await trader.expire(quote_id)
        case ForceCancel(quote_id):
            return await trader.force_cancel(quote_id)
        case ForceCancelClose(quote_id):
            return await trader.force_cancel_close(quote_id)
        case Wait():
            return None
