"""The end of the demo: every difference found, by the validators, by the obligation clock, and by the script."""

import asyncio
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from devnet.demo.api import ApiSilent
from devnet.demo.figures import Figures, figures_of
from devnet.demo.stage import Stage
from devnet.hedger_process import HedgerFailed


@dataclass
class Verdict:
    """`problems` is empty where all is well; `validated` is what each hedger's validator says, `proven` how its profit
    and loss explains the change of its equity."""

    quotes: int
    by_status: dict[str, int]
    orders: int
    transactions: int
    events: int
    seconds: float
    mismatches: int
    problems: list[str]
    validated: dict[str, dict[str, Any]]
    proven: dict[str, dict[str, Any]] = field(default_factory=dict)
    apis: dict[str, str] = field(default_factory=dict)
    logs: dict[str, str] = field(default_factory=dict)

    @property
    def is_good(self) -> bool:
        return not self.problems

    def as_json(self) -> dict[str, Any]:
        """The result for programs."""
        return {
            "quotes": self.quotes,
            "by_status": self.by_status,
            "mismatches": self.mismatches,
            "pnl_unexplained": unexplained_by(self.proven),
            "orders": self.orders,
            "transactions": self.transactions,
            "events": self.events,
            "seconds": round(self.seconds, 1),
            "problems": self.problems,
        }


@dataclass
class _Asked:
    """What one hedger answered at the end."""

    name: str
    validated: dict[str, Any] = field(default_factory=dict)
    proven: dict[str, Any] = field(default_factory=dict)
    figures: Figures | None = None
    problems: list[str] = field(default_factory=list)


async def judge(stage: Stage, differences: list[str], seconds: float) -> Verdict:
    """Ask every hedger's validator and API, and count what is on chain."""
    now_s = await stage.world.chain.timestamp()
    asked = await asyncio.gather(*(_ask(stage, name, now_s) for name in stage.world.hedgers))
    validated = {each.name: each.validated for each in asked if each.validated}
    proven = {each.name: each.proven for each in asked if each.proven}
    figures = {each.name: each.figures for each in asked if each.figures is not None}
    problems = [*differences, *(problem for each in asked for problem in each.problems)]
    found = [text for name, verdict in validated.items() for text in mismatches_of(name, verdict)]
    problems += found + overdue_of(figures)
    problems += [text for name, proof in proven.items() for text in unexplained_of(name, proof)]
    by_status = Counter(quote.status.name for quote in stage.watch.quotes.values())
    return Verdict(
        quotes=len(stage.watch.quotes),
        by_status=dict(sorted(by_status.items())),
        orders=sum(each.orders.total() for each in figures.values()),
        transactions=sum(each.transactions.total() for each in figures.values()),
        events=sum(each.events for each in figures.values()),
        seconds=seconds,
        mismatches=len(found),
        problems=problems,
        validated=validated,
        proven=proven,
        apis={name: api.url for name, api in stage.apis.items()},
        logs={name: str(hedger.process.log_path) for name, hedger in stage.world.hedgers.items()},
    )


async def _ask(stage: Stage, name: str, now_s: int) -> _Asked:
    process, asked = stage.world.hedgers[name].process, _Asked(name)
    try:
        asked.validated = await process.validate()
        asked.figures = await figures_of(stage.apis[name], now_s)
        asked.proven = await process.prove()
    except (HedgerFailed, ApiSilent) as failure:
        asked.problems.append(f"hedger {name}: {failure}")
    if not process.is_running:
        asked.problems.append(f"hedger {name} has ended by itself:\n{process.log_end()}")
    return asked


def mismatches_of(name: str, verdict: Mapping[str, Any]) -> list[str]:
    told = [f"hedger {name}, mismatch: {mismatch}" for mismatch in verdict["mismatches"]]
    return told if told or verdict["agrees"] else [f"hedger {name}: chain, exchange and log do not agree"]


def unexplained_of(name: str, proof: Mapping[str, Any]) -> list[str]:
    """What profit and loss does not explain of a hedger's equity, in words; nothing where it explains all."""
    unexplained = proof["pnl_unexplained"]
    return [] if unexplained == "0" else [f"hedger {name}, profit and loss: {unexplained} is not explained"]


def unexplained_by(proven: Mapping[str, Mapping[str, Any]]) -> str:
    """All of it, whichever sign it has, as decimal text; "unknown" where nothing could be proven."""
    told = [proof["pnl_unexplained"] for proof in proven.values()]
    if not told or None in told:
        return "unknown"
    total = sum((abs(Decimal(each)) for each in told), Decimal())
    return "0" if not total else f"{total:f}"


def overdue_of(figures: Mapping[str, Figures]) -> list[str]:
    return [
        f"hedger {name}, obligation missed: {row['duty']} of quote {row['quote_id']}, due at {row['due_at']}"
        for name, each in figures.items()
        for row in each.overdue
    ]
