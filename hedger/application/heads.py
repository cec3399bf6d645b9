"""Which block is behind us: the newest one of which every fact has been recorded, and of every block before it."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from hedger.adapters.chain.messages import BlockPassed
from hedger.domain.feed import BlockRef


@dataclass(slots=True)
class _Told:
    """How many facts of one block were handled, by key: a message that comes twice counts once."""

    handled: dict[str, int] = field(default_factory=dict)


class Heads:
    """Facts of one block are handled side by side; its number counts only once all of them are.

    One account whose facts cannot be recorded must not stop the clock of all others: after `patience_ms` a block
    counts without it.
    """

    def __init__(self, clock_ms: Callable[[], int], *, patience_ms: int = 10_000) -> None:
        self._clock_ms, self._patience_ms = clock_ms, patience_ms
        self._told: dict[str, _Told] = {}
        self._passed: deque[tuple[BlockPassed, int]] = deque()

    def handled(self, block: BlockRef, key: str, facts: int) -> BlockRef | None:
        """Facts of one key were recorded. Returns the new head, if this completes one."""
        self._told.setdefault(block.hash, _Told()).handled[key] = facts
        return self._advance()

    def passed(self, message: BlockPassed) -> BlockRef | None:
        """Everything of a block was published. Returns the new head, if this completes one."""
        self._passed.append((message, self._clock_ms()))
        return self._advance()

    def _advance(self) -> BlockRef | None:
        head = None
        while self._passed and self._is_behind(*self._passed[0]):
            head = self._passed.popleft()[0].block
            self._told.pop(head.hash, None)
        return head

    def _is_behind(self, message: BlockPassed, passed_at_ms: int) -> bool:
        if self._clock_ms() - passed_at_ms > self._patience_ms:
            return True
        told = self._told.get(message.block.hash)
        return sum(told.handled.values() if told is not None else ()) >= message.facts
