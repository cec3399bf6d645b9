"""What facts of the chain, the opening state and the gas of transactions put into the books of profit and loss."""

from uuid import UUID

import msgspec

from hedger.domain import chain_facts as facts
from hedger.domain.account import Account
from hedger.domain.accounting import moves
from hedger.domain.accounting.lines import Line, LineKind
from hedger.domain.accounting.moves import Entry
from hedger.domain.events import Recorded, derived_id
from hedger.domain.feed import BlocksOrphaned, BlocksReadopted
from hedger.domain.money import WAD
from hedger.domain.quote.quote import Quote
from hedger.domain.request_ids import account_of_request, quote_of_request
from hedger.domain.terms import PositionType
from hedger.domain.treasury import CarriedQuote, TreasuryOpened
from hedger.domain.venue_cash import VenueCashOpened
from hedger.domain.wallet import TransactionMined
from hedger.projections import pnl_moves
from hedger.projections.pnl_desk import Desk
from hedger.projections.pnl_rows import PnlOpeningRow


def carried_id(symbol: str) -> UUID:
    """Of the book of what was held of a symbol when counting began."""
    return derived_id("pnl", "carried", symbol)


# --- the opening state


def open_chain(desk: Desk, event: TreasuryOpened, recorded: Recorded) -> None:
    """Balances and positions on chain. What was open is valued at the marks of then, and so is what it is worth."""
    worth = (event.free + event.vault) * WAD
    for quote in event.quotes:
        sold = -quote.open_quantity if quote.position_type is PositionType.LONG else quote.open_quantity
        worth += sold * (quote.mark - quote.opened_price)
        _carry(desk, event, quote, recorded)
        _hold(desk, quote.symbol, sold, quote.mark, recorded)
    for party_a, allocation in event.allocations.items():
        cell = desk.cell(account_id(event, party_a), "account", party_a=party_a)
        held = moves.AllocationHeld(amount=allocation)
        desk.take(cell, Entry(position=recorded.position, at_ms=recorded.recorded_at_ms, move=held))
    opened = PnlOpeningRow(
        number=1,
        chain_id=event.chain_id,
        diamond=event.diamond,
        position=recorded.position,
        block_number=event.block_number,
        collateral_decimals=event.collateral_decimals,
        asset="",
        chain_value=worth,
        venue_value=0,
    )
    desk.opening.put(opened, 1)


def open_venue(desk: Desk, event: VenueCashOpened, recorded: Recorded) -> None:
    """The wallet, and the positions at the venue's own marks."""
    opened = desk.opened
    if opened is None:
        return
    worth = event.wallet * WAD
    for position in event.positions:
        worth += position.unrealised * WAD
        _hold(desk, position.symbol, position.quantity, position.mark, recorded)
        desk.traded(position.symbol, traded=position.quantity * position.mark - position.unrealised * WAD)
    desk.opening.put(msgspec.structs.replace(opened, asset=event.asset, venue_value=worth), 1)


def account_id(event: TreasuryOpened, party_a: str) -> UUID:
    return Account.create_id(event.chain_id, event.diamond, event.party_b, party_a)


def quote_id(event: TreasuryOpened, quote: CarriedQuote) -> UUID:
    return Quote.create_id(event.chain_id, event.diamond, quote.quote_id)


def _carry(desk: Desk, event: TreasuryOpened, quote: CarriedQuote, recorded: Recorded) -> None:
    cell = desk.cell(quote_id(event, quote), "quote")
    cell.quote_id, cell.symbol, cell.party_a = quote.quote_id, quote.symbol, quote.party_a
    cell.stored.symbol_id = quote.symbol_id
    carried = moves.Carried(
        position_type=quote.position_type, quantity=quote.open_quantity, opened_price=quote.opened_price
    )
    desk.take(cell, Entry(position=recorded.position, at_ms=recorded.recorded_at_ms, move=carried))


def _hold(desk: Desk, symbol: str, quantity: int, price: int, recorded: Recorded) -> None:
    cell = desk.cell(carried_id(symbol), "carried", symbol=symbol)
    held = moves.Held(quantity=quantity, price=price)
    desk.take(cell, Entry(position=recorded.position, at_ms=recorded.recorded_at_ms, move=held))


# --- facts


def quote_fact(desk: Desk, event: facts.QuoteFact, recorded: Recorded) -> None:
    move = pnl_moves.position_move(event, desk.party_b)
    if move is None:
        return
    cell = desk.cell(recorded.aggregate_id, "quote")
    if isinstance(event, facts.QuoteSent):
        cell.quote_id, cell.party_a, cell.stored.symbol_id = event.quote_id, event.party_a, event.symbol_id
    desk.take(cell, desk.entry(recorded, move))


def pair_fact(desk: Desk, event: facts.AccountFact | facts.PartyAFact, recorded: Recorded) -> None:
    move = pnl_moves.account_move(event, desk.party_b)
    if move is not None:
        cell = desk.cell(recorded.aggregate_id, "account", party_a=event.party_a)
        desk.take(cell, desk.entry(recorded, move))


def treasury_fact(desk: Desk, event: facts.TreasuryFact, recorded: Recorded) -> None:
    opened = desk.opened
    decimals = opened.collateral_decimals if opened is not None else 18
    move = pnl_moves.treasury_move(event, desk.party_b, decimals)
    if move is not None:
        desk.take(desk.cell(recorded.aggregate_id, "treasury"), desk.entry(recorded, move))


def reorganise(desk: Desk, event: BlocksOrphaned | BlocksReadopted, recorded: Recorded) -> None:
    """Facts of these blocks no longer hold, or hold again; gas of transactions that left the chain is not paid."""
    hashes, holds = set(event.block_hashes), isinstance(event, BlocksReadopted)
    if not holds:
        for key, row in list(desk.lines.cells.items()):
            if row.kind == LineKind.GAS and row.block_hash in hashes and row.aggregate_id == recorded.aggregate_id:
                desk.lines.remove(*key)
    cell = desk.books.get(recorded.aggregate_id)
    touched = [entry for entry in (cell.stored.entries if cell is not None else []) if entry.block_hash in hashes]
    if cell is None or not touched:
        return
    for entry in touched:
        entry.holds = holds
    desk.fold_again(cell)


def gas(desk: Desk, event: TransactionMined, recorded: Recorded) -> None:
    """What the key paid for a transaction, in wei; of a quote's transactions beside its other lines."""
    opened = desk.opened
    if opened is None or not event.gas_used:
        return
    of_quote = quote_of_request(event.request_id)
    party_a = "" if of_quote else account_of_request(event.request_id)
    if of_quote:
        cell = desk.books.get(Quote.create_id(opened.chain_id, opened.diamond, of_quote))
    else:
        cell = desk.books.get(Account.create_id(opened.chain_id, opened.diamond, desk.party_b, party_a))
    line = Line(kind=LineKind.GAS, amount=0, gas_wei=event.gas_used * event.gas_price_wei)
    desk.put(line, recorded, recorded.recorded_at_ms, of=cell, block_hash=event.block_hash)
