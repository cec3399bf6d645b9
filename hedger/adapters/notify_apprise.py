"""Tells people by any service that Apprise knows: Telegram, Slack, e-mail, webhooks and a hundred more.

An address of Apprise holds tokens and passwords. It is in no message, no error and no `repr` here, and what the library
itself says of its work is not listened to, since it may name the address.
"""

import asyncio
import logging
from functools import cache

import apprise
from pydantic import SecretStr

from hedger.adapters.notify import NotDelivered
from hedger.domain.alerts.events import Level
from hedger.domain.alerts.routing import Message

_LONGEST_S = 30.0

_KINDS = {
    Level.INFO: apprise.NotifyType.INFO,
    Level.WARNING: apprise.NotifyType.WARNING,
    Level.CRITICAL: apprise.NotifyType.FAILURE,
}


class UnknownAddress(ValueError):
    """This is no address that Apprise knows."""


class AppriseNotifier:
    """One address of Apprise. Raises UnknownAddress."""

    def __init__(self, address: SecretStr, *, longest_s: float = _LONGEST_S) -> None:
        _silence()
        service = apprise.Apprise.instantiate(address.get_secret_value(), suppress_exceptions=True)
        if not isinstance(service, apprise.NotifyBase):
            raise UnknownAddress("not a URL that Apprise knows")
        self._name, self._longest_s = str(service.service_name), longest_s
        self._services = apprise.Apprise()
        self._services.add(service)

    def __repr__(self) -> str:
        return f"AppriseNotifier({self._name})"

    async def tell(self, message: Message) -> None:
        kind = apprise.NotifyType.SUCCESS if message.is_recovery else _KINDS[message.level]
        try:
            async with asyncio.timeout(self._longest_s):
                # Plain text: what a service shows as HTML or Markdown is made of it, with its lines kept.
                taken = await self._services.async_notify(
                    body=message.body,
                    title=message.title,
                    notify_type=kind,
                    body_format=apprise.NotifyFormat.TEXT,
                )
        except TimeoutError:
            raise NotDelivered(f"no answer within {self._longest_s:g} s") from None
        except Exception as error:
            # Its text, and its traceback, may hold the address.
            raise NotDelivered(f"failed: {type(error).__name__}") from None
        if not taken:
            raise NotDelivered("not reached, or refused")


@cache
def _silence() -> None:
    """Keep the library's own lines from standard error, where they would go for want of a listener."""
    logger = logging.getLogger("apprise")
    logger.addHandler(logging.NullHandler())
    logger.propagate = False
