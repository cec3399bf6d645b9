"""Faults the oracle commits on demand, to show how a client bears them."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class FaultKind(StrEnum):
    """DELAY answers late, ERROR refuses, HTTP_500 and GARBAGE do not answer; the others sign what is not so."""

    DELAY = "delay"
    ERROR = "error"
    HTTP_500 = "http_500"
    GARBAGE = "garbage"
    WRONG_NONCE = "wrong_nonce"
    EXPIRED = "expired"


@dataclass(slots=True)
class Fault:
    """One fault, committed `times` times (None: until cleared), on one method or on all (None)."""

    kind: FaultKind
    times: int | None = 1
    method: str | None = None
    delay_s: float = 1.0
    message: str = "uPnl Tolerance Error"

    @classmethod
    def from_json(cls, fields: Mapping[str, Any]) -> "Fault":
        """Raises ValueError for a kind or a field that does not exist."""
        try:
            return cls(**{**fields, "kind": FaultKind(fields.get("kind", ""))})
        except TypeError as error:
            raise ValueError(str(error)) from error


class Faults:
    """The faults still to be committed, in the order they were asked for."""

    def __init__(self) -> None:
        self._waiting: list[Fault] = []

    def add(self, fault: Fault) -> None:
        self._waiting.append(fault)

    def clear(self) -> None:
        self._waiting.clear()

    def take(self, method: str) -> Fault | None:
        """The fault the next answer to `method` commits; it is used up by one."""
        for fault in self._waiting:
            if fault.method not in (None, method):
                continue
            if fault.times is not None:
                fault.times -= 1
                if fault.times <= 0:
                    self._waiting.remove(fault)
            return fault
        return None

    @property
    def waiting(self) -> list[Fault]:
        return list(self._waiting)
