"""What a scene says its quotes must have become, and the comparison with chain and hedger."""

from dataclasses import dataclass

from devnet.demo.api import Row
from devnet.traders import QuoteOnChain
from hedger.domain.money import to_text
from hedger.domain.terms import QuoteStatus

# Where a quote may stay for good: nothing is owed on it by anybody.
AT_REST = (QuoteStatus.CANCELED, QuoteStatus.OPENED, QuoteStatus.CLOSED, QuoteStatus.EXPIRED)


@dataclass(frozen=True, slots=True)
class Expected:
    """The end of one quote. `hedger` names whose API must agree; `party_b` the holder's address, where one is due;
    `closed` how much of it is closed (wad); `code` why the hedger refused it or gave it up."""

    quote_id: int
    hedger: str
    statuses: tuple[QuoteStatus, ...]
    party_b: str | None = None
    closed: int | None = None
    code: int | None = None

    def differs_on_chain(self, quote: QuoteOnChain | None) -> str:
        """What the chain has otherwise; empty where it has what is expected."""
        if quote is None:
            return f"quote {self.quote_id} is not on chain"
        if quote.status not in self.statuses:
            return f"quote {self.quote_id} is {quote.status.name}, expected {self._names()}"
        if self.party_b is not None and quote.party_b.lower() != self.party_b.lower():
            return f"quote {self.quote_id} is held by {quote.party_b}, expected {self.party_b}"
        if self.closed is not None and quote.closed_amount != self.closed:
            closed, wanted = to_text(quote.closed_amount), to_text(self.closed)
            return f"quote {self.quote_id} has {closed} closed, expected {wanted}"
        return ""

    def differs_in_row(self, row: Row | None, quote: QuoteOnChain) -> str:
        """What the hedger's read model has otherwise than the chain, or as its reason."""
        if row is None:
            return f"quote {self.quote_id} is unknown to hedger {self.hedger}"
        if row["status"] != quote.status.name.lower():
            return f"quote {self.quote_id} is {quote.status.name} on chain, {row['status']} to hedger {self.hedger}"
        if self.code is not None and row["code"] != self.code:
            return f"quote {self.quote_id} has code {row['code']}, expected {self.code}"
        return _unsettled(row)

    def _names(self) -> str:
        return " or ".join(status.name for status in self.statuses)


def _unsettled(row: Row) -> str:
    """What the hedger still has to do about it."""
    quote_id = row["quote_id"]
    if row["orders_unsettled"]:
        return f"quote {quote_id} has {row['orders_unsettled']} orders without an end"
    if row["request_in_flight"]:
        return f"quote {quote_id} waits for transaction {row['request_in_flight']}"
    if row["required"] != row["hedged"]:
        return f"quote {quote_id} requires a hedge of {row['required']} and has {row['hedged']}"
    return ""
