"""Where reading begins after a restart, and which recorded blocks the chain no longer has."""

from collections.abc import Mapping, Sequence

import msgspec

from hedger.adapters.chain.sequencer import DEFAULT_DEPTH, ReorgTooDeep
from hedger.adapters.log.port import BlockMark

# A block's facts are recorded by many writers side by side, so the newest recorded block may not be complete, nor some
# before it. Reading these again is harmless: a fact is recorded once.
DEFAULT_OVERLAP = 32


class RestartPlan(msgspec.Struct, frozen=True, kw_only=True):
    """`orphaned` are hashes of recorded blocks, oldest first, that left the chain, perhaps told as orphaned before."""

    resume_at: int
    orphaned: tuple[str, ...] = ()
    common_ancestor: int = 0


def marks_to_check(marks: Sequence[BlockMark], depth: int = DEFAULT_DEPTH) -> list[BlockMark]:
    """The recorded blocks that a reorganisation may have reached: those within `depth` of the highest, oldest first."""
    highest = max((mark.number for mark in marks), default=0)
    return sorted((mark for mark in marks if mark.number > highest - depth), key=lambda mark: mark.number)


def plan_restart(
    marks: Sequence[BlockMark],
    canonical: Mapping[int, str],
    *,
    start: int,
    depth: int = DEFAULT_DEPTH,
    overlap: int = DEFAULT_OVERLAP,
) -> RestartPlan:
    """The plan from the recorded blocks and the hashes the chain now has at the numbers of `marks_to_check`.

    `start` is where a first run begins. Raises ReorgTooDeep where no recorded block in reach is of the chain although
    there are more below.
    """
    checked = marks_to_check(marks, depth)
    if not checked:
        return RestartPlan(resume_at=start)
    orphaned = [mark for mark in checked if canonical[mark.number] != mark.hash]
    if len(orphaned) == len(checked) < len(marks):
        raise ReorgTooDeep(checked[0].number)
    highest = checked[-1].number
    ancestor = orphaned[0].number - 1 if orphaned else highest
    return RestartPlan(
        resume_at=max(start, min(ancestor + 1, highest) - overlap),
        orphaned=tuple(mark.hash for mark in orphaned),
        common_ancestor=ancestor,
    )
