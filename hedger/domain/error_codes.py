"""Error codes that reach the user: the published ones (4000 to 4105), and our own from 4200 on."""

from enum import IntEnum


class ErrorCode(IntEnum):
    """Why an intent was refused or a request failed; served by the API and carried by notifications."""

    NONE = 0
    PARTY_A_INSOLVENT_MARKET = 4000
    PARTY_B_LIMIT_MARKET = 4001
    PARTY_A_INSOLVENT_LIMIT = 4002
    PARTY_B_LIMIT_LIMIT = 4003
    CLOSE_INSOLVENT = 4004
    CLOSE_PARTY_B_INSOLVENT = 4005
    BROKER_FAILED = 4006
    UNKNOWN_FAILURE = 4007
    MARKET_CLOSE_PARTY_B_INSOLVENT = 4008
    INSOLVENT = 4011
    CAPACITY = 4012
    NOT_WANTED = 4101
    FORCE_CLOSED_BEFORE = 4103
    MARKET_MOVED = 4104
    LOCKED_VALUES = 4105
    SYMBOL_DISABLED = 4200
    SIDE_DISABLED = 4201
    NOT_ADDRESSED = 4202
    NOTIONAL_TOO_SMALL = 4203
    NOTIONAL_TOO_LARGE = 4204
    LOT_SIZE = 4205
    LEVERAGE = 4206
    FUNDING_RATE = 4207
    DEADLINE = 4208
    PRICE_UNKNOWN = 4209
    ACCOUNT_CAP = 4400
    TRADING_PAUSED = 4401


MEANINGS: dict[ErrorCode, str] = {
    ErrorCode.NONE: "No error.",
    ErrorCode.PARTY_A_INSOLVENT_MARKET: "The market order was refused: the account would not stay solvent.",
    ErrorCode.PARTY_B_LIMIT_MARKET: "The market order was refused: this hedger's funds or open interest are used up.",
    ErrorCode.PARTY_A_INSOLVENT_LIMIT: "The limit order was released: the account would not stay solvent.",
    ErrorCode.PARTY_B_LIMIT_LIMIT: "The limit order was released: this hedger's funds or open interest are used up.",
    ErrorCode.CLOSE_INSOLVENT: "The close was refused for solvency; the account may have been liquidated.",
    ErrorCode.CLOSE_PARTY_B_INSOLVENT: "The close was refused: the hedger lacks funds. Cancel it and try again later.",
    ErrorCode.BROKER_FAILED: "The order could not be placed at the broker.",
    ErrorCode.UNKNOWN_FAILURE: "The request failed for an unknown reason.",
    ErrorCode.MARKET_CLOSE_PARTY_B_INSOLVENT: "A market close is not possible now: the hedger lacks funds.",
    ErrorCode.INSOLVENT: "The request failed for insolvency.",
    ErrorCode.CAPACITY: "The order is beyond the capacity of this hedger.",
    ErrorCode.NOT_WANTED: "This hedger does not take the order; others may.",
    ErrorCode.FORCE_CLOSED_BEFORE: "The position was force closed before this request.",
    ErrorCode.MARKET_MOVED: "The market moved away from the requested price.",
    ErrorCode.LOCKED_VALUES: "CVA, liquidation fee or margin do not match what the hedger asks for this leverage.",
    ErrorCode.SYMBOL_DISABLED: "This symbol is not traded now.",
    ErrorCode.SIDE_DISABLED: "This side of the symbol is not traded now.",
    ErrorCode.NOT_ADDRESSED: "The order is addressed to other hedgers.",
    ErrorCode.NOTIONAL_TOO_SMALL: "The order is smaller than this hedger takes.",
    ErrorCode.NOTIONAL_TOO_LARGE: "The order is larger than this hedger takes.",
    ErrorCode.LOT_SIZE: "The quantity is no multiple of the lot size, or outside what the broker takes in one order.",
    ErrorCode.LEVERAGE: "The leverage is higher than this hedger takes for the symbol.",
    ErrorCode.FUNDING_RATE: "The highest funding rate agreed to is lower than this hedger asks.",
    ErrorCode.DEADLINE: "Too little time is left before the deadline.",
    ErrorCode.PRICE_UNKNOWN: "The market price is not known now.",
    ErrorCode.ACCOUNT_CAP: "The account has reached the size this hedger takes of one account.",
    ErrorCode.TRADING_PAUSED: "Trading is paused.",
}
