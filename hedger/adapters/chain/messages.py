"""What the chain feed publishes on the topic of facts, and under which key.

Everything of one PartyA goes by its address, in the order of the chain. What concerns nobody in particular goes by one
of the fixed keys below, which no address equals.
"""

from collections.abc import Collection

import msgspec

from hedger.domain import chain_facts as told
from hedger.domain.feed import BlockRef, BlocksOrphaned, InputRejected

HEAD_KEY = "head"
PROTOCOL_KEY = "protocol"
REJECTED_KEY = "rejected"

AnyPartyFact = (
    told.QuoteSent
    | told.QuoteLocked
    | told.QuoteUnlocked
    | told.PositionOpened
    | told.CancelRequested
    | told.CancelAccepted
    | told.CancelForced
    | told.OpenExpired
    | told.CloseRequested
    | told.CloseFilled
    | told.CloseCancelRequested
    | told.CloseCancelAccepted
    | told.CloseCancelForced
    | told.CloseExpired
    | told.EmergencyClosed
    | told.ForceClosed
    | told.FundingCharged
    | told.PriceSettled
    | told.PendingLiquidated
    | told.PositionLiquidated
    | told.AllocationChanged
    | told.PartyBLiquidationStarted
    | told.PartyBLiquidationEnded
    | told.PartyALiquidationStarted
    | told.PartyALiquidationEnded
    | told.SuspensionChanged
)
"""Every fact that has a PartyA, by concrete type, so that a message can be read back."""


AnyTreasuryFact = (
    told.Deposited
    | told.Withdrawn
    | told.FreeAllocated
    | told.FreeDeallocated
    | told.FreeGiven
    | told.VaultFilled
    | told.VaultEmptied
)
"""Every fact of an address's own balance that a log tells."""


class FeedMessage(msgspec.Struct, frozen=True, kw_only=True, tag_field="message"):
    """Something the chain feed tells."""


class BlockFacts(FeedMessage, frozen=True, kw_only=True, tag="BlockFacts"):
    """The facts of one block that concern one PartyA, in order; keyed by its address."""

    block: BlockRef
    party_a: str
    facts: tuple[AnyPartyFact, ...]


class ProtocolFacts(FeedMessage, frozen=True, kw_only=True, tag="ProtocolFacts"):
    """The facts of one block that concern everybody; keyed "protocol"."""

    block: BlockRef
    facts: tuple[told.ProtocolChanged, ...]


class TreasuryFacts(FeedMessage, frozen=True, kw_only=True, tag="TreasuryFacts"):
    """The facts of one block on what one address holds on the contract, in order; keyed by that address."""

    block: BlockRef
    holder: str
    facts: tuple[AnyTreasuryFact, ...]


class Rejected(FeedMessage, frozen=True, kw_only=True, tag="Rejected"):
    """Logs of one block that could not be read; keyed "rejected"."""

    block: BlockRef
    items: tuple[InputRejected, ...]


class BlockPassed(FeedMessage, frozen=True, kw_only=True, tag="BlockPassed"):
    """All of this block was published before; keyed "head". `facts` counts those of all its messages."""

    block: BlockRef
    facts: int


class Reorganised(FeedMessage, frozen=True, kw_only=True, tag="Reorganised"):
    """Blocks were orphaned; keyed "head" and by every address with facts in them, before anything of the new branch.

    `keys` are all the keys it is told by. What an address is told of is for it alone to orphan: by another key the
    message may come so late that the blocks are of the chain again.
    """

    orphaned: BlocksOrphaned
    keys: tuple[str, ...] = ()

    def is_for(self, key: str, addresses: Collection[str]) -> bool:
        """Whether what concerns these addresses is orphaned by this key; "head" takes what no other does."""
        if key == HEAD_KEY:
            return not set(addresses) & set(self.keys)
        return key in addresses


AnyFeedMessage = BlockFacts | ProtocolFacts | TreasuryFacts | Rejected | BlockPassed | Reorganised
