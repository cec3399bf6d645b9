"""Which block is behind us: all of its facts recorded, and of every block before it."""

from itertools import pairwise

from hypothesis import given as for_all
from hypothesis import strategies as st

from hedger.adapters.chain.messages import BlockPassed
from hedger.application.heads import Heads
from hedger.domain.feed import BlockRef

PATIENCE_MS = 10_000


class Clock:
    now_ms = 0

    def __call__(self) -> int:
        return self.now_ms


def block(number: int) -> BlockRef:
    return BlockRef(number=number, hash=f"0x{number}", parent_hash=f"0x{number - 1}", timestamp=1_000 + number)


def passed(number: int, facts: int = 0) -> BlockPassed:
    return BlockPassed(block=block(number), facts=facts)


def heads(clock: Clock | None = None) -> Heads:
    return Heads(clock or Clock(), patience_ms=PATIENCE_MS)


def test_a_block_without_facts_is_behind_us_at_once() -> None:
    assert heads().passed(passed(1)) == block(1)


def test_a_block_counts_once_every_fact_of_it_is_recorded() -> None:
    told = heads()
    assert told.passed(passed(1, facts=3)) is None
    assert told.handled(block(1), "0xa", 2) is None
    assert told.handled(block(1), "0xb", 1) == block(1)


def test_facts_recorded_before_the_block_has_passed_count() -> None:
    told = heads()
    assert told.handled(block(1), "0xa", 2) is None
    assert told.passed(passed(1, facts=2)) == block(1)


def test_facts_told_twice_count_once() -> None:
    told = heads()
    told.passed(passed(1, facts=2))
    assert told.handled(block(1), "0xa", 1) is None
    assert told.handled(block(1), "0xa", 1) is None
    assert told.handled(block(1), "0xb", 1) == block(1)


def test_a_block_waits_for_the_one_before_it() -> None:
    told = heads()
    told.passed(passed(1, facts=1))
    assert told.passed(passed(2)) is None
    assert told.handled(block(1), "0xa", 1) == block(2)


def test_a_reorganised_number_is_another_block() -> None:
    told = heads()
    told.passed(passed(1))
    other = BlockRef(number=1, hash="0xother", parent_hash="0x0", timestamp=1_001)
    assert told.passed(BlockPassed(block=other, facts=1)) is None
    assert told.handled(block(1), "0xa", 1) is None
    assert told.handled(other, "0xa", 1) == other


def test_one_account_that_cannot_be_recorded_does_not_stop_the_clock_of_all() -> None:
    clock = Clock()
    told = heads(clock)
    told.passed(passed(1, facts=1))
    clock.now_ms = PATIENCE_MS
    assert told.passed(passed(2)) is None
    clock.now_ms += 1
    assert told.passed(passed(3)) == block(3)
    assert told.handled(block(1), "0xa", 1) is None  # at last, and too late to matter


@for_all(st.data(), st.lists(st.integers(0, 4), min_size=1, max_size=6))
def test_in_any_order_and_repetition_heads_only_rise_and_come_to_the_last_block(
    data: st.DataObject, facts: list[int]
) -> None:
    told, seen = heads(), list[BlockRef]()
    messages: list[tuple[int, str]] = [
        (number, f"0x{key}") for number, count in enumerate(facts, start=1) for key in range(count)
    ]
    shuffled = data.draw(st.permutations(messages + data.draw(st.lists(st.sampled_from(messages or [(1, "")])))))
    waiting = [(number, key) for number, key in shuffled if key]
    for number, count in enumerate(facts, start=1):
        for _ in range(data.draw(st.integers(0, len(waiting)))):
            of_block, key = waiting.pop()
            seen += [head] if (head := told.handled(block(of_block), key, 1)) else []
        seen += [head] if (head := told.passed(passed(number, facts=count))) else []
    for of_block, key in waiting:
        seen += [head] if (head := told.handled(block(of_block), key, 1)) else []
    assert seen[-1] == block(len(facts))
    assert all(first.number < second.number for first, second in pairwise(seen))
