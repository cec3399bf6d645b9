"""The port of whoever tells people."""

from typing import Protocol

from hedger.domain.alerts.routing import Message


class NotDelivered(Exception):
    """The service did not take the message, or may have: it is told again. Never names the address."""


class Notifier(Protocol):
    """One place where people are told."""

    async def tell(self, message: Message) -> None:
        """Returns once the service has taken the message. Raises NotDelivered."""
        ...
