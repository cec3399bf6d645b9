"""Refusals in the words of the Binance USD-M futures API: a code, a message, an HTTP status."""

from __future__ import annotations

MESSAGES: dict[int, str] = {
    -1000: "An unknown error occurred while processing the request.",
    -1001: "Internal error; unable to process your request. Please try again.",
    -1003: "Too many requests; current limit is 2400 requests per minute. Please use the websocket for live updates.",
    -1013: "Filter failure.",
    -1015: "Too many new orders.",
    -1021: "Timestamp for this request is outside of the recvWindow.",
    -1022: "Signature for this request is not valid.",
    -1100: "Illegal characters found in a parameter.",
    -1102: "A mandatory parameter was not sent, was empty/null, or malformed.",
    -1106: "A parameter was sent when not required.",
    -1111: "Precision is over the maximum defined for this asset.",
    -1115: "Invalid timeInForce.",
    -1116: "Invalid orderType.",
    -1117: "Invalid side.",
    -1120: "Invalid interval.",
    -1121: "Invalid symbol.",
    -1125: "This listenKey does not exist.",
    -1128: "Combination of optional parameters invalid.",
    -1130: "Invalid data sent for a parameter.",
    -1131: "recvWindow must be less than 60000.",
    -2011: "Unknown order sent.",
    -2013: "Order does not exist.",
    -2014: "API-key format invalid.",
    -2015: "Invalid API-key, IP, or permissions for action.",
    -2019: "Margin is insufficient.",
    -2022: "ReduceOnly Order is rejected.",
    -2025: "Reach max open order limit.",
    -2027: "Exceeded the maximum allowable position at current leverage.",
    -4014: "Price not increased by tick size.",
    -4015: "Client order id length should not be more than 36 chars.",
    -4023: "Quantity not increased by step size.",
    -4028: "Leverage is not valid.",
    -4046: "No need to change margin type.",
    -4047: "Margin type cannot be changed if there exists open orders.",
    -4048: "Margin type cannot be changed if there exists position.",
    -4059: "No need to change position side.",
    -4061: "Order's position side does not match user's setting.",
    -4116: "ClientOrderId is duplicated.",
    -4164: "Order's notional must be no smaller than the minimum (unless you choose reduce only).",
    -5000: "Path or method is invalid.",
    -5021: "Due to the order could not be filled immediately, the FOK order has been rejected. "
    "The order will not be recorded in the order history.",
    -5022: "Due to the order could not be executed as maker, the Post Only order will be rejected. "
    "The order will not be recorded in the order history.",
    -5025: "Only limit order is supported.",
    -5027: "No need to modify the order.",
}

STATUSES: dict[int, int] = {-1003: 429, -2014: 401, -2015: 401, -5000: 404}


class VenueError(Exception):
    """A refusal as the exchange words it; `retry_after_s` becomes the Retry-After header."""

    def __init__(
        self, code: int, message: str | None = None, *, status: int | None = None, retry_after_s: int | None = None
    ) -> None:
        self.code = code
        self.message = MESSAGES.get(code, "Unknown error.") if message is None else message
        self.status = STATUSES.get(code, 400) if status is None else status
        self.retry_after_s = retry_after_s
        super().__init__(f"{code} {self.message}")

    def body(self) -> dict[str, object]:
        """The JSON the exchange answers with."""
        return {"code": self.code, "msg": self.message}
