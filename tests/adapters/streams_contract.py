"""What every implementation of the streams must do. Subclass it, and give the fixtures `streams` and `topic`."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

import msgspec
import pytest

from hedger.adapters.streams.port import Handler, Streams

PATIENCE_S = 30.0  # a bound for brokers; an implementation in memory is done in milliseconds


class Note(msgspec.Struct, frozen=True, tag="Note.1"):
    text: str


class Seen:
    """A handler that keeps what it was given, by key, and can be waited for."""

    def __init__(self, before: Callable[[str, str], Awaitable[None]] | None = None) -> None:
        self.texts: defaultdict[str, list[str]] = defaultdict(list)
        self._before = before
        self._more = asyncio.Event()

    async def __call__(self, key: str, message: msgspec.Struct) -> None:
        assert isinstance(message, Note)
        if self._before is not None:
            await self._before(key, message.text)
        self.texts[key].append(message.text)
        self._more.set()

    async def count(self, wanted: int) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while sum(len(texts) for texts in self.texts.values()) < wanted:
                self._more.clear()
                await self._more.wait()


class StreamsContract:
    async def joined(self, streams: Streams, topic: str, group: str) -> None:
        """Return when the group's consumer gets what is published from now on."""
        await asyncio.sleep(0.01)

    @asynccontextmanager
    async def consuming(self, streams: Streams, topic: str, group: str, handler: Handler) -> AsyncIterator[None]:
        task = asyncio.create_task(streams.consume(topic, group, handler))
        await self.joined(streams, topic, group)
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def test_messages_of_one_key_arrive_in_order(self, streams: Streams, topic: str) -> None:
        seen = Seen()
        async with self.consuming(streams, topic, "g", seen):
            for n in range(200):
                await streams.publish(topic, f"key {n % 5}", Note(str(n)))
            await seen.count(200)
        assert seen.texts == {f"key {k}": [str(n) for n in range(k, 200, 5)] for k in range(5)}

    async def test_messages_of_one_key_are_handled_one_at_a_time(self, streams: Streams, topic: str) -> None:
        under_way: set[str] = set()

        async def alone(key: str, text: str) -> None:
            assert key not in under_way
            under_way.add(key)
            await asyncio.sleep(0.001)
            under_way.remove(key)

        seen = Seen(alone)
        async with self.consuming(streams, topic, "g", seen):
            for n in range(20):
                await streams.publish(topic, "a", Note(str(n)))
            await seen.count(20)
        assert seen.texts["a"] == [str(n) for n in range(20)]

    async def test_every_group_gets_every_message(self, streams: Streams, topic: str) -> None:
        one, other = Seen(), Seen()
        async with self.consuming(streams, topic, "one", one), self.consuming(streams, topic, "other", other):
            for n in range(10):
                await streams.publish(topic, "k", Note(str(n)))
            await one.count(10)
            await other.count(10)
        assert one.texts == other.texts == {"k": [str(n) for n in range(10)]}

    async def test_two_consumers_of_a_group_share_its_messages(self, streams: Streams, topic: str) -> None:
        seen = Seen()  # both handle into the same one, so each message must come once, and a key's in order
        async with self.consuming(streams, topic, "g", seen), self.consuming(streams, topic, "g", seen):
            for n in range(60):
                await streams.publish(topic, f"key {n % 6}", Note(str(n)))
            await seen.count(60)
        assert seen.texts == {f"key {k}": [str(n) for n in range(k, 60, 6)] for k in range(6)}

    async def test_a_message_whose_handler_failed_comes_again_before_the_next_of_its_key(
        self, streams: Streams, topic: str
    ) -> None:
        attempts: list[str] = []

        async def fails_twice(key: str, text: str) -> None:
            attempts.append(text)
            if attempts.count("first") < 3:
                raise ConnectionError("not now")

        seen = Seen(fails_twice)
        async with self.consuming(streams, topic, "g", seen):
            await streams.publish(topic, "k", Note("first"))
            await streams.publish(topic, "k", Note("second"))
            await seen.count(2)
        assert attempts == ["first", "first", "first", "second"]

    async def test_cancellation_lets_the_handler_under_way_finish(self, streams: Streams, topic: str) -> None:
        started, finish, seen = asyncio.Event(), asyncio.Event(), Seen()

        async def slow(key: str, message: msgspec.Struct) -> None:
            started.set()
            await finish.wait()
            await seen(key, message)

        task = asyncio.create_task(streams.consume(topic, "g", slow))
        await self.joined(streams, topic, "g")
        await streams.publish(topic, "k", Note("under way"))
        await asyncio.wait_for(started.wait(), PATIENCE_S)
        task.cancel()
        await asyncio.sleep(0.05)
        assert not task.done()
        finish.set()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert seen.texts == {"k": ["under way"]}

    async def test_what_was_handled_is_not_told_to_the_groups_next_consumer(self, streams: Streams, topic: str) -> None:
        former, latter = Seen(), Seen()
        async with self.consuming(streams, topic, "g", former):
            await streams.publish(topic, "k", Note("1"))
            await former.count(1)
        await streams.publish(topic, "k", Note("2"))
        async with self.consuming(streams, topic, "g", latter):
            await latter.count(1)
        assert (former.texts, latter.texts) == ({"k": ["1"]}, {"k": ["2"]})
