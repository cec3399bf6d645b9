"""`python -m devnet demo` plays the whole script in a world of its own; `python -m devnet world` only starts one."""

import asyncio
import json
import shlex
import signal
import sys
import tempfile
from collections.abc import Coroutine
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer

from devnet.chaos.run import chaos as chaos_run
from devnet.demo.play import play
from devnet.demo.script import HEDGERS
from devnet.demo.symbols import LISTED
from devnet.world import World

INTERRUPTED = 130
T = TypeVar("T")

app = typer.Typer(
    name="devnet", help="The local world of the hedger.", no_args_is_help=True, pretty_exceptions_show_locals=False
)
SeedOption = Annotated[int, typer.Option(help="prices and random traders follow from it")]
FolderOption = Annotated[Path | None, typer.Option(help="folder for state and logs; default: a temporary one")]


@app.command()
def demo(
    as_json: Annotated[bool, typer.Option("--json", help="the last line is the result as JSON")] = False,
    seed: SeedOption = 7,
    keep: Annotated[bool, typer.Option(help="leave everything up until Ctrl-C")] = False,
    quotes: Annotated[int, typer.Option(help="at least so many quotes; the script alone makes more than 60")] = 0,
    chaos: Annotated[
        bool, typer.Option(help="no script: everything at random from the seed, with every trouble")
    ] = False,
    minutes: Annotated[float, typer.Option(help="with --chaos: how long trades and troubles go on", min=0.1)] = 1.0,
    state_dir: FolderOption = None,
) -> None:
    """Trades of every kind, and the verdict: exit code 0 only where everything ends as it must."""
    if chaos:
        work = chaos_run(seed=seed, minutes=minutes, as_json=as_json, state_dir=state_dir)
    else:
        work = play(seed=seed, quotes=quotes, as_json=as_json, keep=keep, state_dir=state_dir)
    good = _run(work)
    raise typer.Exit(0 if good else 1)


@app.command()
def world(seed: SeedOption = 7, state_dir: FolderOption = None) -> None:
    """Start chain, contracts, oracle and exchanges, and tell how to point a hedger at them."""
    _run(_world(seed, state_dir or Path(tempfile.mkdtemp(prefix="hedger-world-"))))


async def _world(seed: int, folder: Path) -> None:
    async with World(folder, seed=seed, hedgers=HEDGERS, listed=LISTED) as local:
        for name, hedger in local.hedgers.items():
            secrets = " ".join(f"{key}={shlex.quote(value)}" for key, value in hedger.process.environment.items())
            _say(f"# hedger {name}; its exchange: {hedger.exchange.url}")
            _say(f"{secrets} hedger run --config {shlex.quote(str(hedger.process.config))}\n")
        deployment = json.loads(local.deployment.to_json())
        deployment.pop("admin_key")
        _say(json.dumps({**deployment, "muon": local.oracle.url, "logs": str(local.logs)}, indent=2))
        _say("# up until Ctrl-C")
        await asyncio.Event().wait()


def _run(work: Coroutine[Any, Any, T]) -> T:
    """Run to the end; an interrupt or a SIGTERM takes the whole world down in order first."""

    async def cancellable() -> T:
        task = asyncio.ensure_future(work)
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, task.cancel)
        return await task

    try:
        return asyncio.run(cancellable())
    except asyncio.CancelledError:
        raise typer.Exit(INTERRUPTED) from None


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    app()
