"""The REST API over a real server, a real database and the real projector."""

import asyncio
import signal
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
import pytest_asyncio
from prometheus_client import CollectorRegistry, Counter
from pydantic import BaseModel

from hedger.adapters.log.codec import EventCodec
from hedger.adapters.log.port import Change
from hedger.adapters.log.postgres_log import PostgresEventLog
from hedger.adapters.postgres import open_pool
from hedger.api import checks
from hedger.api.app import create_app
from hedger.api.deps import ApiDeps, CheckResult
from hedger.api.errors import ErrorOut
from hedger.api.schemas import (
    AccountOut,
    AlertOut,
    ExposureOut,
    ForeignTradeOut,
    HistoryOut,
    MismatchOut,
    NotificationOut,
    ObligationOut,
    OrderOut,
    Page,
    PositionOut,
    QuoteOut,
    ReadyOut,
    RepairOut,
    Single,
    TransactionOut,
)
from hedger.api.server import serve
from hedger.domain.catalogue import ALL_EVENTS
from hedger.domain.error_codes import MEANINGS
from hedger.domain.events import Recorded
from hedger.projections.catalogue import all_projections
from hedger.projections.engine import Projector
from hedger.projections.memory import ReadModels, fold
from tests.projections.histories import ALICE, US, random_history

LISTINGS: dict[str, type[BaseModel]] = {
    "quotes": QuoteOut,
    "positions": PositionOut,
    "exposure": ExposureOut,
    "orders": OrderOut,
    "transactions": TransactionOut,
    "accounts": AccountOut,
    "notifications": NotificationOut,
    "obligations": ObligationOut,
    "mismatches": MismatchOut,
    "repairs": RepairOut,
    "foreign_trades": ForeignTradeOut,
    "alerts": AlertOut,
}


async def record(log: PostgresEventLog, recorded: Sequence[Recorded]) -> None:
    """Append a history as it is, one change for each run of events of one aggregate."""
    changes: list[Change] = []
    for each in recorded:
        changes.append(Change(aggregate_id=each.aggregate_id, expected_version=each.version - 1, events=(each.event,)))
    await log.append(changes, correlation_id="test", causation_id="test")


class World:
    """A served API and what stands behind it."""

    def __init__(self, client: httpx.AsyncClient, log: PostgresEventLog, memory: ReadModels) -> None:
        self.client, self.log, self.memory = client, log, memory
        self.checks: dict[str, CheckResult] = {}

    async def get(self, path: str, **parameters: Any) -> Any:
        response = await self.client.get(path, params=parameters)
        assert response.status_code == 200, response.text
        return response.json()

    async def every(self, path: str, limit: int, **parameters: Any) -> list[dict[str, Any]]:
        """All rows, page by page."""
        rows: list[dict[str, Any]] = []
        cursor: str | None = None
        while True:
            more = {"cursor": cursor} if cursor else {}
            page = await self.get(path, limit=limit, **more, **parameters)
            assert len(page["items"]) <= limit
            rows.extend(page["items"])
            cursor = page["next_cursor"]
            if cursor is None:
                return rows


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def world(module_postgres_url: str) -> AsyncIterator[World]:
    async with _world(module_postgres_url, random_history(21, quotes=25)) as made:
        yield made


@asynccontextmanager
async def _world(url: str, recorded: Sequence[Recorded]) -> AsyncIterator[World]:
    log = await PostgresEventLog.open(url, EventCodec(ALL_EVENTS), lambda: 1_760_000_000_000)
    pool = await open_pool(url)
    registry = CollectorRegistry()
    Counter("hedger_blocks", "Blocks read.", registry=registry).inc(3)
    await record(log, recorded)
    projector = Projector(log, pool, all_projections(US))
    await projector.catch_up()

    async def injected() -> CheckResult:
        return made.checks.get("venue", CheckResult(True, "answers"))

    ready = {
        "database": checks.database(pool),
        "projections": checks.projections(pool, log.head),
        "venue": injected,
    }
    server = await serve(create_app(ApiDeps(pool=pool, log=log, checks=ready, registry=registry)))
    try:
        async with httpx.AsyncClient(base_url=server.url) as client:
            made = World(client, log, fold(await log.page(after=0, limit=100_000), US))
            yield made
    finally:
        await server.stop()
        await pool.close()
        await log.close()


@pytest.mark.parametrize("name", LISTINGS)
async def test_each_listing_answers_exactly_what_it_documents_and_pages_leave_nothing_out(
    world: World, name: str
) -> None:
    answer = await world.get(f"/{name}", limit=500)
    page: Any = Page
    page[LISTINGS[name]].model_validate(answer)
    assert answer["items"]
    assert answer["as_of"] == await world.log.head()
    assert answer["next_cursor"] is None
    assert await world.every(f"/{name}", limit=3) == answer["items"]
    assert len(answer["items"]) == len(world.memory.models[name])


