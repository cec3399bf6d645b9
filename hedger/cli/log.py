"""`hedger log`: the log itself."""

from typing import Annotated

import typer

from hedger.adapters.log.verify import Problem, verify
from hedger.bootstrap import opened_log
from hedger.cli.output import ConfigOption, JsonOption, console, print_json, run_async
from hedger.config import Settings, load

app = typer.Typer(help="Check the log.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Check the log."""


@app.command("verify")
def verify_log(
    config: ConfigOption = None,
    as_json: JsonOption = False,
    most: Annotated[int, typer.Option(help="problems shown at the most")] = 20,
) -> None:
    """Check that positions and versions run without gaps, and that every event can be read. Exit code 1 if not."""
    head, problems = run_async(_verify(load(config)))
    if as_json:
        print_json({"head": head, "sound": not problems, "problems": problems})
    elif problems:
        for problem in problems[:most]:
            console().print(f"[red]position {problem.position}[/red]: {problem.what}", highlight=False)
        console().print(f"{len(problems)} problems in {head} events")
    else:
        console().print(f"[green]sound[/green]: {head} events")
    raise typer.Exit(1 if problems else 0)


async def _verify(settings: Settings) -> tuple[int, list[Problem]]:
    async with opened_log(settings) as (log, _):
        return await log.head(), [problem async for problem in verify(log)]
