"""`hedger projections`: the read models, which can be dropped and made again from the log."""

from typing import Annotated, Any

import typer
from rich.table import Table

from hedger.bootstrap import opened_log, projector_of
from hedger.cli.output import ConfigOption, JsonOption, console, print_json, progress, run_async
from hedger.config import Settings, load
from hedger.projections.catalogue import all_projections

app = typer.Typer(help="Read models: how far they are, and making them again.", no_args_is_help=True)


@app.command("show")
def show(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """How far each read model has followed the log."""
    head, rows = run_async(_positions(load(config)))
    if as_json:
        print_json({"head": head, "projections": rows})
        return
    table = Table("projection", "position", "behind", "parked")
    for name, row in rows.items():
        table.add_row(name, str(row["position"]), str(head - row["position"]), str(row["error"] or ""))
    console().print(table)


@app.command("rebuild")
def rebuild(
    names: Annotated[list[str] | None, typer.Argument(help="read models; none: all")] = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Drop read models and make them again from the log."""
    settings = load(config)
    known = [projection.name for projection in all_projections(settings.chain.party_b)]
    chosen = names or known
    unknown = sorted(set(chosen) - set(known))
    if unknown:
        raise typer.BadParameter(f"no read model of the name {', '.join(unknown)}; there are {', '.join(known)}")
    head = run_async(_rebuild(settings, chosen, show=not as_json))
    if as_json:
        print_json({"rebuilt": chosen, "position": head})
    else:
        console().print(f"[green]rebuilt[/green] {', '.join(chosen)} to position {head}")


async def _positions(settings: Settings) -> tuple[int, dict[str, dict[str, Any]]]:
    async with opened_log(settings) as (log, pool):
        positions = await projector_of(settings, log, pool).positions()
        rows = {name: {"position": each.position, "error": each.error} for name, each in positions.items()}
        return await log.head(), rows


async def _rebuild(settings: Settings, names: list[str], *, show: bool) -> int:
    async with opened_log(settings) as (log, pool):
        projector = projector_of(settings, log, pool)
        with progress(show) as bar:
            task = bar.add_task("rebuilding", total=len(names))
            for name in names:
                await projector.rebuild(name)
                bar.advance(task)
        return await log.head()
