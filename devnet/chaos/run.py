"""A chaos run from the empty folder to the verdict."""

import asyncio
import contextlib
import shutil
import tempfile
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from traceback import format_exception
from typing import Any

from devnet.chaos.contract_troubles import ContractTroubles
from devnet.chaos.crowd import Crowd, gather_crowd
from devnet.chaos.havoc import Havoc
from devnet.chaos.outsiders import Outsiders, gather_outsiders
from devnet.chaos.plan import plan
from devnet.chaos.show import Show
from devnet.chaos.stage import SYMBOLS, Stage, set_up
from devnet.chaos.verdict import Verdict, judge, unsettled
from devnet.demo.api import ApiSilent

MINUTE_S = 60.0
# From the last strike on: what is under way is taken back, and has so long to come to rest.
CALM_S = 90.0
LOOK_S = 1.0
TAKE_BACK_EVERY = 4
NOTE_PRICES_S = 0.5


async def chaos(*, seed: int, minutes: float, as_json: bool, state_dir: Path | None) -> bool:
    """Storm for so many minutes, then calm and verdict; True where all is well. State and logs stay where it is not."""
    folder = state_dir or Path(tempfile.mkdtemp(prefix=f"hedger-chaos-{seed}-"))
    show, verdict = Show(as_json, folder / "logs" / "chaos.log"), Verdict(seed, folder)
    show.tell(f"seed {seed}: building the world in {folder}")
    try:
        async with set_up(folder, seed) as stage:
            await _play(stage, show, verdict, minutes * MINUTE_S)
    except Exception as failure:
        verdict.problems.append(f"the run broke off: {_innermost(failure)}")
        show.tell(f"the run broke off\n{''.join(format_exception(failure))}")
    verdict.seconds = show.seconds
    show.verdict(verdict)
    if verdict.is_good and state_dir is None:
        shutil.rmtree(folder, ignore_errors=True)
    return verdict.is_good


async def _play(stage: Stage, show: Show, verdict: Verdict, storm_s: float) -> None:
    await asyncio.gather(*(stage.start(name) for name in stage.world.hedgers))
    crowd, outsiders = await gather_crowd(stage), await gather_outsiders(stage)
    await stage.charge_funding()
    stage.first_block = int(await stage.world.rpc.call("eth_blockNumber"), 16)
    strikes = plan(stage.world.seed, storm_s, tuple(stage.world.hedgers), SYMBOLS)
    havoc = Havoc(stage, strikes, ContractTroubles(stage, await stage.world.administrator()), show.tell)
    show.tell(f"the hedgers are ready; {len(strikes)} troubles in {storm_s:.0f} s")
    async with _beside(_note_prices(stage)), _beside(stage.supervise()), _beside(outsiders.act()):
        async with _beside(crowd.trade()):
            await havoc.strike()
        show.tell("calm: no more troubles, no more intents")
        await havoc.end_all()
        outsiders.stop_taking()
        await _come_to_rest(stage, crowd, show)
    show.tell("asking the validators")
    _tell_of_the_run(verdict, crowd, outsiders, havoc)
    await judge(stage, verdict)


async def _come_to_rest(stage: Stage, crowd: Crowd, show: Show) -> None:
    """Take back whatever is under way until nothing is, or until time is up: then the verdict says what is left."""
    until, looks, left = show.seconds + CALM_S, 0, ["not looked yet"]
    while left and show.seconds < until:
        if looks % TAKE_BACK_EVERY == 0:
            await crowd.take_back()
        await asyncio.sleep(LOOK_S)
        left, looks = await _left(stage), looks + 1
    show.tell(f"at rest; {len(left)} things left" if left else "everything is at rest")


async def _left(stage: Stage) -> list[str]:
    try:
        found = [line for name in stage.world.hedgers for line in await unsettled(stage, name)]
    except ApiSilent as silence:
        return [str(silence)]
    moving = [quote for quote in stage.watch.quotes.values() if quote.status.name.endswith("_PENDING")]
    return found + [
        f"quote {quote.quote_id} is {quote.status.name}" for quote in moving if not quote.status.is_terminal
    ]


async def _note_prices(stage: Stage) -> None:
    while True:
        stage.timeline.note_prices(stage.prices())
        await asyncio.sleep(NOTE_PRICES_S)


def _tell_of_the_run(verdict: Verdict, crowd: Crowd, outsiders: Outsiders, havoc: Havoc) -> None:
    verdict.intents = crowd.sent["Send"]
    verdict.traders = dict(sorted(crowd.sent.items()))
    verdict.refusals = dict(sorted(crowd.refused.items()))
    verdict.deeds, verdict.troubles = outsiders.counted(), dict(sorted(havoc.struck.items()))


@asynccontextmanager
async def _beside(work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """The work goes on within this block and ends with it; if it breaks off, that is raised at the end."""
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


def _innermost(failure: BaseException) -> str:
    while isinstance(failure, BaseExceptionGroup):
        failure = failure.exceptions[0]
    return f"{type(failure).__name__}: {failure}"
