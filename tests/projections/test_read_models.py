"""The read models: rows follow from the log alone, however it is cut into batches, in tables and in memory alike."""

from collections.abc import Iterator, Sequence
from random import Random
from typing import Any
from uuid import uuid4

import msgspec
import psycopg
import pytest
from psycopg import sql

from hedger.adapters.log.codec import EventCodec
from hedger.adapters.log.port import Change
from hedger.adapters.log.postgres_log import PostgresEventLog
from hedger.adapters.postgres import open_pool
from hedger.domain import chain_facts as facts
from hedger.domain.account import Account
from hedger.domain.catalogue import ALL_EVENTS
from hedger.domain.chain_facts import PositionOpened
from hedger.domain.events import Recorded
from hedger.domain.feed import BlocksReadopted
from hedger.domain.funding import epoch_of
from hedger.domain.money import WAD, from_text, to_text
from hedger.domain.quote import events
from hedger.domain.quote.quote import Quote
from hedger.domain.reverts import RevertAction
from hedger.domain.terms import BalanceChange, CallKind, Leg, OrderType, PositionType, QuoteStatus, Side, TradingState
from hedger.domain.transactions import Call
from hedger.domain.wallet import NonceLost, TransactionWithheld
from hedger.projections.catalogue import all_models, all_projections
from hedger.projections.engine import Projector
from hedger.projections.memory import difference, fold
from hedger.projections.model import ReadModel
from hedger.projections.quotes import QuoteRow
from hedger.projections.states import state_codec
from hedger.projections.tables import columns_of
from tests.projections.histories import (
    ALICE,
    BOB,
    CHAIN,
    DIAMOND,
    EPOCH_S,
    OTHER,
    US,
    History,
    quote_aggregate,
    random_history,
    wallet_id,
)

VIEWS = {"positions": "quote_id", "exposure": "symbol_id", "funding_epochs": "symbol, epoch"}
Tables = dict[str, list[tuple[Any, ...]]]


async def tables_in(connection: psycopg.AsyncConnection[Any]) -> Tables:
    """Every row of every table and view, by key."""
    rows: Tables = {}
    for name, keys in [*_keys(), *VIEWS.items()]:
        cursor = await connection.execute(f"SELECT * FROM {name} ORDER BY {keys}".encode())
        rows[name] = await cursor.fetchall()
    return rows


async def tables_after(url: str, recorded: Sequence[Recorded], sizes: Iterator[int]) -> Tables:
    """Every row of every table and view after projecting the events in batches of these sizes."""
    schema = f"read_{uuid4().hex}"
    projections = all_projections(US)
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
        await connection.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(schema)))
        await connection.execute(sql.SQL("SET search_path TO {}").format(sql.Identifier(schema)))
        for projection in projections:
            await connection.execute(projection.tables.encode())
        done = 0
        while done < len(recorded):
            batch = recorded[done : done + next(sizes)]
            done += len(batch)
            for projection in projections:
                async with connection.transaction():
                    await projection.apply(batch, connection)
        return await tables_in(connection)


def _keys() -> list[tuple[str, str]]:
    sheets = [sheet for make in all_models(US) for sheet in make().sheets]
    return [(sheet.table.name, ", ".join(sheet.table.key)) for sheet in sheets]


def _forever(*sizes: int) -> Iterator[int]:
    while True:
        yield from sizes


def _random_sizes(seed: int) -> Iterator[int]:
    random = Random(seed)
    while True:
        yield random.choice((1, 2, 3, 7, 30))


@pytest.mark.parametrize("seed", range(3))
async def test_batches_of_any_cut_give_the_same_rows(module_postgres_url: str, seed: int) -> None:
    recorded = random_history(seed)
    whole = await tables_after(module_postgres_url, recorded, _forever(len(recorded)))
    one_by_one = await tables_after(module_postgres_url, recorded, _forever(1))
    cut = await tables_after(module_postgres_url, recorded, _random_sizes(seed))
    assert whole == one_by_one == cut
    assert {name for name, rows in whole.items() if rows} >= {"quotes", "orders", "transactions", "exposure", "fills"}


async def test_dropped_and_rebuilt_from_the_log_the_rows_are_the_same(postgres_url: str) -> None:
    log = await PostgresEventLog.open(postgres_url, EventCodec(ALL_EVENTS), lambda: 1_760_000_000_000)
    pool = await open_pool(postgres_url)
    for each in random_history(30):
        change = Change(aggregate_id=each.aggregate_id, expected_version=each.version - 1, events=(each.event,))
        await log.append([change], correlation_id="test", causation_id="test")
    projector = Projector(log, pool, all_projections(US), batch=17)
    await projector.catch_up()
    async with pool.connection() as connection:
        before = await tables_in(connection)
        for projection in all_projections(US):
            await projector.rebuild(projection.name)
        assert await tables_in(connection) == before
    assert len(before["notifications"]) > 20
    await pool.close()
    await log.close()


