"""The commands, by name."""

import sys

import typer

from hedger.cli import alerts, audit, demo, doctor, log, pnl, projections, repair, replay, run, state, validate
from hedger.cli.output import error_console
from hedger.config import ConfigurationError

app = typer.Typer(
    name="hedger",
    help="An event-sourced hedger (PartyB) for the SYMMIO protocol.",
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,  # locals may hold secrets
)
app.command("run")(run.run)
app.command("demo", context_settings={"allow_extra_args": True, "ignore_unknown_options": True})(demo.demo)
app.command("replay")(replay.replay)
app.command("validate")(validate.validate)
app.command("repair")(repair.repair)
app.command("pnl")(pnl.pnl)
app.command("state")(state.state)
app.command("doctor")(doctor.doctor)
app.add_typer(alerts.app, name="alerts")
app.add_typer(audit.app, name="audit")
app.add_typer(log.app, name="log")
app.add_typer(projections.app, name="projections")


def main() -> None:
    """Entry point: what is wrong with the configuration is told without a traceback."""
    try:
        app()
    except ConfigurationError as error:
        error_console().print(f"[red]{error}[/red]", highlight=False)
        sys.exit(2)
