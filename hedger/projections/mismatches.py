"""The read model of mismatches: every difference between chain, venue and log, open or resolved."""

from collections.abc import Sequence
from typing import Any

import msgspec

from hedger.domain.events import Recorded
from hedger.domain.reconciliation import MismatchFound, MismatchResolved
from hedger.projections.model import Need
from hedger.projections.tables import Sheet, plain


class MismatchRow(msgspec.Struct, frozen=True, kw_only=True):
    """One difference from when it was found until it was resolved; texts as the validator told them."""

    found_position: int
    kind: str
    subject: str
    chain: str
    venue: str
    log: str
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
    revision = 1
    views = ""

    def __init__(self) -> None:
        self.mismatches = Sheet(MISMATCHES)

    @property
    def sheets(self) -> tuple[Sheet[Any], ...]:
        return (self.mismatches,)

    def needs(self, batch: Sequence[Recorded]) -> list[Need]:
        told = any(isinstance(recorded.event, MismatchFound | MismatchResolved) for recorded in batch)
        return [Need(self.mismatches, "is_open")] if told else []

    def apply(self, recorded: Recorded) -> None:
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
