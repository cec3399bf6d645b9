"""The end of a chaos run: what each hedger did and failed to do, by chain, exchange, validator and log."""

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

from devnet.chaos.log import event_counts
from devnet.chaos.missed import (
    FORCE_CLOSE,
    Listed,
    Missed,
    Suffered,
    is_at_rest,
    judged,
    liquidated_meanwhile,
    missed,
    suffered,
)
from devnet.chaos.record import ChainEvent, chain_events, counted, kept
from devnet.chaos.stage import SYMBOLS, Stage
from devnet.demo.api import ApiSilent, Row
from devnet.demo.figures import Figures, figures_of
from devnet.demo.verdict import mismatches_of, unexplained_by, unexplained_of
from devnet.hedger_process import HedgerFailed
from devnet.traders import QuoteOnChain

# Of so many, some must have come to either hedger.
SOME_INTENTS = 30


@dataclass
class HedgerVerdict:
    """One hedger. `suffered` counts what ended by force or deadline whoever was to blame, `missed` what it could have
    done in time; `restless` are its quotes that are neither at their end nor open and hedged."""

    name: str
    agrees: bool = False
    mismatches: int = 0
    quotes: dict[str, int] = field(default_factory=dict)
    restless: int = 0
    missed: int = 0
    force_closes_while_up: int = 0
    suffered: dict[str, int] = field(default_factory=dict)
    liquidations: int = 0
    orders: dict[str, int] = field(default_factory=dict)
    transactions: dict[str, int] = field(default_factory=dict)
    events: dict[str, int] = field(default_factory=dict)
    proof: dict[str, Any] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        told = asdict(self)
        proof = told.pop("proof")
        return {**told, "profit": proof.get("profit"), "pnl_unexplained": proof.get("pnl_unexplained")}


@dataclass
class Verdict:
    """`problems` is empty where all is well. What happened besides is counted: troubles, deeds, events on chain."""

    seed: int
    folder: Path
    seconds: float = 0.0
    kills: int = 0
    intents: int = 0
    hedgers: list[HedgerVerdict] = field(default_factory=list)
    troubles: dict[str, int] = field(default_factory=dict)
    deeds: dict[str, int] = field(default_factory=dict)
    traders: dict[str, int] = field(default_factory=dict)
    refusals: dict[str, int] = field(default_factory=dict)
    chain_events: dict[str, int] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    @property
    def is_good(self) -> bool:
        return not self.problems

    def as_json(self) -> dict[str, Any]:
        """The result for programs."""
        told = {name: value for name, value in vars(self).items() if name not in ("hedgers", "folder")}
        events = self.chain_events
        return {
            **told,
            "good": self.is_good,
            "seconds": round(self.seconds, 1),
            "folder": "" if self.is_good else str(self.folder),
            "mismatches": sum(each.mismatches for each in self.hedgers),
            "pnl_unexplained": unexplained_by({each.name: each.proof for each in self.hedgers if each.proof}),
            "missed": sum(each.missed for each in self.hedgers),
            "force_closes_while_up": sum(each.force_closes_while_up for each in self.hedgers),
            "reorganisations": self.troubles.get("reorganisation", 0),
            "liquidations_a": events.get("LiquidatePartyA", 0) + events.get("DeferredLiquidatePartyA", 0),
            "liquidations_b": events.get("LiquidatePartyB", 0),
            "hedgers": {each.name: each.as_json() for each in self.hedgers},
        }


async def judge(stage: Stage, verdict: Verdict) -> None:
    """Fill the verdict in from chain, exchanges, validators and logs. What the judgement is made of stays beside the
    logs: the chain's events, what hindered whom,
    and all that was suffered."""
    await stage.watch.read_all()
    events = await chain_events(stage.world.rpc, stage.world.deployment.diamond, stage.first_block)
    kept(events, stage.world.logs / "chain.jsonl")
    stage.timeline.keep(stage.world.logs / "hindrances.txt")
    quotes = stage.watch.quotes
    found = suffered(events)
    addresses = {hedger.party_b.lower(): name for name, hedger in stage.world.hedgers.items()}
    listed = {number: Listed(SYMBOLS[quote.symbol_id - 1], quote.position_type) for number, quote in quotes.items()}
    verdicts = judged(found, stage.timeline, addresses, listed)
    (stage.world.logs / "suffered.txt").write_text("".join(f"{each}\n" for each in verdicts))
    owed = missed(verdicts, liquidated_meanwhile(events))
    verdict.chain_events, verdict.kills = counted(events), stage.kills
    verdict.problems += [*stage.ended, *(str(each) for each in owed)]
    asked = await asyncio.gather(*(_ask(stage, name, verdict.problems) for name in stage.world.hedgers))
    for each in asked:
        _count(each, stage.world.hedgers[each.name].party_b.lower(), quotes, events, found, owed)
    verdict.hedgers = asked
    if verdict.intents >= SOME_INTENTS:
        idle = [each.name for each in asked if not each.quotes]
        verdict.problems += [f"hedger {name} has taken nothing: nothing was tried" for name in idle]


