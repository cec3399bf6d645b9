"""`hedger pnl`: what was earned and lost, and the proof that it is all."""

from typing import Annotated

import typer
from rich.table import Table

from hedger.bootstrap import pnl_sums, proven
from hedger.cli.output import ConfigOption, JsonOption, configure_logging, console, print_json, run_async
from hedger.config import Settings, load
from hedger.domain.accounting.equity import Proof
from hedger.domain.accounting.lines import exact_text
from hedger.projections.pnl_sheets import By, PnlSum, told

_SHOWN = (
    "spread",
    "slippage",
    "fee",
    "funding_chain",
    "funding_venue",
    "residual",
    "liquidation",
    "unrealised",
    "total",
)


def pnl(
    by: Annotated[By, typer.Option(help="what sums are made by")] = By.SYMBOL,
    prove: Annotated[
        bool, typer.Option("--prove", help="measure the equity at contract and exchange, and compare it with the lines")
    ] = False,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """What was earned and lost since the opening state, line by line summed up.

    With --prove the change of the equity, measured at the contract and at the exchange, is held against the lines: what
    they do not explain is told, and the exit code is 1 where that is not zero.
    """
    configure_logging(as_json=True, level="error")
    settings = load(config)
    if prove:
        raise typer.Exit(_prove(settings, as_json=as_json))
    as_of, sums = run_async(pnl_sums(settings, by))
    if as_json:
        print_json({"as_of": as_of, "by": by.value, "items": _told(settings, sums)})
    else:
        _show(by, _told(settings, sums))


def _told(settings: Settings, sums: list[PnlSum]) -> list[dict[str, object]]:
    return [told(each, settings.pnl.coin_price_wad) for each in sums]


def _prove(settings: Settings, *, as_json: bool) -> int:
    proof = run_async(proven(settings))
    if as_json:
        print_json(document(proof))
    elif proof is None:
        console().print("[yellow]there is no opening state yet: the hedger has never run[/yellow]")
    else:
        _show_proof(proof)
    return 0 if proof is not None and not proof.unexplained else 1


def document(proof: Proof | None) -> dict[str, object]:
    """The proof for programs, amounts as decimal text; `pnl_unexplained` is null while nothing can be proven."""
    if proof is None:
        return {"pnl_unexplained": None}
    return {
        "pnl_unexplained": exact_text(proof.unexplained),
        "block_number": proof.block_number,
        "log_position": proof.log_position,
        "equity": exact_text(proof.equity),
        "change": exact_text(proof.change),
        "flows": exact_text(proof.flows),
        "profit": exact_text(proof.profit),
        "lines": {kind.value: exact_text(amount) for kind, amount in sorted(proof.by_kind.items())},
        "unrealised": exact_text(proof.unrealised),
        "venue_rounding": exact_text(proof.venue_rounding),
    }


def _show(by: By, items: list[dict[str, object]]) -> None:
    table = Table(by.value, *(name.replace("_", " ") for name in _SHOWN), "gas (wei)")
    for item in items:
        amounts = (str(item[name] if item[name] is not None else "?") for name in _SHOWN)
        table.add_row(str(item["key"] or "-"), *amounts, str(item["gas_wei"]))
    console().print(table)


def _show_proof(proof: Proof) -> None:
    table = Table("line", "amount", title=f"block {proof.block_number}, log position {proof.log_position}")
    rows = {kind.value: amount for kind, amount in sorted(proof.by_kind.items())}
    rows |= {"unrealised": proof.unrealised, "venue rounding": proof.venue_rounding, "unexplained": proof.unexplained}
    for name, amount in rows.items():
        table.add_row(name.replace("_", " "), exact_text(amount))
    table.add_row("deposits less withdrawals", exact_text(proof.flows))
    table.add_row("change of the equity", exact_text(proof.change))
    console().print(table)
    verdict = "[green]every unit is explained[/green]" if not proof.unexplained else "[red]not all is explained[/red]"
    console().print(verdict)