@pytest.mark.parametrize("seed", range(3, 6))
async def test_tables_hold_what_the_fold_in_memory_holds(module_postgres_url: str, seed: int) -> None:
    recorded = random_history(seed)
    tables = await tables_after(module_postgres_url, recorded, _random_sizes(seed))
    memory = fold(recorded, US).models
    for name in memory:
        assert len(memory[name]) == len(tables[name]), name
    shown = [(line["symbol"], from_text(line["required"]), from_text(line["hedged"])) for line in memory["exposure"]]
    assert shown == [(row[1], int(row[3]), int(row[4])) for row in tables["exposure"]]
    assert [tuple(line.values()) for line in memory["funding_epochs"]] == [
        (*row[:3], *(to_text(int(amount)) for amount in row[3:])) for row in tables["funding_epochs"]
    ]
    residuals = [from_text(line["residual"]) for line in memory["positions"]]
    assert residuals == [int(row[13]) for row in tables["positions"]]


def test_two_replays_of_one_log_are_byte_identical_and_differ_in_nothing() -> None:
    recorded = random_history(7)
    once, again = fold(recorded, US), fold(recorded, US)
    assert once.to_json() == again.to_json()
    assert difference(once, again) == []


def test_the_difference_of_two_positions_names_the_fields_that_moved() -> None:
    history = History()
    history.sent(1)
    history.judged(1)
    before = fold(history.recorded[:1], US)
    after = fold(history.recorded, US)
    found = {(each.model, each.field): (each.left, each.right) for each in difference(before, after)}
    assert found["quotes", "verdict"] == ("none", "accepted")
    assert found["symbols", "name"] == (None, "BTCUSDT")
    assert ("quotes", "party_a") not in found


@pytest.mark.parametrize("seed", range(8, 14))
def test_exposure_is_what_the_events_themselves_add_up_to(seed: int) -> None:
    recorded = random_history(seed, quotes=20)
    hedged: dict[str, int] = {}
    orders: dict[str, events.OrderRequested] = {}
    for each in recorded:
        if isinstance(each.event, events.OrderRequested):
            orders[each.event.client_order_id] = each.event
        if isinstance(each.event, events.OrderFilled):
            order = orders[each.event.client_order_id]
            sign = 1 if order.side is Side.BUY else -1
            hedged[order.symbol] = hedged.get(order.symbol, 0) + sign * each.event.quantity
    shown = {line["symbol"]: from_text(line["hedged"]) for line in fold(recorded, US).models["exposure"]}
    assert {symbol: shown.get(symbol, 0) for symbol in hedged} == hedged
    for line in fold(recorded, US).models["exposure"]:
        assert from_text(line["required"]) - from_text(line["hedged"]) == from_text(line["residual"])


def test_what_a_residual_book_holds_counts_as_hedged_and_its_orders_name_no_quote() -> None:
    history = History()
    order_id = history.residual_hedged(3 * WAD)
    history.residual_hedged(-1 * WAD)
    models = fold(history.recorded, US).models
    (line,) = models["residuals"]
    assert (line["symbol"], line["held"], line["residual"], line["orders"]) == ("BTCUSDT", "2", "-1", 2)
    (exposed,) = models["exposure"]
    assert (exposed["required"], exposed["hedged"], exposed["by_book"], exposed["residual"]) == ("0", "2", "2", "-2")
    assert [each["quote_id"] for each in models["orders"] if each["client_order_id"] == order_id] == [0]
    assert [each["quote_id"] for each in models["fills"]] == [0, 0]


def test_a_hedged_position_leaves_no_residual_and_a_hedge_without_one_is_told_apart() -> None:
    history = History()
    history.protocol()
    for quote_id, position_type in ((1, PositionType.LONG), (2, PositionType.SHORT)):
        history.sent(quote_id, position_type=position_type, quantity=quote_id * WAD)
        history.judged(quote_id)
        history.locked(quote_id)
        history.ordered(quote_id, Leg.OPEN, quote_id * WAD, [(quote_id * WAD, 100 * WAD)], position_type=position_type)
    history.opened(1, WAD, 100 * WAD)
    (line,) = fold(history.recorded, US).models["exposure"]
    assert (line["required"], line["hedged"], line["residual"]) == ("1", "-1", "2")
    assert (line["unopened"], line["positions"], line["notional"]) == ("-2", 1, "100")
    history.opened(2, 2 * WAD, 100 * WAD)
    (line,) = fold(history.recorded, US).models["exposure"]
    assert (line["required"], line["residual"], line["unopened"], line["notional"]) == ("-1", "0", "0", "300")


