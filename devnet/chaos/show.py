"""How a chaos run speaks: a line for each thing that happens, tables for people, one line of JSON for programs."""

import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic

from rich.console import Console
from rich.table import Table
from rich.text import Text

from devnet.chaos.verdict import Verdict


class Show:
    """With `as_json` the result alone goes to the standard output. What is told stands in `diary` too."""

    def __init__(self, as_json: bool, diary: Path) -> None:
        self._console = Console(stderr=as_json, highlight=False, soft_wrap=True)
        self._diary = diary
        diary.parent.mkdir(parents=True, exist_ok=True)
        self._as_json = as_json
        self._started = monotonic()

    @property
    def seconds(self) -> float:
        return monotonic() - self._started

    def tell(self, line: str) -> None:
        """One thing that happened; several lines are for the diary alone beyond the first."""
        timed = f"{self.seconds:6.1f} s  {line}"
        with self._diary.open("a") as diary:
            diary.write(f"{datetime.now(UTC).isoformat(timespec='milliseconds')} {timed}\n")
        self._console.print(timed.splitlines()[0], markup=False)

    def verdict(self, verdict: Verdict) -> None:
        """What came of it, and what is wrong."""
        self._console.print(_hedgers(verdict))
        self._console.print(_happened(verdict))
        for line in verdict.problems:
            self.tell(line)
        said = Text("all is well", style="green") if verdict.is_good else Text("the run failed", style="bold red")
        self._console.print(said, Text(f" (seed {verdict.seed}, {verdict.seconds:.0f} s)"))
        if not verdict.is_good:
            self._console.print(f"state and logs are kept in {verdict.folder}", markup=False)
        if self._as_json:
            sys.stdout.write(json.dumps(verdict.as_json()) + "\n")
            sys.stdout.flush()


def _hedgers(verdict: Verdict) -> Table:
    told = [each.as_json() for each in verdict.hedgers]
    table = Table("", *(each.name for each in verdict.hedgers), title="hedgers")
    for row in told[0] if told else ():
        table.add_row(row.replace("_", " "), *(_text(each[row]) for each in told))
    return table


def _happened(verdict: Verdict) -> Table:
    table = Table("troubles", "deeds of others", "events on chain", title="what happened")
    table.add_row(*(_text(counts) for counts in (verdict.troubles, verdict.deeds, verdict.chain_events)))
    return table


def _text(value: object) -> str:
    if isinstance(value, dict):
        return "\n".join(f"{number:5d} {name}" for name, number in value.items())
    return str(value)
