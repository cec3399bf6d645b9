"""What collectors hand over: whole blocks with the contract's logs, raw as the node told them."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import msgspec

from hedger.adapters.chain.rpc_errors import MalformedAnswer
from hedger.domain.feed import BlockRef


class RawLog(msgspec.Struct, frozen=True, kw_only=True):
    """One log of the contract; topics and data are the node's own hex text."""

    index: int  # place within the block
    transaction_hash: str
    block_hash: str
    topics: tuple[str, ...]
    data: str


class CollectedBlock(msgspec.Struct, frozen=True, kw_only=True):
    """One block with every log of the contract in it, in order; hashes are lower-case hex, the time is in seconds.

    With `skipped`, it also stands for that many blocks right before it, which hold no log of the contract;
    `parent_hash` is then the parent of the first of them. Only blocks far below the head are told so.
    """

    number: int
    hash: str
    parent_hash: str
    timestamp: int
    logs: tuple[RawLog, ...]
    collector: str
    skipped: int = 0

    @property
    def first_number(self) -> int:
        """Number of the first block this one stands for."""
        return self.number - self.skipped

    @property
    def ref(self) -> BlockRef:
        return BlockRef(number=self.number, hash=self.hash, parent_hash=self.parent_hash, timestamp=self.timestamp)


BlockSink = Callable[[CollectedBlock], Awaitable[None]]
"""Takes every block a collector has read, in any order and repetition."""


def header_of(answer: Mapping[str, Any]) -> BlockRef:
    """A block header as the node tells it. Raises MalformedAnswer."""
    try:
        return BlockRef(
            number=int(answer["number"], 16),
            hash=str(answer["hash"]).lower(),
            parent_hash=str(answer["parentHash"]).lower(),
            timestamp=int(answer["timestamp"], 16),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise MalformedAnswer(f"block header: {type(error).__name__} {error}") from None


def logs_of(answer: Any, address: str) -> tuple[RawLog, ...]:
    """The logs of one contract from an `eth_getLogs` answer, in order. Raises MalformedAnswer."""
    try:
        logs = [
            RawLog(
                index=int(entry["logIndex"], 16),
                transaction_hash=str(entry["transactionHash"]).lower(),
                block_hash=str(entry["blockHash"]).lower(),
                topics=tuple(str(topic) for topic in entry["topics"]),
                data=str(entry["data"]),
            )
            for entry in answer
            if entry["address"].lower() == address and not entry.get("removed")
        ]
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise MalformedAnswer(f"logs: {type(error).__name__} {error}") from None
    return tuple(sorted(logs, key=lambda log: log.index))


def collected(header: BlockRef, logs: tuple[RawLog, ...], collector: str) -> CollectedBlock:
    """A header and its logs as one block."""
    return CollectedBlock(
        number=header.number,
        hash=header.hash,
        parent_hash=header.parent_hash,
        timestamp=header.timestamp,
        logs=logs,
        collector=collector,
    )
