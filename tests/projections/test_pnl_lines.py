"""Profit and loss: which lines an event gives, what they add up to, and that they follow from the log alone."""

from typing import Any

import msgspec
import pytest

from hedger.adapters.log.codec import EventCodec
from hedger.adapters.log.port import Change
from hedger.adapters.log.postgres_log import PostgresEventLog
from hedger.adapters.postgres import open_pool
from hedger.domain import chain_facts as facts
from hedger.domain.accounting.equity import Measured, OpenPosition, prove
from hedger.domain.accounting.lines import exact_text
from hedger.domain.catalogue import ALL_EVENTS
from hedger.domain.events import Recorded
from hedger.domain.feed import BlocksReadopted
from hedger.domain.foreign import ForeignTradeDisowned
from hedger.domain.money import WAD, to_text
from hedger.domain.quote import events
from hedger.domain.terms import BalanceChange, Leg, OrderType, PositionType, QuoteStatus, Side
from hedger.domain.treasury import CarriedQuote, Treasury, TreasuryOpened
from hedger.domain.venue_cash import IncomeKind, VenueCash, VenueCashMoved, VenueCashOpened, VenuePosition
from hedger.domain.wallet import TransactionMined
from hedger.projections.catalogue import all_projections
from hedger.projections.engine import Projector
from hedger.projections.memory import fold
from hedger.projections.pnl import PnlModel
from hedger.projections.pnl_rows import PnlLineRow
from hedger.projections.pnl_sheets import By, statements, summed
from hedger.projections.pnl_sums import booked, booked_of
from tests.projections.histories import (
    ALICE,
    CHAIN,
    DIAMOND,
    OTHER,
    US,
    History,
    quote_aggregate,
    random_history,
    wallet_id,
)
from tests.projections.test_read_models import tables_after

TREASURY, CASH = Treasury.create_id(CHAIN, DIAMOND, US), VenueCash.create_id(CHAIN, DIAMOND, US, "paper")


def opening(quotes: tuple[CarriedQuote, ...] = (), *, block: int = 99, **more: Any) -> TreasuryOpened:
    return TreasuryOpened(
        chain_id=CHAIN,
        diamond=DIAMOND,
        party_b=US,
        block_number=block,
        block_hash="0xopen",
        block_timestamp=1,
        collateral_decimals=6,
        free=1_000 * WAD,
        vault=0,
        deallocated_at=0,
        allocations=more.get("allocations", {}),
        quotes=quotes,
    )


def wallet_opening(*positions: VenuePosition) -> VenueCashOpened:
    return VenueCashOpened(venue="paper", asset="USDT", wallet=500 * WAD, from_ms=0, counted=(), positions=positions)


class Books(History):
    """A history that begins with an opening state, and what profit and loss makes of it."""

    def __init__(self, *carried: CarriedQuote, positions: tuple[VenuePosition, ...] = (), block: int = 99) -> None:
        super().__init__()
        self.add(TREASURY, opening(carried, block=block))
        self.add(CASH, wallet_opening(*positions))

    def taken(self, quote_id: int = 1, **terms: Any) -> None:
        """An intent that is wanted."""
        self.sent(quote_id, **terms)
        self.judged(quote_id)

    def position(self, quote_id: int = 1, *, fill: int = 100 * WAD, price: int = 101 * WAD) -> str:
        """A long of 2: hedged at `fill` with a commission of 0.002, opened at `price`. Its block."""
        self.taken(quote_id)
        self.ordered(quote_id, Leg.OPEN, 2 * WAD, [(2 * WAD, fill)])
        return self.opened(quote_id, 2 * WAD, price)

    def cash(self, kind: IncomeKind, amount: int, *, trade_id: str = "", asset: str = "USDT", name: str = "") -> None:
        told = VenueCashMoved(
            venue="paper",
            kind=kind,
            name=name or kind.value.upper(),
            symbol="BTCUSDT" if trade_id else "",
            amount=amount,
            asset=asset,
            tran_id=str(len(self.recorded)),
            trade_id=trade_id,
            at_ms=self.now * 1000,
        )
        self.add(CASH, told)

    @property
    def model(self) -> PnlModel:
        return model_of(self)

    @property
    def lines(self) -> list[PnlLineRow]:
        cells = self.model.desk.lines.cells
        return [cells[key] for key in sorted(cells)]

    @property
    def sums(self) -> dict[str, str]:
        """By kind, gas left out."""
        found: dict[str, int] = {}
        for line in self.lines:
            if line.kind != "gas" and not line.asset:
                found[line.kind] = found.get(line.kind, 0) + line.amount
        return {kind: exact_text(amount) for kind, amount in found.items()}

    def held(self, symbol: str = "BTCUSDT") -> tuple[str, str]:
        """What is held unmatched, and what it cost."""
        booked = booked_of(self.model, 0)
        assert booked is not None
        quantity, cost = booked.inventory.get(symbol, (0, 0))
        return to_text(quantity), exact_text(cost)


