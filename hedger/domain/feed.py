"""The chain feed: what was read from one chain, which blocks were orphaned, and what could not be read."""

from uuid import UUID

from hedger.domain.aggregate import Aggregate
from hedger.domain.events import Event, derived_id


class BlockRef(Event, frozen=True, kw_only=True, tag="BlockRef.1"):
    """A block by number, hash and time (seconds)."""

    number: int
    hash: str
    parent_hash: str
    timestamp: int


class BlocksOrphaned(Event, frozen=True, kw_only=True, tag="BlocksOrphaned.1"):
    """The chain was reorganised: the facts told in these blocks no longer hold. They stay in the log."""

    chain_id: int
    block_hashes: tuple[str, ...]
    common_ancestor: int  # number of the last block that both branches share


class BlocksReadopted(Event, frozen=True, kw_only=True, tag="BlocksReadopted.1"):
    """The chain returned to blocks that were orphaned: the facts told in them hold again."""

    chain_id: int
    block_hashes: tuple[str, ...]


class FeedCheckpointed(Event, frozen=True, kw_only=True, tag="FeedCheckpointed.1"):
    """Every block up to this one was read, also those without a fact."""

    chain_id: int
    block_number: int
    block_hash: str


class InputRejected(Event, frozen=True, kw_only=True, tag="InputRejected.1"):
    """Something from outside that could not be read: what, where, which field; kept raw."""

    origin: str  # names the one thing that was rejected: "chain 31337 block 0xab… log 4"
    field: str
    reason: str
    raw: str

    @property
    def fact_id(self) -> str:
        return f"rejected:{self.origin}:{self.field}"


class ProtocolRead(Event, frozen=True, kw_only=True, tag="ProtocolRead.1"):
    """The contract's own parameters, as views told them. Seconds, wads and ratios (wad)."""

    chain_id: int
    block_number: int
    upnl_valid_s: int
    force_cancel_cooldown_s: int
    force_cancel_close_cooldown_s: int
    force_close_first_cooldown_s: int
    force_close_second_cooldown_s: int
    paused: tuple[str, ...]


def feed_id(chain_id: int, diamond: str) -> UUID:
    return derived_id("chains", chain_id, diamond, "feed")


class Feed(Aggregate, kw_only=True):
    """The feed of one contract on one chain."""

    checkpoint: int = 0
    orphaned: int = 0
    rejected: int = 0
    protocol: ProtocolRead | None = None

    def apply(self, event: Event) -> None:
        match event:
            case FeedCheckpointed():
                self.checkpoint = max(self.checkpoint, event.block_number)
            case BlocksOrphaned():
                self.orphaned += len(event.block_hashes)
            case InputRejected():
                self.rejected += 1
            case ProtocolRead():
                self.protocol = event
            case _:
                pass
