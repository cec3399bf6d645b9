"""What a connection to an exchange needs to know."""

from dataclasses import dataclass, field

from hedger.adapters.venue.budget import OrderBudget, OrderWindow


@dataclass(frozen=True, kw_only=True)
class VenueSettings:
    """`symbols` are contract names ("BTCUSDT"). The key and its secret never show in a repr.

    `base_url` and `ws_url` (scheme and host, no path) point every request at another server, None at the exchange
    itself; `sandbox` picks the exchange's own practice environment. `recv_window_ms`: how old a signed request may be
    when the exchange gets it. `timeout_ms` bounds each request, waiting for the rate limiter included.
    """

    api_key: str = field(repr=False)
    secret: str = field(repr=False)
    symbols: tuple[str, ...]
    exchange: str = "binanceusdm"
    quote_asset: str = "USDT"
    base_url: str | None = None
    ws_url: str | None = None
    sandbox: bool = False
    recv_window_ms: int = 5_000
    timeout_ms: int = 10_000
    heartbeat_s: float = 15.0  # a stream whose peer leaves pings unanswered is broken after this
    price_silence_s: float = 15.0  # marks are told every second; silence means that the stream is dead
    key_refresh_s: float = 1_200.0  # how often the key of the user stream is prolonged; it lives for an hour
    default_retry_after_s: float = 30.0  # pause after a rate limit answer that names none
    orders_per_10_s: int = 300  # what the exchange takes of one account
    orders_per_minute: int = 1_200
    reserved_percent: int = 30  # of these, kept for orders that close, unwind or hedge again

    def order_budget(self) -> OrderBudget:
        bounds = ((10_000, self.orders_per_10_s), (60_000, self.orders_per_minute))
        return OrderBudget(OrderWindow(ms, most, most * self.reserved_percent // 100) for ms, most in bounds)
