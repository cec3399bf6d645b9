"""`hedger repair`: confirm what the position validator proposes, or ask for a repair of one's own."""

import asyncio
import getpass
import time
from typing import Annotated

import typer

from hedger.application.ledger import Ledger
from hedger.application.validation.asking import Asked, NothingToRepair, asked
from hedger.bootstrap import ledger_of, opened_log
from hedger.cli.output import ConfigOption, JsonOption, console, print_json, run_async
from hedger.config import Settings, load
from hedger.domain.events import Event
from hedger.domain.money import from_text
from hedger.domain.reconciliation import Reconciliation
from hedger.domain.repairs import RepairFailed, RepairKind, RepairRun

_POLL_S = 0.2

Outcome = RepairRun | RepairFailed


def repair(
    subject: Annotated[str, typer.Argument(help="a quote's id, a symbol, or the address of a PartyA")],
    kind: Annotated[
        RepairKind | None,
        typer.Argument(
            help="logs: tell blocks again; fills: tell trades again; close: close what is foreign at the market; "
            "accept: take an unexplained difference for foreign; none: what is proposed"
        ),
    ] = None,
    blocks: Annotated[str, typer.Option(help="for logs: first and last block, 120-125")] = "",
    wait_s: Annotated[float, typer.Option("--wait", help="seconds to wait for the outcome")] = 30.0,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Run a repair of a difference that `hedger validate` names. The request is an event in the log, and the running
    hedger carries it out within the bound of `validator.max_repair_notional`. Exit code 1 where it failed."""
    try:
        repair_id, outcome = run_async(_repaired(load(config), subject, kind, _range(blocks), wait_s))
    except NothingToRepair as error:
        raise typer.BadParameter(str(error)) from None
    if as_json:
        print_json({"repair_id": repair_id, "state": _state(outcome), "detail": _detail(outcome)})
    else:
        console().print(f"{repair_id} {_state(outcome)}: {_detail(outcome)}", highlight=False)
    raise typer.Exit(1 if isinstance(outcome, RepairFailed) else 0)


async def _repaired(
    settings: Settings, subject: str, kind: RepairKind | None, blocks: tuple[int, int] | None, wait_s: float
) -> tuple[str, Outcome | None]:
    bound = from_text(settings.validator.max_repair_notional)
    named = subject.lower() if subject.startswith("0x") else subject
    async with opened_log(settings) as (log, _):
        ledger = ledger_of(settings, log)
        words: list[Asked] = []

        def decide(known: Reconciliation) -> list[Event]:
            words.append(asked(known, named, kind, blocks, by=getpass.getuser(), max_notional=bound))
            return words[-1].events

        aggregate_id = (await ledger.reconciliation()).id
        await ledger.change(
            ledger.reconciliation, aggregate_id, decide, correlation_id=f"repair:{named}", causation_id="command:repair"
        )
        repair_id = words[-1].repair_id
        return repair_id, await _outcome(ledger, repair_id, wait_s)


async def _outcome(ledger: Ledger, repair_id: str, wait_s: float) -> Outcome | None:
    """What became of it, None where nobody has said within the time."""
    known, until = await ledger.reconciliation(), time.monotonic() + wait_s
    version = known.version
    while True:
        for recorded in await ledger.log.events_of(known.id, after_version=version):
            version = recorded.version
            if isinstance(recorded.event, RepairRun | RepairFailed) and recorded.event.repair_id == repair_id:
                return recorded.event
        if time.monotonic() >= until:
            return None
        await asyncio.sleep(_POLL_S)


def _range(blocks: str) -> tuple[int, int] | None:
    if not blocks:
        return None
    first, _, last = blocks.partition("-")
    if not first.isdecimal() or (last and not last.isdecimal()):
        raise typer.BadParameter("blocks are written as 120-125")
    return int(first), int(last or first)


def _state(outcome: Outcome | None) -> str:
    if outcome is None:
        return "waits"
    return "run" if isinstance(outcome, RepairRun) else "failed"


def _detail(outcome: Outcome | None) -> str:
    if outcome is None:
        return "it is recorded, and a running hedger carries it out"
    return outcome.outcome if isinstance(outcome, RepairRun) else outcome.reason
