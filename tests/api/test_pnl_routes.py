"""Profit and loss over HTTP: exact amounts, sums by any key, and the lines behind them."""

from collections.abc import AsyncIterator
from decimal import Decimal, localcontext
from typing import Any

import aiohttp
import pytest

from hedger.adapters.log.codec import EventCodec
from hedger.adapters.log.port import Change
from hedger.adapters.log.postgres_log import PostgresEventLog
from hedger.adapters.postgres import open_pool
from hedger.api.app import create_app
from hedger.api.deps import ApiDeps
from hedger.api.schemas import Page, PnlLineOut, PnlOut
from hedger.api.server import serve
from hedger.domain.accounting.lines import LineKind
from hedger.domain.catalogue import ALL_EVENTS
from hedger.domain.money import WAD
from hedger.projections.catalogue import all_projections
from hedger.projections.engine import Projector
from tests.projections.histories import US, random_history
from tests.projections.test_pnl_lines import with_opening

MARKS = {"BTCUSDT": 100 * WAD, "ETHUSDT": 50 * WAD}


@pytest.fixture
async def base(postgres_url: str) -> AsyncIterator[str]:
    """A server whose read models hold a random history behind an opening state."""
    log = await PostgresEventLog.open(postgres_url, EventCodec(ALL_EVENTS), lambda: 1_760_000_000_000)
    pool = await open_pool(postgres_url)
    for each in with_opening(random_history(5)):
        change = Change(aggregate_id=each.aggregate_id, expected_version=each.version - 1, events=(each.event,))
        await log.append([change], correlation_id="test", causation_id="test")
    await Projector(log, pool, all_projections(US)).catch_up()
    deps = ApiDeps(pool=pool, log=log, marks=lambda: MARKS, coin_price=2 * WAD)
    server = await serve(create_app(deps), "127.0.0.1", 0)
    yield server.url
    await server.stop()
    await pool.close()
    await log.close()


async def test_sums_by_every_key_are_the_sum_of_the_lines(base: str) -> None:
    lines = await _all_lines(base)
    with localcontext() as exact:
        exact.prec = 100
        earned = sum(Decimal(line["amount"]) for line in lines if line["kind"] not in ("flow", "gas"))
        for by in ("quote", "account", "symbol", "day", "kind"):
            told = await _get(base, f"/pnl?by={by}")
            PnlOut.model_validate(told)
            assert sum(Decimal(item["realised"]) for item in told["items"]) == earned
            for item in told["items"]:
                assert Decimal(item["realised"]) + Decimal(item["unrealised"]) == Decimal(item["total"])
                assert sum(Decimal(item[kind]) for kind in _EARNED) == Decimal(item["realised"])
                assert Decimal(item["gas_cost"]) == Decimal(item["gas_wei"]) * 2 / WAD


async def test_lines_are_found_by_what_they_belong_to(base: str) -> None:
    lines = await _all_lines(base)
    chosen = next(line for line in lines if line["quote_id"] and line["kind"] == "spread")
    for name in ("quote_id", "symbol", "party_a", "day", "kind"):
        found = await _get(base, f"/pnl/lines?limit=500&{name}={chosen[name]}")
        assert found["items"] == [line for line in lines if line[name] == chosen[name]]
    assert len(chosen["sources"]) > 1


async def test_a_sum_by_something_else_is_refused(base: str) -> None:
    async with aiohttp.ClientSession() as session, session.get(f"{base}/pnl?by=mood") as answer:
        assert answer.status == 422
        assert (await answer.json())["field"] == "by"


_EARNED = [kind.value for kind in LineKind if kind not in (LineKind.FLOW, LineKind.GAS)]


async def _all_lines(base: str) -> list[dict[str, Any]]:
    told = await _get(base, "/pnl/lines?limit=500")
    Page[PnlLineOut].model_validate(told)
    items: list[dict[str, Any]] = told["items"]
    assert 20 < len(items) < 500
    return items


async def _get(base: str, path: str) -> dict[str, Any]:
    async with aiohttp.ClientSession() as session, session.get(base + path) as answer:
        assert answer.status == 200, await answer.text()
        told: dict[str, Any] = await answer.json()
        return told
