"""The in-process streams: the contract, and what only they promise."""

import asyncio
from contextlib import suppress

import msgspec
import pytest
from streams_contract import Note, Seen, StreamsContract

from hedger.adapters.streams.in_process import InProcessStreams, Redelivery


class Pauses:
    """A sleep that takes no time and remembers what it was asked for."""

    def __init__(self) -> None:
        self.asked: list[float] = []

    async def __call__(self, seconds: float) -> None:
        self.asked.append(seconds)
        await asyncio.sleep(0)


@pytest.fixture
def topic() -> str:
    return "topic"


class TestInProcessStreams(StreamsContract):
    @pytest.fixture
    def streams(self) -> InProcessStreams:
        return InProcessStreams(redelivery=Redelivery(first_s=0.001))

    async def test_pauses_before_each_redelivery_double_up_to_the_longest(self, topic: str) -> None:
        pauses = Pauses()
        streams = InProcessStreams(redelivery=Redelivery(first_s=1, longest_s=5), sleep=pauses)
        failures = iter(range(5))

        async def fails_five_times(key: str, text: str) -> None:
            for failure in failures:
                raise ConnectionError(f"failure {failure}")

        seen = Seen(fails_five_times)
        async with self.consuming(streams, topic, "g", seen):
            await streams.publish(topic, "k", Note("stubborn"))
            await seen.count(1)
        assert pauses.asked == [1, 2, 4, 5, 5]

    async def test_a_poison_message_is_given_up_with_its_error_and_its_key_goes_on(self, topic: str) -> None:
        parked: list[tuple[str, str, msgspec.Struct, str]] = []

        async def park(topic: str, key: str, message: msgspec.Struct, error: Exception) -> None:
            parked.append((topic, key, message, str(error)))

        async def refuses_poison(key: str, text: str) -> None:
            if text == "poison":
                raise ValueError("cannot be read")

        pauses, seen = Pauses(), Seen(refuses_poison)
        streams = InProcessStreams(redelivery=Redelivery(attempts=3), on_poison=park, sleep=pauses)
        async with self.consuming(streams, topic, "g", seen):
            for text in ("before", "poison", "after"):
                await streams.publish(topic, "k", Note(text))
            await seen.count(2)
        assert seen.texts == {"k": ["before", "after"]}
        assert parked == [(topic, "k", Note("poison"), "cannot be read")]
        assert len(pauses.asked) == 2

    async def test_a_poison_message_that_cannot_be_parked_is_not_lost(self, topic: str) -> None:
        calls: list[str] = []

        async def park(topic: str, key: str, message: msgspec.Struct, error: Exception) -> None:
            calls.append(key)
            if len(calls) < 3:
                raise ConnectionError("the parking place is away")

        async def refuses_poison(key: str, text: str) -> None:
            if text == "poison":
                raise ValueError("cannot be read")

        seen = Seen(refuses_poison)
        streams = InProcessStreams(redelivery=Redelivery(attempts=1), on_poison=park, sleep=Pauses())
        async with self.consuming(streams, topic, "g", seen):
            await streams.publish(topic, "k", Note("poison"))
            await streams.publish(topic, "k", Note("after"))
            await seen.count(1)
        assert (calls, seen.texts) == (["k", "k", "k"], {"k": ["after"]})

    async def test_a_failing_key_holds_up_no_other_key(self, topic: str) -> None:
        async def never(seconds: float) -> None:
            await asyncio.Event().wait()

        async def one_key_fails(key: str, text: str) -> None:
            if key.startswith("bad"):
                raise ConnectionError("for ever")

        seen = Seen(one_key_fails)
        streams = InProcessStreams(parallel=1, sleep=never)
        async with self.consuming(streams, topic, "g", seen):
            for n in range(5):
                await streams.publish(topic, f"bad {n}", Note("x"))
            await streams.publish(topic, "good", Note("y"))
            await seen.count(1)
        assert seen.texts == {"good": ["y"]}
        assert streams.backlog(topic, "g") == 5

    async def test_keys_are_handled_side_by_side(self, topic: str) -> None:
        everyone = asyncio.Barrier(8)

        async def meet(key: str, text: str) -> None:
            await everyone.wait()

        seen, streams = Seen(meet), InProcessStreams(parallel=8)
        async with self.consuming(streams, topic, "g", seen):
            for n in range(8):
                await streams.publish(topic, str(n), Note("x"))
            await seen.count(8)
        assert len(seen.texts) == 8

    async def test_a_publisher_waits_while_a_group_is_too_far_behind(self, topic: str) -> None:
        streams = InProcessStreams({topic: ["slow"]}, capacity=2)
        await streams.publish(topic, "k", Note("1"))
        await streams.publish(topic, "k", Note("2"))
        third = asyncio.create_task(streams.publish(topic, "k", Note("3")))
        await asyncio.sleep(0.01)
        assert not third.done()
        seen = Seen()
        async with self.consuming(streams, topic, "slow", seen):
            await seen.count(3)
        assert third.done()
        assert seen.texts == {"k": ["1", "2", "3"]}

    async def test_a_publisher_that_gives_up_waiting_has_published_to_no_group(self, topic: str) -> None:
        streams = InProcessStreams({topic: ["quick", "slow"]}, capacity=1)
        await streams.publish(topic, "k", Note("1"))
        quick, slow = Seen(), Seen()
        async with self.consuming(streams, topic, "quick", quick):
            await quick.count(1)
            second = asyncio.create_task(streams.publish(topic, "k", Note("2")))
            await asyncio.sleep(0.01)
            second.cancel()
            with suppress(asyncio.CancelledError):
                await second
            async with self.consuming(streams, topic, "slow", slow):
                await slow.count(1)
                await streams.publish(topic, "k", Note("3"))
                await quick.count(2)
                await slow.count(2)
        assert quick.texts == slow.texts == {"k": ["1", "3"]}

    async def test_a_group_named_at_the_start_gets_what_came_before_its_consumer(self, topic: str) -> None:
        streams = InProcessStreams({topic: ["named"]})
        await streams.publish(topic, "k", Note("early"))
        named, unnamed = Seen(), Seen()
        async with self.consuming(streams, topic, "named", named), self.consuming(streams, topic, "late", unnamed):
            await named.count(1)
            await streams.publish(topic, "k", Note("now"))
            await unnamed.count(1)
        assert (named.texts, unnamed.texts) == ({"k": ["early", "now"]}, {"k": ["now"]})

    async def test_a_handler_whose_own_awaitable_was_cancelled_gets_the_message_again(self, topic: str) -> None:
        attempts: list[str] = []

        async def cancelled_once(key: str, text: str) -> None:
            attempts.append(text)
            if len(attempts) == 1:
                raise asyncio.CancelledError

        seen, streams = Seen(cancelled_once), InProcessStreams(parallel=1, sleep=Pauses())
        async with self.consuming(streams, topic, "g", seen):
            await streams.publish(topic, "k", Note("x"))
            await seen.count(1)
        assert attempts == ["x", "x"]

    async def test_cancelled_twice_a_consumer_leaves_the_message_to_the_next_one(self, topic: str) -> None:
        streams, started = InProcessStreams(), asyncio.Event()

        async def hangs(key: str, message: msgspec.Struct) -> None:
            started.set()
            await asyncio.Event().wait()

        task = asyncio.create_task(streams.consume(topic, "g", hangs))
        await self.joined(streams, topic, "g")
        await streams.publish(topic, "k", Note("kept"))
        await started.wait()
        task.cancel()
        await asyncio.sleep(0.01)
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        seen = Seen()
        async with self.consuming(streams, topic, "g", seen):
            await seen.count(1)
        assert seen.texts == {"k": ["kept"]}
