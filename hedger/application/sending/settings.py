"""Times and bounds of the sender, what it counts, and how it stops."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

from hedger.domain.reverts import RevertAction

Heads = Callable[[float], Awaitable[None]]
"""Returns at the next head of the chain, or after so many seconds at most."""


@dataclass(frozen=True, slots=True)
class SenderSettings:
    """Seconds are of the process's clock unless they say otherwise."""

    poll_s: float = 1.0  # between two looks for a receipt, where no new head comes first
    hold_poll_s: float = 1.0  # between two looks at the trading state while it is HALTED
    replace_after_s: float = 30.0  # of the process or of the chain, whichever is over first
    rebroadcast_s: float = 15.0
    tend_s: float = 30.0  # between two passes over what no request waits for
    most_versions: int = 12  # signed for one nonce, cancellations included
    most_nonces: int = 3  # tried for one request after others took them
    proof_blocks: int = 12  # after so many a nonce that others used is believed lost
    gas_margin_percent: int = 130  # of the estimate
    held_signature_s: float = 20.0  # age up to which a signature asked for ahead is used
    muon_attempts: int = 3
    muon_pause_s: float = 1.0


class Observe(Protocol):
    """Counts something under a name; labels say which."""

    def __call__(self, name: str, **labels: str) -> None: ...


def observe_nothing(name: str, **labels: str) -> None:
    """Where nobody counts."""


class SenderStopped(Exception):
    """The sender is stopping: the request goes on where it is after the next start."""


class Refused(Exception):
    """A request that is not signed: the stage that refused it, why, and what follows from it."""

    def __init__(self, stage: str, reason: str, action: RevertAction) -> None:
        super().__init__(f"{stage}: {reason}")
        self.stage, self.reason, self.action = stage, reason, action
