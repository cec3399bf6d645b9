"""The policy's numbers: what this hedger takes, at which prices, up to which limits. Ratios and amounts are wads."""

import hashlib

import msgspec

from hedger.domain.money import WAD
from hedger.domain.terms import MarketMode


class SymbolPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """What is taken of one symbol."""

    enabled: bool = True
    long_enabled: bool = True
    short_enabled: bool = True
    min_notional: int = 10 * WAD
    max_notional: int = 100_000 * WAD
    cap_notional: int = 1_000_000 * WAD
    max_leverage: int = 60 * WAD
    cva_lf_portion: int = 10**16  # (cva + lf) / notional asked of PartyA, two parts cva and one part lf
    max_funding_rate: int = 0  # lowest maxFundingRate that a quote must agree to


class RetryPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """How often, and after how many seconds of chain time, something refused is asked again."""

    first_wait_s: int = 1
    longest_wait_s: int = 30
    new_signatures: int = 5  # retried without waiting
    open_attempts: int = 6  # then the quote is given up
    order_attempts: int = 4  # of an opening order; closing and unwinding orders are never given up

    def wait_s(self, failures: int) -> int:
        """Seconds to wait after the n-th failure in a row: doubling from the first wait up to the longest."""
        return min(self.longest_wait_s, self.first_wait_s << min(max(failures - 1, 0), 16))


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    """One version of the policy. Decisions name it, so that they can be taken again."""

    version: str
    party_b: str
    tag: str  # begins every client order id and request id, so that instances on one account tell their own
    symbols: dict[str, SymbolPolicy]
    market_mode: MarketMode = MarketMode.LOCK_FIRST
    spread_open: int = 5 * 10**14
    spread_close: int = 5 * 10**14
    max_slippage_loss: int = 2 * 10**15  # of notional: worse fills than this are unwound rather than opened
    max_limit_distance: int = WAD // 2
    max_price_age_ms: int = 5_000
    cap_account: int = 500_000 * WAD
    cap_total: int = 5_000_000 * WAD
    allocation_headroom: int = 5 * 10**16  # of notional: kept allocated beyond what a call needs
    min_seconds_to_open: int = 10
    min_seconds_to_close: int = 3
    locked_tolerance: int = 10**16
    open_parts_after_s: int = 0  # a limit order filled in part for so long is opened in that part; 0: never
    retry: RetryPolicy = RetryPolicy()

    def versioned(self) -> "Policy":
        """The same policy under a version that is a digest of its numbers: equal policies have equal versions."""
        unnamed = msgspec.structs.replace(self, version="")
        digest = hashlib.sha256(msgspec.json.encode(unnamed, order="sorted")).hexdigest()
        return msgspec.structs.replace(self, version=digest[:12])

    def of(self, symbol: str) -> SymbolPolicy | None:
        return self.symbols.get(symbol)
