"""The port of a venue (broker): three outcomes of an order, and reports in the venue's own time.

Symbols are the contract's names ("BTCUSDT"); quantities and prices wads; times milliseconds of the venue's clock.
A failed query raises VenueUnavailable: not known is not zero.
"""

from collections.abc import AsyncIterator
from typing import Protocol

import msgspec

from hedger.domain.terms import OrderType, Side
from hedger.domain.venue_cash import IncomeKind, VenuePosition


class VenueOrder(msgspec.Struct, frozen=True, kw_only=True):
    """An order to place. `limit_price` is 0 for MARKET."""

    client_order_id: str
    symbol: str
    side: Side
    order_type: OrderType
    quantity: int
    limit_price: int
    reduce_only: bool
    opens: bool = False  # takes on something new: it waits for everything else where the venue takes few orders


class OrderReport(msgspec.Struct, frozen=True, kw_only=True, tag="OrderReport"):
    """What the venue says of an order. `status`: open, filled, canceled, expired, rejected."""

    client_order_id: str
    venue_order_id: str
    symbol: str
    status: str
    quantity: int
    executed_quantity: int
    updated_at_ms: int

    @property
    def is_final(self) -> bool:
        return self.status != "open"


class Fill(msgspec.Struct, frozen=True, kw_only=True, tag="Fill"):
    """One trade of an order, unique by venue and trade id (with symbol where the venue counts per symbol).

    `client_order_id` is empty where the venue's answer does not tell it; `fee` in `fee_asset`, positive when paid."""

    trade_id: str
    client_order_id: str
    venue_order_id: str
    symbol: str
    side: Side
    quantity: int
    price: int
    fee: int
    fee_asset: str
    traded_at_ms: int


class Accepted(msgspec.Struct, frozen=True, kw_only=True, tag="Accepted"):
    """The venue has the order."""

    client_order_id: str
    venue_order_id: str
    at_ms: int


class Refused(msgspec.Struct, frozen=True, kw_only=True, tag="Refused"):
    """The venue said no: the order does not exist there and never will under this request."""

    client_order_id: str
    code: str
    reason: str


class Unknown(msgspec.Struct, frozen=True, kw_only=True, tag="Unknown"):
    """It may have happened: look it up, never resend blindly."""

    client_order_id: str
    reason: str


class NotFound(msgspec.Struct, frozen=True, kw_only=True, tag="NotFound"):
    """The venue does not know the order now; proof only after every request that may be under way has timed out."""

    client_order_id: str
    at_ms: int


class SymbolRules(msgspec.Struct, frozen=True, kw_only=True):
    """Order filters of one symbol, all wads; market orders may have narrower quantities."""

    symbol: str
    tick: int
    step: int
    min_quantity: int
    max_quantity: int
    market_max_quantity: int
    min_notional: int


class Market(msgspec.Struct, frozen=True, kw_only=True, tag="Market"):
    """Prices of one symbol as one of the venue's clock. `funding_rate` (wad) is of the venue's own interval."""

    symbol: str
    bid: int
    ask: int
    mark: int
    funding_rate: int
    next_funding_at_ms: int
    at_ms: int


class FundingSettled(msgspec.Struct, frozen=True, kw_only=True):
    """The funding rate (wad, positive where longs pay) that the venue applied to every position of a symbol."""

    symbol: str
    rate: int
    at_ms: int


class Margin(msgspec.Struct, frozen=True, kw_only=True):
    """Balance of the venue account in the quote asset, wads."""

    wallet: int
    available: int
    asset: str = "USDT"


class Income(msgspec.Struct, frozen=True, kw_only=True):
    """One movement of the wallet: exact, positive where the wallet grew. `tran_id` is unique among those of one `name`,
    which is the venue's own word for the kind; `symbol` and `trade_id` are empty where the movement has none."""

    kind: IncomeKind
    name: str
    symbol: str
    amount: int
    asset: str
    tran_id: str
    trade_id: str
    at_ms: int


class VenueUnavailable(Exception):
    """The venue did not answer a question, or answered something that does not parse. Nothing is known."""


class VenueAnswerInvalid(VenueUnavailable):
    """An answer that does not parse or answers something else: `field` and the raw text, cut, are kept."""

    def __init__(self, what: str, field: str, raw: str) -> None:
        super().__init__(f"{what}: {field} is missing or wrong")
        self.what, self.field, self.raw = what, field, raw[:2000]


class Venue(Protocol):
    """A broker that can hold the hedge."""

    name: str
    request_lifetime_ms: int  # after this long the venue refuses a request that was still under way

    async def place(self, order: VenueOrder) -> Accepted | Refused | Unknown: ...

    async def cancel(self, symbol: str, client_order_id: str) -> Accepted | Refused | Unknown:
        """Ask to cancel; Refused means that no such order is open (it has ended). The final report tells."""
        ...

    async def find(self, symbol: str, client_order_id: str) -> OrderReport | NotFound:
        """Look an order up, ended ones too. Raises VenueUnavailable."""
        ...

    async def fills(self, symbol: str, *, venue_order_id: str | None = None, since_ms: int | None = None) -> list[Fill]:
        """Trades of one order, or of the account since a time. Raises VenueUnavailable."""
        ...

    async def positions(self) -> dict[str, int]:
        """Signed position per symbol (long positive). Raises VenueUnavailable."""
        ...

    async def holdings(self) -> list[VenuePosition]:
        """Every open position with the venue's own valuation. Raises VenueUnavailable."""
        ...

    async def income(self, since_ms: int) -> list[Income]:
        """Every movement of the wallet since a time of the venue's clock, oldest first. Raises VenueUnavailable."""
        ...

    async def margin(self) -> Margin: ...

    async def rules(self) -> dict[str, SymbolRules]: ...

    async def markets(self) -> dict[str, Market]:
        """Current prices of every symbol asked for in the configuration."""
        ...

    async def funding_rates(self, symbol: str, since_ms: int) -> list[FundingSettled]:
        """What was applied since a time of the venue's clock, oldest first. Raises VenueUnavailable."""
        ...

    async def time_ms(self) -> int: ...

    def executions(self) -> AsyncIterator[OrderReport | Fill]:
        """The user stream; raises VenueUnavailable when it breaks. Nothing is replayed: poll after a start."""
        ...

    def prices(self) -> AsyncIterator[Market]:
        """Price stream of the configured symbols, the newest of each."""
        ...

    async def close(self) -> None: ...
