"""The hedgers' figures, gathered from their read models."""

import asyncio
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from devnet.demo.api import ApiSilent, HedgerApi, Row

NO_STATUS = "orphaned"


@dataclass
class Figures:
    """One hedger's quotes, orders and transactions by status, its exposure, and its log position."""

    events: int = 0
    quotes: Counter[str] = field(default_factory=Counter)
    orders: Counter[str] = field(default_factory=Counter)
    transactions: Counter[str] = field(default_factory=Counter)
    exposure: list[Row] = field(default_factory=list)
    overdue: list[Row] = field(default_factory=list)


async def figures_of(api: HedgerApi, now_s: int) -> Figures:
    """As of now; `now_s` is the chain's time, by which obligations are overdue. Raises ApiSilent."""
    quotes, orders, transactions, exposure, owed = await asyncio.gather(
        api.all_of("quotes"),
        api.all_of("orders"),
        api.all_of("transactions"),
        api.all_of("exposure"),
        api.all_of("obligations", due_before=str(now_s)),
    )
    return Figures(
        events=quotes[0],
        quotes=Counter(row["status"] or NO_STATUS for row in quotes[1]),
        orders=Counter(row["state"] for row in orders[1]),
        transactions=Counter(row["state"] for row in transactions[1]),
        exposure=exposure[1],
        overdue=owed[1],
    )


async def all_figures(apis: Mapping[str, HedgerApi], now_s: int) -> dict[str, Figures]:
    """By hedger; one that does not answer now is left out."""
    found: dict[str, Figures] = {}
    for name, api in apis.items():
        try:
            found[name] = await figures_of(api, now_s)
        except ApiSilent:
            continue
    return found
