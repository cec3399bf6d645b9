"""What the position validator asks of others: the contract now and in the past, and the log's record of trades."""

from collections.abc import AsyncIterator, Sequence
from typing import Protocol

import msgspec

from hedger.adapters.chain.decode import DecodedBlock
from hedger.adapters.chain.view_structs import QuoteView
from hedger.domain.feed import BlockRef


class PartyAs(Protocol):
    """Every PartyA that this hedger has an account with."""

    async def __call__(self) -> list[str]: ...


class ValidatorViews(Protocol):
    """What the validator asks of the contract, at one block; None is the newest. Raises RpcFailure."""

    async def active_quotes_of_party_b(self, party_b: str, block: BlockRef | None = None) -> list[QuoteView]:
        """Every quote of this PartyB that is locked, asked to be cancelled, or open."""
        ...

    async def allocations(
        self, party_b: str, party_as: Sequence[str], block: BlockRef | None = None
    ) -> dict[str, int]: ...


class ChainHistory(Protocol):
    """The chain as it was. State of old blocks is often pruned: then the first two raise RpcError; logs stay."""

    async def quote_at(self, quote_id: int, block: int) -> QuoteView | None: ...

    async def allocation_at(self, party_b: str, party_a: str, block: int) -> int: ...

    async def headers(self, numbers: Sequence[int]) -> dict[int, BlockRef]:
        """The blocks that the chain now has at these numbers, as far as the node has them."""
        ...

    def blocks(self, first: int, last: int) -> AsyncIterator[DecodedBlock]:
        """The facts of the chain's blocks in order; far below the head, of those that hold any."""
        ...


class OwnOrder(msgspec.Struct, frozen=True, kw_only=True):
    """An order of ours, as far as trades are told apart by it; quantities wads.

    It is a quote's, or of the residual book of a symbol; the other id is 0."""

    client_order_id: str
    quote_id: int
    symbol_id: int
    venue_order_id: str
    quantity: int
    filled: int


class OwnFill(msgspec.Struct, frozen=True, kw_only=True):
    """A recorded fill and its place in the log."""

    trade_id: str
    client_order_id: str
    quantity: int
    traded_at_ms: int
    log_position: int


class TradeRecords(Protocol):
    """What is recorded of the hedger's own trades. It may be a moment behind the log."""

    async def fills(self, symbol: str, *, since_ms: int) -> list[OwnFill]:
        """Every recorded fill of a symbol since a time of the venue's clock, in log order."""
        ...

    async def orders(self, symbol: str, venue_order_ids: Sequence[str]) -> dict[str, OwnOrder]:
        """Those of the venue's orders that are ours, by the venue's id."""
        ...

    async def began_ms(self) -> int:
        """When the log began: trades made before it are nobody's business here."""
        ...
