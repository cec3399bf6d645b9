"""`hedger validate`: chain, venue and log side by side."""

import asyncio

import msgspec
import typer
from rich.table import Table

from hedger.application.position_validator import Verdict
from hedger.bootstrap import validating
from hedger.cli.output import ConfigOption, JsonOption, configure_logging, console, print_json, run_async
from hedger.config import Settings, load
from hedger.domain.mismatch import Explanation, Mismatch
from hedger.domain.money import to_text

_BETWEEN_LOOKS_S = 2.0
_LOOKS = 4


def validate(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Compare what the contract, the exchange and the log say of every quote, symbol, trade and account.

    A difference counts once it has stayed over several looks: what is on its way is none. Each is told with the first
    event on which the sides part, the likely cause, what is at stake, and the command that would repair it. Exit code 1
    where one stays.
    """
    configure_logging(as_json=True, level="error")
    verdict = run_async(_validate(load(config)))
    if as_json:
        print_json(_document(verdict))
    else:
        _show(verdict)
    raise typer.Exit(0 if verdict.agrees else 1)


async def _validate(settings: Settings) -> Verdict:
    async with validating(settings) as look:
        verdict = await look()
        for _ in range(_LOOKS - 1):
            if verdict.agrees:
                return verdict
            await asyncio.sleep(_BETWEEN_LOOKS_S)
            newer = await look()
            stayed = tuple(mismatch for mismatch in newer.mismatches if mismatch in verdict.mismatches)
            verdict = msgspec.structs.replace(newer, mismatches=stayed)
        return verdict


def _document(verdict: Verdict) -> dict[str, object]:
    symbols = [
        {
            "symbol": row.symbol,
            "chain": to_text(row.chain_open),
            "venue": to_text(row.venue_position),
            "log": to_text(row.log_hedge),
            "foreign": to_text(row.foreign),
            "residual": to_text(row.residual),
            "busy": row.busy,
        }
        for row in verdict.symbols
    ]
    return {
        "agrees": verdict.agrees,
        "block_number": verdict.block_number,
        "log_position": verdict.log_position,
        "quotes_compared": verdict.quotes_compared,
        "accounts_compared": verdict.accounts_compared,
        "trades_compared": sum(verdict.trades_compared.values()),
        "symbols": symbols,
        "mismatches": [_with_explanation(mismatch, _of(mismatch, verdict)) for mismatch in verdict.mismatches],
    }


def _of(mismatch: Mismatch, verdict: Verdict) -> Explanation:
    return verdict.explanations.get(mismatch.key, Explanation())


def _with_explanation(mismatch: Mismatch, explanation: Explanation) -> dict[str, object]:
    told: dict[str, object] = msgspec.to_builtins(mismatch)
    return told | {
        "cause": explanation.cause.value,
        "since": msgspec.to_builtins(explanation.since),
        "at_stake": to_text(explanation.at_stake),
        "repair": explanation.repair,
    }


def _show(verdict: Verdict) -> None:
    table = Table("symbol", "chain", "exchange", "log", "foreign", "residual", title=f"block {verdict.block_number}")
    for row in verdict.symbols:
        amounts = (row.chain_open, row.venue_position, row.log_hedge, row.foreign, row.residual)
        table.add_row(row.symbol, *(to_text(amount) for amount in amounts))
    console().print(table)
    if verdict.mismatches:
        console().print(_differences(verdict))
    for mismatch in verdict.mismatches:
        if repair := _of(mismatch, verdict).repair:
            console().print(f"{mismatch.kind.value} {mismatch.subject}: [bold]{repair}[/bold]", highlight=False)
    trades = sum(verdict.trades_compared.values())
    compared = f"{verdict.quotes_compared} quotes, {trades} trades, {verdict.accounts_compared} accounts compared"
    told = "[green]chain, exchange and log agree[/green]" if verdict.agrees else "[red]they do not agree[/red]"
    console().print(f"{told} ({compared}, log position {verdict.log_position})")


def _differences(verdict: Verdict) -> Table:
    table = Table("difference", "chain", "exchange", "log", "cause", "since", "at stake", border_style="red")
    for mismatch in verdict.mismatches:
        explanation = _of(mismatch, verdict)
        table.add_row(
            f"{mismatch.kind.value} {mismatch.subject}",
            mismatch.chain,
            mismatch.venue,
            mismatch.log,
            explanation.cause.value.replace("_", " "),
            str(explanation.since) if explanation.since is not None else "",
            to_text(explanation.at_stake),
        )
    return table