async def test_quotes_are_what_the_log_folds_to_newest_first(world: World) -> None:
    rows = await world.every("/quotes", limit=7)
    expected = sorted(world.memory.models["quotes"], key=lambda line: -line["quote_id"])
    assert [row["quote_id"] for row in rows] == [line["quote_id"] for line in expected]
    for row, line in zip(rows, expected, strict=True):
        for name in ("quantity", "opened_price", "hedged", "required", "verdict", "party_a", "close_quantity"):
            assert row[name] == line[name], name
        assert row["deadline"] == min(line["deadline"], 253_402_300_799)
        assert row["symbol"] in ("BTCUSDT", "ETHUSDT")


async def test_exposure_sums_are_exact(world: World) -> None:
    rows = (await world.get("/exposure"))["items"]
    assert rows == world.memory.models["exposure"]


async def test_funding_tells_charges_that_hold_newest_first_and_sums_of_epochs(world: World) -> None:
    charges, epochs = await world.every("/funding", limit=7), await world.every("/funding/epochs", limit=3)
    holding = [line for line in world.memory.models["funding_charges"] if line["holds"]]
    assert [row["position"] for row in charges] == sorted((line["position"] for line in holding), reverse=True)
    assert charges
    assert len(holding) < len(world.memory.models["funding_charges"])
    assert sorted(epochs, key=lambda row: (row["symbol"], row["epoch"])) == world.memory.models["funding_epochs"]
    quote_id = charges[0]["quote_id"]
    of_quote = (await world.get("/funding", quote_id=quote_id))["items"]
    assert of_quote == [row for row in charges if row["quote_id"] == quote_id]
    of_symbol = await world.every("/funding", symbol="ethusdt", limit=500)
    assert of_symbol == [row for row in charges if row["symbol"] == "ETHUSDT"]


async def test_filters_take_what_matches_and_nothing_else(world: World) -> None:
    every = await world.every("/quotes", limit=500)
    for parameters, fits in (
        ({"status": ["opened", "pending"]}, lambda row: row["status"] in ("opened", "pending")),
        ({"symbol": "ethusdt"}, lambda row: row["symbol"] == "ETHUSDT"),
        ({"party_a": ALICE.upper().replace("0X", "0x")}, lambda row: row["party_a"] == ALICE),
        ({"live": True}, lambda row: row["is_live"]),
        ({"live": False}, lambda row: not row["is_live"]),
        ({"live": True, "symbol": "BTCUSDT"}, lambda row: row["is_live"] and row["symbol"] == "BTCUSDT"),
        ({"verdict": "rejected"}, lambda row: row["verdict"] == "rejected"),
    ):
        expected = [row for row in every if fits(row)]
        assert 0 < len(expected) < len(every), parameters
        assert await world.every("/quotes", limit=2, **parameters) == expected


async def test_orders_transactions_and_notifications_of_one_quote(world: World) -> None:
    quote_id = next(line["quote_id"] for line in world.memory.models["orders"] if line["quote_id"])
    for name in ("orders", "transactions", "notifications"):
        rows = (await world.get(f"/{name}", quote_id=quote_id))["items"]
        expected = [line for line in world.memory.models[name] if line["quote_id"] == quote_id]
        assert len(rows) == len(expected) > 0
    settled = (await world.get("/orders", settled=True, state="ended", symbol="BTCUSDT"))["items"]
    assert settled
    assert {(row["state"], row["symbol"]) for row in settled} == {("ended", "BTCUSDT")}
    failed = (await world.get("/notifications", action_status="failed", modify_time_gte=0))["items"]
    assert failed
    assert all(row["error_code"] for row in failed)
    assert (await world.get("/notifications", modify_time_gte=2_000_000_000))["items"] == []


async def test_obligations_stand_most_urgent_first(world: World) -> None:
    rows = await world.every("/obligations", limit=1)
    assert [row["due_at"] for row in rows] == sorted(row["due_at"] for row in rows)
    first = rows[0]["due_at"]
    assert all(row["due_at"] < first + 1 for row in (await world.get("/obligations", due_before=first + 1))["items"])


async def test_one_quote_and_its_history_are_as_of_the_same_log(world: World) -> None:
    rejected = (await world.get("/quotes", verdict="rejected"))["items"][0]
    answer = await world.get(f"/quotes/{rejected['quote_id']}")
    Single[QuoteOut].model_validate(answer)
    assert answer["item"] == rejected
    history = await world.get(f"/quotes/{rejected['quote_id']}/history")
    HistoryOut.model_validate(history)
    assert [line["event"] for line in history["lines"]] == ["QuoteSent", "QuoteRejected"]
    judged = history["lines"][1]
    assert judged["details"]["rules_failed"] == ["smallest notional"]
    assert judged["details"]["inputs"]["market"]["mark"] == "100"
    positions = [line["position"] for line in history["lines"]]
    assert positions == sorted(positions)
    assert positions[-1] <= history["as_of"]


