"""The read models of funding: what each quote was charged, what the venue moved, and per epoch what is left of both."""

from collections.abc import Iterable

import msgspec

from hedger.domain.chain_facts import FundingCharged
from hedger.domain.events import Event, Recorded
from hedger.domain.feed import BlocksOrphaned, BlocksReadopted
from hedger.domain.funding import amount_moved, epoch_of
from hedger.domain.venue_cash import FundingPaid
from hedger.projections.symbols import SymbolRow
from hedger.projections.tables import Sheet, Wad, plain
from hedger.projections.tracked import Tracked


class FundingChargeRow(msgspec.Struct, frozen=True, kw_only=True):
    """One charge of one quote. Positive `rate` and `amount` went from PartyA to us, through the opened price, of which
    `opened_price` is the one before. `epoch` is the boundary it paid for, 0 where the symbol's epochs were not known.
    `holds` is false while its block is orphaned."""

    quote_id: int
    block_hash: str
    block_number: int
    transaction_hash: str
    party_a: str
    symbol_id: int
    epoch: int
    charged_at: int
    rate: Wad
    opened_price: Wad
    open_quantity: Wad
    amount: Wad
    holds: bool
    position: int


class FundingPaymentRow(msgspec.Struct, frozen=True, kw_only=True):
    """One payment of the venue for the net position of a symbol; a positive amount was received."""

    venue: str
    name: str
    tran_id: str
    symbol: str
    epoch: int
    amount: Wad
    asset: str
    at_ms: int
    position: int


class FundingEpochRow(msgspec.Struct, frozen=True, kw_only=True):
    """One symbol's epoch: what PartyAs were charged in sum, what the venue paid, and what of both is left with us."""

    symbol: str
    epoch: int
    charges: int
    charged: Wad
    received: Wad
    net: Wad


CHARGES = plain(
    "funding_charges",
    FundingChargeRow,
    ("quote_id", "block_hash"),
    indexes=("(position)", "(party_a)", "(symbol_id, epoch)", "(block_hash)"),
)
PAYMENTS = plain("funding_payments", FundingPaymentRow, ("venue", "name", "tran_id"), indexes=("(symbol, epoch)",))

VIEW = """CREATE VIEW funding_epochs AS
SELECT symbol, epoch, sum(charges)::bigint AS charges, sum(charged) AS charged, sum(received) AS received,
    sum(charged) + sum(received) AS net
FROM (
    SELECT coalesce(symbols.name, '') AS symbol, epoch, count(*) AS charges, sum(amount) AS charged, 0 AS received
    FROM funding_charges LEFT JOIN symbols ON symbols.symbol_id = funding_charges.symbol_id
    WHERE holds GROUP BY 1, 2
    UNION ALL
    SELECT symbol, epoch, 0, 0, sum(amount) FROM funding_payments GROUP BY 1, 2
) AS both_sides
GROUP BY symbol, epoch;
"""


def note_charge(
    sheet: Sheet[FundingChargeRow], symbols: Sheet[SymbolRow], before: Tracked, recorded: Recorded, party_b: str
) -> None:
    """Take in what was charged, or that its block left the chain or came back; `before` is the quote without it."""
    match recorded.event:
        case FundingCharged() as fact if fact.party_b == party_b and before.quote.chain is not None:
            facet, source = before.quote.chain, fact.source
            row = FundingChargeRow(
                quote_id=fact.quote_id,
                block_hash=source.block_hash,
                block_number=source.block_number,
                transaction_hash=source.transaction_hash,
                party_a=fact.party_a,
                symbol_id=facet.symbol_id,
                epoch=_epoch(symbols.get(facet.symbol_id), source.block_timestamp),
                charged_at=source.block_timestamp,
                rate=fact.rate,
                opened_price=facet.opened_price,
                open_quantity=facet.open_quantity,
                amount=amount_moved(facet.opened_price, fact.rate, facet.open_quantity),
                holds=True,
                position=recorded.position,
            )
            sheet.put(row, row.quote_id, row.block_hash)
        case BlocksOrphaned(block_hashes=hashes):
            _hold(sheet, before.quote.quote_id, hashes, holds=False)
        case BlocksReadopted(block_hashes=hashes):
            _hold(sheet, before.quote.quote_id, hashes, holds=True)
        case _:
            pass


def note_payment(sheet: Sheet[FundingPaymentRow], symbols: Sheet[SymbolRow], recorded: Recorded) -> None:
    """Take in what the venue paid; nothing for any other event."""
    event = recorded.event
    if not isinstance(event, FundingPaid):
        return
    symbol = next((row for row in symbols.cells.values() if row.name == event.symbol), None)
    row = FundingPaymentRow(
        venue=event.venue,
        name=event.name,
        tran_id=event.tran_id,
        symbol=event.symbol,
        epoch=_epoch(symbol, event.at_ms // 1000),
        amount=event.amount,
        asset=event.asset,
        at_ms=event.at_ms,
        position=recorded.position,
    )
    sheet.put(row, row.venue, row.name, row.tran_id)


def moved_blocks(events: Iterable[Event]) -> list[str]:
    """The blocks whose charges these events touch."""
    told = (event for event in events if isinstance(event, BlocksOrphaned | BlocksReadopted))
    return sorted({block_hash for event in told for block_hash in event.block_hashes})


def epochs(
    charges: Iterable[FundingChargeRow], payments: Iterable[FundingPaymentRow], symbols: dict[int, SymbolRow]
) -> list[FundingEpochRow]:
    """What the view shows, of rows at hand; by symbol and epoch."""
    counts: dict[tuple[str, int], int] = {}
    charged: dict[tuple[str, int], int] = {}
    received: dict[tuple[str, int], int] = {}
    for charge in charges:
        if charge.holds:
            symbol = symbols.get(charge.symbol_id)
            key = (symbol.name if symbol is not None else "", charge.epoch)
            counts[key], charged[key] = counts.get(key, 0) + 1, charged.get(key, 0) + charge.amount
    for payment in payments:
        key = (payment.symbol, payment.epoch)
        received[key] = received.get(key, 0) + payment.amount
    return [
        FundingEpochRow(
            symbol=key[0],
            epoch=key[1],
            charges=counts.get(key, 0),
            charged=charged.get(key, 0),
            received=received.get(key, 0),
            net=charged.get(key, 0) + received.get(key, 0),
        )
        for key in sorted(charged.keys() | received.keys())
    ]


def _epoch(symbol: SymbolRow | None, at: int) -> int:
    return epoch_of(at, symbol.funding_epoch_s, symbol.funding_window_s) if symbol is not None else 0


def _hold(sheet: Sheet[FundingChargeRow], quote_id: int, block_hashes: tuple[str, ...], *, holds: bool) -> None:
    for block_hash in block_hashes:
        row = sheet.get(quote_id, block_hash)
        if row is not None:
            sheet.put(msgspec.structs.replace(row, holds=holds), quote_id, block_hash)
