"""Role: the order monitors, by the venue's user stream and by its REST answers."""

import asyncio

import structlog

from hedger.adapters.venue.port import VenueUnavailable
from hedger.application.parts import Parts

logger = structlog.get_logger(__name__)


async def run(parts: Parts) -> None:
    """Follow the stream, and ask for what it did not tell."""
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(parts.stream_monitor.run())
        tasks.create_task(_poll(parts))
        tasks.create_task(_follow_wallet(parts))


async def _poll(parts: Parts) -> None:
    while True:
        await parts.poll_monitor.look()
        try:
            margin = await parts.venue.margin()
            parts.board.venue_margin, parts.board.venue_wallet = margin.available, margin.wallet
            parts.board.venue_offset_ms = await parts.venue.time_ms() - parts.clock_ms()
            parts.seen("venue")
            parts.seen("venue_answers")
        except VenueUnavailable as error:
            logger.warning("venue does not answer", error=str(error))
        await asyncio.sleep(parts.timing.venue_poll_s)


async def _follow_wallet(parts: Parts) -> None:
    while True:
        try:
            await parts.income_monitor.look()
        except VenueUnavailable as error:
            logger.warning("the wallet's movements were not told", error=str(error))
        await asyncio.sleep(parts.timing.income_poll_s)
