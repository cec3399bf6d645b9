"""The order of blocks, whatever the order, repetition and loss in which they come."""

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hedger.adapters.chain.blocks import CollectedBlock
from hedger.adapters.chain.sequencer import Contested, Gap, NextBlock, ReorgFound, ReorgTooDeep, Sequencer, Step


def block(name: str, number: int, parent: str, skipped: int = 0) -> CollectedBlock:
    return CollectedBlock(
        number=number, hash=name, parent_hash=parent, timestamp=number, logs=(), collector="test", skipped=skipped
    )


class World:
    """A tree of blocks, the branch that is the chain now, and a sequencer that reads from it."""

    def __init__(
        self, *, start: int = 0, confirmations: int = 0, depth: int = 256, recorded_below: bool = False
    ) -> None:
        self.by_hash = {"g": block("g", 0, "")}
        self.head = "g"
        self.sequencer = Sequencer(start, depth=depth, confirmations=confirmations, recorded_below=recorded_below)
        self.steps: list[Step] = []

    def grow(self, parent: str, name: str | None = None) -> CollectedBlock:
        """A child of a known block; the chain's head becomes this child."""
        name = name or f"b{len(self.by_hash)}"
        self.by_hash[name] = block(name, self.by_hash[parent].number + 1, parent)
        self.head = name
        return self.by_hash[name]

    def grow_by(self, count: int, parent: str | None = None) -> None:
        for _ in range(count):
            self.grow(parent or self.head)
            parent = None

    def chain(self) -> list[CollectedBlock]:
        found = [self.by_hash[self.head]]
        while found[-1].parent_hash:
            found.append(self.by_hash[found[-1].parent_hash])
        return found[::-1]

    def canonical(self, number: int) -> CollectedBlock | None:
        chain = self.chain()
        return chain[number] if number < len(chain) else None

    def offer(self, *names: str) -> list[Step]:
        before = len(self.steps)
        for name in names:
            self.steps += self.sequencer.offer(self.by_hash[name])
        return self.steps[before:]

    def read_one(self) -> bool:
        """One step of what the feed does; False when nothing is wanted."""
        wanted = self.sequencer.wanted
        if wanted is None:
            return False
        if isinstance(wanted, Contested):
            self.steps += self.sequencer.answer(wanted.number, self.canonical(wanted.number))
            return True
        found = [self.canonical(number) for number in range(wanted.first, wanted.last + 1)]
        if not any(found):
            self.steps += self.sequencer.nothing_found()
        for each in filter(None, found):
            self.steps += self.sequencer.offer(each)
        return True

    def settle(self) -> list[Step]:
        before = len(self.steps)
        for _ in range(10_000):
            if not self.read_one():
                return self.steps[before:]
        raise AssertionError("the sequencer wants something forever")

    def names(self) -> list[str]:
        return [step.block.hash for step in self.steps if isinstance(step, NextBlock)]


def replay(steps: Sequence[Step]) -> list[CollectedBlock]:
    """The chain that a reader of the steps holds in the end; fails where a step does not fit."""
    held: list[CollectedBlock] = []
    for step in steps:
        if isinstance(step, ReorgFound):
            orphaned = [held.pop() for _ in step.orphaned][::-1]
            assert [each.hash for each in orphaned] == [each.hash for each in step.orphaned]
            assert not held or held[-1].number == step.common_ancestor
            continue
        assert not held or (step.block.parent_hash, step.block.first_number) == (held[-1].hash, held[-1].number + 1)
        held.append(step.block)
    return held


def test_blocks_in_order_are_told_in_order_and_once() -> None:
    world = World()
    world.grow_by(3)
    world.settle()
    world.offer("b1", "b2", "b1", "b3", "b2")
    assert world.names() == ["g", "b1", "b2", "b3"]
    assert world.sequencer.wanted is None


