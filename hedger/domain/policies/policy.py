"""The policy's numbers: what this hedger takes, at which prices, up to which limits. Ratios and amounts are wads."""

import hashlib

import msgspec

from hedger.domain.money import WAD
from hedger.domain.terms import EmergencyClose, HedgingMode, MarketMode


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
    hedging: HedgingMode = HedgingMode.PER_QUOTE
    net_band: int = 0  # notional that may stay unhedged where hedging is netted; at least what the venue takes
    max_funding_rate: int = 0  # lowest maxFundingRate that a quote must agree to
    funding_user_to_hedger: int | None = None  # None: as for every symbol
    funding_hedger_to_user: int | None = None


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


class FundingPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """How funding of the venue is passed on: what PartyA pays and what it is paid, as parts of the venue's rate."""

    enabled: bool = True
    user_to_hedger: int = WAD
    hedger_to_user: int = WAD
    settled_within_s: int = 60  # after a boundary, until the venue told what it applied; then its last rate counts
    max_quotes: int = 100  # in one call


class BalancePolicy(msgspec.Struct, frozen=True, kw_only=True):
    """Where PartyB's money stands. Health is what is left above liquidation over the notional of a pair's positions."""

    health_low: int = 2 * 10**16  # below it an allocation is raised
    health_target: int = 5 * 10**16  # what it is raised or lowered to
    health_high: int = 15 * 10**16  # above it an allocation is lowered
    idle_allocation: int = 0  # left with a PartyA that has neither a position nor an intent
    lower_after_s: int = 300  # nothing is lowered so soon after money was moved to or from the pair
    deallocate_interval_s: int = 60  # between two deallocations of all pairs: each restarts the wait for a withdrawal
    min_move: int = 10 * WAD  # less is not worth a transaction, unless the pair needs it
    max_account_share: int = WAD // 2  # of the collateral on the contract, for one PartyA
    settle_profit: bool = True  # PartyA's profit is made payable where it cannot pay a close
    settle_after_s: int = 60  # between two settlements with one PartyA; doubles with each that fails
    reserve_vault: int = 0  # kept in the contract's reserve vault; 0: it is left alone
    free_low: int = 0  # free collateral below it makes us propose a transfer; 0: only what allocations lack
    free_target: int = 0
    margin_low: int = 0  # the same for free margin at the exchange
    margin_target: int = 0


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
    residual_inner: int = 5 * 10**17  # of the bound where a residual is hedged: inside it the hedge is taken back
    balance: BalancePolicy = BalancePolicy()
    min_seconds_to_open: int = 10
    min_seconds_to_close: int = 3
    locked_tolerance: int = 10**16
    open_parts_after_s: int = 0  # a limit order filled in part for so long is opened in that part; 0: never
    patience_open_s: int = 45  # a hedge that cannot be opened for so long is unwound, and the quote released
    patience_close_s: int = 60  # a reduction that cannot be filled on chain for so long is hedged again
    close_again_s: int = 600  # after that, such a close is tried again
    force_close_lead_s: int = 20  # so long before a price can force a close, our order stands on the near side of it
    force_close_margin: int = 2 * 10**14  # of the price: how far the oracle's may be from the venue's
    emergency_close: EmergencyClose = EmergencyClose.NEVER
    funding: FundingPolicy = FundingPolicy()
    retry: RetryPolicy = RetryPolicy()

    def versioned(self) -> "Policy":
        """The same policy under a version that is a digest of its numbers: equal policies have equal versions."""
        unnamed = msgspec.structs.replace(self, version="")
        digest = hashlib.sha256(msgspec.json.encode(unnamed, order="sorted")).hexdigest()
        return msgspec.structs.replace(self, version=digest[:12])

    def of(self, symbol: str) -> SymbolPolicy | None:
        return self.symbols.get(symbol)

    def unhedged_notional(self, symbol: str) -> int | None:
        """The notional of a symbol that its hedging mode leaves open (wad); None where that has no bound."""
        known = self.of(symbol)
        if known is None or known.hedging is HedgingMode.PER_QUOTE:
            return 0
        return known.net_band if known.hedging is HedgingMode.NETTED else None
