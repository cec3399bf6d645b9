"""Repairs of a difference: proposed with reasons and bounds, confirmed by configuration or by a person, then run."""

from enum import StrEnum

import msgspec

from hedger.domain.events import Event
from hedger.domain.mismatch import Cause, MismatchKind


class RepairKind(StrEnum):
    LOGS = "logs"  # read a range of blocks again and tell its facts
    FILLS = "fills"  # tell again the venue's trades of our orders that are not recorded
    CLOSE = "close"  # close the foreign position of a symbol at the market
    ACCEPT = "accept"  # take what no trade explains of a symbol's position for foreign


class RepairMode(StrEnum):
    """What becomes of a proposal: it waits for a person, or is confirmed at once where it is within bounds."""

    PROPOSE = "propose"
    RUN = "run"


class RepairPlan(msgspec.Struct, frozen=True, kw_only=True):
    """What a repair may do, and no more. Blocks are inclusive; `quantity`, signed, is what CLOSE and ACCEPT concern."""

    kind: RepairKind
    subject: str  # a quote id, a PartyA or a symbol
    first_block: int = 0
    last_block: int = 0
    quantity: int = 0
    notional: int = 0  # what it concerns, at the mark (wad)

    @property
    def command(self) -> str:
        """The command that does the same."""
        words = ["hedger repair", self.subject, self.kind.value]
        if self.kind is RepairKind.LOGS:
            words.append(f"--blocks {self.first_block}-{self.last_block}")
        return " ".join(words)


class RepairProposed(Event, frozen=True, kw_only=True, tag="RepairProposed.1"):
    """A repair that would mend a difference. `max_notional` is the bound it was judged under (wad)."""

    repair_id: str
    plan: RepairPlan
    mismatch: MismatchKind | None  # None where a person asks for it without one
    cause: Cause
    reason: str
    max_notional: int


class RepairConfirmed(Event, frozen=True, kw_only=True, tag="RepairConfirmed.1"):
    """The request to run a repair, by the configuration ("validator") or by a person."""

    repair_id: str
    by: str


class RepairRun(Event, frozen=True, kw_only=True, tag="RepairRun.1"):
    """What the repair did. Whether it helped is told by the next looks."""

    repair_id: str
    outcome: str


class RepairFailed(Event, frozen=True, kw_only=True, tag="RepairFailed.1"):
    """The repair is given up; what it did until then is in `reason`."""

    repair_id: str
    reason: str


class Repair(msgspec.Struct, kw_only=True):
    """A repair that has no outcome yet."""

    repair_id: str
    number: int  # counted from 1; names the order of a CLOSE
    plan: RepairPlan
    mismatch: MismatchKind | None
    max_notional: int
    confirmed_by: str = ""

    @property
    def is_confirmed(self) -> bool:
        return bool(self.confirmed_by)

    @property
    def is_within_bounds(self) -> bool:
        return self.plan.notional <= self.max_notional
