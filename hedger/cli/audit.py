"""`hedger audit`: the story of one quote, or of what an account asked for."""

from collections.abc import Callable
from typing import Annotated

import typer
from rich.text import Text

from hedger.adapters.chain.signer import BadKey, LocalSigner
from hedger.adapters.log.postgres_log import PostgresEventLog
from hedger.bootstrap import ledger_of, opened_log
from hedger.cli.output import ConfigOption, JsonOption, console, print_json, run_async
from hedger.config import Settings, load
from hedger.domain.events import Recorded
from hedger.domain.money import to_text
from hedger.domain.request_ids import account_of_request, quote_of_request
from hedger.domain.wallet import Wallet
from hedger.projections.audit import LineKind, StoryLine, story

app = typer.Typer(help="Ask the log for reasons.", no_args_is_help=True)

_STYLES = {LineKind.FACT: "cyan", LineKind.DECISION: "yellow", LineKind.ORDER: "green", LineKind.TRANSACTION: "magenta"}


@app.callback()
def _group() -> None:
    """Ask the log for reasons."""


@app.command("quote")
def quote(
    quote_id: Annotated[int, typer.Argument(help="the quote's id on chain")],
    config: ConfigOption = None,
    as_json: JsonOption = False,
    rules: Annotated[bool, typer.Option(help="show every acceptance rule, not only those that failed")] = False,
) -> None:
    """Every fact, decision with its reasons, order and transaction of one quote, with the time each step took."""
    lines = run_async(_story(load(config), quote_id))
    if not lines:
        raise typer.BadParameter(f"the log knows no quote {quote_id}")
    if as_json:
        print_json({"quote_id": quote_id, "story": lines})
        return
    for text in (text for line in lines for text in _told(line, rules)):
        console().print(text, soft_wrap=True)


@app.command("account")
def account(
    party_a: Annotated[str, typer.Argument(help="address of the PartyA")],
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """What moved between us and one PartyA beside its quotes, with reasons: allocations, funding, settlements."""
    lines = run_async(_account_story(load(config), party_a.lower()))
    if not lines:
        raise typer.BadParameter(f"the log knows no account with {party_a}")
    if as_json:
        print_json({"party_a": party_a.lower(), "story": lines})
        return
    for text in (text for line in lines for text in _told(line, False)):
        console().print(text, soft_wrap=True)


async def _story(settings: Settings, quote_id: int) -> list[StoryLine]:
    async with opened_log(settings) as (log, _):
        ledger = ledger_of(settings, log)
        recorded = await log.events_of((await ledger.quote(quote_id)).id)
        recorded += await _signed(settings, log, lambda request_id: quote_of_request(request_id) == quote_id)
        return story(sorted(recorded, key=lambda each: each.position))


async def _account_story(settings: Settings, party_a: str) -> list[StoryLine]:
    async with opened_log(settings) as (log, _):
        ledger = ledger_of(settings, log)
        recorded = await log.events_of((await ledger.account(party_a)).id)
        recorded += await _signed(settings, log, lambda request_id: account_of_request(request_id) == party_a)
        return story(sorted(recorded, key=lambda each: each.position))


async def _signed(settings: Settings, log: PostgresEventLog, is_of: Callable[[str], bool]) -> list[Recorded]:
    """What the wallet recorded of these transactions, where the signing key is at hand to name the wallet."""
    try:
        address = LocalSigner(settings.sender.key).address
    except BadKey:
        return []
    recorded = await log.events_of(Wallet.create_id(settings.chain.chain_id, address))
    return [each for each in recorded if is_of(getattr(each.event, "request_id", "-0"))]


def _told(line: StoryLine, every_rule: bool) -> list[Text]:
    took = f"+{line.latency_ms} ms" if line.latency_ms is not None else ""
    head = Text.assemble(
        (f"{line.position:>7} ", "dim"),
        (f"{took:>10} ", "dim"),
        (f"{line.kind.value:<11} ", _STYLES[line.kind]),
        line.headline,
    )
    return [head, *_rules(line, every_rule), *_inputs(line)]


def _rules(line: StoryLine, every_rule: bool) -> list[Text]:
    rows = line.details.get("rules") or []
    return [
        Text(f"{'':32}{'ok  ' if row['passed'] else 'NO  '}{row['rule']}: {row['seen']} (limit {row['limit']})")
        for row in rows
        if every_rule or not row["passed"]
    ]


def _inputs(line: StoryLine) -> list[Text]:
    inputs = line.details.get("inputs") or {}
    market, pair = inputs.get("market"), inputs.get("pair")
    if not market and not pair:
        return []
    shown, names = (market, ("bid", "ask", "mark")) if market else (pair or {}, ("allocated", "upnl", "notional"))
    seen = ", ".join(f"{name} {_amount(shown[name])}" for name in names)
    return [Text(f"{'':32}block {inputs['block_number']} at {inputs['block_timestamp']}, {seen}", style="dim")]


def _amount(value: object) -> str:
    return to_text(value) if isinstance(value, int) else str(value)