def test_a_block_whose_parent_is_missing_waits_until_the_gap_is_filled() -> None:
    world = World()
    world.grow_by(5)
    world.settle()
    assert world.offer("b5") == []
    assert world.sequencer.wanted == Gap(1, 4)
    world.settle()
    assert world.names() == ["g", "b1", "b2", "b3", "b4", "b5"]


def test_a_longer_branch_orphans_ours_before_it_is_told() -> None:
    world = World()
    world.grow_by(3)
    world.settle()
    world.offer("b1", "b2", "b3")
    for parent, name in (("b1", "c2"), ("c2", "c3"), ("c3", "c4")):
        world.grow(parent, name)
    world.offer("c4")
    steps = world.settle()
    assert isinstance(steps[0], ReorgFound)
    assert [each.hash for each in steps[0].orphaned] == ["b2", "b3"]
    assert steps[0].common_ancestor == 1
    assert world.names()[-3:] == ["c2", "c3", "c4"]


def test_a_branch_of_the_same_height_replaces_ours_when_the_chain_says_so() -> None:
    world = World()
    world.grow_by(1)
    world.settle()
    world.offer("b1")
    world.grow("g", "c1")
    world.offer("c1")
    world.settle()
    assert world.names() == ["g", "b1", "c1"]
    assert [each.hash for each in replay(world.steps)] == ["g", "c1"]


def test_a_shorter_branch_replaces_ours_when_the_chain_says_so() -> None:
    world = World()
    world.grow_by(4)
    world.settle()
    world.offer("b1", "b2", "b3", "b4")
    world.grow("b1", "c2")
    world.offer("c2")
    world.settle()
    assert [each.hash for each in replay(world.steps)] == ["g", "b1", "c2"]


def test_a_late_copy_of_an_orphaned_block_does_not_turn_the_sequence_back() -> None:
    world = World()
    world.grow_by(1)
    world.settle()
    world.offer("b1")
    world.grow("g", "c1")
    world.offer("c1")
    world.settle()
    world.offer("b1", "b1")
    assert world.settle() == []
    assert world.names() == ["g", "b1", "c1"]


def test_a_branch_that_returns_is_told_again() -> None:
    world = World()
    world.grow_by(1)
    world.settle()
    world.offer("b1")
    world.grow("g", "c1")
    world.offer("c1")
    world.settle()
    world.grow("b1", "b2")
    world.offer("b2")
    world.settle()
    assert world.names() == ["g", "b1", "c1", "b1", "b2"]


def test_a_block_that_never_existed_for_the_chain_is_dropped_after_a_while() -> None:
    world = World()
    world.grow_by(2)
    world.settle()
    world.offer("b1", "b2")
    world.steps += world.sequencer.offer(block("ghost", 9, "nobody"))
    world.settle()
    assert world.names() == ["g", "b1", "b2"]
    assert world.sequencer.wanted is None


def test_giving_up_on_one_number_keeps_what_was_heard_of_lower_ones() -> None:
    world = World()
    world.grow_by(5)
    world.settle()
    world.offer("b1", "b2", "b3", "b4", "b5")
    for parent, name in (("b1", "c2"), ("c2", "c3"), ("c3", "c4"), ("c4", "c5")):
        world.grow(parent, name)
    world.offer("c5")
    world.read_one()
    world.grow("b1", "d2")
    world.grow("d2", "d3")
    world.offer("d3")
    world.settle()
    assert [each.hash for each in replay(world.steps)] == ["g", "b1", "d2", "d3"]


def test_a_confirmed_sequence_lags_and_never_tells_what_was_replaced_meanwhile() -> None:
    world = World(confirmations=2)
    world.grow_by(4)
    world.settle()
    world.offer("b1", "b2", "b3", "b4")
    assert world.names() == ["g", "b1", "b2"]
    world.grow("b2", "c3")
    world.grow("c3", "c4")
    world.grow("c4", "c5")
    world.offer("c5")
    world.settle()
    assert world.names() == ["g", "b1", "b2", "c3"]
    assert not any(isinstance(step, ReorgFound) for step in world.steps)


