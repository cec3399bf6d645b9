"""Chain, venue and log side by side: what differs, since when, and when it was explained."""

from enum import StrEnum
from uuid import UUID

import msgspec

from hedger.domain.aggregate import Aggregate
from hedger.domain.events import Event, derived_id


class MismatchKind(StrEnum):
    QUOTE = "quote"  # the contract says otherwise of a quote than the log
    POSITION = "position"  # the venue's position is not the sum of the log's hedges
    EXPOSURE = "exposure"  # chain and venue are further apart than one quantity step
    ALLOCATION = "allocation"  # the contract's allocation is not the sum of the log's facts


class MismatchFound(Event, frozen=True, kw_only=True, tag="MismatchFound.1"):
    """A difference that stayed over two looks. `subject` is a quote id, a symbol or an address."""

    kind: MismatchKind
    subject: str
    chain: str
    venue: str
    log: str
    block_number: int
    log_position: int


class MismatchResolved(Event, frozen=True, kw_only=True, tag="MismatchResolved.1"):
    """The same subject agrees again."""

    kind: MismatchKind
    subject: str
    block_number: int
    log_position: int


class Mismatch(msgspec.Struct, frozen=True, kw_only=True):
    """One open difference."""

    kind: MismatchKind
    subject: str
    chain: str
    venue: str
    log: str

    @property
    def key(self) -> str:
        return f"{self.kind.value}:{self.subject}"


class Reconciliation(Aggregate, kw_only=True):
    """Every open difference of one hedger."""

    open: dict[str, Mismatch] = {}

    @staticmethod
    def create_id(chain_id: int, diamond: str, party_b: str) -> UUID:
        return derived_id("chains", chain_id, diamond, "reconciliation", party_b)

    def apply(self, event: Event) -> None:
        match event:
            case MismatchFound():
                found = Mismatch(
                    kind=event.kind, subject=event.subject, chain=event.chain, venue=event.venue, log=event.log
                )
                self.open[found.key] = found
            case MismatchResolved():
                self.open.pop(f"{event.kind.value}:{event.subject}", None)
            case _:
                pass
