"""The demo from the empty folder to the verdict."""

import asyncio
import contextlib
import shutil
import signal
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random

from devnet.demo.api import HedgerApi
from devnet.demo.direction import Direction, cast_size
from devnet.demo.figures import all_figures
from devnet.demo.rival import Rival
from devnet.demo.script import HEDGERS, apart, together
from devnet.demo.show import Show
from devnet.demo.stage import Stage
from devnet.demo.symbols import LISTED
from devnet.demo.verdict import Verdict, judge
from devnet.demo.watch import QuoteWatch
from devnet.world import World

FIGURES_S = 1.5


async def play(*, seed: int, quotes: int, as_json: bool, keep: bool, state_dir: Path | None) -> bool:
    """Play the whole script; True where everything is as expected. `keep` leaves the world up until interrupted."""
    folder = state_dir or Path(tempfile.mkdtemp(prefix="hedger-demo-"))
    with Show(as_json) as show:
        show.tell(f"building the world in {folder}")
        local = World(folder, seed=seed, hedgers=HEDGERS, listed=LISTED)
        async with local as world, _hedgers(world, show) as apis:
            async with _stage(world, apis) as stage:
                verdict = await _perform(stage, show, quotes)
            show.verdict(verdict)
            show.result(verdict)
            if keep:
                show.tell("the world stays up until Ctrl-C")
                await _until_interrupted()
    if verdict.is_good and state_dir is None:
        shutil.rmtree(folder, ignore_errors=True)
    return verdict.is_good


async def _perform(stage: Stage, show: Show, quotes: int) -> Verdict:
    side_by_side, one_by_one = together(quotes), apart()
    count = cast_size([*side_by_side, *one_by_one])
    # Plain ones and sub-accounts in a mixed order, so that neither kind is bound to certain scenes.
    traders = await stage.world.traders(count, sub_accounts=count // 2)
    Random(stage.world.seed).shuffle(traders)
    direction = Direction(stage, traders, show.tell)
    show.tell(f"{count} traders have their money; {len(side_by_side) + len(one_by_one)} scenes")
    table = asyncio.create_task(_keep_table(stage, direction, show))
    try:
        await direction.play_together(side_by_side)
        await direction.play_apart(one_by_one)
        await direction.look_again()
    finally:
        table.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await table
    show.tell("asking the validators")
    return await judge(stage, direction.outcome.differences, show.seconds)


@asynccontextmanager
async def _hedgers(world: World, show: Show) -> AsyncIterator[dict[str, HedgerApi]]:
    show.tell("chain, contracts, oracle and exchanges are up; starting the hedgers")
    await world.start_hedgers()
    show.tell("the hedgers are ready")
    yield {name: HedgerApi(world.session, hedger.process.api) for name, hedger in world.hedgers.items()}


@asynccontextmanager
async def _stage(world: World, apis: dict[str, HedgerApi]) -> AsyncIterator[Stage]:
    watch = QuoteWatch(world.rpc, world.deployment.diamond)
    async with watch.running():
        yield Stage(world, watch, Rival(world), apis)


async def _keep_table(stage: Stage, direction: Direction, show: Show) -> None:
    while True:
        show.update(await all_figures(stage.apis, await stage.world.chain.timestamp()), direction.outcome)
        await asyncio.sleep(FIGURES_S)


async def _until_interrupted() -> None:
    loop, interrupted = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, interrupted.set)
    await interrupted.wait()
