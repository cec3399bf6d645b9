"""Profit and loss summed up: by quote, account, symbol, day or kind."""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Any

import msgspec

from hedger.domain.accounting.lines import LineKind, exact_text
from hedger.domain.money import mul, to_text


class By(StrEnum):
    """What sums are made by."""

    QUOTE = "quote"
    ACCOUNT = "account"
    SYMBOL = "symbol"
    DAY = "day"
    KIND = "kind"


_KEYS = {
    By.QUOTE: "CASE WHEN quote_id = 0 THEN '' ELSE quote_id::text END",
    By.ACCOUNT: "party_a",
    By.SYMBOL: "symbol",
    By.DAY: "day",
    By.KIND: "kind",
}
# What is held belongs to no day and no kind: it stands in the totals alone.
_HELD_BY = {By.QUOTE, By.ACCOUNT, By.SYMBOL}


def statements(by: By) -> tuple[str, str]:
    """Two queries, tables named as `{schema}.table`: sums of the lines by key, kind and asset; and what is held by key
    and symbol."""
    lines = (
        f"SELECT {_KEYS[by]} AS key, kind, asset, sum(amount), sum(gas_wei), count(*)"
        " FROM {schema}.pnl_lines GROUP BY 1, 2, 3 ORDER BY 1, 2, 3"
    )
    key = _KEYS[by] if by in _HELD_BY else "''"
    held = (
        f"SELECT {key} AS key, symbol, sum(inventory), sum(inventory_cost)"
        " FROM {schema}.pnl_books WHERE inventory <> 0 GROUP BY 1, 2 ORDER BY 1, 2"
    )
    return lines, held


class PnlSum(msgspec.Struct, kw_only=True):
    """The sums of one key, 36 decimals of the collateral. `unrealised` is None where a mark is missing. `flow` and
    `gas` are in no total; `other_assets` are commissions and the like in assets that the collateral does not hold."""

    key: str
    by_kind: dict[LineKind, int] = {}
    flow: int = 0
    gas_wei: int = 0
    unrealised: int | None = 0
    other_assets: dict[str, int] = {}
    lines: int = 0

    @property
    def realised(self) -> int:
        return sum(self.by_kind.values())

    @property
    def total(self) -> int | None:
        return self.realised + self.unrealised if self.unrealised is not None else None


def summed(lines: Iterable[tuple[Any, ...]], held: Iterable[tuple[Any, ...]], marks: Mapping[str, int]) -> list[PnlSum]:
    """The rows of both statements, as one sum a key, in the order of the keys. `marks` are wads by symbol."""
    sums: dict[str, PnlSum] = {}
    for key, kind, asset, amount, gas_wei, count in lines:
        found = sums.setdefault(key, PnlSum(key=key))
        found.lines += count
        found.gas_wei += int(gas_wei)
        _add(found, LineKind(kind), asset, int(amount))
    for key, symbol, quantity, cost in held:
        found = sums.setdefault(key, PnlSum(key=key))
        mark = marks.get(symbol)
        if mark is None or found.unrealised is None:
            found.unrealised = None
        else:
            found.unrealised += int(quantity) * mark - int(cost)
    return sorted(sums.values(), key=lambda each: (len(each.key) if each.key.isdigit() else 0, each.key))


def _add(found: PnlSum, kind: LineKind, asset: str, amount: int) -> None:
    if kind is LineKind.GAS:
        return
    if asset:
        found.other_assets[asset] = found.other_assets.get(asset, 0) + amount
    elif kind is LineKind.FLOW:
        found.flow += amount
    else:
        found.by_kind[kind] = found.by_kind.get(kind, 0) + amount


def told(found: PnlSum, coin_price: int | None) -> dict[str, Any]:
    """As people and programs read it: amounts as decimal text, every kind named, null for what is not known.

    `coin_price` (wad) is the collateral's price of the coin that gas is paid in, None where none is configured.
    """
    kinds = (kind for kind in LineKind if kind not in (LineKind.FLOW, LineKind.GAS))
    return {
        "key": found.key,
        "realised": exact_text(found.realised),
        "unrealised": None if found.unrealised is None else exact_text(found.unrealised),
        "total": None if found.total is None else exact_text(found.total),
        **{kind.value: exact_text(found.by_kind.get(kind, 0)) for kind in kinds},
        "flow": exact_text(found.flow),
        "gas_wei": str(found.gas_wei),
        "gas_cost": None if coin_price is None else to_text(mul(found.gas_wei, coin_price)),
        "other_assets": {asset: exact_text(amount) for asset, amount in found.other_assets.items()},
        "lines": found.lines,
    }