async def test_a_history_holds_every_event_of_the_quote(world: World) -> None:
    quote = max(await world.every("/quotes", limit=500), key=lambda row: row["version"])
    history = await world.get(f"/quotes/{quote['quote_id']}/history")
    assert len(history["lines"]) == quote["version"]
    assert {line["kind"] for line in history["lines"]} == {"fact", "decision", "order", "transaction"}


@pytest.mark.parametrize(
    ("path", "status", "field"),
    [
        ("/quotes/999999", 404, "quote_id"),
        ("/quotes/999999/history", 404, "quote_id"),
        ("/quotes/abc", 422, "quote_id"),
        ("/quotes/99999999999999999999", 422, "quote_id"),
        ("/quotes?limit=0", 422, "limit"),
        ("/quotes?limit=501", 422, "limit"),
        ("/quotes?status=sideways", 422, None),
        ("/quotes?party_a=0x12", 422, "party_a"),
        ("/quotes?symbol=%00", 422, "symbol"),
        ("/quotes?cursor=abc", 422, "cursor"),
        ("/quotes?cursor=1~2", 422, "cursor"),
        ("/quotes?cursor=99999999999999999999", 422, "cursor"),
        ("/obligations?cursor=1", 422, "cursor"),
        ("/error_codes/1", 404, "error_code"),
        ("/nowhere", 404, None),
    ],
)
async def test_bad_input_is_told_with_code_text_and_field(
    world: World, path: str, status: int, field: str | None
) -> None:
    response = await world.client.get(path)
    assert response.status_code == status
    body = response.json()
    assert body["error_code"] >= 4000
    assert body["error_message"]
    if field is not None:
        assert body["field"] == field
    body.pop("detail", None)
    ErrorOut.model_validate(body, extra="forbid")


async def test_a_422_carries_the_frameworks_list_too(world: World) -> None:
    body = (await world.client.get("/quotes", params={"limit": "many"})).json()
    assert body["detail"][0]["loc"] == ["query", "limit"]
    assert body["error_detail"] == [f"query.limit: {body['detail'][0]['msg']}"]


async def test_every_error_code_has_a_text_and_one_can_be_asked_for(world: World) -> None:
    every = await world.get("/error_codes")
    assert every.keys() == {str(int(code)) for code in MEANINGS if code}
    assert await world.get("/error_codes/4203") == {"4203": every["4203"]}


async def test_ready_only_while_every_check_is_well(world: World) -> None:
    answer = await world.get("/readyz")
    ReadyOut.model_validate(answer)
    assert answer["isReady"] is True
    assert answer["checks"]["projections"]["detail"].endswith(f"behind position {await world.log.head()}")
    world.checks["venue"] = CheckResult(False, "no answer for 12 s")
    response = await world.client.get("/readyz")
    world.checks.clear()
    assert response.status_code == 503
    assert response.json()["isReady"] is False
    assert response.json()["checks"]["venue"] == {"ok": False, "detail": "no answer for 12 s"}


async def test_health_and_metrics_answer(world: World) -> None:
    assert await world.get("/healthz") == {"status": "ok"}
    response = await world.client.get("/metrics")
    assert "hedger_blocks_total 3.0" in response.text
    assert response.headers["content-type"].startswith("text/plain")


async def test_browsers_may_call_and_may_read_errors(world: World) -> None:
    origin = {"Origin": "https://app.example"}
    preflight = await world.client.options(
        "/quotes",
        headers={**origin, "Access-Control-Request-Method": "GET", "Access-Control-Request-Headers": "App-Name"},
    )
    assert preflight.status_code == 200
    for path in ("/quotes", "/quotes?limit=0", "/nowhere"):
        response = await world.client.get(path, headers=origin)
        assert response.headers["access-control-allow-origin"] == "*", path


async def test_openapi_documents_every_route_with_its_answer(world: World) -> None:
    api = await world.get("/openapi.json")
    for name, shape in LISTINGS.items():
        answers = api["paths"][f"/{name}"]["get"]["responses"]
        reference = answers["200"]["content"]["application/json"]["schema"]["$ref"]
        page = api["components"]["schemas"][reference.rsplit("/", 1)[1]]
        assert page["properties"]["items"]["items"]["$ref"].endswith(f"/{shape.__name__}")
        assert answers["422"]["content"]["application/json"]["schema"]["$ref"].endswith("/ErrorOut")
    assert "swagger" in (await world.client.get("/docs")).text.lower()


