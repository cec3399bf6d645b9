"""How the demo speaks: a live table on a terminal, plain lines elsewhere, and the verdict as tables or as JSON."""

import json
import sys
from collections import Counter
from collections.abc import Mapping
from time import monotonic
from types import TracebackType
from typing import Self

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from devnet.demo.direction import Outcome
from devnet.demo.figures import Figures
from devnet.demo.verdict import Verdict

LAST_LINES = 12


class Show:
    """`with Show(as_json) as show:`; `tell` a line, `update` the table."""

    def __init__(self, as_json: bool) -> None:
        # With --json the result alone goes to the standard output.
        self._console = Console(stderr=as_json, highlight=False, soft_wrap=True)
        self._as_json = as_json
        self._live: Live | None = None
        self._lines: list[str] = []
        self._started = monotonic()

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._live = Live(console=self._console, refresh_per_second=4, transient=True)
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end_table()

    def _end_table(self) -> None:
        if self._live is not None:
            self._live.stop()
            self._live = None

    @property
    def seconds(self) -> float:
        return monotonic() - self._started

    def tell(self, line: str) -> None:
        """One step of the play."""
        timed = f"{self.seconds:6.1f} s  {line}"
        if self._live is None:
            self._console.print(timed, markup=False)
        self._lines = [*self._lines, timed][-LAST_LINES:]

    def update(self, figures: Mapping[str, Figures], outcome: Outcome) -> None:
        """The live table, where there is a terminal to show it on."""
        if self._live is None:
            return
        title = f"{outcome.ended} of {outcome.of} scenes, {len(outcome.differences)} otherwise than expected"
        last = Text("\n".join(self._lines), style="dim")
        self._live.update(Group(_counts(figures, title), _exposures(figures), last))

    def verdict(self, verdict: Verdict) -> None:
        """The end: what chain, exchange and log say, and what differs from the script."""
        self._end_table()
        self._console.print(_three_ways(verdict))
        self._console.print(_explained(verdict))
        for line in verdict.problems:
            self._console.print(Text(line, style="red"))
        said = "chain, exchange and log agree; every quote is where its script wants it"
        ended = Text(said, style="green") if verdict.is_good else Text("the demo failed", style="bold red")
        self._console.print(ended, Text(f" ({verdict.quotes} quotes, {verdict.seconds:.0f} s)"))
        for name, url in verdict.apis.items():
            self._console.print(f"hedger {name}: {url}/docs, log {verdict.logs[name]}", markup=False)

    def result(self, verdict: Verdict) -> None:
        """With --json, the last line of the output."""
        if self._as_json:
            sys.stdout.write(json.dumps(verdict.as_json()) + "\n")
            sys.stdout.flush()


def _counts(figures: Mapping[str, Figures], title: str) -> Table:
    table = Table("hedger", "quotes", "orders", "transactions", "events", title=title)
    for name, each in figures.items():
        table.add_row(name, _lines(each.quotes), _lines(each.orders), _lines(each.transactions), str(each.events))
    return table


def _lines(counts: Counter[str]) -> str:
    return "\n".join(f"{number:4d} {name}" for name, number in sorted(counts.items()))


def _exposures(figures: Mapping[str, Figures]) -> Table:
    table = Table("hedger", "symbol", "positions", "required", "hedged", "residual", "notional")
    for name, each in figures.items():
        for row in each.exposure:
            amounts = (row["required"], row["hedged"], row["residual"], row["notional"])
            table.add_row(name, row["symbol"], str(row["positions"]), *amounts)
    return table


def _three_ways(verdict: Verdict) -> Table:
    table = Table("hedger", "symbol", "chain", "exchange", "log", "residual", title="Open positions, three ways")
    for name, validated in verdict.validated.items():
        for row in validated.get("symbols", []):
            table.add_row(name, *(row[key] for key in ("symbol", "chain", "venue", "log", "residual")))
    return table


def _explained(verdict: Verdict) -> Table:
    """Each hedger's profit and loss line by line, and what of its equity's change they do not explain."""
    table = Table("", *verdict.proven, title="Profit and loss against the change of equity")
    kinds = sorted({kind for proof in verdict.proven.values() for kind in proof.get("lines", {})})
    for kind in kinds:
        table.add_row(
            kind.replace("_", " "), *(str(p.get("lines", {}).get(kind, "0")) for p in verdict.proven.values())
        )
    for name in ("unrealised", "venue_rounding", "change", "pnl_unexplained"):
        table.add_row(name.replace("_", " "), *(str(proof.get(name, "?")) for proof in verdict.proven.values()))
    return table
