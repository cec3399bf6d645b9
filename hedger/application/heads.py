"""Which block is behind us: the newest one of which every fact has been recorded, and of every block before it."""

from collections import deque
from dataclasses import dataclass, field

from hedger.adapters.chain.messages import BlockPassed
from hedger.domain.feed import BlockRef


@dataclass(slots=True)
class _Told:
    """How many facts of one block were handled, by key: a message that comes twice counts once."""

    handled: dict[str, int] = field(default_factory=dict)


class Heads:
    """Facts of one block are handled side by side; its number counts only once all of them are."""

    def __init__(self) -> None:
        self._told: dict[str, _Told] = {}
        self._passed: deque[BlockPassed] = deque()

    def handled(self, block: BlockRef, key: str, facts: int) -> BlockRef | None:
        """Facts of one key were recorded. Returns the new head, if this completes one."""
        self._told.setdefault(block.hash, _Told()).handled[key] = facts
        return self._advance()

    def passed(self, message: BlockPassed) -> BlockRef | None:
        """Everything of a block was published. Returns the new head, if this completes one."""
        self._passed.append(message)
        return self._advance()

    def _advance(self) -> BlockRef | None:
        head = None
        while self._passed and self._is_complete(self._passed[0]):
            head = self._passed.popleft().block
            self._told.pop(head.hash, None)
        return head

    def _is_complete(self, message: BlockPassed) -> bool:
        told = self._told.get(message.block.hash)
        return sum(told.handled.values() if told is not None else ()) >= message.facts
