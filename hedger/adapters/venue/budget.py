"""How many orders the exchange takes in a time, and who may use them: what opens leaves room for what closes."""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field


@dataclass(slots=True)
class OrderWindow:
    """At most `most` orders within any `length_ms`, of which opening ones may use all but `reserved`."""

    length_ms: int
    most: int
    reserved: int
    _sent_ms: deque[int] = field(default_factory=deque)

    def wait_ms(self, now_ms: int, *, opens: bool) -> int:
        """How long such an order must wait, 0 where it may go."""
        while self._sent_ms and self._sent_ms[0] <= now_ms - self.length_ms:
            self._sent_ms.popleft()
        allowed = self.most - (self.reserved if opens else 0)
        if len(self._sent_ms) < allowed:
            return 0
        oldest = self._sent_ms[len(self._sent_ms) - allowed] if allowed > 0 else now_ms
        return oldest + self.length_ms - now_ms

    def note(self, now_ms: int) -> None:
        self._sent_ms.append(now_ms)


class OrderBudget:
    """Several windows at once, as exchanges have them.

    An order beyond the budget is refused here, before the exchange does and bans: an opening one is asked for again for
    as long as its quote has time, and what closes, unwinds or hedges again finds the room that was kept for it.
    """

    def __init__(self, windows: Iterable[OrderWindow]) -> None:
        self._windows = tuple(windows)

    def wait_ms(self, now_ms: int, *, opens: bool) -> int:
        """How long such an order must wait, 0 where it may go."""
        return max((window.wait_ms(now_ms, opens=opens) for window in self._windows), default=0)

    def note(self, now_ms: int) -> None:
        """An order goes out."""
        for window in self._windows:
            window.note(now_ms)