def test_a_reorganisation_below_everything_remembered_says_what_to_do() -> None:
    world = World(depth=4)
    world.grow_by(10)
    world.settle()
    world.offer(*[f"b{number}" for number in range(1, 11)])
    world.grow("b2", "c3")
    for number in range(4, 12):
        world.grow(f"c{number - 1}", f"c{number}")
    world.offer("c11")
    with pytest.raises(ReorgTooDeep, match="restart"):
        world.settle()


def test_before_anything_was_recorded_a_replaced_first_block_begins_the_sequence_anew() -> None:
    world = World(start=1)
    world.grow("g", "b1")
    world.settle()
    world.grow("g", "c1")
    world.offer("c1")
    steps = world.settle()
    assert steps[0] == ReorgFound((world.by_hash["b1"].ref,), 0)
    assert world.names() == ["b1", "c1"]


def test_after_a_restart_a_replaced_first_block_is_too_deep() -> None:
    world = World(start=1, recorded_below=True)
    world.grow("g", "b1")
    world.settle()
    world.grow("g", "c1")
    world.offer("c1")
    with pytest.raises(ReorgTooDeep):
        world.settle()


def test_a_stretch_of_final_blocks_counts_for_all_it_stands_for() -> None:
    world = World()
    world.grow_by(1)
    world.settle()
    world.offer("b1")
    stretch = block("b9", 9, "b1", skipped=7)
    assert world.sequencer.offer(stretch) == [NextBlock(stretch)]
    assert world.sequencer.offer(block("b5", 5, "b4")) == []
    assert world.sequencer.wanted is None
    following = block("b10", 10, "b9")
    assert world.sequencer.offer(following) == [NextBlock(following)]


def test_a_stretch_that_overlaps_what_is_known_contests_nothing() -> None:
    world = World()
    world.grow_by(6)
    world.settle()
    world.sequencer.offer(block("z6", 6, "z2", skipped=3))
    world.offer("b1", "b2", "b3")
    world.sequencer.offer(block("b6", 6, "b2", skipped=3))
    world.settle()
    assert world.names() == ["g", "b1", "b2", "b3", "b4", "b5", "b6"]


def test_what_waits_for_its_parent_is_bounded() -> None:
    world = World(depth=4)
    world.grow_by(200)
    world.settle()
    world.offer(*[f"b{number}" for number in range(200, 1, -1)])
    assert len(world.sequencer._waiting) == 16
    world.settle()
    assert world.sequencer.head == world.by_hash["b200"].ref


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_any_telling_of_any_fork_tree_ends_at_the_chain_as_it_is(data: st.DataObject) -> None:
    confirmations = data.draw(st.sampled_from([0, 0, 1, 3]), label="confirmations")
    world = World(confirmations=confirmations)
    for _ in range(data.draw(st.integers(1, 40), label="moves")):
        move = data.draw(st.sampled_from(["grow", "grow", "fork", "tell", "tell", "read", "read"]))
        if move == "grow":
            world.grow(world.head)
        elif move == "fork":
            world.grow(data.draw(st.sampled_from(sorted(world.by_hash))))
        elif move == "tell":
            world.offer(data.draw(st.sampled_from(sorted(world.by_hash))))
        else:
            world.read_one()
    final = world.grow(world.head)
    late = data.draw(st.permutations(sorted(world.by_hash))) if data.draw(st.booleans()) else []
    world.offer(*late, final.hash)
    world.settle()
    held = [each.hash for each in replay(world.steps)]
    expected = [each.hash for each in world.chain()]
    # What was confirmed on a longer branch stays told while it is part of the shorter one too.
    assert held == expected[: len(held)]
    assert len(held) >= len(expected) - confirmations
    assert confirmations or held == expected
