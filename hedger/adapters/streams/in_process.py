"""The streams between parts that share one event loop: per key a queue, over the keys a few handlers at a time.

What is published and not yet handled lives in memory. That is enough, because nothing is decided by a stream alone:
facts are read again from their sources and requests from the log after a restart.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence

import msgspec
import structlog

from hedger.adapters.streams.port import Handler

OnPoison = Callable[[str, str, msgspec.Struct, Exception], Awaitable[None]]
"""Takes topic, key, message and the last error of a message that is given up; when it returns, its key goes on."""

_log = structlog.get_logger(__name__)


class Redelivery(msgspec.Struct, frozen=True, kw_only=True):
    """How a message is delivered again: after pauses that double from `first_s` to `longest_s`; after `attempts` it
    is given up, where there is somebody to give it to."""

    first_s: float = 0.05
    longest_s: float = 30.0
    attempts: int = 10

    def pause_s(self, failures: int) -> float:
        return float(min(self.longest_s, self.first_s * 2 ** min(failures - 1, 60)))


class _Message(msgspec.Struct, eq=False):
    content: msgspec.Struct
    failures: int = 0


class _Group:
    """The messages of one topic that one group has not handled yet.

    A key is in exactly one state: idle (no messages), ready (in `ready`, once), or taken by a worker or by the pause
    after a failure. Only who takes a key out of `ready` may touch the head of its queue, so a key's messages are
    handled one at a time and in order.
    """

    def __init__(self, capacity: int) -> None:
        self.room = asyncio.Semaphore(capacity)
        self.ready: asyncio.Queue[str] = asyncio.Queue()
        self.queues: dict[str, deque[_Message]] = {}
        self._resting: set[asyncio.Task[None]] = set()

    def put(self, key: str, message: msgspec.Struct) -> None:
        """Add a message; the caller holds room for it."""
        queue = self.queues.get(key)
        if queue is None:
            self.queues[key] = deque([_Message(message)])
            self.ready.put_nowait(key)
        else:
            queue.append(_Message(message))

    def head(self, key: str) -> _Message:
        return self.queues[key][0]

    def handled(self, key: str) -> None:
        """The key's first message is done with; its next one is ready, behind the other keys."""
        queue = self.queues[key]
        queue.popleft()
        self.room.release()
        if queue:
            self.ready.put_nowait(key)
        else:
            del self.queues[key]

    def rest(self, key: str, pause: Awaitable[None]) -> None:
        """The key's first message failed: it is ready again after the pause, for which no worker waits."""
        resting = asyncio.create_task(self._ready_after(key, pause))
        self._resting.add(resting)
        resting.add_done_callback(self._resting.discard)

    async def _ready_after(self, key: str, pause: Awaitable[None]) -> None:
        try:
            await pause
        finally:
            self.ready.put_nowait(key)


class InProcessStreams:
    """The port `Streams` within one event loop.

    A group gets what is published after its first consumer came; groups named in `groups` (by topic) get everything
    from the start. A message of a topic that has no group is dropped. Consumers of the same group share its keys.

    `capacity` is the number of messages a group may have waiting: beyond it publishers wait, so a handler must not
    publish to the topic it consumes. `parallel` is the number of keys a consumer handles side by side. Without
    `on_poison` a failing message is delivered again for ever, and holds up its key alone.
    """

    def __init__(
        self,
        groups: Mapping[str, Sequence[str]] | None = None,
        *,
        capacity: int = 10_000,
        parallel: int = 64,
        redelivery: Redelivery | None = None,
        on_poison: OnPoison | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._capacity = capacity
        self._parallel = parallel
        self._redelivery = redelivery or Redelivery()
        self._on_poison = on_poison
        self._sleep = sleep
        self._topics: dict[str, dict[str, _Group]] = {}
        for topic, names in (groups or {}).items():
            for name in names:
                self._group(topic, name)

    async def publish(self, topic: str, key: str, message: msgspec.Struct) -> None:
        """Returns when every group has room for the message and has it; cancelled before that, none has it."""
        groups = list(self._topics.get(topic, {}).values())
        held: list[_Group] = []
        try:
            for group in groups:
                await group.room.acquire()
                held.append(group)
        except asyncio.CancelledError:
            for group in held:
                group.room.release()
            raise
        for group in groups:
            group.put(key, message)

    async def consume(self, topic: str, group: str, handler: Handler) -> None:
        """Handle messages until cancelled. What is not handled by then waits for the group's next consumer."""
        consumer = _Consumer(topic, self._group(topic, group), handler, self._redelivery, self._on_poison, self._sleep)
        await consumer.run(self._parallel)

    def backlog(self, topic: str, group: str) -> int:
        """Messages that the group has not handled yet, those being handled included."""
        known = self._topics.get(topic, {}).get(group)
        return 0 if known is None else sum(len(queue) for queue in known.queues.values())

    def _group(self, topic: str, name: str) -> _Group:
        return self._topics.setdefault(topic, {}).setdefault(name, _Group(self._capacity))


class _Consumer:
    """Workers that take the ready keys of one group in turn, one message a turn."""

    def __init__(
        self,
        topic: str,
        group: _Group,
        handler: Handler,
        redelivery: Redelivery,
        on_poison: OnPoison | None,
        sleep: Callable[[float], Awaitable[None]],
    ) -> None:
        self._topic = topic
        self._group = group
        self._handler = handler
        self._redelivery = redelivery
        self._on_poison = on_poison
        self._sleep = sleep
        self._busy: set[asyncio.Task[None] | None] = set()
        self._stopping = False

    async def run(self, parallel: int) -> None:
        """Work until cancelled; then finish what is under way. Cancelled a second time, give that back unhandled."""
        workers = [asyncio.create_task(self._work(), name=f"{self._topic} worker") for _ in range(parallel)]
        try:
            done, _ = await asyncio.wait(workers, return_when=asyncio.FIRST_COMPLETED)
            done.pop().result()  # a worker ends by an error alone
        finally:
            self._stopping = True
            for worker in workers:
                if worker not in self._busy:
                    worker.cancel()
            try:
                await asyncio.wait(workers)
            finally:
                for worker in workers:
                    worker.cancel()

    async def _work(self) -> None:
        while not self._stopping:
            key = await self._group.ready.get()
            self._busy.add(asyncio.current_task())
            await self._turn(key)
            self._busy.discard(asyncio.current_task())

    async def _turn(self, key: str) -> None:
        message = self._group.head(key)
        try:
            done = await self._deliver(key, message)
        except BaseException:
            self._group.ready.put_nowait(key)
            raise
        if done:
            self._group.handled(key)
        else:
            self._group.rest(key, self._sleep(self._redelivery.pause_s(message.failures)))

    async def _deliver(self, key: str, message: _Message) -> bool:
        """Whether the message is done with: handled, or given up."""
        try:
            await self._handler(key, message.content)
        except asyncio.CancelledError:
            worker = asyncio.current_task()
            if worker is None or worker.cancelling():
                raise
            failure: Exception = RuntimeError("something that the handler awaited was cancelled")
        except Exception as error:
            failure = error
        else:
            return True
        message.failures += 1
        _log.warning("delivery_failed", topic=self._topic, key=key, failures=message.failures, error=repr(failure))
        return message.failures >= self._redelivery.attempts and await self._given_up(key, message, failure)

    async def _given_up(self, key: str, message: _Message, failure: Exception) -> bool:
        if self._on_poison is None:
            return False
        try:
            await self._on_poison(self._topic, key, message.content, failure)
        except Exception:
            _log.exception("poison_not_parked", topic=self._topic, key=key)
            return False
        return True