def test_a_quote_orphaned_from_the_chain_keeps_its_hedge_in_the_exposure() -> None:
    history = History()
    history.sent(1)
    sent_in = history.block_hash
    history.mine()
    history.judged(1)
    history.ordered(1, Leg.OPEN, 2 * WAD, [(2 * WAD, 100 * WAD)])
    history.orphan(sent_in, aggregates=[quote_aggregate(1)])
    models = fold(history.recorded, US).models
    assert models["quotes"][0]["status"] is None
    assert models["quotes"][0]["party_a"] == ALICE
    assert [(line["symbol"], line["hedged"]) for line in models["exposure"]] == [("BTCUSDT", "2")]


def test_another_hedgers_position_is_neither_ours_nor_required() -> None:
    history = History()
    history.sent(1)
    history.judged(1)
    history.locked(1, party_b=OTHER)
    history.quote(
        1,
        PositionOpened(
            source=history.source(), quote_id=1, party_a=ALICE, party_b=OTHER, quantity=2 * WAD, price=100 * WAD
        ),
    )
    models = fold(history.recorded, US).models
    assert (models["quotes"][0]["is_ours"], models["quotes"][0]["required"]) == (False, "0")
    assert models["positions"] == models["exposure"] == models["obligations"] == []


def _open_position(history: History, quote_id: int = 1) -> None:
    history.sent(quote_id)
    history.judged(quote_id)
    history.locked(quote_id)
    history.opened(quote_id, 2 * WAD, 100 * WAD)


