"""The log is the truth: read models come out of it the same at any position, any number of times; nobody edits it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any

import msgspec
import psycopg
import pytest
from e2e_commands import asked, command
from e2e_log import LogReader, log_of
from e2e_trading import Crowd, until
from psycopg import sql

from devnet.demo.api import HedgerApi, Row
from devnet.traders import Habits
from devnet.world import PROXY_HEDGER, LocalHedger, World
from hedger.adapters.log.schema import LogTables, grants
from hedger.bootstrap import projector_of
from hedger.config import load
from hedger.projections.catalogue import all_models
from hedger.projections.exposure import ExposureRow
from hedger.projections.memory import Line, line_of
from hedger.projections.open_positions import PositionRow
from hedger.projections.tables import columns_of

SEED = 11
TRADING_S = 10.0
LOOK_S = 0.4
REPLAYED_BY_COMMAND = 2
APPLICATION = "e2e_application"
TABLES = LogTables("hedger")
# What the fold keeps for itself, and shows to nobody.
INTERNAL = {"protocol_parameters", "pnl_books", "pnl_opening", "pnl_trades"}
# What the API and the fold say in the same words.
SAME_WORDS = ("quote_id", "party_a", "quantity", "open_quantity", "required", "hedged")


@dataclass(frozen=True)
class Seen:
    """One read model as the live hedger had it, and the log position it belonged to."""

    model: str
    position: int
    lines: list[Line]


@dataclass
class Traded:
    """A hedger after a while of trading, and what was seen of it meanwhile."""

    hedger: LocalHedger
    log: LogReader
    party_b: str
    seen: list[Seen] = field(default_factory=list)
    answers: list[tuple[int, list[Row]]] = field(default_factory=list)


@pytest.fixture(scope="module")
async def traded(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Traded]:
    """Trades twice, each time with a reorganisation after, and looks at every read model; then the hedger ends."""
    async with AsyncExitStack() as stack:
        world = await stack.enter_async_context(World(tmp_path_factory.mktemp("replay"), hedgers=(PROXY_HEDGER,)))
        hedger = world.hedgers["proxy"]
        api = HedgerApi(world.session, await world.start_hedger())
        log = await stack.enter_async_context(log_of(hedger))
        traded = Traded(hedger, log, load(hedger.process.config).chain.party_b)
        looking = asyncio.create_task(_look(traded, api))
        for seed in (SEED, SEED + 100):
            crowd = Crowd(await world.traders(5, sub_accounts=1), seed=seed, habits=Habits(most_live=5), pause_s=0.2)
            crowd.start()
            await asyncio.sleep(TRADING_S / 2)
            await crowd.stop()
            await world.chain.reorg(2)
        await until(lambda: _is_quiet(log), within_s=20.0)
        looking.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await looking
        await world.kill_hedger()
        yield traded


async def test_what_the_live_hedger_showed_is_what_a_replay_to_that_position_shows(traded: Traded) -> None:
    positions = {seen.position for seen in traded.seen}
    assert len(positions) > 10
    folded = {position: (await traded.log.models(position)).models for position in sorted(positions)}
    different = [
        (seen.model, seen.position) for seen in traded.seen if _sorted(folded[seen.position][seen.model]) != seen.lines
    ]
    assert different == []


async def test_what_the_api_answered_is_what_a_replay_to_its_position_shows(traded: Traded) -> None:
    assert sum(len(rows) for _, rows in traded.answers) > 50
    for position, rows in traded.answers:
        folded = (await traded.log.models(position)).models["quotes"]
        assert _sorted(_words(row) for row in rows) == _sorted(_words(line) for line in folded)


async def test_the_command_shows_the_same_at_a_position_and_twice_the_same_bytes(traded: Traded) -> None:
    positions = sorted({seen.position for seen in traded.seen})
    for position in positions[:: max(1, len(positions) // REPLAYED_BY_COMMAND)][:REPLAYED_BY_COMMAND]:
        told = await asked(traded.hedger, "replay", "--to", str(position))
        assert told == msgspec.json.decode((await traded.log.models(position)).to_json())
    once, again = await asyncio.gather(*(command(traded.hedger, "replay", "--json") for _ in range(2)))
    assert once == again
    assert msgspec.json.decode(once)["position"] == await traded.log.log.head()


async def test_read_models_dropped_and_built_again_have_the_same_rows(traded: Traded) -> None:
    projector = projector_of(load(traded.hedger.process.config), traded.log.log, traded.log.pool)
    await projector.catch_up()
    before = await _everything(traded)
    assert sum(len(rows) for rows in before.values()) > 100
    for make in all_models(traded.party_b):
        await projector.rebuild(make().name)
    assert await _everything(traded) == before


@pytest.mark.parametrize(
    ("role", "refusal"),
    [("owner", psycopg.errors.RestrictViolation), (APPLICATION, psycopg.errors.InsufficientPrivilege)],
    ids=["owner", "application"],
)
@pytest.mark.parametrize("table", [TABLES.events, TABLES.facts])
@pytest.mark.parametrize(
    "statement", ["UPDATE {} SET {} = {}", "DELETE FROM {}", "TRUNCATE {}"], ids=["update", "delete", "truncate"]
)
async def test_nobody_changes_the_recorded_history(
    traded: Traded, role: str, refusal: type[psycopg.Error], table: str, statement: str
) -> None:
    head = await traded.log.log.head()
    column = sql.Identifier("notification_id" if table == TABLES.events else "position")
    query = sql.SQL(statement).format(sql.Identifier("public", table), column, column)
    async with traded.log.pool.connection() as connection, connection.transaction(force_rollback=True):
        if role != "owner":
            await connection.execute(sql.SQL("CREATE ROLE {}").format(sql.Identifier(role)))
            await connection.execute(grants(role, "hedger"))
            await connection.execute(sql.SQL("SET LOCAL ROLE {}").format(sql.Identifier(role)))
        with pytest.raises(refusal):
            await connection.execute(query)
    assert await traded.log.log.head() == head > 0
    assert await traded.log.problems() == []


async def _is_quiet(log: LogReader) -> bool:
    return not await log.under_way()


async def _look(traded: Traded, api: HedgerApi) -> None:
    while True:
        traded.seen += await _seen(traded)
        traded.answers.append(await api.all_of("quotes"))
        await asyncio.sleep(LOOK_S)


async def _seen(traded: Traded) -> list[Seen]:
    """Every read model at one moment, in one snapshot of the database."""
    found = []
    async with traded.log.pool.connection() as connection, connection.transaction():
        await connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        rows = await (await connection.execute("SELECT name, position FROM projection_positions")).fetchall()
        positions = dict(rows)
        for make in all_models(traded.party_b):
            model = make()
            shown: dict[str, type[msgspec.Struct]] = {sheet.table.name: sheet.table.row for sheet in model.sheets}
            if model.name == "quotes":
                shown |= {"positions": PositionRow, "exposure": ExposureRow}
            for name in shown.keys() - INTERNAL:
                found.append(Seen(name, positions[model.name], await _lines(connection, name, shown[name])))
    return found


async def _lines(connection: psycopg.AsyncConnection[Any], name: str, row: type[msgspec.Struct]) -> list[Line]:
    columns = columns_of(row)
    chosen = sql.SQL(", ").join(sql.Identifier(column.name) for column in columns)
    query = sql.SQL("SELECT {} FROM {}").format(chosen, sql.Identifier("public", name))
    rows = await (await connection.execute(query)).fetchall()
    kinds = [(column.name, column.sql_type) for column in columns]
    told = ({name: _value(kind, value) for (name, kind), value in zip(kinds, each, strict=True)} for each in rows)
    return _sorted(line_of(row(**each)) for each in told)


def _value(kind: str, value: Any) -> Any:
    if value is None or kind not in ("numeric", "text[]"):
        return value
    return int(value) if kind == "numeric" else tuple(value)


def _sorted(lines: Any) -> list[Line]:
    return sorted(lines, key=msgspec.json.encode)


def _words(row: Row) -> Line:
    return {word: row[word] for word in SAME_WORDS}


async def _everything(traded: Traded) -> dict[str, list[str]]:
    """Every row of every table of the read models, all columns, as the database writes them."""
    found = {}
    async with traded.log.pool.connection() as connection:
        for make in all_models(traded.party_b):
            for sheet in make().sheets:
                name = sql.Identifier("public", sheet.table.name)
                query = sql.SQL("SELECT t::text FROM {} AS t ORDER BY 1").format(name)
                found[sheet.table.name] = [row[0] for row in await (await connection.execute(query)).fetchall()]
    return found
