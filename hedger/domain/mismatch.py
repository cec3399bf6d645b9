"""A difference between chain, venue and log: what differs, since which event, why, and what it may cost."""

from enum import StrEnum

import msgspec

from hedger.domain.events import Event


class MismatchKind(StrEnum):
    QUOTE = "quote"  # the contract says otherwise of a quote than the log
    POSITION = "position"  # the venue's position is not what the log says it holds
    EXPOSURE = "exposure"  # chain and venue are further apart than one quantity step
    ALLOCATION = "allocation"  # the contract's allocation is not the sum of the log's facts


class Cause(StrEnum):
    """The likely cause, judged by the first event on which the sides part."""

    MISSED_LOG = "missed_log"  # the chain tells what was never recorded
    LATE_FILL = "late_fill"  # the venue has a trade of an order of ours that is not recorded
    FOREIGN_TRADE = "foreign_trade"  # somebody else traded on the account
    REORGANISATION = "reorganisation"  # facts of a block that has left the chain still count
    OVER_FILL = "over_fill"  # an order executed more than was asked
    UNKNOWN = "unknown"


class Finding(StrEnum):
    """How an event stands out."""

    MISSING = "missing"  # told outside, not recorded
    FOREIGN = "foreign"  # told by the venue, of no order of ours
    ORPHANED = "orphaned"  # recorded, and its block has left the chain
    EXTRA = "extra"  # recorded, and not told outside
    EXCESS = "excess"  # recorded, beyond what was asked
    READ_OTHERWISE = "read_otherwise"  # told and recorded alike, and yet the sides differ after it


class Divergence(msgspec.Struct, frozen=True, kw_only=True):
    """The first event after which the sides differ. What does not apply, or is not known, is zero or empty.

    `log_position` is that of the event itself where it is recorded, else of the last one recorded before it.
    """

    finding: Finding
    event: str  # its name in the log, "trade" for one that only the venue has
    log_position: int = 0
    block_number: int = 0
    block_hash: str = ""
    log_index: int = 0
    trade_id: str = ""
    at_ms: int = 0  # of a trade, the venue's clock

    def __str__(self) -> str:
        if self.trade_id:
            return f"{self.finding} {self.event} {self.trade_id}"
        return f"{self.finding} {self.event} in block {self.block_number}, log {self.log_index}"


class Explanation(msgspec.Struct, frozen=True, kw_only=True):
    """Why a difference is there, as far as it can be told; `repair` is the command that would mend it, or empty."""

    cause: Cause = Cause.UNKNOWN
    since: Divergence | None = None
    at_stake: int = 0  # notional of the difference at the mark, wad
    repair: str = ""


class Mismatch(msgspec.Struct, frozen=True, kw_only=True):
    """One difference. `subject` is a quote id, a symbol or an address; the texts are what each side says."""

    kind: MismatchKind
    subject: str
    chain: str
    venue: str
    log: str

    @property
    def key(self) -> str:
        return key_of(self.kind, self.subject)


class MismatchFound(Event, frozen=True, kw_only=True, tag="MismatchFound.1"):
    """A difference that stayed over two looks. `symbol` is empty where it is of none."""

    kind: MismatchKind
    subject: str
    chain: str
    venue: str
    log: str
    block_number: int
    log_position: int
    symbol: str = ""
    explanation: Explanation = Explanation()


class MismatchResolved(Event, frozen=True, kw_only=True, tag="MismatchResolved.1"):
    """The same subject agrees again."""

    kind: MismatchKind
    subject: str
    block_number: int
    log_position: int


def key_of(kind: MismatchKind, subject: str) -> str:
    return f"{kind.value}:{subject}"
