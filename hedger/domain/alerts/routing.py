"""Who is told what and when: a target's level, its quiet hours, and the message made of what it has not heard."""

from collections.abc import Sequence
from datetime import UTC, datetime, time, tzinfo

import msgspec

from hedger.domain.alerts.alerts import Alerts, Notice, Told
from hedger.domain.alerts.events import Level

LONGEST_MESSAGE = 20
"""Lines of one message; the rest is counted, and stands in the log."""


class QuietHours(msgspec.Struct, frozen=True, kw_only=True):
    """From one time of the day to another by the clock of a place; over midnight where the second is the earlier."""

    start: time
    end: time
    zone: tzinfo

    @classmethod
    def parse(cls, text: str, zone: tzinfo) -> "QuietHours":
        """Of "22:00-07:00". Raises ValueError."""
        try:
            start, end = (time.fromisoformat(part.strip()) for part in text.split("-"))
        except ValueError:
            raise ValueError("quiet hours are two times of the day: 22:00-07:00") from None
        return cls(start=start.replace(tzinfo=None), end=end.replace(tzinfo=None), zone=zone)

    def hold(self, at: datetime) -> bool:
        """True where this moment (aware) is quiet."""
        local = at.astimezone(self.zone).time()
        if self.start <= self.end:
            return self.start <= local < self.end
        return local >= self.start or local < self.end


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody who is told, from a level up; only what is critical passes in quiet hours."""

    name: str
    min_level: Level = Level.WARNING
    quiet: QuietHours | None = None

    def wants(self, notice: Notice) -> bool:
        return notice.level.rank >= self.min_level.rank

    def holds_back(self, notice: Notice, at: datetime) -> bool:
        return notice.level is not Level.CRITICAL and self.quiet is not None and self.quiet.hold(at)


class Due(msgspec.Struct, frozen=True, kw_only=True):
    """What a target is to be told now, in one message, and up to where nothing is left for it after that."""

    notices: tuple[Notice, ...]
    upto: int

    @property
    def numbers(self) -> tuple[int, ...]:
        return tuple(notice.number for notice in self.notices)


def due(alerts: Alerts, target: Target, now: datetime) -> Due:
    """The notices that this target has not been told, without those that wait for the end of its quiet hours."""
    told = alerts.targets.get(target.name, Told(upto=0))
    behind = [notice for notice in alerts.notices if told.is_behind(notice)]
    wanted = [notice for notice in behind if target.wants(notice)]
    held = [notice for notice in wanted if target.holds_back(notice, now)]
    newest = behind[-1].number if behind else told.upto
    upto = held[0].number - 1 if held else newest
    return Due(notices=tuple(notice for notice in wanted if notice not in held), upto=max(told.upto, upto))


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """A title, a body of one line a notice, and the level of the worst of them."""

    title: str
    body: str
    level: Level
    is_recovery: bool


def message_of(notices: Sequence[Notice], target: Target, sender: str) -> Message:
    """One message of one or more notices. `sender` names this hedger to whoever hears of several."""
    raised = [notice for notice in notices if not notice.is_recovery]
    late = sum(target.holds_back(notice, _moment(notice)) for notice in notices)
    level = max((notice.level for notice in raised or notices), key=lambda each: each.rank)
    lines = [_line(notice) for notice in notices[-LONGEST_MESSAGE:]]
    if len(notices) > LONGEST_MESSAGE:
        lines.insert(0, f"{len(notices) - LONGEST_MESSAGE} earlier ones: hedger alerts --all")
    if late:
        lines.insert(0, f"{late} of quiet hours:")
    return Message(
        title=f"[{level.value if raised else 'recovered'}] hedger {sender}: {_summary(notices, raised)}",
        body="\n".join(lines),
        level=level,
        is_recovery=not raised,
    )


def _summary(notices: Sequence[Notice], raised: Sequence[Notice]) -> str:
    if len(notices) == 1:
        return f"{notices[0].watch} {notices[0].subject}"
    recovered = len(notices) - len(raised)
    told = [f"{len(raised)} raised"] if raised else []
    return ", ".join([*told, f"{recovered} recovered"] if recovered else told)


def _line(notice: Notice) -> str:
    state = "RECOVERED" if notice.is_recovery else notice.level.value.upper()
    return f"{_moment(notice):%Y-%m-%d %H:%M:%S} UTC {state} {notice.watch} {notice.text}"


def _moment(notice: Notice) -> datetime:
    return datetime.fromtimestamp(notice.observed_at_ms / 1000, tz=UTC)
