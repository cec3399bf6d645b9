"""The order of blocks: from any number of collectors, in any order and repetition, to one chain of blocks.

A pure state machine. `offer` takes what a collector saw, which proves only that the block once existed. What a block
contests is settled by the chain itself: `wanted` names the number to ask for, `answer` takes what the chain has there.
So a late copy of an orphaned block never turns the sequence back, and a branch no longer than ours is still found.
"""

from collections import deque
from collections.abc import Iterable

import msgspec

from hedger.adapters.chain.blocks import CollectedBlock
from hedger.domain.feed import BlockRef

DEFAULT_DEPTH = 256
# How many times in a row nothing may be found at a number before the search is given up.
PATIENCE = 5


class NextBlock(msgspec.Struct, frozen=True):
    """The next block of the chain; its parent is the block before it, or the common ancestor of a reorganisation."""

    block: CollectedBlock


class ReorgFound(msgspec.Struct, frozen=True):
    """Blocks told before, oldest first, that are no longer of the chain. What follows continues at the ancestor."""

    orphaned: tuple[BlockRef, ...]
    common_ancestor: int


Step = NextBlock | ReorgFound


class Gap(msgspec.Struct, frozen=True):
    """Blocks that are missing, both ends included: to be read by number, in order, and offered."""

    first: int
    last: int


class Contested(msgspec.Struct, frozen=True):
    """Two blocks claim this number: to be read from the chain and answered."""

    number: int


class ReorgTooDeep(Exception):
    """The chain was reorganised below every block this process remembers."""

    def __init__(self, oldest: int) -> None:
        super().__init__(
            f"the chain no longer has block {oldest}, the oldest one remembered: restart, so that the recorded blocks "
            "are compared with the chain again; if it fails again, check that the RPC endpoints serve the chain of "
            "this log"
        )


