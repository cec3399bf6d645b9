"""The consistency boundary: state that is a fold of its own events and of nothing else."""

from collections.abc import Iterable
from uuid import UUID

import msgspec

from hedger.domain.events import Event


class Aggregate(msgspec.Struct, kw_only=True):
    """State of one stream of events. `apply` only assigns: it never raises, reads no clock and does no I/O."""

    id: UUID
    version: int = 0

    def apply(self, event: Event) -> None:
        raise NotImplementedError

    def advance(self, events: Iterable[Event]) -> None:
        """Apply events in order and count the version on."""
        for event in events:
            self.apply(event)
            self.version += 1
