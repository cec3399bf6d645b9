"""The alerts of one hedger: what is open, and how far each target has been told."""

from uuid import UUID

import msgspec

from hedger.domain.aggregate import Aggregate
from hedger.domain.alerts.events import AlertCleared, AlertDelivered, AlertRaised, AlertTargetAdded, Level
from hedger.domain.events import Event, derived_id

KEPT_NOTICES = 1_000
"""A target that was away for longer than so many notices is told the newest ones."""


class OpenAlert(msgspec.Struct, frozen=True, kw_only=True):
    """An alert that was raised and has not cleared."""

    watch: str
    subject: str
    level: Level
    value: str
    text: str
    raised_at_ms: int


class Notice(msgspec.Struct, frozen=True, kw_only=True):
    """A breach or a recovery, to be told. Its number is its place in this aggregate's stream, from 1."""

    number: int
    watch: str
    subject: str
    level: Level
    is_recovery: bool
    text: str
    observed_at_ms: int


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """How far a target is: nothing is left up to `upto`, and those of `ahead` were told before others were."""

    upto: int
    ahead: tuple[int, ...] = ()

    def is_behind(self, notice: Notice) -> bool:
        return notice.number > self.upto and notice.number not in self.ahead


class Alerts(Aggregate, kw_only=True):
    """Every open alert of one hedger, and what its targets have not been told yet."""

    open: dict[str, OpenAlert] = {}
    notices: list[Notice] = []
    targets: dict[str, Told] = {}

    @staticmethod
    def create_id(chain_id: int, diamond: str, party_b: str) -> UUID:
        return derived_id("chains", chain_id, diamond, "alerts", party_b)

    def of_watch(self, watch: str) -> dict[str, OpenAlert]:
        """The open alerts of one watch, by subject."""
        return {alert.subject: alert for alert in self.open.values() if alert.watch == watch}

    def apply(self, event: Event) -> None:
        match event:
            case AlertRaised():
                self.open[key_of(event.watch, event.subject)] = OpenAlert(
                    watch=event.watch,
                    subject=event.subject,
                    level=event.level,
                    value=event.value,
                    text=event.text,
                    raised_at_ms=event.observed_at_ms,
                )
                self._note(event, is_recovery=False)
            case AlertCleared():
                self.open.pop(key_of(event.watch, event.subject), None)
                self._note(event, is_recovery=True)
            case AlertTargetAdded():
                self.targets[event.target] = Told(upto=self.version + 1)
            case AlertDelivered():
                told = self.targets.get(event.target, Told(upto=0))
                numbers = {*told.ahead, *event.notice_numbers}
                ahead = tuple(sorted(number for number in numbers if number > event.upto_number))
                self.targets[event.target] = Told(upto=max(told.upto, event.upto_number), ahead=ahead)
            case _:
                pass

    def _note(self, event: AlertRaised | AlertCleared, *, is_recovery: bool) -> None:
        notice = Notice(
            number=self.version + 1,
            watch=event.watch,
            subject=event.subject,
            level=event.level,
            is_recovery=is_recovery,
            text=event.text,
            observed_at_ms=event.observed_at_ms,
        )
        self.notices = [*self.notices[-KEPT_NOTICES + 1 :], notice]


def key_of(watch: str, subject: str) -> str:
    """What names an open alert."""
    return f"{watch}:{subject}"