async def test_rows_and_position_move_together_while_the_projector_writes(postgres_url: str) -> None:
    recorded = random_history(5, quotes=10)
    async with _world(postgres_url, recorded[:10]) as made:
        pool = await open_pool(postgres_url)
        projector = Projector(made.log, pool, all_projections(US), batch=3)
        running = asyncio.create_task(projector.run())
        seen: set[int] = set()
        try:
            for start in range(10, len(recorded), 20):
                await record(made.log, recorded[start : start + 20])
                for _ in range(3):
                    answer = await made.get("/quotes", limit=500)
                    seen.add(answer["as_of"])
                    expected = fold(recorded[: answer["as_of"]], US).models["quotes"]
                    shown = {row["quote_id"]: (row["version"], row["hedged"]) for row in answer["items"]}
                    assert shown == {line["quote_id"]: (line["version"], line["hedged"]) for line in expected}
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
            await pool.close()
    assert len(seen) > 5


async def test_before_anything_is_built_the_answer_is_503_and_not_an_empty_list(postgres_url: str) -> None:
    pool = await open_pool(postgres_url)
    ready = {"projections": checks.projections(pool, _no_head), "head": checks.age("block", lambda: None, max_s=5)}
    server = await serve(create_app(ApiDeps(pool=pool, log=_NoLog(), checks=ready)))
    try:
        async with httpx.AsyncClient(base_url=server.url) as client:
            response = await client.get("/quotes")
            assert (response.status_code, response.json()["error_message"]) == (
                503,
                "the read models have not been built yet",
            )
            told = (await client.get("/readyz")).json()
            assert told["checks"]["head"] == {"ok": False, "detail": "no block yet"}
            assert told["checks"]["projections"]["ok"] is False
            assert (await client.get("/metrics")).status_code == 404
    finally:
        await server.stop()
        await pool.close()


async def test_an_unexpected_failure_is_told_in_the_same_shape_with_cors(postgres_url: str) -> None:
    pool = await open_pool(postgres_url)
    app = create_app(ApiDeps(pool=pool, log=_NoLog()))

    @app.get("/fails")
    async def fails() -> None:
        raise RuntimeError("a fault of ours")

    server = await serve(app)
    try:
        async with httpx.AsyncClient(base_url=server.url) as client:
            response = await client.get("/fails", headers={"Origin": "https://app.example"})
            assert (response.status_code, response.json()["error_code"]) == (500, 4007)
            assert "a fault of ours" not in response.text
            assert response.headers["access-control-allow-origin"] == "*"
    finally:
        await server.stop()
        await pool.close()


async def test_a_check_that_hangs_or_raises_is_not_well(postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hedger.api.routers.health.CHECK_TIMEOUT_S", 0.05)

    async def hangs() -> CheckResult:
        await asyncio.sleep(60)
        return CheckResult(True, "")

    async def raises() -> CheckResult:
        raise ConnectionError("refused")

    pool = await open_pool(postgres_url)
    server = await serve(create_app(ApiDeps(pool=pool, log=_NoLog(), checks={"a": hangs, "b": raises})))
    try:
        async with httpx.AsyncClient(base_url=server.url) as client:
            told = (await client.get("/readyz")).json()["checks"]
            assert told["a"] == {"ok": False, "detail": "no answer within 0.05 s"}
            assert told["b"] == {"ok": False, "detail": "ConnectionError: refused"}
    finally:
        await server.stop()
        await pool.close()


async def test_stopping_lets_running_requests_end_and_leaves_signals_alone(postgres_url: str) -> None:
    pool = await open_pool(postgres_url)
    app = create_app(ApiDeps(pool=pool, log=_NoLog()))
    entered = asyncio.Event()

    @app.get("/slow")
    async def slow() -> dict[str, bool]:
        entered.set()
        await asyncio.sleep(0.2)
        return {"done": True}

    before = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)
    server = await serve(app)
    assert (signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)) == before
    async with httpx.AsyncClient(base_url=server.url) as client:
        request = asyncio.create_task(client.get("/slow"))
        await entered.wait()
        await server.stop()
        assert (await request).json() == {"done": True}
        with pytest.raises(httpx.ConnectError):
            await httpx.AsyncClient(base_url=server.url).get("/healthz")
    await pool.close()


async def test_a_taken_port_is_an_error(postgres_url: str) -> None:
    pool = await open_pool(postgres_url)
    app = create_app(ApiDeps(pool=pool, log=_NoLog()))
    server = await serve(app)
    with pytest.raises(OSError, match="in use"):
        await serve(app, port=server.port)
    await server.stop()
    await pool.close()


async def _no_head() -> int:
    return 0


class _NoLog:
    """A log that no test asks."""

    async def events_of(
        self, aggregate_id: object, *, after_version: int = 0, upto: int | None = None
    ) -> list[Recorded]:
        raise AssertionError("not asked for")
