"""The read models folded in memory: what `replay` shows, to any position of the log, without a database."""

from collections.abc import Callable, Iterable
from typing import Any

import msgspec

from hedger.domain.accounting.lines import exact_text
from hedger.domain.events import Recorded
from hedger.domain.money import to_text
from hedger.projections.accounts import AccountBook
from hedger.projections.alerts import AlertBook
from hedger.projections.exposure import exposure
from hedger.projections.funding import epochs
from hedger.projections.inputs_rejected import RejectedInputs
from hedger.projections.mismatches import MismatchBook
from hedger.projections.open_positions import positions
from hedger.projections.pnl import PnlModel
from hedger.projections.quote_book import QuoteBook
from hedger.projections.tables import Sheet, columns_of
from hedger.projections.trading_states import TradingStates

Line = dict[str, Any]


class ReadModels(msgspec.Struct, frozen=True, kw_only=True):
    """Every read model at one log position: model to rows in a fixed order, amounts as decimal text."""

    position: int
    models: dict[str, list[Line]]

    def to_json(self) -> bytes:
        """The same bytes for the same log and code."""
        return msgspec.json.encode(self)


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """One field that differs; `left` or `right` is None where only the other side has the row."""

    model: str
    key: str
    field: str
    left: Any
    right: Any


# What names a row, in the order in which rows stand.
_KEYS: dict[str, tuple[str, ...]] = {
    "quotes": ("quote_id",),
    "positions": ("quote_id",),
    "exposure": ("symbol_id",),
    "residuals": ("symbol_id",),
    "symbols": ("symbol_id",),
    "obligations": ("quote_id",),
    "orders": ("first_position", "client_order_id"),
    "fills": ("position", "venue", "trade_id"),
    "transactions": ("first_position", "request_id"),
    "notifications": ("sequence",),
    "funding_charges": ("position",),
    "funding_payments": ("position",),
    "funding_epochs": ("symbol", "epoch"),
    "accounts": ("party_a", "party_b"),
    "mismatches": ("found_position",),
    "repairs": ("proposed_position",),
    "foreign_trades": ("position",),
    "inputs_rejected": ("position",),
    "trading_states": ("scope",),
    "alerts": ("raised_position",),
    "alert_deliveries": ("position",),
    "pnl_lines": ("position", "line_no"),
    "pnl_symbols": ("symbol",),
}


_OF_UNIT: dict[str, Callable[[int], str]] = {"wad": to_text, "wei": str, "exact": exact_text}


def fold(recorded: Iterable[Recorded], party_b: str) -> ReadModels:
    """Fold the events, which begin at the log's first one, into read models as one PartyB sees them."""
    book, accounts = QuoteBook(party_b), AccountBook(party_b)
    mismatches, rejected, states, alerts = MismatchBook(), RejectedInputs(), TradingStates(), AlertBook()
    pnl = PnlModel(party_b)
    position = 0
    for each in recorded:
        for model in (book, accounts, mismatches, rejected, states, alerts, pnl):
            model.apply(each)
        position = each.position
    quote_rows = _rows(book.quotes)
    names = {symbol_id: row for (symbol_id,), row in book.symbols.cells.items()}
    rows: dict[str, list[Any]] = {
        "quotes": quote_rows,
        "positions": positions(quote_rows, names),
        "exposure": exposure(quote_rows, _rows(book.residuals), names),
        "residuals": _rows(book.residuals),
        "symbols": _rows(book.symbols),
        "obligations": _rows(book.obligations),
        "orders": _rows(book.orders),
        "fills": _rows(book.fills),
        "transactions": _rows(book.transactions),
        "notifications": _rows(book.notifications),
        "funding_charges": _rows(book.funding_charges),
        "funding_payments": _rows(book.funding_payments),
        "funding_epochs": epochs(_rows(book.funding_charges), _rows(book.funding_payments), names),
        "accounts": _rows(accounts.accounts),
        "mismatches": _rows(mismatches.mismatches),
        "repairs": _rows(mismatches.repairs),
        "foreign_trades": _rows(mismatches.foreign_trades),
        "inputs_rejected": _rows(rejected.rejected),
        "trading_states": _rows(states.states),
        "alerts": _rows(alerts.alerts),
        "alert_deliveries": _rows(alerts.deliveries),
        "pnl_lines": _rows(pnl.desk.lines),
        "pnl_symbols": _rows(pnl.desk.symbols),
    }
    return ReadModels(position=position, models={name: _lines(name, found) for name, found in rows.items()})


def difference(left: ReadModels, right: ReadModels) -> list[Difference]:
    """Every field in which two folds differ, in the order of models, rows and fields."""
    found: list[Difference] = []
    for model in sorted(left.models.keys() | right.models.keys()):
        ours, theirs = _by_key(model, left), _by_key(model, right)
        for key in sorted(ours.keys() | theirs.keys()):
            found.extend(_row_difference(model, key, ours.get(key), theirs.get(key)))
    return found


def _row_difference(model: str, key: tuple[Any, ...], left: Line | None, right: Line | None) -> list[Difference]:
    name = "/".join(str(part) for part in key)
    fields = (left or right or {}).keys()
    pairs = ((field, left.get(field) if left else None, right.get(field) if right else None) for field in fields)
    return [Difference(model=model, key=name, field=field, left=a, right=b) for field, a, b in pairs if a != b]


def _by_key(model: str, models: ReadModels) -> dict[tuple[Any, ...], Line]:
    return {tuple(line[part] for part in _KEYS[model]): line for line in models.models.get(model, [])}


def _rows(sheet: Sheet[Any]) -> list[Any]:
    return [sheet.table.row_of(cell) for cell in sheet.cells.values()]


def _lines(model: str, rows: list[Any]) -> list[Line]:
    lines = [line_of(row) for row in rows]
    return sorted(lines, key=lambda line: tuple(line[part] for part in _KEYS[model]))


def line_of(row: msgspec.Struct) -> Line:
    """A row as plain builtins, amounts as decimal text, without the states that only the fold reads."""
    shown = (column for column in columns_of(type(row)) if column.sql_type != "bytea")
    return {column.name: _shown(getattr(row, column.name), column.unit) for column in shown}


def _shown(value: Any, unit: str) -> Any:
    write = _OF_UNIT.get(unit)
    return msgspec.to_builtins(value) if value is None or write is None else write(value)
