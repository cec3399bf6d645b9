"""`hedger doctor`: checks the configuration against the live chain, oracle, exchange and database."""

import typer
from rich.table import Table

from hedger.application.doctor import Advice
from hedger.bootstrap import examined
from hedger.cli.output import ConfigOption, JsonOption, configure_logging, console, print_json, run_async
from hedger.config import load


def doctor(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Say what is wrong before a first run, each with the key to mend. Exit code 1 where something is."""
    settings = load(config)
    configure_logging(as_json=True, level="critical")
    findings = run_async(examined(settings))
    healthy = all(finding.ok for finding in findings)
    if as_json:
        print_json({"healthy": healthy, "findings": findings})
    else:
        console().print(_table(findings))
    raise typer.Exit(0 if healthy else 1)


def _table(findings: list[Advice]) -> Table:
    table = Table("", "looked at", "key", "found")
    for finding in findings:
        mark = "[green]ok[/green]" if finding.ok else "[red]wrong[/red]"
        table.add_row(mark, finding.name, finding.key, finding.detail)
    return table
