"""Role: the account manager, which keeps what is allocated towards each PartyA, and charges what is due, by period."""

import asyncio

from hedger.application.parts import Parts


async def run(parts: Parts) -> None:
    """Tend every account, again and again."""
    while True:
        await asyncio.sleep(parts.timing.tend_s)
        held = [parts.board.symbols[each].name for each in parts.book.symbol_ids if each in parts.board.symbols]
        await parts.funding_monitor.look(held, parts.board.venue_time_ms())
        await parts.account_manager.tend()
