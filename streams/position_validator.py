"""Role: the position validator, by period, and the repairs that are confirmed."""

import asyncio

import structlog

from hedger.adapters.chain.rpc import RpcFailure
from hedger.adapters.chain.view_reader import ViewUnreadable
from hedger.adapters.venue.port import VenueUnavailable
from hedger.application.parts import Parts

logger = structlog.get_logger(__name__)

_REPAIR_S = 1.0
# Between the two looks after somebody called: what a trade by another hand leads to stands still by then.
_AGAIN_S = 2.0
_LEAST_S = 1.0  # between any two looks, however often somebody calls


async def run(parts: Parts) -> None:
    """Compare chain, venue and log, and run what was confirmed."""
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(_look(parts))
        tasks.create_task(_repair(parts))


async def _look(parts: Parts) -> None:
    """What cannot be asked is not concluded from."""
    was_called = False
    while True:
        pause_s = min(_AGAIN_S, parts.timing.validate_s) if was_called else parts.timing.validate_s
        was_called = await parts.validator.called(pause_s)
        try:
            await parts.validator.look_and_record()
        except (VenueUnavailable, RpcFailure, ViewUnreadable) as error:
            logger.warning("not validated", error=str(error))
        await asyncio.sleep(min(_LEAST_S, parts.timing.validate_s))


async def _repair(parts: Parts) -> None:
    while True:
        await asyncio.sleep(_REPAIR_S)
        await parts.repairer.work()
