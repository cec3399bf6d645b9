"""What is special to one exchange. Everything else of the adapter goes through ccxt's unified calls."""

from collections.abc import AsyncGenerator, Callable, Mapping
from typing import Any, NamedTuple, Protocol

from hedger.adapters.venue.port import Accepted, Fill, FundingSettled, Income, Margin, Market, OrderReport, SymbolRules
from hedger.adapters.venue.settings import VenueSettings
from hedger.domain.venue_cash import VenuePosition


class Account(NamedTuple):
    """What the key's account may do. `one_way`: one net position a symbol, as the hedge needs."""

    can_trade: bool
    one_way: bool


class Listing(NamedTuple):
    """ccxt's name of a symbol, and its rules; None while it cannot be traded."""

    unified: str
    rules: SymbolRules | None


class Dialect(Protocol):
    """`client` is the ccxt client; raw answers are what ccxt leaves in `info`.

    Readers raise VenueAnswerInvalid, queries whatever ccxt raises besides.
    """

    def prepare(self, client: Any) -> None:
        """Last settings of the client, before its first request."""
        ...

    def meaning_of(self, code: int) -> str | None:
        """The code of `outcomes` for an error code of the exchange."""
        ...

    def listing(self, client: Any, symbol: str) -> Listing | None:
        """What the loaded markets say of a contract symbol, None if the exchange does not list it."""
        ...

    def accepted(self, raw: object, symbol: str, client_order_id: str) -> Accepted: ...

    def report(self, raw: object, symbol: str, client_order_id: str) -> OrderReport: ...

    async def fills(
        self, client: Any, symbol: str, *, venue_order_id: str | None, since_ms: int | None, now_ms: int
    ) -> list[Fill]: ...

    async def positions(self, client: Any) -> dict[str, int]: ...

    async def holdings(self, client: Any) -> list[VenuePosition]: ...

    async def income(self, client: Any, since_ms: int) -> list[Income]: ...

    async def margin(self, client: Any, asset: str) -> Margin: ...

    async def markets(self, client: Any) -> Mapping[str, Market]: ...

    async def funding_rates(self, client: Any, symbol: str, since_ms: int) -> list[FundingSettled]: ...

    async def time_ms(self, client: Any) -> int: ...

    async def account(self, client: Any) -> Account: ...

    def executions(
        self, client: Any, settings: VenueSettings, opened: Callable[[], None]
    ) -> AsyncGenerator[OrderReport | Fill, None]:
        """The user stream; `opened` is called once it is connected."""
        ...

    def prices(
        self, client: Any, settings: VenueSettings, symbols: tuple[str, ...]
    ) -> AsyncGenerator[Market, None]: ...
