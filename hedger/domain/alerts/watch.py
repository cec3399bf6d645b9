"""A watch: one kind of value, from which limit on it is an alert, and where it counts as well again."""

from collections.abc import Mapping
from decimal import Decimal
from enum import StrEnum

import msgspec

from hedger.domain.alerts.alerts import OpenAlert
from hedger.domain.alerts.events import Level


class Direction(StrEnum):
    """Which side of the limit is bad."""

    ABOVE = "above"
    BELOW = "below"


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """The value of one subject; None where it is not known. `detail` is told along with a breach."""

    value: Decimal | None
    detail: str = ""


Look = Mapping[str, Reading]
"""Every subject of one watch: one that is missing exists no more. A look that failed is None, not an empty one."""


class Watch(msgspec.Struct, frozen=True, kw_only=True):
    """Raises when a value passes `limit` and stays there for `hold_s` seconds; clears when it is back at `clear`.

    A value between the two changes nothing, so that one that wavers around its limit is told once. `what` is what the
    value measures, `command` how to look further, `{subject}` in it standing for the subject.
    """

    name: str
    level: Level
    what: str
    command: str
    direction: Direction = Direction.ABOVE
    limit: Decimal = Decimal(0)
    clear: Decimal = Decimal(0)
    hold_s: int = 0
    unit: str = ""

    def __post_init__(self) -> None:
        above = self.direction is Direction.ABOVE
        if (self.clear > self.limit) if above else (self.clear < self.limit):
            raise ValueError(f"clear must not be {'above' if above else 'below'} limit")

    def adjusted(
        self,
        *,
        level: Level | None = None,
        limit: Decimal | None = None,
        clear: Decimal | None = None,
        hold_s: int | None = None,
    ) -> "Watch":
        """As this one but for what is given. Where a limit comes without `clear`, that moves in proportion.

        Raises ValueError where `clear` is on the wrong side.
        """
        if clear is None and limit is not None:
            clear = limit * self.clear / self.limit if self.limit else limit
        return Watch(
            name=self.name,
            level=self.level if level is None else level,
            what=self.what,
            command=self.command,
            direction=self.direction,
            limit=self.limit if limit is None else limit,
            clear=self.clear if clear is None else clear,
            hold_s=self.hold_s if hold_s is None else hold_s,
            unit=self.unit,
        )

    def is_breached(self, value: Decimal) -> bool:
        return value > self.limit if self.direction is Direction.ABOVE else value < self.limit

    def is_clear(self, value: Decimal) -> bool:
        return value <= self.clear if self.direction is Direction.ABOVE else value >= self.clear

    def raised_text(self, subject: str, reading: Reading) -> str:
        """What people are told of a breach: subject, value, limit, and how to look further."""
        value = self.shown(reading.value) if reading.value is not None else "not known"
        detail = f" {reading.detail}." if reading.detail else ""
        command = self.command.replace("{subject}", subject)
        return f"{subject}: {self.what} is {value}, limit {self.shown(self.limit)}.{detail} Look further: {command}"

    def cleared_text(self, alert: OpenAlert, value: Decimal | None, now_ms: int) -> str:
        """What people are told of a recovery; `value` is None where the subject is gone."""
        state = f"is {self.shown(value)}" if value is not None else "is no longer there"
        return f"{alert.subject}: {self.what} {state}, after {lasting(now_ms - alert.raised_at_ms)}"

    def shown(self, value: Decimal) -> str:
        return f"{plain(value)} {self.unit}".rstrip()


def plain(value: Decimal) -> str:
    """Decimal text without an exponent and without needless zeros."""
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def lasting(milliseconds: int) -> str:
    """A duration as people say it, in its two largest units."""
    seconds = max(0, milliseconds) // 1000
    sizes = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))
    parts: list[str] = []
    for size, name in sizes:
        count, seconds = divmod(seconds, size)
        if count or (parts and len(parts) < 2):
            parts.append(f"{count} {name}")
    return " ".join(parts[:2]) or "0 s"