async def unsettled(stage: Stage, name: str) -> list[str]:
    """Quotes of a hedger, by chain and by its own read model, on which something is still to be done."""
    party_b = stage.world.hedgers[name].party_b.lower()
    _, rows = await stage.apis[name].all_of("quotes")
    held = {number: quote for number, quote in stage.watch.quotes.items() if quote.party_b.lower() == party_b}
    told = [f"quote {number} is {quote.status.name}" for number, quote in held.items() if not is_at_rest(quote.status)]
    for row in rows:
        quote = held.get(row["quote_id"])
        if quote is not None and row["status"] != quote.status.name.lower():
            told.append(f"quote {row['quote_id']} is {quote.status.name} on chain, {row['status']} in the log")
        if row["orders_unsettled"] or row["request_in_flight"]:
            told.append(f"quote {row['quote_id']} has {row['orders_unsettled']} orders, {row['request_in_flight']}")
        if _is_tradable(stage, name, row):
            told.append(f"quote {row['quote_id']} requires {row['required']} and has {row['hedged']}")
    return told


def _is_tradable(stage: Stage, name: str, row: Row) -> bool:
    """True of a difference to the hedge that the exchange would take an order for; a smaller one is a residual."""
    lacking = abs(Decimal(row["required"]) - Decimal(row["hedged"]))
    if not lacking:
        return False  # of what nobody has judged yet, the hedger does not even know the symbol's name
    market = stage.world.hedgers[name].exchange.engine.market(SYMBOLS[row["symbol_id"] - 1])
    return lacking >= market.spec.min_quantity and lacking * market.price.mid >= market.spec.min_notional


async def _ask(stage: Stage, name: str, problems: list[str]) -> HedgerVerdict:
    """What a hedger says of itself; `problems` takes up what is wrong."""
    hedger, told = stage.world.hedgers[name], HedgerVerdict(name)
    try:
        validated = await hedger.process.validate()
        figures = await figures_of(stage.apis[name], await stage.world.chain.timestamp())
        restless = await unsettled(stage, name)
        told.events = await event_counts(hedger.process)
        told.proof = await hedger.process.prove()
    except (HedgerFailed, ApiSilent) as failure:
        problems.append(f"hedger {name}: {failure}")
        return told
    mismatches = mismatches_of(name, validated)
    problems += mismatches + [f"hedger {name}: {line}" for line in restless] + unexplained_of(name, told.proof)
    told.agrees, told.mismatches, told.restless = validated["agrees"], len(mismatches), len(restless)
    _take_figures(told, figures)
    return told


def _take_figures(told: HedgerVerdict, figures: Figures) -> None:
    told.orders, told.transactions = dict(sorted(figures.orders.items())), dict(sorted(figures.transactions.items()))


def _count(
    told: HedgerVerdict,
    party_b: str,
    quotes: Mapping[int, QuoteOnChain],
    events: Sequence[ChainEvent],
    found: Sequence[Suffered],
    owed: Sequence[Missed],
) -> None:
    """What the chain says of a hedger."""
    mine = Counter(quote.status.name for quote in quotes.values() if quote.party_b.lower() == party_b)
    told.quotes = dict(sorted(mine.items()))
    told.suffered = dict(sorted(Counter(each.duty for each in found if each.party_b.lower() == party_b).items()))
    told.missed = sum(each.hedger == told.name for each in owed)
    told.force_closes_while_up = sum(each.hedger == told.name and each.suffered.duty == FORCE_CLOSE for each in owed)
    told.liquidations = sum(
        event.name == "LiquidatePartyB" and event.values["partyB"].lower() == party_b for event in events
    )
