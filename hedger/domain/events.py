"""What every recorded event has in common, and how it is wrapped in the log.

Events are frozen structs. Their tag is their name in the log for good: classes may move, tags may not. A changed field
is a new tag (`QuoteSent.2`) and an upcast of the old one, never an edit of what is recorded.
"""

from uuid import NAMESPACE_URL, UUID, uuid5

import msgspec


class Event(msgspec.Struct, frozen=True, kw_only=True, tag_field="event"):
    """Something that happened, in the past tense. Fields are wads, counts, texts, or structs of these."""


class ChainSource(msgspec.Struct, frozen=True, kw_only=True):
    """Where on chain a fact was told: unique by chain id, block hash and log index."""

    chain_id: int
    block_number: int
    block_hash: str
    block_timestamp: int  # seconds, the chain's own clock
    transaction_hash: str
    log_index: int

    @property
    def fact_id(self) -> str:
        return f"chain:{self.chain_id}:{self.block_hash}:{self.log_index}"


class ChainFact(Event, frozen=True, kw_only=True):
    """An event told by the chain's logs."""

    source: ChainSource

    @property
    def fact_id(self) -> str:
        return self.source.fact_id


class Recorded(msgspec.Struct, frozen=True, kw_only=True):
    """An event with its place in the log."""

    position: int  # global order, from 1, without gaps
    aggregate_id: UUID
    version: int  # place within its aggregate, from 1
    recorded_at_ms: int  # the recorder's clock; nothing is judged by it
    correlation_id: str  # what it is about: one id through fact, decision, effect and outcome
    causation_id: str  # what caused it: a fact id, a pass of the healer, a command
    event: Event


def derived_id(*parts: object) -> UUID:
    """An aggregate id derived from what identifies it, never random, so that every process finds the same aggregate."""
    return uuid5(NAMESPACE_URL, "/" + "/".join(str(part).lower() for part in parts))
