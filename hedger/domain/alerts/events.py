"""What is recorded of alerts: each breach and each recovery once, and what came of telling them."""

from enum import StrEnum

from hedger.domain.events import Event


class Level(StrEnum):
    """How bad it is. WARNING wants a look today, CRITICAL wants one now."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        return tuple(Level).index(self)


class AlertRaised(Event, frozen=True, kw_only=True, tag="AlertRaised.1"):
    """A watched value passed its limit. Value and limit are decimal text in `unit`; `text` is what people are told."""

    watch: str
    subject: str
    level: Level
    value: str
    limit: str
    unit: str
    text: str
    observed_at_ms: int  # the watcher's clock


class AlertCleared(Event, frozen=True, kw_only=True, tag="AlertCleared.1"):
    """The value is well again, or its subject is gone (`value` is empty then). `level` is the one it was raised at."""

    watch: str
    subject: str
    level: Level
    value: str
    text: str
    observed_at_ms: int


class AlertTargetAdded(Event, frozen=True, kw_only=True, tag="AlertTargetAdded.1"):
    """A target, by its configured name, that alerts are told to from here on."""

    target: str


class AlertDelivered(Event, frozen=True, kw_only=True, tag="AlertDelivered.1"):
    """The target took one message with these notices. Notices are numbered by their place in the alerts' own stream.

    Up to `upto_number` nothing is left to tell this target: the rest up to there is below its level.
    """

    target: str
    notice_numbers: tuple[int, ...]
    upto_number: int


class AlertDeliveryFailed(Event, frozen=True, kw_only=True, tag="AlertDeliveryFailed.1"):
    """The target did not take the message; it is tried again. `reason` never holds the target's address."""

    target: str
    notice_numbers: tuple[int, ...]
    reason: str