class Sequencer:
    """Emits each block once after its parent, and each reorganisation before the branch that replaces the other.

    At most `depth` blocks are remembered, and at most four times as many wait for their parents. A block is emitted
    when `confirmations` blocks stand on it; a reorganisation of blocks not emitted yet is not told. The first block is
    `start`; where facts of blocks below it are recorded (`recorded_below`), a reorganisation that reaches it is
    ReorgTooDeep, otherwise the sequence begins anew.
    """

    def __init__(
        self, start: int, *, depth: int = DEFAULT_DEPTH, confirmations: int = 0, recorded_below: bool = False
    ) -> None:
        self._start = start
        self._depth = depth
        self._confirmations = confirmations
        self._bottomless = recorded_below  # something was told before the oldest remembered block
        self._tail: deque[BlockRef] = deque()
        self._by_number: dict[int, BlockRef] = {}
        self._unconfirmed: deque[CollectedBlock] = deque()
        self._waiting: dict[str, CollectedBlock] = {}
        self._horizon = start - 1
        self._walk: dict[int, CollectedBlock] = {}
        self._asking: int | None = None
        self._misses = 0

    @property
    def head(self) -> BlockRef | None:
        """The newest block linked to the chain, confirmed or not."""
        return self._tail[-1] if self._tail else None

    @property
    def wanted(self) -> Gap | Contested | None:
        """What must be read for the sequence to go on; None while everything heard of is in its place."""
        if not self._tail:
            return Contested(self._start)
        if self._asking is not None:
            return Contested(self._asking)
        following = self._tail[-1].number + 1
        firsts = [block.first_number for block in self._waiting.values()]
        lowest = min(firsts, default=self._horizon + 1)
        if lowest <= following and firsts:
            return Contested(lowest)
        return Gap(following, lowest - 1) if lowest > following else None

    def offer(self, block: CollectedBlock) -> list[Step]:
        """A block some collector saw, or one read to fill a gap."""
        self._horizon = max(self._horizon, block.number)
        if self._is_old(block):
            return []
        self._waiting[block.hash] = block
        steps = self._link_waiting()
        self._forget_surplus()
        return steps

    def answer(self, number: int, block: CollectedBlock | None) -> list[Step]:
        """The block the chain has at a contested number; None where the node knew none. Raises ReorgTooDeep."""
        if block is None or block.number != number:
            return self.nothing_found()
        self._misses = 0
        self._horizon = max(self._horizon, number)
        if not self._tail:
            return self._begin(block) if number == self._start else []
        mine = self._by_number.get(number)
        before = self._by_number.get(number - 1)
        if mine and mine.hash == block.hash:
            return self._settle(number, [])
        if before and before.hash == block.parent_hash:
            return self._settle(number - 1, [block])
        if number > self._tail[0].number:
            self._walk[number] = block
            self._asking = number - 1
            return []
        if self._bottomless:
            raise ReorgTooDeep(self._tail[0].number)
        steps = self._rewind(number - 1)
        return steps + self._begin(block)

    def nothing_found(self) -> list[Step]:
        """What was wanted could not be read. After some repetitions every claim from that number upward is dropped."""
        self._misses += 1
        wanted = self.wanted
        if self._misses < PATIENCE or wanted is None or not self._tail:
            return []
        missing = wanted.number if isinstance(wanted, Contested) else wanted.first
        self._misses = 0
        self._end_walk()
        self._keep([block for block in self._waiting.values() if block.number < missing])
        self._horizon = self._tail[-1].number
        return []

    def _is_old(self, block: CollectedBlock) -> bool:
        if not self._tail:
            return block.number < self._start
        if block.number < self._tail[0].number or block.hash in self._waiting:
            return True
        known = self._by_number.get(block.number)
        if known is not None and known.hash == block.hash:
            return True
        # A stretch of final blocks proves nothing about single blocks within it.
        return block.skipped > 0 and block.first_number <= self._tail[-1].number

    def _begin(self, block: CollectedBlock) -> list[Step]:
        self._end_walk()
        return self._link(block) + self._link_waiting()

    def _settle(self, ancestor: int, branch: list[CollectedBlock]) -> list[Step]:
        """Ours and the chain agree up to `ancestor`: go on from there with what the chain was seen to have above."""
        above = {block.number: block for block in branch} | self._walk
        self._end_walk()
        shared = self._by_number[ancestor]
        following = above.get(ancestor + 1)
        settled = max((block.number for block in branch), default=ancestor)
        self._drop_waiting(settled)
        if following is None or following.parent_hash != shared.hash:
            return []
        steps = self._rewind(ancestor) + self._link(following)
        for number in sorted(above):
            if number > following.number:
                steps += self.offer(above[number])
        return steps + self._link_waiting()

    def _rewind(self, ancestor: int) -> list[Step]:
        orphaned: list[BlockRef] = []
        told = self._unconfirmed[0].number if self._unconfirmed else self._tail[-1].number + 1
        while self._tail and self._tail[-1].number > ancestor:
            block = self._tail.pop()
            del self._by_number[block.number]
            if block.number < told:
                orphaned.append(block)
        while self._unconfirmed and self._unconfirmed[-1].number > ancestor:
            self._unconfirmed.pop()
        return [ReorgFound(tuple(reversed(orphaned)), ancestor)] if orphaned else []

    def _link_waiting(self) -> list[Step]:
        steps: list[Step] = []
        while self._tail and (child := self._child_of(self._tail[-1])):
            steps += self._link(child)
        return steps

    def _child_of(self, head: BlockRef) -> CollectedBlock | None:
        for block in self._waiting.values():
            if block.parent_hash == head.hash and block.first_number == head.number + 1:
                return block
        return None

    def _link(self, block: CollectedBlock) -> list[Step]:
        self._waiting.pop(block.hash, None)
        self._misses = 0
        if block.skipped:
            self._forget_below(block)
        self._tail.append(block.ref)
        self._by_number[block.number] = self._tail[-1]
        self._unconfirmed.append(block)
        return self._confirmed()

    def _confirmed(self) -> list[Step]:
        steps: list[Step] = []
        while self._unconfirmed and self._unconfirmed[0].number <= self._tail[-1].number - self._confirmations:
            steps.append(NextBlock(self._unconfirmed.popleft()))
        while len(self._tail) > self._depth + self._confirmations:
            del self._by_number[self._tail.popleft().number]
            self._bottomless = True
        return steps

    def _drop_waiting(self, upto: int) -> None:
        self._keep(block for block in self._waiting.values() if block.first_number > upto)

    def _forget_below(self, block: CollectedBlock) -> None:
        """A stretch of final blocks: nothing below its end is contested any more."""
        self._drop_waiting(block.number)
        self._tail.clear()
        self._by_number.clear()
        self._bottomless = True

    def _forget_surplus(self) -> None:
        """The blocks furthest ahead go first: they can be read again when their turn comes."""
        limit = 4 * self._depth
        if len(self._waiting) > limit:
            self._keep(sorted(self._waiting.values(), key=lambda block: block.number)[:limit])

    def _keep(self, blocks: Iterable[CollectedBlock]) -> None:
        self._waiting = {block.hash: block for block in blocks}

    def _end_walk(self) -> None:
        self._walk = {}
        self._asking = None
