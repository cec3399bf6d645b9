"""What the error codes of the Binance USD-M futures API mean, in the words of `outcomes`."""

from hedger.adapters.venue.outcomes import CLOCK, NOT_FOUND, RATE_LIMITED

_CODES: dict[int, str] = {
    -1000: "unclear",  # unknown error while processing
    -1001: "no_answer",  # internal error, disconnected
    -1006: "unclear",  # unexpected response, execution status unknown
    -1007: "no_answer",  # timeout waiting for the backend, execution status unknown
    -1010: "unclear",
    -1016: "unclear",
    -1002: "permission",
    -1003: RATE_LIMITED,
    -1005: "permission",
    -1008: RATE_LIMITED,  # turned away by the overload protection
    -1011: "permission",
    -1013: "invalid",
    -1014: "invalid",
    -1015: RATE_LIMITED,  # too many orders
    -1020: "invalid",
    -1021: CLOCK,
    -1022: "permission",
    -1023: "invalid",
    -1099: "permission",
    -1109: "permission",
    -2010: "rejected",
    -2011: NOT_FOUND,
    -2013: NOT_FOUND,
    -2014: "permission",
    -2015: "permission",
    -2017: "permission",
    -2018: "funds",
    -2019: "funds",
    -2020: "not_fillable",
    -2021: "rejected",
    -2022: "reduce_only",
    -2023: "rejected",  # the account is being liquidated
    -2024: "reduce_only",  # the position is smaller than the order
    -2025: "order_limit",
    -2026: "invalid",
    -2027: "position_limit",
    -2028: "position_limit",
    -4087: "permission",
    -4088: "permission",
    -4116: "duplicate",
    -4118: "reduce_only",
    -4131: "price_band",
    -4141: "rejected",
    -4164: "min_notional",
    -4183: "price_band",
    -4184: "price_band",
    -4192: "permission",
    -4400: "permission",
    -4401: "permission",
    -4402: "permission",
    -5021: "not_fillable",
    -5022: "not_fillable",
    -5028: CLOCK,  # too old when it reached the matching engine
}
# The exchange's own grouping: 11xx is wrong in the request, 4xxx breaks a filter; neither reaches the matching engine.
_INVALID = (range(-1199, -1099), range(-4999, -3999))


def meaning_of(code: int) -> str | None:
    """The table's code for an error code, None where nothing is known about it."""
    listed = _CODES.get(code)
    if listed is not None:
        return listed
    return "invalid" if any(code in group for group in _INVALID) else None
