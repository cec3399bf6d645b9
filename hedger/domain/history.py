"""The chain facts behind an aggregate: those that hold, and those whose blocks are orphaned now.

An orphaned fact stays in the log and may hold again, when the chain returns to its block. It is not recorded twice:
the return of the block is recorded instead.
"""

from collections.abc import Iterable

from hedger.domain.events import ChainFact, Event
from hedger.domain.feed import BlocksOrphaned, BlocksReadopted


def news(history: list[ChainFact], orphaned: list[ChainFact], told: Iterable[ChainFact]) -> list[Event]:
    """What to record of facts that are told: those never recorded, and the return of those that were orphaned."""
    known, gone = ({fact.fact_id for fact in facts} for facts in (history, orphaned))
    fresh: list[Event] = []
    returned: list[str] = []
    for fact in told:
        if fact.fact_id in gone:
            if fact.source.block_hash not in returned:
                returned.append(fact.source.block_hash)
                fresh.append(BlocksReadopted(chain_id=fact.source.chain_id, block_hashes=(fact.source.block_hash,)))
        elif fact.fact_id not in known:
            fresh.append(fact)
    return fresh


def is_touched(history: list[ChainFact], event: BlocksOrphaned) -> bool:
    """True where facts that hold were told in the blocks."""
    hashes = set(event.block_hashes)
    return any(fact.source.block_hash in hashes for fact in history)


def parted(facts: list[ChainFact], hashes: Iterable[str]) -> tuple[list[ChainFact], list[ChainFact]]:
    """The facts of other blocks, and those of these blocks."""
    named = set(hashes)
    others = [fact for fact in facts if fact.source.block_hash not in named]
    return others, [fact for fact in facts if fact.source.block_hash in named]


def is_late(facts: list[ChainFact], fact: ChainFact) -> bool:
    """True for a fact that was missed, and is told after facts that came after it on the chain."""
    return bool(facts) and _place(facts[-1]) > _place(fact)


def in_chain_order(facts: Iterable[ChainFact]) -> list[ChainFact]:
    """By block, then by place in it."""
    return sorted(facts, key=_place)


def _place(fact: ChainFact) -> tuple[int, int]:
    return fact.source.block_number, fact.source.log_index
