"""An event loop whose clock jumps to the next timer: hours pass in seconds, and every run of a seed is the same."""

import asyncio
from collections.abc import Callable, Coroutine, Generator
from contextvars import Context, ContextVar
from typing import Any

MEMBER_OF: ContextVar["list[asyncio.Task[Any]] | None"] = ContextVar("member_of", default=None)
"""Where the tasks of the running process are written down, in the order of their birth."""


class NothingToDo(Exception):
    """Every task waits and no timer is set: the world stands still for ever."""


class _NoSelector:
    """Nothing comes from outside: what would be waited for is skipped."""

    def __init__(self, skip: Callable[[float], None]) -> None:
        self._skip = skip

    def select(self, timeout: float | None) -> list[Any]:
        if timeout is None:
            raise NothingToDo
        if timeout > 0:
            self._skip(timeout)
        return []

    def close(self) -> None:
        return


class VirtualLoop(asyncio.BaseEventLoop):
    """Single-threaded, without I/O. `at_step` runs between two turns of the loop, where a process may die."""

    def __init__(self) -> None:
        super().__init__()
        self._now = 0.0
        self.steps = 0
        self.alarm_step: int | None = None
        self.at_alarm: Callable[[], None] = lambda: None
        self._selector = _NoSelector(self._skip)
        self.set_task_factory(_task)

    def time(self) -> float:
        return self._now

    def now_ms(self) -> int:
        return round(self._now * 1000)

    def alarm_after(self, steps: int, ring: Callable[[], None]) -> None:
        """Call once after so many turns of the loop."""
        self.alarm_step, self.at_alarm = self.steps + steps, ring

    def _run_once(self) -> None:
        self.steps += 1
        if self.alarm_step is not None and self.steps >= self.alarm_step:
            self.alarm_step = None
            self.at_alarm()
        super()._run_once()  # type: ignore[misc]

    def _skip(self, seconds: float) -> None:
        # A timer is due where it is reached to the millisecond: sums of floats must not fall short of it for ever.
        self._now = round(self._now + seconds, 6) + 1e-6

    def _process_events(self, event_list: list[Any]) -> None:
        return

    def _write_to_self(self) -> None:
        return


def _task(
    loop: asyncio.AbstractEventLoop,
    coroutine: Coroutine[Any, Any, Any] | Generator[Any, None, Any],
    context: Context | None = None,
) -> "asyncio.Task[Any]":
    task = asyncio.Task(coroutine, loop=loop, context=context)
    members = MEMBER_OF.get() if context is None else context.get(MEMBER_OF)
    if members is not None:
        members.append(task)
    return task


def run_in_virtual_time(main: Callable[[VirtualLoop], Coroutine[Any, Any, Any]]) -> Any:
    """Run to the end on a loop of its own; the loop of the thread, if any, is left as it was."""
    before = asyncio._get_running_loop()
    asyncio._set_running_loop(None)
    loop = VirtualLoop()
    loop.set_exception_handler(lambda _, __: None)
    try:
        return loop.run_until_complete(main(loop))
    finally:
        _end_all(loop)
        loop.close()
        asyncio._set_running_loop(before)


def _end_all(loop: VirtualLoop) -> None:
    for _ in range(20):
        waiting = [task for task in asyncio.all_tasks(loop) if not task.done()]
        if not waiting:
            return
        for task in waiting:
            task.cancel()
        loop.run_until_complete(_turns())


async def _turns() -> None:
    for _ in range(5):
        await asyncio.sleep(0)
