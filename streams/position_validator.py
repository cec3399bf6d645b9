"""Role: the position validator, by period."""

import asyncio

import structlog

from hedger.adapters.chain.rpc import RpcFailure
from hedger.adapters.venue.port import VenueUnavailable
from hedger.application.parts import Parts

logger = structlog.get_logger(__name__)


async def run(parts: Parts) -> None:
    """Compare chain, venue and log; what cannot be asked is not concluded from."""
    while True:
        await asyncio.sleep(parts.timing.validate_s)
        try:
            await parts.validator.look_and_record()
        except (VenueUnavailable, RpcFailure) as error:
            logger.warning("not validated", error=str(error))
