"""The read model of mismatches: every difference between chain, venue and log, and what comes of it."""

from collections.abc import Sequence
from typing import Any

import msgspec

from hedger.domain.events import Recorded
from hedger.domain.mismatch import Explanation, MismatchFound, MismatchResolved
from hedger.projections.model import Need
from hedger.projections.repairs import FOREIGN_TRADES, OF_FOREIGN, OF_REPAIRS, REPAIRS, note_foreign, note_repair
from hedger.projections.tables import Sheet, Wad, plain


class MismatchRow(msgspec.Struct, frozen=True, kw_only=True):
    """One difference from when it was found until it was resolved; texts as the validator told them.

    `since` tells the first event on which the sides part, the fields after it where that is: 0 and empty where unknown.
    """

    found_position: int
    kind: str
    subject: str
    chain: str
    venue: str
    log: str
    symbol: str
    cause: str
    since: str
    since_position: int
    since_block: int
    since_log_index: int
    since_trade: str
    at_stake: Wad
    repair: str
    found_block: int
    found_at_ms: int
    is_open: bool
    resolved_position: int | None
    resolved_block: int | None
    resolved_at_ms: int | None


MISMATCHES = plain("mismatches", MismatchRow, ("found_position",), indexes=("(kind, subject) WHERE is_open",))


class MismatchBook:
    """The read model `mismatches`. Found again while open, a difference keeps its row and takes the newest texts."""

    name = "mismatches"
    revision = 2
    views = ""

    def __init__(self) -> None:
        self.mismatches = Sheet(MISMATCHES)
        self.repairs, self.foreign_trades = Sheet(REPAIRS), Sheet(FOREIGN_TRADES)

    @property
    def sheets(self) -> tuple[Sheet[Any], ...]:
        return (self.mismatches, self.repairs, self.foreign_trades)

    def needs(self, batch: Sequence[Recorded]) -> list[Need]:
        told = {type(recorded.event) for recorded in batch}
        needs = [Need(self.mismatches, "is_open")] if told & {MismatchFound, MismatchResolved} else []
        if told & {MismatchResolved, *OF_REPAIRS}:
            needs.append(Need(self.repairs, "state IN ('proposed', 'confirmed')"))
        if told & {*OF_FOREIGN}:
            trades = sorted({getattr(recorded.event, "trade_id", "") for recorded in batch})
            needs.append(Need(self.foreign_trades, "trade_id = ANY(%s)", (trades,)))
        return needs

    def apply(self, recorded: Recorded) -> None:
        note_repair(self.repairs, recorded)
        note_foreign(self.foreign_trades, recorded)
        match recorded.event:
            case MismatchFound() as found:
                self._found(found, recorded)
            case MismatchResolved(kind=kind, subject=subject, block_number=block):
                known = self._open(kind.value, subject)
                if known is not None:
                    resolved = msgspec.structs.replace(
                        known,
                        is_open=False,
                        resolved_position=recorded.position,
                        resolved_block=block,
                        resolved_at_ms=recorded.recorded_at_ms,
                    )
                    self.mismatches.put(resolved, resolved.found_position)
            case _:
                pass

    def _found(self, found: MismatchFound, recorded: Recorded) -> None:
        known = self._open(found.kind.value, found.subject)
        row = MismatchRow(
            found_position=known.found_position if known else recorded.position,
            kind=found.kind.value,
            subject=found.subject,
            chain=found.chain,
            venue=found.venue,
            log=found.log,
            symbol=found.symbol,
            **_explained(found.explanation),
            found_block=known.found_block if known else found.block_number,
            found_at_ms=known.found_at_ms if known else recorded.recorded_at_ms,
            is_open=True,
            resolved_position=None,
            resolved_block=None,
            resolved_at_ms=None,
        )
        self.mismatches.put(row, row.found_position)

    def _open(self, kind: str, subject: str) -> MismatchRow | None:
        rows = self.mismatches.cells.values()
        return next((row for row in rows if row.is_open and row.kind == kind and row.subject == subject), None)


def _explained(explanation: Explanation) -> dict[str, Any]:
    since = explanation.since
    return {
        "cause": explanation.cause.value,
        "since": str(since) if since is not None else "",
        "since_position": since.log_position if since is not None else 0,
        "since_block": since.block_number if since is not None else 0,
        "since_log_index": since.log_index if since is not None else 0,
        "since_trade": since.trade_id if since is not None else "",
        "at_stake": explanation.at_stake,
        "repair": explanation.repair,
    }
