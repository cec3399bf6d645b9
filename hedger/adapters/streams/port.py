"""The port of the streams between the parts: ordered per key, at least once."""

from collections.abc import Awaitable, Callable
from typing import Protocol

import msgspec

Handler = Callable[[str, msgspec.Struct], Awaitable[None]]
"""Takes key and message. Returning acknowledges; raising asks for it again later, before anything else of this key."""


class Streams(Protocol):
    """Publish with a key; consume with a group. Messages of one key reach a group in order, one at a time; different
    keys are handled side by side. A message is delivered again until its handler has returned."""

    async def publish(self, topic: str, key: str, message: msgspec.Struct) -> None:
        """Hand a message over; returns when it is accepted for delivery, waits where consumers are too far behind."""
        ...

    async def consume(self, topic: str, group: str, handler: Handler) -> None:
        """Handle messages until cancelled; on cancellation the handlers under way are finished first."""
        ...
