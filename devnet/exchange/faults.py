"""Troubles on demand: which requests are to go wrong, and how."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from fnmatch import fnmatch
from itertools import count

from devnet.exchange.errors import VenueError
from devnet.exchange.params import Params


class FaultKind(StrEnum):
    """LOSE_ANSWER and REFUSE_AFTER execute the request; LOSE_REQUEST and REFUSE do not. DELAY_REQUEST waits before
    executing, DELAY_ANSWER after it."""

    LOSE_REQUEST = "lose_request"
    LOSE_ANSWER = "lose_answer"
    DELAY_REQUEST = "delay_request"
    DELAY_ANSWER = "delay_answer"
    REFUSE = "refuse"
    REFUSE_AFTER = "refuse_after"


@dataclass
class Fault:
    """Strikes requests whose method, path (with * and ?) and client order id fit; None fits all.

    The first `skip` of them pass, the next `times` are struck (None: all from then on). `code`, `status`, `message`
    and `retry_after_s` make the refusal.
    """

    kind: FaultKind
    method: str | None = None
    path: str | None = None
    client_order_id: str | None = None
    skip: int = 0
    times: int | None = 1
    seconds: float = 0.0
    code: int = -1001
    status: int | None = None
    message: str | None = None
    retry_after_s: int | None = None
    fault_id: int = 0
    struck: int = 0

    def fits(self, method: str, path: str, params: Params) -> bool:
        ids = (params.optional("newClientOrderId"), params.optional("origClientOrderId"))
        return (
            self.method in (None, method)
            and (self.path is None or fnmatch(path, self.path))
            and (self.client_order_id is None or self.client_order_id in ids)
        )

    def refusal(self) -> VenueError:
        return VenueError(self.code, self.message, status=self.status, retry_after_s=self.retry_after_s)

    def as_json(self) -> dict[str, object]:
        return asdict(self)


PRESETS: dict[str, Fault] = {
    "rate_limited": Fault(FaultKind.REFUSE, code=-1003, status=429, retry_after_s=1),
    "banned": Fault(
        FaultKind.REFUSE,
        code=-1003,
        status=418,
        retry_after_s=120,
        message="Way too many requests; IP banned. Please use the websocket for live updates to avoid bans.",
    ),
    "bad_timestamp": Fault(FaultKind.REFUSE, code=-1021),
    "disconnected": Fault(FaultKind.REFUSE, code=-1001, status=500),
    "server_error": Fault(FaultKind.REFUSE, code=-1000, status=500),
    "unknown_outcome": Fault(
        FaultKind.REFUSE_AFTER,
        code=-1000,
        status=503,
        message="Unknown error, please check your request or try again later.",
    ),
}


@dataclass
class FaultBook:
    """The faults waiting to strike; the oldest that fits wins."""

    faults: list[Fault] = field(default_factory=list)
    _ids: count[int] = field(default_factory=lambda: count(1))

    def add(self, fault: Fault) -> Fault:
        """Arm a fault; the copy returned carries its id."""
        armed = replace(fault, fault_id=next(self._ids))
        self.faults.append(armed)
        return armed

    def remove(self, fault_id: int | None) -> int:
        """Disarm one fault, or all with None; returns how many went."""
        before = len(self.faults)
        self.faults = [fault for fault in self.faults if fault_id is not None and fault.fault_id != fault_id]
        return before - len(self.faults)

    def take(self, method: str, path: str, params: Params) -> Fault | None:
        """The fault that strikes this request, its count moved on; a spent one is dropped."""
        for fault in self.faults:
            if not fault.fits(method, path, params):
                continue
            if fault.skip:
                fault.skip -= 1
                continue
            fault.struck += 1
            if fault.times is not None and fault.struck >= fault.times:
                self.faults.remove(fault)
            return fault
        return None
