"""`hedger alerts`: what is open, what was, and whether targets can be told."""

import asyncio
from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.table import Table

from hedger.adapters.notify import NotDelivered, Notifier
from hedger.bootstrap import ledger_of, opened_log
from hedger.bootstrap.alerting import notifiers_of
from hedger.cli.output import (
    ConfigOption,
    JsonOption,
    console,
    error_console,
    print_json,
    run_async,
)
from hedger.config import Settings, load
from hedger.domain.alerts.alerts import Alerts
from hedger.domain.alerts.events import Level
from hedger.domain.alerts.routing import Message
from hedger.projections.alerts import AlertBook, AlertDeliveryRow, AlertRow

app = typer.Typer(help="What is open, what was, and whether targets can be told.", invoke_without_command=True)

_LEVEL_COLOURS = {Level.INFO.value: "blue", Level.WARNING.value: "yellow", Level.CRITICAL.value: "red"}


@app.callback()
def alerts(
    context: typer.Context,
    show_all: Annotated[bool, typer.Option("--all", help="those that have recovered too, and deliveries")] = False,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the alerts that are open, newest first. Reads the log, beside a running hedger too."""
    if context.invoked_subcommand is not None:
        return
    book = run_async(_book(load(config)))
    rows = sorted(book.alerts.cells.values(), key=lambda row: -row.raised_position)
    shown = [row for row in rows if row.is_open or show_all]
    deliveries = sorted(book.deliveries.cells.values(), key=lambda row: -row.position) if show_all else []
    if as_json:
        print_json({"alerts": shown, "deliveries": deliveries})
        return
    _show(shown)
    if deliveries:
        _show_deliveries(deliveries)


@app.command("test")
def send_test(
    target: Annotated[str | None, typer.Argument(help="a target by its name; none: every one")] = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Send a message to targets, whatever their level and quiet hours. Exit code 1 where one did not take it."""
    settings = load(config)
    notifiers = notifiers_of(settings)
    if target is not None and target not in notifiers:
        there = ", ".join(notifiers) or "none"
        raise typer.BadParameter(f"no target of the name {target} in [alerts.targets]; there are: {there}")
    if not notifiers:
        error_console().print("no target is configured: [alerts.targets.NAME]", markup=False)
        raise typer.Exit(1)
    chosen = {name: notifier for name, notifier in notifiers.items() if target in (None, name)}
    results = run_async(_send(settings, chosen))
    if as_json:
        print_json({name: {"delivered": not reason, "reason": reason} for name, reason in results.items()})
    else:
        for name, reason in results.items():
            told = f"[red]not delivered[/red]: {reason}" if reason else "[green]delivered[/green]"
            console().print(f"{name}: {told}", highlight=False)
    raise typer.Exit(1 if any(results.values()) else 0)


async def _send(settings: Settings, notifiers: dict[str, Notifier]) -> dict[str, str]:
    """Why each did not take the message; empty where it did."""
    message = Message(
        title=f"[test] hedger {settings.tag}",
        body="This is a test. Alerts of this hedger arrive here.",
        level=Level.INFO,
        is_recovery=False,
    )
    reasons = await asyncio.gather(*(_reason(notifier, message) for notifier in notifiers.values()))
    return dict(zip(notifiers, reasons, strict=True))


async def _reason(notifier: Notifier, message: Message) -> str:
    try:
        await notifier.tell(message)
    except NotDelivered as error:
        return str(error)
    return ""


async def _book(settings: Settings) -> AlertBook:
    async with opened_log(settings) as (log, _):
        ledger, book = ledger_of(settings, log), AlertBook()
        alerts_id = Alerts.create_id(ledger.chain_id, ledger.diamond, ledger.party_b)
        for recorded in await log.events_of(alerts_id):
            book.apply(recorded)
        return book


def _show(rows: list[AlertRow]) -> None:
    if not rows:
        console().print("[green]no alert is open[/green]")
        return
    table = Table("since (UTC)", "until", "level", "watch", "what")
    for row in rows:
        colour = _LEVEL_COLOURS.get(row.level, "white") if row.is_open else "dim"
        until = _moment(row.cleared_at_ms) if row.cleared_at_ms is not None else "open"
        table.add_row(_moment(row.raised_at_ms), until, row.level, row.watch, row.text, style=colour)
    console().print(table)


def _show_deliveries(rows: list[AlertDeliveryRow]) -> None:
    table = Table("at (UTC)", "target", "notices", "outcome")
    for row in rows:
        table.add_row(_moment(row.recorded_at_ms), row.target, str(row.notices), row.reason or "delivered")
    console().print(table)


def _moment(milliseconds: int) -> str:
    return f"{datetime.fromtimestamp(milliseconds / 1000, tz=UTC):%Y-%m-%d %H:%M:%S}"
