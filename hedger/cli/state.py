"""`hedger state`: what may be traded, obeyed at the last gate before anything is sent."""

import getpass
from typing import Annotated

import typer
from rich.table import Table

from hedger.bootstrap import ledger_of, opened_log
from hedger.cli.output import ConfigOption, JsonOption, console, print_json, run_async
from hedger.config import Settings, load
from hedger.domain.terms import TradingState
from hedger.domain.trading import EVERYTHING, Trading, TradingStateChanged


def state(
    wanted: Annotated[TradingState | None, typer.Argument(help="active, reducing or halted; none: show")] = None,
    scope: Annotated[str, typer.Argument(help="a symbol, venue:NAME, or * for everything")] = EVERYTHING,
    reason: Annotated[str, typer.Option(help="why; kept in the log")] = "",
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show the trading state, or change it. A running hedger obeys at once; the change is an event in the log."""
    states = run_async(_state(load(config), wanted, scope, reason))
    if as_json:
        print_json(states)
        return
    table = Table("scope", "state")
    for name, value in (states or {EVERYTHING: TradingState.ACTIVE}).items():
        table.add_row(name, value.value)
    console().print(table)


async def _state(settings: Settings, wanted: TradingState | None, scope: str, reason: str) -> dict[str, TradingState]:
    async with opened_log(settings) as (log, _):
        ledger = ledger_of(settings, log)
        if wanted is not None:
            changed = TradingStateChanged(scope=scope, state=wanted, reason=reason, by=getpass.getuser())
            trading_id = Trading.create_id(ledger.chain_id, ledger.diamond, ledger.party_b)
            await ledger.change(
                ledger.trading,
                trading_id,
                lambda _: [changed],
                correlation_id=f"trading:{scope}",
                causation_id="command:state",
            )
        return dict((await ledger.trading()).states)
