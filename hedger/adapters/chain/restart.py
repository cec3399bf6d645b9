"""Where reading begins after a restart, and which recorded blocks the chain no longer has."""

from collections.abc import Mapping, Sequence

import msgspec

from hedger.adapters.chain.sequencer import DEFAULT_DEPTH, ReorgTooDeep
from hedger.adapters.log.port import BlockMark

# Facts are recorded by many writers side by side, so blocks before the newest recorded one may be incomplete, and what
# a reorganisation put in the place of blocks without facts is unknown. A fact read again is recorded once all the same.
DEFAULT_OVERLAP = DEFAULT_DEPTH


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
    checkpoint: int | None = None,
    depth: int = DEFAULT_DEPTH,
    overlap: int = DEFAULT_OVERLAP,
) -> RestartPlan:
    """The plan from the recorded blocks and the hashes the chain now has at the numbers of `marks_to_check`.

    `start` is where a first run begins, `checkpoint` the last block up to which everything is known to be recorded;
    without it the newest recorded block stands for it. Reading resumes `overlap` blocks below, and below the last
    block that is surely shared. Raises ReorgTooDeep where no recorded block in reach is of the chain although there
    are more below.
    """
    checked = marks_to_check(marks, depth)
    orphaned = [mark for mark in checked if canonical[mark.number] != mark.hash]
    if checked and len(orphaned) == len(checked) < len(marks):
        raise ReorgTooDeep(checked[0].number)
    newest = checked[-1].number if checked else start - 1
    complete = newest if checkpoint is None else checkpoint
    shared = _shared(checked, orphaned) if orphaned else max(newest, complete)
    return RestartPlan(
        resume_at=max(start, min(shared, complete) + 1 - overlap),
        orphaned=tuple(mark.hash for mark in orphaned),
        common_ancestor=shared,
    )


def _shared(checked: Sequence[BlockMark], orphaned: Sequence[BlockMark]) -> int:
    """The highest recorded block below every orphaned one, else the block before the first of these."""
    first = orphaned[0].number
    return max((mark.number for mark in checked if mark.number < first), default=first - 1)
