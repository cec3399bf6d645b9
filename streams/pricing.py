"""Role: pricing; keeps the board's prices fresh, by stream, and by asking where the stream is broken."""

import asyncio

import structlog

from hedger.adapters.venue.port import VenueUnavailable
from hedger.application.parts import Parts

logger = structlog.get_logger(__name__)


async def run(parts: Parts) -> None:
    """Follow the price stream for ever."""
    while True:
        try:
            for market in (await parts.venue.markets()).values():
                parts.board.take(market)
            async for market in parts.venue.prices():
                parts.board.take(market)
                parts.seen("venue")
                parts.seen("prices")
        except VenueUnavailable as error:
            logger.warning("price stream broken", error=str(error))
        await asyncio.sleep(1.0)
