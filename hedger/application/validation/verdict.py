"""What one look found: every symbol on the three sides, and what differs."""

import msgspec

from hedger.domain.mismatch import Explanation, Mismatch


class SymbolRow(msgspec.Struct, frozen=True, kw_only=True):
    """One symbol on the three sides, signed quantities (wads), long positive."""

    symbol: str
    chain_open: int
    venue_position: int
    log_open: int
    log_hedge: int  # of quotes, and of the residual book
    step: int
    least: int  # the smallest quantity that the venue takes an order for
    busy: bool  # orders or transactions are under way: chain and venue may differ by them
    foreign: int  # held on the account, and no hedge
    awaiting: bool  # an order was sent a moment ago and its outcome is not known yet
    mark: int  # 0 where it is not known
    tolerated: int | None = 0  # quantity that the hedging mode leaves open; None where that has no bound

    @property
    def expected(self) -> int:
        """What the venue must hold if the log is right."""
        return self.log_hedge + self.foreign

    @property
    def residual(self) -> int:
        """What is open on chain and not hedged; what is foreign hedges nothing."""
        return self.chain_open - (self.venue_position - self.foreign)

    @property
    def is_exposed(self) -> bool:
        """True where the residual is more than a step, than what no order could hedge, and than what is meant to be."""
        if self.tolerated is None:
            return False
        return abs(self.residual) > max(self.step, self.tolerated) and abs(self.residual) >= self.least


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """What one look found. `explanations` are by the mismatch's key; `trades_compared` by symbol."""

    block_number: int
    log_position: int
    symbols: tuple[SymbolRow, ...]
    mismatches: tuple[Mismatch, ...]
    quotes_compared: int
    accounts_compared: int
    live_quotes: int
    symbol_of: dict[str, str] = {}  # key of a mismatch to its symbol
    explanations: dict[str, Explanation] = {}
    trades_compared: dict[str, int] = {}

    @property
    def agrees(self) -> bool:
        return not self.mismatches

    def row(self, symbol: str) -> SymbolRow | None:
        return next((row for row in self.symbols if row.symbol == symbol), None)