# --- what events give


def test_an_opening_earns_its_price_against_the_market_at_which_the_hedge_was_decided() -> None:
    books = Books()
    books.position(fill=100 * WAD + WAD // 4, price=101 * WAD)
    assert books.sums == {"slippage": "-0.5", "fee": "-0.002", "spread": "2"}
    assert books.held() == ("0", "0")


def test_a_line_names_the_events_it_was_made_of() -> None:
    books = Books()
    books.position()
    by_event = {type(each.event).__name__: each.position for each in books.recorded}
    (spread,) = (line for line in books.lines if line.kind == "spread")
    assert spread.sources == (str(by_event["PositionOpened"]), str(by_event["OrderFilled"]))
    assert (spread.quote_id, spread.symbol, spread.party_a) == (1, "BTCUSDT", ALICE)


def test_what_the_contracts_rounding_keeps_is_a_line() -> None:
    books = Books()
    books.taken(quantity=3)
    books.ordered(1, Leg.OPEN, 3, [(3, 100 * WAD)])
    books.opened(1, 3, WAD // 2)
    books.close_asked(1, 3)
    books.ordered(1, Leg.CLOSE, 3, [(3, 100 * WAD)])
    books.close_filled(1, 3, WAD // 4, QuoteStatus.CLOSED)
    # PartyB gains 0.75 units of the last decimal, and is paid none.
    assert books.sums["rounding"] == f"-0.{'0' * 18}75"
    assert books.held() == ("0", "0")


def test_funding_on_chain_is_what_the_opened_price_moves_by_times_the_open_quantity() -> None:
    books = Books()
    books.position(price=100 * WAD)
    books.funded(1, WAD // 100)
    books.funded(1, -(WAD // 200))
    # 100 rises by 1 to 101, and falls by 0.505: of a long, PartyA pays what rises.
    assert books.sums["funding_chain"] == "0.99"


def test_funding_of_another_hedgers_quote_is_none_of_ours() -> None:
    books = Books()
    books.position()
    books.funded(1, WAD // 100, party_b=OTHER)
    assert "funding_chain" not in books.sums


def test_a_settlement_by_another_hedger_earns_nothing_but_its_rounding() -> None:
    books = Books()
    books.taken(quantity=3)
    books.ordered(1, Leg.OPEN, 3, [(3, 100 * WAD)])
    books.opened(1, 3, WAD)
    settled = facts.PriceSettled(source=books.source(), quote_id=1, party_a=ALICE, price=WAD + WAD // 2)
    books.quote(1, settled)
    # The position is worth 1.5 units more, and 1 was paid for it.
    assert books.sums["rounding"] == f"0.{'0' * 18}5"


def test_what_was_hedged_in_vain_cost_what_the_market_did_meanwhile() -> None:
    books = Books()
    books.taken()
    books.ordered(1, Leg.OPEN, 2 * WAD, [(2 * WAD, 100 * WAD)])
    order = events.OrderRequested(
        client_order_id="h-1-u1",
        leg=Leg.UNWIND,
        symbol="BTCUSDT",
        side=Side.SELL,
        order_type=OrderType.MARKET,
        quantity=2 * WAD,
        limit_price=0,
        reduce_only=True,
        close_id=0,
        decision_price=97 * WAD,
        requested_at=books.now,
    )
    books.quote(1, order, fill_of("h-1-u1", 2 * WAD, 96 * WAD))
    assert books.sums == {"fee": "-0.002", "residual": "-6", "slippage": "-2"}


def test_a_forced_close_costs_what_the_unwound_hedge_brings_less() -> None:
    books = Books()
    books.position(price=100 * WAD)
    forced = facts.ForceClosed(
        source=books.source(),
        quote_id=1,
        party_a=ALICE,
        party_b=US,
        quantity=2 * WAD,
        price=104 * WAD,
        status=QuoteStatus.CLOSED,
        close_id=1,
    )
    books.quote(1, forced)
    assert books.held() == ("2", "208")
    books.ordered(1, Leg.UNWIND, 2 * WAD, [(2 * WAD, 100 * WAD)])
    assert books.sums["penalty"] == "-8"
    assert books.held() == ("0", "0")


def test_a_liquidation_is_what_the_pair_was_paid_and_what_the_hedge_earned() -> None:
    books = Books()
    books.position(price=100 * WAD)
    started = facts.PartyALiquidationStarted(source=books.source(), party_a=ALICE, upnl=-1)
    books.account(ALICE, started)
    ended = facts.PositionLiquidated(source=books.source(), quote_id=1, party_a=ALICE, quantity=2 * WAD)
    books.quote(1, ended)
    books.allocated(ALICE, 3 * WAD, BalanceChange.CVA_IN)
    books.allocated(ALICE, 7 * WAD, BalanceChange.REALIZED_PNL_IN)
    books.ordered(1, Leg.UNWIND, 2 * WAD, [(2 * WAD, 100 * WAD)])
    assert books.sums["liquidation"] == "10"
    by_account = {line.note for line in books.lines if line.kind == "liquidation" and not line.quote_id}
    assert by_account == {"cva_in", "realized_pnl_in"}


def test_a_forced_close_that_liquidates_us_costs_the_allocation_although_it_is_told_last() -> None:
    books = Books()
    books.position(price=100 * WAD)
    source = books.source()
    lost = facts.AllocationChanged(
        source=source, party_b=US, party_a=ALICE, amount=40 * WAD, kind=BalanceChange.REALIZED_PNL_OUT
    )
    books.account(ALICE, lost)
    later = msgspec.structs.replace(source, log_index=source.log_index + 1)
    books.account(ALICE, facts.PartyBLiquidationStarted(source=later, party_b=US, party_a=ALICE, upnl=-1))
    assert books.sums["liquidation"] == "-40"


def test_realised_profit_told_of_the_pair_is_the_closes_own_and_no_line_besides() -> None:
    books = Books()
    books.position()
    before = books.sums
    books.allocated(ALICE, 5 * WAD, BalanceChange.REALIZED_PNL_IN)
    books.allocated(ALICE, 9 * WAD, BalanceChange.DEALLOCATE)
    assert books.sums == before


def test_deposits_and_withdrawals_are_flows_in_the_tokens_decimals() -> None:
    books = Books()
    books.add(TREASURY, facts.Deposited(source=books.source(), holder=US, sender=OTHER, token_amount=2_500_000))
    books.add(TREASURY, facts.Withdrawn(source=books.source(), holder=US, receiver=OTHER, token_amount=500_000))
    allocated = facts.FreeAllocated(source=books.source(), holder=US, party_a=ALICE, amount=7 * WAD)
    books.add(TREASURY, allocated)
    books.cash(IncomeKind.TRANSFER, 10 * WAD)
    assert books.sums == {"flow": "12"}


# --- the venue


def test_funding_of_the_venue_is_shared_out_to_who_held_when_it_was_paid() -> None:
    books = Books()
    books.position(1)
    books.position(2)
    books.ordered(2, Leg.CLOSE, WAD, [(WAD, 100 * WAD)])
    books.mine()
    books.venue_funding("BTCUSDT", -10)
    shares = {line.quote_id: line.amount for line in books.lines if line.kind == "funding_venue"}
    assert shares == {1: -6 * WAD, 2: -4 * WAD}  # of 2 and of 1; what cannot be divided is the larger one's


def test_funding_that_nobody_held_for_is_a_line_all_the_same() -> None:
    books = Books()
    books.venue_funding("BTCUSDT", 5)
    assert [(line.quote_id, line.symbol, line.amount) for line in books.lines] == [(0, "BTCUSDT", 5 * WAD)]


@pytest.mark.parametrize("is_told_first", [True, False])
def test_a_commission_that_differs_from_what_the_trade_told_is_a_line_of_its_own(is_told_first: bool) -> None:
    books = Books()
    books.taken()
    filled = events.OrderFilled(
        venue="paper",
        trade_id="BTCUSDT:1",
        client_order_id="h-1-o1",
        quantity=WAD,
        price=100 * WAD,
        fee=100,
        fee_asset="USDT",
        traded_at_ms=1,
    )
    books.ordered(1, Leg.OPEN, WAD, [], ends=False)
    if is_told_first:
        books.cash(IncomeKind.COMMISSION, -103, trade_id="1")
    books.quote(1, filled)
    if not is_told_first:
        books.cash(IncomeKind.COMMISSION, -103, trade_id="1")
    amounts = {line.kind: line.amount for line in books.lines}
    assert amounts["fee"] + amounts["rounding"] == -103 * WAD


def test_a_commission_in_another_asset_is_in_no_sum_of_the_collateral() -> None:
    books = Books()
    books.taken()
    books.ordered(1, Leg.OPEN, WAD, [], ends=False)
    books.quote(1, msgspec.structs.replace(fill_of("h-1-o1", WAD, 100 * WAD, fee=WAD), fee_asset="BNB"))
    books.cash(IncomeKind.COMMISSION, -WAD, trade_id="1", asset="BNB")
    assert books.sums == {}
    assert [(line.asset, exact_text(line.amount)) for line in books.lines] == [("BNB", "-1")]


def test_what_a_quote_is_filled_with_internally_its_symbols_book_has_given() -> None:
    books = Books()
    books.taken()
    books.ordered(1, Leg.OPEN, 2 * WAD, [], ends=False)
    books.quote(1, msgspec.structs.replace(fill_of("h-1-o1", 2 * WAD, 100 * WAD), venue="internal"))
    books.opened(1, 2 * WAD, 101 * WAD)
    assert books.sums == {"spread": "2"}
    assert books.held() == ("-2", "-200")  # towards PartyA, until the book hedges it
    books.residual_hedged(2 * WAD)
    assert books.held() == ("0", "0")


def test_a_foreign_trade_is_a_book_of_its_own_until_it_is_disowned() -> None:
    books = Books()
    bought = books.foreign_trade(2)
    books.reconciled(msgspec.structs.replace(bought, trade_id="BTCUSDT:3", side=Side.SELL, price=104 * WAD))
    assert books.sums == {"foreign": "7.98"}
    assert books.held() == ("0", "0")
    books.reconciled(ForeignTradeDisowned(trade_id="BTCUSDT:3", symbol="BTCUSDT", quantity=-2 * WAD))
    assert books.sums == {"foreign": "-0.01"}
    assert books.held() == ("2", "200")


# --- gas


def test_gas_is_told_in_wei_beside_the_quote_and_in_no_sum() -> None:
    books = Books()
    books.position()
    gas = [line for line in books.lines if line.kind == "gas"]
    assert {line.quote_id for line in gas} == {1}
    assert all(line.gas_wei > 0 and not line.amount for line in gas)


def test_gas_of_a_transaction_that_left_the_chain_is_paid_once() -> None:
    books = Books()
    books.position()
    mined = [each.event for each in books.recorded if isinstance(each.event, TransactionMined)][-1]
    before = sum(line.gas_wei for line in books.lines)
    books.orphan(mined.block_hash, aggregates=[wallet_id()])
    assert sum(line.gas_wei for line in books.lines) < before
    books.wallet(msgspec.structs.replace(mined, block_hash="0xother"))
    assert sum(line.gas_wei for line in books.lines) == before


# --- reorganisations


def test_an_orphaned_opening_takes_its_lines_with_it_and_brings_them_back() -> None:
    books = Books()
    opened = books.position()
    before, held = books.sums, books.held()
    books.mine()
    hashes = {each.event.source.block_hash for each in books.recorded if isinstance(each.event, facts.PositionOpened)}
    books.orphan(*hashes, aggregates=[quote_aggregate(1)])
    assert "spread" not in books.sums
    assert opened in hashes
    assert books.held() == ("2", "200")
    books.quote(1, BlocksReadopted(chain_id=CHAIN, block_hashes=tuple(hashes)))
    assert (books.sums, books.held()) == (before, held)


def test_a_fact_that_was_missed_is_counted_where_it_stands_on_the_chain() -> None:
    told_late, told_in_time = Books(), Books()
    for books in (told_late, told_in_time):
        books.position(price=100 * WAD)
        books.mine()
    charged = facts.FundingCharged(source=told_late.source(), quote_id=1, party_a=ALICE, party_b=US, rate=WAD // 100)
    told_late.mine()
    settled = facts.PriceSettled(source=told_late.source(), quote_id=1, party_a=ALICE, price=110 * WAD)
    told_in_time.quote(1, charged, settled)
    told_late.quote(1, settled, charged)
    assert told_late.sums == told_in_time.sums


# --- the opening state


def test_nothing_counts_before_the_opening_state_or_at_its_block() -> None:
    history = History()
    history.sent(1)
    history.judged(1)
    history.ordered(1, Leg.OPEN, 2 * WAD, [(2 * WAD, 100 * WAD)])
    assert not model_of(history).desk.lines.cells
    books = Books(block=1_000)
    books.position()
    assert set(books.sums) == {"fee"}  # of the venue, which counts from the opening on; the chain's is in it already


def test_positions_that_were_open_are_counted_from_their_mark_on() -> None:
    carried = CarriedQuote(
        quote_id=1,
        party_a=ALICE,
        symbol_id=1,
        symbol="BTCUSDT",
        position_type=PositionType.LONG,
        open_quantity=2 * WAD,
        opened_price=100 * WAD,
        mark=110 * WAD,
    )
    hedge = VenuePosition(symbol="BTCUSDT", quantity=2 * WAD, mark=110 * WAD, unrealised=15 * WAD)
    books = Books(carried, positions=(hedge,))
    booked = booked_of(books.model, 2)
    assert booked is not None
    assert booked.opening == (1_000 + 500 - 20 + 15) * WAD * WAD
    assert books.held() == ("0", "0")
    closed = facts.CloseFilled(
        source=books.source(),
        quote_id=1,
        party_a=ALICE,
        party_b=US,
        quantity=2 * WAD,
        price=120 * WAD,
        status=QuoteStatus.CLOSED,
        close_id=1,
    )
    books.quote(1, closed)
    measured = Measured(
        block_number=1,
        free=1_000 * WAD - 40 * WAD,  # what the close cost
        vault=0,
        allocated=0,
        open_positions=(),
        wallet=500 * WAD,
        venue_positions=(msgspec.structs.replace(hedge, mark=120 * WAD, unrealised=35 * WAD),),
        marks={"BTCUSDT": 120 * WAD},
    )
    booked = booked_of(books.model, 3)
    assert booked is not None
    assert prove(measured, booked).unexplained == 0


def test_a_unit_that_nobody_told_of_is_unexplained() -> None:
    books = Books()
    booked = booked_of(books.model, 2)
    assert booked is not None
    measured = Measured(
        block_number=1,
        free=1_000 * WAD + 1,
        vault=0,
        allocated=0,
        open_positions=(OpenPosition(symbol="X", position_type=PositionType.LONG, quantity=0, opened_price=0),),
        wallet=500 * WAD,
        venue_positions=(),
        marks={},
    )
    assert exact_text(prove(measured, booked).unexplained) == f"0.{'0' * 17}1"


# --- from the log alone


def with_opening(recorded: list[Recorded]) -> list[Recorded]:
    """A history, behind an opening state."""
    begun = Books().recorded
    shifted = [msgspec.structs.replace(each, position=each.position + len(begun)) for each in recorded]
    # Movements of the wallet follow its opening in their own aggregate.
    return [*begun, *(_later(each) if each.aggregate_id == CASH else each for each in shifted)]


def _later(each: Recorded) -> Recorded:
    return msgspec.structs.replace(each, version=each.version + 1)


@pytest.mark.parametrize("seed", range(3))
async def test_lines_are_the_same_however_the_log_is_cut(module_postgres_url: str, seed: int) -> None:
    recorded = with_opening(random_history(seed))
    whole = await tables_after(module_postgres_url, recorded, _sizes(len(recorded)))
    one_by_one = await tables_after(module_postgres_url, recorded, _sizes(1))
    names = ("pnl_lines", "pnl_books", "pnl_symbols", "pnl_trades", "pnl_opening")
    assert {name: whole[name] for name in names} == {name: one_by_one[name] for name in names}
    assert len(whole["pnl_lines"]) > 50
    assert len(whole["pnl_lines"]) == len(fold(recorded, US).models["pnl_lines"])


async def test_a_rebuilt_read_model_adds_up_to_the_same(postgres_url: str) -> None:
    recorded = with_opening(random_history(21))
    log = await PostgresEventLog.open(postgres_url, EventCodec(ALL_EVENTS), lambda: 1_760_000_000_000)
    pool = await open_pool(postgres_url)
    for each in recorded:
        change = Change(aggregate_id=each.aggregate_id, expected_version=each.version - 1, events=(each.event,))
        await log.append([change], correlation_id="test", causation_id="test")
    projector = Projector(log, pool, all_projections(US), batch=17)
    await projector.catch_up()
    async with pool.connection() as connection:
        before = await booked(connection)
        await projector.rebuild("pnl")
        assert await booked(connection) == before
    model = PnlModel(US)
    for each in recorded:
        model.apply(each)
    in_memory = booked_of(model, len(recorded))
    assert before is not None
    assert in_memory is not None
    assert before.by_kind == in_memory.by_kind
    assert before.opening == in_memory.opening
    assert {symbol: held for symbol, held in in_memory.inventory.items() if held != (0, 0)} == before.inventory
    async with pool.connection() as connection:
        realised = {by: await _realised(connection, by) for by in By}
    assert len(set(realised.values())) == 1
    await pool.close()
    await log.close()


async def _realised(connection: Any, by: By) -> int:
    lines, held = (text.replace("{schema}.", "") for text in statements(by))
    of_lines = await (await connection.execute(lines)).fetchall()
    of_books = await (await connection.execute(held)).fetchall()
    return sum(each.realised for each in summed(of_lines, of_books, {}))


def _sizes(size: int) -> Any:
    while True:
        yield size


def model_of(history: History) -> PnlModel:
    model = PnlModel(US)
    for recorded in history.recorded:
        model.apply(recorded)
    return model


def fill_of(order_id: str, quantity: int, price: int, *, fee: int = 0) -> events.OrderFilled:
    return events.OrderFilled(
        venue="paper",
        trade_id=f"{order_id}-x",
        client_order_id=order_id,
        quantity=quantity,
        price=price,
        fee=fee,
        fee_asset="USDT",
        traded_at_ms=1,
    )
