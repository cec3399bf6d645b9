"""Tells targets what happened: the log holds what each has been told, so that nothing is forgotten over a restart."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import structlog
from tenacity import AsyncRetrying, retry_if_exception_type, wait_exponential

from hedger.adapters.log.port import LogUnavailable
from hedger.adapters.notify import NotDelivered, Notifier
from hedger.application.alerting import Watchman, change_alerts
from hedger.application.ledger import Ledger
from hedger.domain.alerts.events import AlertDelivered, AlertDeliveryFailed, AlertTargetAdded
from hedger.domain.alerts.routing import Target, due, message_of

logger = structlog.get_logger(__name__)

_FIRST_PAUSE_S = 2.0
_LONGEST_PAUSE_S = 300.0


class Courier:
    """Tells one target, one message at a time, and again with growing pauses until it is taken.

    At least once: a message that was taken just before a crash is told again after it.
    """

    def __init__(
        self,
        ledger: Ledger,
        target: Target,
        notifier: Notifier,
        *,
        sender: str,
        clock_ms: Callable[[], int],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._ledger, self._target, self._notifier = ledger, target, notifier
        self._sender, self._clock_ms, self._sleep = sender, clock_ms, sleep
        self._retrying = AsyncRetrying(
            retry=retry_if_exception_type(NotDelivered),
            wait=wait_exponential(multiplier=_FIRST_PAUSE_S, max=_LONGEST_PAUSE_S),
            sleep=sleep,
        )

    async def welcome(self) -> None:
        """Note a target that is new: it is told of what happens from now on."""
        added = AlertTargetAdded(target=self._target.name)
        await change_alerts(
            self._ledger,
            lambda alerts: () if self._target.name in alerts.targets else (added,),
            causation_id="alerts:target",
        )

    async def run(self, every_s: float) -> None:
        """Tell for ever what is due."""
        while True:
            try:
                await self._retrying(self.tell)
            except LogUnavailable as error:
                logger.warning("alerts not told", target=self._target.name, error=str(error))
            await self._sleep(every_s)

    async def tell(self) -> bool:
        """Tell what is due by now in one message; False where nothing is. Raises NotDelivered, LogUnavailable."""
        now = datetime.fromtimestamp(self._clock_ms() / 1000, tz=UTC)
        owed = due(await self._ledger.alerts(), self._target, now)
        if not owed.notices:
            return False
        name, numbers = self._target.name, owed.numbers
        try:
            await self._notifier.tell(message_of(owed.notices, self._target, self._sender))
        except NotDelivered as error:
            logger.warning("alerts not delivered", target=name, notices=len(numbers), error=str(error))
            failed = AlertDeliveryFailed(target=name, notice_numbers=numbers, reason=str(error))
            await change_alerts(self._ledger, lambda _: (failed,), causation_id="alerts:delivery")
            raise
        delivered = AlertDelivered(target=name, notice_numbers=numbers, upto_number=owed.upto)
        await change_alerts(self._ledger, lambda _: (delivered,), causation_id="alerts:delivery")
        return True


@dataclass(frozen=True, slots=True)
class Alerting:
    """Who watches, who tells, and the seconds between two looks."""

    watchman: Watchman
    couriers: Sequence[Courier]
    every_s: float
