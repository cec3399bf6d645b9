"""What a third party did, as values; and how it tries something that somebody else may have done first."""

from collections.abc import Awaitable
from dataclasses import dataclass
from enum import StrEnum

import aiohttp

from devnet.actors.liquidation_steps import SignatureLost
from devnet.rpc import ReceiptTimeout, RpcError
from devnet.traders import TransactionReverted
from hedger.adapters.muon import MuonError

# What ends an attempt without being a fault of the one who tried: a lost race, an oracle or a node that fails.
SETBACKS = (TransactionReverted, SignatureLost, MuonError, RpcError, ReceiptTimeout, aiohttp.ClientError, TimeoutError)


class DeedKind(StrEnum):
    """Every step a third party takes."""

    EXPIRE = "expire"
    FORCE_CANCEL = "force_cancel"
    FORCE_CANCEL_CLOSE = "force_cancel_close"
    FORCE_CLOSE = "force_close"
    SETTLE_AND_FORCE_CLOSE = "settle_and_force_close"
    LIQUIDATE_PARTY_A = "liquidate_party_a"
    DEFERRED_LIQUIDATE_PARTY_A = "deferred_liquidate_party_a"
    SET_SYMBOLS_PRICE = "set_symbols_price"
    LIQUIDATE_PENDING = "liquidate_pending"
    LIQUIDATE_POSITIONS_OF_PARTY_A = "liquidate_positions_of_party_a"
    SETTLE_LIQUIDATION = "settle_liquidation"
    LIQUIDATE_PARTY_B = "liquidate_party_b"
    LIQUIDATE_POSITIONS_OF_PARTY_B = "liquidate_positions_of_party_b"


@dataclass(frozen=True, slots=True)
class Deed:
    """One transaction in a block: whom it concerned, and the quotes it named where it named any.

    `liquidated_party_b`: a forced close that the hedger could not pay, so that it was liquidated instead.
    """

    kind: DeedKind
    party_a: str
    party_b: str = ""
    quote_ids: tuple[int, ...] = ()
    liquidated_party_b: bool = False

    @property
    def quote_id(self) -> int | None:
        """The quote of a deed that is about one."""
        return self.quote_ids[0] if len(self.quote_ids) == 1 else None


async def tried(attempt: Awaitable[list[Deed]]) -> list[Deed]:
    """What came of it; nothing where it was in vain."""
    try:
        return await attempt
    except SETBACKS:
        return []
