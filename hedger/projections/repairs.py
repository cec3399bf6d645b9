"""The read models of repairs, from the proposal to the outcome, and of foreign trades on the venue's account."""

import msgspec

from hedger.domain.events import Event, Recorded
from hedger.domain.foreign import ForeignTradeDisowned, ForeignTradeFound
from hedger.domain.mismatch import MismatchResolved
from hedger.domain.repairs import RepairConfirmed, RepairFailed, RepairProposed, RepairRun
from hedger.projections.tables import Sheet, Wad, plain


class RepairRow(msgspec.Struct, frozen=True, kw_only=True):
    """One repair. `state`: proposed, confirmed, run, failed, or needless, where the difference went away before it."""

    repair_id: str
    kind: str
    subject: str
    first_block: int
    last_block: int
    quantity: Wad
    notional: Wad
    max_notional: Wad
    mismatch: str
    cause: str
    reason: str
    command: str
    state: str
    confirmed_by: str
    outcome: str
    proposed_position: int
    proposed_at_ms: int
    last_position: int
    last_at_ms: int


class ForeignTradeRow(msgspec.Struct, frozen=True, kw_only=True):
    """One trade on the account that is no hedge; no longer foreign where it turned out to be one."""

    venue: str
    trade_id: str
    symbol: str
    side: str
    quantity: Wad
    price: Wad
    fee: Wad
    fee_asset: str
    traded_at_ms: int
    repair_id: str
    is_foreign: bool
    position: int


REPAIRS = plain("repairs", RepairRow, ("repair_id",), indexes=("(proposed_position)",))
FOREIGN_TRADES = plain("foreign_trades", ForeignTradeRow, ("trade_id",), indexes=("(position)",))

OF_REPAIRS = (RepairProposed, RepairConfirmed, RepairRun, RepairFailed)
OF_FOREIGN = (ForeignTradeFound, ForeignTradeDisowned)


def note_repair(sheet: Sheet[RepairRow], recorded: Recorded) -> None:
    """Write the repair that the event speaks of."""
    match recorded.event:
        case RepairProposed() as proposed:
            sheet.put(_proposed(proposed, recorded), proposed.repair_id)
        case RepairConfirmed(repair_id=repair_id, by=by):
            _become(sheet, repair_id, recorded, state="confirmed", confirmed_by=by)
        case RepairRun(repair_id=repair_id, outcome=outcome):
            _become(sheet, repair_id, recorded, state="run", outcome=outcome)
        case RepairFailed(repair_id=repair_id, reason=reason):
            _become(sheet, repair_id, recorded, state="failed", outcome=reason)
        case MismatchResolved(kind=kind, subject=subject):
            for row in list(sheet.cells.values()):
                if (row.state, row.mismatch, row.subject) == ("proposed", kind.value, subject):
                    _become(sheet, row.repair_id, recorded, state="needless")
        case _:
            pass


def note_foreign(sheet: Sheet[ForeignTradeRow], recorded: Recorded) -> None:
    """Write the foreign trade that the event speaks of."""
    event: Event = recorded.event
    if isinstance(event, ForeignTradeFound):
        row = ForeignTradeRow(
            venue=event.venue,
            trade_id=event.trade_id,
            symbol=event.symbol,
            side=event.side.value,
            quantity=event.quantity,
            price=event.price,
            fee=event.fee,
            fee_asset=event.fee_asset,
            traded_at_ms=event.traded_at_ms,
            repair_id=event.repair_id,
            is_foreign=True,
            position=recorded.position,
        )
        sheet.put(row, event.trade_id)
    elif isinstance(event, ForeignTradeDisowned) and (known := sheet.get(event.trade_id)) is not None:
        sheet.put(msgspec.structs.replace(known, is_foreign=False), event.trade_id)


def _proposed(event: RepairProposed, recorded: Recorded) -> RepairRow:
    plan = event.plan
    return RepairRow(
        repair_id=event.repair_id,
        kind=plan.kind.value,
        subject=plan.subject,
        first_block=plan.first_block,
        last_block=plan.last_block,
        quantity=plan.quantity,
        notional=plan.notional,
        max_notional=event.max_notional,
        mismatch=event.mismatch.value if event.mismatch is not None else "",
        cause=event.cause.value,
        reason=event.reason,
        command=plan.command,
        state="proposed",
        confirmed_by="",
        outcome="",
        proposed_position=recorded.position,
        proposed_at_ms=recorded.recorded_at_ms,
        last_position=recorded.position,
        last_at_ms=recorded.recorded_at_ms,
    )


def _become(sheet: Sheet[RepairRow], repair_id: str, recorded: Recorded, **changes: str) -> None:
    known = sheet.get(repair_id)
    if known is not None:
        at = {"last_position": recorded.position, "last_at_ms": recorded.recorded_at_ms}
        sheet.put(msgspec.structs.replace(known, **at, **changes), repair_id)
