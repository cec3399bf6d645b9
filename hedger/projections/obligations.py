"""The read model of obligations: the clock of what is owed by when (`domain.obligations`), one row a duty."""

import msgspec

from hedger.domain.feed import ProtocolRead
from hedger.domain.obligations import obligation
from hedger.projections.states import shape_of
from hedger.projections.tables import Seconds, Sheet, Table, Wad, plain
from hedger.projections.tracked import Tracked


class ObligationRow(msgspec.Struct, frozen=True, kw_only=True):
    """What is owed on a quote: `due_at` in seconds of the chain, `at_stake` the notional."""

    quote_id: int
    duty: str
    due_at: Seconds
    at_stake: Wad
    party_a: str
    symbol_id: int
    order_type: int


class ProtocolRow(msgspec.Struct, frozen=True, kw_only=True):
    """The contract's parameters as last read from one chain."""

    chain_id: int
    block_number: int
    parameters: bytes


OBLIGATIONS = plain("obligations", ObligationRow, ("quote_id",), indexes=("(due_at, quote_id)",))

PROTOCOL: Table[ProtocolRead] = Table(
    "protocol_parameters",
    ProtocolRow,
    ("chain_id",),
    row_of=lambda read: ProtocolRow(
        chain_id=read.chain_id, block_number=read.block_number, parameters=msgspec.json.encode(read)
    ),
    cell_of=lambda row: msgspec.json.decode(row.parameters, type=ProtocolRead),
    shape=shape_of(ProtocolRead),
)


def settle(sheet: Sheet[ObligationRow], tracked: Tracked, party_b: str, protocol: ProtocolRead | None) -> None:
    """Write what is owed on this quote now. Nothing is due by rules that are not known: without the contract's
    parameters there is no clock."""
    quote = tracked.quote
    owed = obligation(quote, party_b, protocol) if protocol is not None else None
    if owed is None:
        sheet.remove(quote.quote_id)
        return
    row = ObligationRow(
        quote_id=owed.quote_id,
        duty=owed.duty.value,
        due_at=owed.due_at,
        at_stake=owed.at_stake,
        party_a=tracked.party_a,
        symbol_id=tracked.symbol_id,
        order_type=int(tracked.order_type),
    )
    sheet.put(row, row.quote_id)