def test_funding_is_told_per_quote_and_per_epoch_against_what_the_venue_paid() -> None:
    history = History()
    _open_position(history)
    before = history.now
    history.funded(1, WAD // 1000)
    history.venue_funding("BTCUSDT", -WAD // 4)
    models = fold(history.recorded, US).models
    [charge] = models["funding_charges"]
    assert (charge["rate"], charge["opened_price"], charge["amount"]) == ("0.001", "100", "0.2")
    assert charge["charged_at"] == history.now > before
    [epoch] = models["funding_epochs"]
    assert epoch == {
        "symbol": "BTCUSDT",
        "epoch": charge["epoch"],
        "charges": 1,
        "charged": "0.2",
        "received": "-0.25",
        "net": "-0.05",
    }
    assert charge["epoch"] == epoch_of(history.now, EPOCH_S, EPOCH_S // 6) > 0
    assert models["positions"][0]["opened_price"] == "100.1"


def test_a_second_charge_is_of_the_price_that_the_first_one_left() -> None:
    history = History()
    _open_position(history)
    history.funded(1, WAD // 1000)
    history.funded(1, -WAD // 1000)
    amounts = [line["amount"] for line in fold(history.recorded, US).models["funding_charges"]]
    assert amounts == ["0.2", "-0.2002"]


def test_a_charge_in_an_orphaned_block_counts_no_more_until_it_is_back() -> None:
    history = History()
    _open_position(history)
    block_hash = history.funded(1, WAD // 1000)
    history.orphan(block_hash, aggregates=[quote_aggregate(1)])
    models = fold(history.recorded, US).models
    assert (models["funding_charges"][0]["holds"], models["funding_epochs"]) == (False, [])
    history.add(quote_aggregate(1), BlocksReadopted(chain_id=CHAIN, block_hashes=(block_hash,)))
    assert fold(history.recorded, US).models["funding_epochs"][0]["charged"] == "0.2"


def test_what_another_hedger_charges_is_not_ours() -> None:
    history = History()
    _open_position(history)
    history.funded(1, WAD // 1000, party_b=OTHER)
    assert fold(history.recorded, US).models["funding_charges"] == []


def test_obligations_follow_the_quote_and_move_with_the_cooldowns() -> None:
    history = History()
    history.protocol(cooldown_s=100)
    history.sent(1)
    deadline = history.now + 3600
    history.judged(1)
    history.locked(1)
    assert [(o["duty"], o["due_at"]) for o in fold(history.recorded, US).models["obligations"]] == [("open", deadline)]
    history.mine()
    history.cancel_asked(1)
    (owed,) = fold(history.recorded, US).models["obligations"]
    assert (owed["duty"], owed["due_at"]) == ("answer_cancel", history.now + 100)
    asked_at = history.now
    history.mine(5)
    history.protocol(cooldown_s=250)
    (owed,) = fold(history.recorded, US).models["obligations"]
    assert (owed["due_at"], owed["at_stake"]) == (asked_at + 250, "200")
    history.quote(1, facts.CancelAccepted(source=history.source(), quote_id=1))
    assert fold(history.recorded, US).models["obligations"] == []


def test_without_the_contracts_parameters_nothing_is_said_to_be_due() -> None:
    history = History()
    history.sent(1)
    history.locked(1)
    assert fold(history.recorded, US).models["obligations"] == []


def test_an_order_row_tells_price_fees_and_the_venues_last_word() -> None:
    history = History()
    history.sent(1)
    history.judged(1)
    history.ordered(1, Leg.OPEN, 3 * WAD, [(WAD, 100 * WAD), (WAD, 101 * WAD)])
    (order,) = fold(history.recorded, US).models["orders"]
    assert (order["filled"], order["average_price"], order["fees"]) == ("2", "100.5", {"USDT": "0.002"})
    assert (order["state"], order["end_status"], order["executed"]) == ("ended", "canceled", "2")
    assert order["accepted_at_ms"] < order["ended_at_ms"]
    assert order["first_position"] < order["last_position"]


def test_a_transaction_row_tells_versions_gas_and_fee_and_a_reorganisation_unmines_it() -> None:
    history = History()
    history.sent(1)
    block_hash = history.transacts(1, Call(kind=CallKind.LOCK, allocate=20 * WAD))
    (mined,) = fold(history.recorded, US).models["transactions"]
    assert (mined["state"], mined["sent_state"], mined["quote_id"]) == ("succeeded", "mined", 1)
    assert mined["fee_wei"] == str(210_000 * 20 * 10**9)
    history.orphan(block_hash, aggregates=[wallet_id()])
    (signed,) = fold(history.recorded, US).models["transactions"]
    assert (signed["state"], signed["sent_state"]) == ("succeeded", "signed")
    history.orphan(block_hash, aggregates=[quote_aggregate(1)])
    (pending,) = fold(history.recorded, US).models["transactions"]
    assert (pending["state"], pending["sent_state"], pending["fee_wei"]) == ("requested", "signed", "0")


def test_a_lost_nonce_and_a_withheld_transaction_are_told() -> None:
    history = History()
    history.sent(1)
    history.transacts(1, Call(kind=CallKind.LOCK), failed="PartyBFacet: Invalid state")
    history.wallet(
        NonceLost(request_id="h-1-lock-1", nonce=3, proven_at_block=history.block),
        TransactionWithheld(
            request_id="h-1-open-1",
            stage="signature",
            reason="no signature",
            action=RevertAction.WAIT,
            block_timestamp=history.now,
        ),
    )
    lost, withheld = fold(history.recorded, US).models["transactions"]
    assert (lost["nonces_lost"], lost["sent_state"], lost["state"]) == (1, "", "failed")
    assert (lost["reason"], lost["action"]) == ("PartyBFacet: Invalid state", "state_moved")
    assert withheld["withheld"] == "signature: no signature"


def test_accounts_add_up_allocations_and_forget_those_of_orphaned_blocks() -> None:
    history = History()
    history.allocated(ALICE, 30 * WAD)
    history.mine()
    history.allocated(ALICE, 5 * WAD, BalanceChange.CVA_OUT)
    history.allocated(BOB, 7 * WAD)
    gone = history.block_hash
    history.mine()
    history.account(ALICE, facts.SuspensionChanged(source=history.source(), party_a=ALICE, suspended=True))
    rows = {row["party_a"]: row for row in fold(history.recorded, US).models["accounts"]}
    assert (rows[ALICE]["allocated"], rows[ALICE]["is_suspended"], rows[BOB]["allocated"]) == ("25", True, "7")
    history.orphan(gone, aggregates=[Account.create_id(CHAIN, DIAMOND, US, ALICE)])
    rows = {row["party_a"]: row for row in fold(history.recorded, US).models["accounts"]}
    assert rows[ALICE]["allocated"] == "30"


def test_a_mismatch_keeps_one_row_until_it_is_resolved_and_a_new_one_after() -> None:
    history = History()
    for resolved in (False, False, True, False):
        history.mine()
        history.mismatch("BTCUSDT", resolved=resolved)
    first, second = fold(history.recorded, US).models["mismatches"]
    assert (first["is_open"], first["resolved_position"], first["found_position"]) == (False, 3, 1)
    assert (second["is_open"], second["found_position"]) == (True, 4)


def test_an_alert_keeps_one_row_until_it_is_cleared_and_a_new_one_after() -> None:
    history = History()
    for cleared in (False, True, True, False):
        history.alert("requests", cleared=cleared)
    history.alert_told(delivered=False)
    history.alert_told(delivered=True)
    models = fold(history.recorded, US).models
    first, second = models["alerts"]
    assert (first["is_open"], first["cleared_position"], first["raised_position"]) == (False, 2, 1)
    assert (first["text"], first["cleared_text"]) == ("requests is silent", "requests is well")
    assert (second["is_open"], second["raised_position"], second["threshold"]) == (True, 4, "30")
    assert [(row["target"], row["is_delivered"], row["reason"]) for row in models["alert_deliveries"]] == [
        ("ops", False, "not reached"),
        ("ops", True, ""),
    ]


def test_trading_states_and_rejected_inputs_are_kept() -> None:
    history = History()
    history.trading(TradingState.HALTED)
    history.trading(TradingState.REDUCING)
    history.rejected_input("0xzz")
    models = fold(history.recorded, US).models
    assert [(row["scope"], row["state"]) for row in models["trading_states"]] == [("*", "reducing")]
    assert [(row["raw"], row["field"]) for row in models["inputs_rejected"]] == [("0xzz", "price")]


def test_a_decision_on_a_quote_that_no_fact_began_is_refused() -> None:
    history = History()
    history.judged(9)
    with pytest.raises(ValueError, match="begins with no fact"):
        fold(history.recorded, US)


def test_a_quote_is_stored_and_read_back_as_it_was() -> None:
    for seed in range(3):
        quotes: dict[Any, Quote] = {}
        for each in random_history(seed):
            if isinstance(each.event, facts.QuoteSent):
                quotes[each.aggregate_id] = Quote(
                    id=each.aggregate_id, chain_id=CHAIN, diamond="", quote_id=each.event.quote_id
                )
            if each.aggregate_id in quotes:
                quotes[each.aggregate_id].advance([each.event])
        codec = state_codec(Quote)
        assert all(codec.decode(codec.encode(quote)) == quote for quote in quotes.values())


async def test_whole_numbers_of_256_bits_and_texts_with_nul_are_kept(module_postgres_url: str) -> None:
    history = History()
    history.sent(1, deadline=2**256 - 1, quantity=2**200, price=2**200)
    history.rejected_input("a\x00b")
    tables = await tables_after(module_postgres_url, history.recorded, _forever(10))
    names = [column.name for column in columns_of(QuoteRow)]
    row = dict(zip(names, tables["quotes"][0], strict=True))
    assert int(row["deadline"]) == 2**256 - 1
    assert int(row["notional"]) == 2**400 // WAD
    assert tables["inputs_rejected"][0][-1] == "a\ufffdb"


def test_every_read_model_has_a_name_of_its_own_and_tables_of_its_own() -> None:
    models: list[ReadModel] = [make() for make in all_models(US)]
    names = [model.name for model in models]
    tables = [sheet.table.name for model in models for sheet in model.sheets]
    assert len(set(names)) == len(names)
    assert len(set(tables)) == len(tables)


def test_a_row_field_that_no_column_holds_is_refused() -> None:
    class Odd(msgspec.Struct):
        share: float

    with pytest.raises(TypeError, match="share"):
        columns_of(Odd)


def test_every_recorded_event_of_the_catalogue_can_be_folded() -> None:
    told = {type(each.event) for seed in range(6) for each in random_history(seed, quotes=30)}
    assert len(told & set(ALL_EVENTS)) >= 20


def test_a_market_close_filled_in_full_ends_the_position() -> None:
    history = History()
    history.protocol()
    history.sent(1, order_type=OrderType.MARKET)
    history.judged(1)
    history.locked(1)
    history.ordered(1, Leg.OPEN, 2 * WAD, [(2 * WAD, 99 * WAD)])
    history.opened(1, 2 * WAD, 100 * WAD)
    history.close_asked(1, 2 * WAD)
    assert [o["duty"] for o in fold(history.recorded, US).models["obligations"]] == ["close"]
    history.ordered(1, Leg.CLOSE, 2 * WAD, [(2 * WAD, 110 * WAD)], close_id=10)
    history.close_filled(1, 2 * WAD, 109 * WAD, QuoteStatus.CLOSED)
    models = fold(history.recorded, US).models
    assert models["positions"] == models["exposure"] == models["obligations"] == []
    quote = models["quotes"][0]
    assert (quote["hedge_open_price"], quote["hedge_close_price"], quote["average_closed_price"]) == (
        "99",
        "110",
        "109",
    )
    assert (quote["is_live"], quote["hedged"]) == (False, to_text(0))
