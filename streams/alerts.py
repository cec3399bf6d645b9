"""Role: alerts, by period; what is found is in the log before anybody is told."""

import asyncio

import structlog

from hedger.adapters.log.port import LogUnavailable
from hedger.application.alerting_delivery import Alerting
from hedger.application.parts import Parts

logger = structlog.get_logger(__name__)


async def run(parts: Parts) -> None:
    """Watch levels, and tell targets what they have not heard."""
    alerting = parts.alerting
    if alerting is None:
        return
    for courier in alerting.couriers:
        await courier.welcome()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(_watch(alerting))
        for courier in alerting.couriers:
            tasks.create_task(courier.run(alerting.every_s))


async def _watch(alerting: Alerting) -> None:
    while True:
        try:
            await alerting.watchman.look()
        except LogUnavailable as error:
            logger.warning("levels not judged", error=str(error))
        await asyncio.sleep(alerting.every_s)
