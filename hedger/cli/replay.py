"""`hedger replay`: the state at any position of the log, or the difference of two."""

from collections.abc import AsyncIterator
from typing import Annotated

import typer
from rich.table import Table

from hedger.adapters.log.postgres_log import PostgresEventLog
from hedger.bootstrap import opened_log
from hedger.cli.moments import position_of
from hedger.cli.output import ConfigOption, JsonOption, console, print_json, progress, run_async
from hedger.config import Settings, load
from hedger.domain.events import Recorded
from hedger.projections.memory import Difference, ReadModels, difference, fold

_PAGE = 500
_SHOWN = ("quotes", "positions", "exposure", "obligations", "mismatches")


def replay(
    to: Annotated[str | None, typer.Option("--to", help="log position or ISO time; default: now")] = None,
    since: Annotated[str | None, typer.Option("--from", help="show the difference from this moment")] = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Fold the log up to a moment and show every read model as it was then; with --from, what changed in between."""
    before, after = run_async(_replay(load(config), to, since, show=not as_json))
    if before is None:
        _show_state(after, as_json)
    else:
        _show_difference(before, after, as_json)


async def _replay(
    settings: Settings, to: str | None, since: str | None, *, show: bool
) -> tuple[ReadModels | None, ReadModels]:
    async with opened_log(settings) as (log, _):
        upto = await position_of(log, to)
        before = None
        if since is not None:
            before = await folded(log, await position_of(log, since), settings.chain.party_b, show=show)
        return before, await folded(log, upto, settings.chain.party_b, show=show)


async def folded(log: PostgresEventLog, upto: int, party_b: str, *, show: bool = False) -> ReadModels:
    """The read models at one position, folded in memory from the log's first event."""
    with progress(show) as bar:
        task = bar.add_task("replaying", total=upto)
        events = []
        async for page in _pages(log, upto):
            events.extend(page)
            bar.advance(task, len(page))
        return fold(events, party_b)


async def _pages(log: PostgresEventLog, upto: int) -> AsyncIterator[list[Recorded]]:
    after = 0
    while page := await log.page(after=after, limit=_PAGE, upto=upto):
        yield page
        after = page[-1].position


def _show_state(state: ReadModels, as_json: bool) -> None:
    if as_json:
        print_json(state)
        return
    console().print(f"position {state.position}")
    for name in _SHOWN:
        rows = state.models[name]
        if rows:
            console().print(_table(name, rows))


def _table(name: str, rows: list[dict[str, object]]) -> Table:
    columns = _COLUMNS.get(name) or tuple(rows[0])[:8]
    table = Table(*columns, title=f"{name} ({len(rows)})")
    for row in rows[:50]:
        table.add_row(*(str(row.get(column, "")) for column in columns))
    return table


_COLUMNS: dict[str, tuple[str, ...]] = {
    "quotes": ("quote_id", "party_a", "symbol_id", "status", "verdict", "code", "quantity", "open_quantity", "hedged"),
}


def _show_difference(before: ReadModels, after: ReadModels, as_json: bool) -> None:
    found: list[Difference] = difference(before, after)
    if as_json:
        print_json({"from": before.position, "to": after.position, "differences": found})
        return
    table = Table("model", "row", "field", str(before.position), str(after.position))
    for each in found:
        table.add_row(each.model, each.key, each.field, str(each.left), str(each.right))
    console().print(table)
