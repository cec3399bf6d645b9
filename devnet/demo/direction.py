"""Plays the scenes: side by side, then those that want to be alone, and compares the ends with what was expected."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from time import monotonic
from typing import Any

from devnet.demo.api import ApiSilent
from devnet.demo.expected import Expected
from devnet.demo.script import Scene
from devnet.demo.stage import Play, Stage
from devnet.demo.watch import SceneFailed
from devnet.traders import Trader, TransactionReverted

# More scenes at once would only wait for each other: two processors carry the whole world.
AT_ONCE = 24
SETTLE_S = 30.0
LOOK_S = 0.5

Tell = Callable[[str], None]


@dataclass
class Outcome:
    """What became of the scenes so far; `differences` name the scene and what is otherwise than expected."""

    ended: int = 0
    of: int = 0
    expected: list[tuple[str, Expected]] = field(default_factory=list)
    differences: list[str] = field(default_factory=list)


class Direction:
    """Plays scenes on one stage, and keeps the outcome."""

    def __init__(self, stage: Stage, traders: Sequence[Trader], tell: Tell) -> None:
        self.outcome = Outcome()
        self._stage, self._traders, self._tell = stage, list(traders), tell
        self._slots = asyncio.Semaphore(AT_ONCE)

    async def play_together(self, scenes: Sequence[Scene]) -> None:
        plays = [self._cast(scene) for scene in scenes]
        self.outcome.of += len(scenes)
        await asyncio.gather(*(self._slot(scene, play) for scene, play in zip(scenes, plays, strict=True)))

    async def play_apart(self, scenes: Sequence[Scene]) -> None:
        """One after the other. Positions they begin with are opened before, side by side."""
        self.outcome.of += len(scenes)
        plays = await asyncio.gather(*(self._prepared(scene, self._cast(scene)) for scene in scenes))
        for scene, play in zip(scenes, plays, strict=True):
            await self._play(scene, play)

    async def look_again(self) -> None:
        """Compare every quote once more: what comes later must not undo what was."""
        await self._stage.watch.read_all()
        for name, expected in self.outcome.expected:
            difference = await self._difference(expected)
            told = f"{name}: {difference}"
            if difference and not any(told in known for known in self.outcome.differences):
                self.outcome.differences.append(f"{told} (later)")

    def _cast(self, scene: Scene) -> Play:
        trader, *others = (self._traders.pop() for _ in range(1 + scene.others))
        hedger = self._stage.world.hedgers[scene.hedger.name]
        return Play(self._stage, trader, hedger, scene.symbol, scene.side, tuple(others))

    async def _prepared(self, scene: Scene, play: Play) -> Play:
        """Where the position does not come about, the scene itself will say so."""
        if not scene.begins_open:
            return play
        try:
            return replace(play, position=await play.opened())
        except (SceneFailed, TransactionReverted):
            return play

    async def _slot(self, scene: Scene, play: Play) -> None:
        async with self._slots:
            await self._play(scene, play)

    async def _play(self, scene: Scene, play: Play) -> None:
        started = monotonic()
        try:
            ends = await scene.perform(play)
            difference = await self._settled(scene, ends)
        except SceneFailed as failure:
            difference = str(failure)
        except Exception as error:  # one scene's trouble is told, and does not end the play
            difference = f"{type(error).__name__}: {error}"
        self.outcome.ended += 1
        if difference:
            self.outcome.differences.append(f"{scene.name}: {difference}")
        mark = f"DIFFERS: {difference}" if difference else "as expected"
        self._tell(f"{scene.name}: {mark} ({monotonic() - started:.1f} s)")

    async def _settled(self, scene: Scene, ends: Sequence[Expected]) -> str:
        """Wait until chain and hedger have what is expected of every quote; what differs, empty where nothing does."""
        self.outcome.expected += [(scene.name, expected) for expected in ends]
        until = monotonic() + SETTLE_S
        for expected in ends:
            while difference := await self._difference(expected):
                if monotonic() > until:
                    return difference
                await asyncio.sleep(LOOK_S)
        return ""

    async def _difference(self, expected: Expected) -> str:
        quote = self._stage.watch.quotes.get(expected.quote_id)
        difference = expected.differs_on_chain(quote)
        if difference or quote is None:
            return difference
        try:
            row: dict[str, Any] | None = await self._stage.apis[expected.hedger].quote(expected.quote_id)
        except ApiSilent as silence:
            return f"hedger {expected.hedger} does not answer: {silence}"
        return expected.differs_in_row(row, quote)


def cast_size(scenes: Sequence[Scene]) -> int:
    """How many traders the scenes need."""
    return sum(1 + scene.others for scene in scenes)
