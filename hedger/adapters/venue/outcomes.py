"""What an error of an exchange proves: that nothing happened, or nothing at all.

| The venue (or the way to it) said                                | verdict | code            |
|------------------------------------------------------------------|---------|-----------------|
| HTTP 429 or 418; too many requests, too many orders, overloaded  | refused | rate_limited    |
| time stamp outside the window                                    | refused | clock           |
| key, signature, address or right refused; account suspended      | refused | permission      |
| funds or margin too small                                        | refused | funds           |
| reduce-only order that would not reduce                          | refused | reduce_only     |
| notional too small                                               | refused | min_notional    |
| order can not be filled as asked (fill-or-kill, post-only)       | refused | not_fillable    |
| too many open orders; position above what the leverage allows    | refused | order_limit, position_limit |
| limit price too far from the market                              | refused | price_band      |
| no such order is open, or known                                  | refused | not_found       |
| filter, parameter, symbol or order type wrong                    | refused | invalid         |
| rejected for a reason of its own, market closed                  | refused | rejected        |
| client order id is in use: our own earlier send got there        | unknown | duplicate       |
| HTTP 5xx other than "overloaded", time-out, connection lost      | unknown | no_answer       |
| "internal error", "status unknown", unlisted code, unreadable    | unknown | unclear         |

The exchange's own code decides where its dialect lists it; otherwise the class of the ccxt error does.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

import ccxt

from hedger.adapters.venue.port import VenueUnavailable

RATE_LIMITED = "rate_limited"
CLOCK = "clock"
NOT_FOUND = "not_found"
UNKNOWN_CODES = frozenset({"duplicate", "no_answer", "unclear"})

_SECRETS = re.compile(r"(?i)\b(signature|listenKey|apiKey|X-MBX-APIKEY)(\"?'?\s*[=:]\s*\"?'?)[^&\s\"',}]+")
_BY_CLASS: tuple[tuple[type[Exception], str], ...] = (  # the first that fits
    (ccxt.DuplicateOrderId, "duplicate"),
    (ccxt.OrderNotFound, NOT_FOUND),
    (ccxt.OrderNotFillable, "not_fillable"),
    (ccxt.OrderImmediatelyFillable, "not_fillable"),
    (ccxt.InvalidOrder, "invalid"),
    (ccxt.InsufficientFunds, "funds"),
    (ccxt.AuthenticationError, "permission"),
    (ccxt.BadRequest, "invalid"),
    (ccxt.ArgumentsRequired, "invalid"),
    (ccxt.NotSupported, "invalid"),
    (ccxt.OperationRejected, "rejected"),
    (ccxt.DDoSProtection, RATE_LIMITED),
    (ccxt.RateLimitExceeded, RATE_LIMITED),
    (ccxt.ChecksumError, "unclear"),
    (ccxt.InvalidNonce, CLOCK),
    (ccxt.NetworkError, "no_answer"),
)


@dataclass(frozen=True)
class HttpAnswer:
    """What came back with an error: HTTP status, the venue's own code, and how long to keep away."""

    status: int
    code: int | None
    retry_after_s: float | None


@dataclass(frozen=True)
class Verdict:
    """`refused`: it surely did not happen. `reason` carries no key and no signature.

    `blocked`: the venue wants no request at all for `retry_after_s` (None: it did not say how long)."""

    code: str
    reason: str
    blocked: bool = False
    retry_after_s: float | None = None

    @property
    def refused(self) -> bool:
        return self.code not in UNKNOWN_CODES


class VenueRateLimited(VenueUnavailable):
    """A question not asked, or not answered, because of the rate limit; ask again after `retry_after_ms`."""

    def __init__(self, what: str, retry_after_ms: int) -> None:
        super().__init__(f"{what}: rate limited, retry after {retry_after_ms} ms")
        self.retry_after_ms = retry_after_ms


def judge(error: BaseException, meaning_of: Callable[[int], str | None]) -> Verdict:
    """The verdict on an error. `meaning_of` gives the table's code for a venue's own code, None if not listed."""
    answer = getattr(error, "http_answer", None)
    reason = redacted(f"{type(error).__name__}: {error}")
    if not isinstance(answer, HttpAnswer):
        return Verdict(_by_class(error), reason)
    code = _by_answer(error, answer, meaning_of)
    return Verdict(code, reason, answer.status in (418, 429), answer.retry_after_s)


def _by_answer(error: BaseException, answer: HttpAnswer, meaning_of: Callable[[int], str | None]) -> str:
    if answer.status in (418, 429):
        return RATE_LIMITED
    meaning = None if answer.code is None else meaning_of(answer.code)
    if answer.status >= 500:  # the order may have passed the machine that failed, unless it was turned away at the door
        return RATE_LIMITED if meaning == RATE_LIMITED else "no_answer"
    return _by_class(error) if meaning is None else meaning


def _by_class(error: BaseException) -> str:
    if isinstance(error, TimeoutError):
        return "no_answer"
    return next((code for kind, code in _BY_CLASS if isinstance(error, kind)), "unclear")


def redacted(text: str) -> str:
    """Text without signatures and keys, cut to a length that fits a log line."""
    return _SECRETS.sub(r"\1\2***", text)[:500]
