"""Role: the position validator, by period, and the repairs that are confirmed."""

import asyncio

import structlog

from hedger.adapters.chain.rpc import RpcFailure
from hedger.adapters.chain.view_reader import ViewUnreadable
from hedger.adapters.venue.port import VenueUnavailable
from hedger.application.parts import Parts

logger = structlog.get_logger(__name__)

_REPAIR_S = 1.0


async def run(parts: Parts) -> None:
    """Compare chain, venue and log, and run what was confirmed."""
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(_look(parts))
        tasks.create_task(_repair(parts))


async def _look(parts: Parts) -> None:
    """What cannot be asked is not concluded from."""
    while True:
        await asyncio.sleep(parts.timing.validate_s)
        try:
            await parts.validator.look_and_record()
        except (VenueUnavailable, RpcFailure, ViewUnreadable) as error:
            logger.warning("not validated", error=str(error))


async def _repair(parts: Parts) -> None:
    while True:
        await asyncio.sleep(_REPAIR_S)
        await parts.repairer.work()
