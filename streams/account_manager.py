"""Role: the account manager, which keeps what is allocated towards each PartyA, and charges what is due.

Every account is tended by period; in between their health is watched, since prices do not wait.
"""

import asyncio

from hedger.application.parts import Parts


async def run(parts: Parts) -> None:
    """Tend and watch every account, again and again."""
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(_tend(parts))
        tasks.create_task(_watch(parts))
        tasks.create_task(_follow_funding(parts))


async def _tend(parts: Parts) -> None:
    while True:
        await asyncio.sleep(parts.timing.tend_s)
        await parts.account_manager.tend()


async def _follow_funding(parts: Parts) -> None:
    """Beside the passes: a venue that does not answer must hold none of them up."""
    while True:
        held = [parts.board.symbols[each].name for each in parts.book.symbol_ids if each in parts.board.symbols]
        await parts.funding_monitor.look(held, parts.board.venue_time_ms())
        await asyncio.sleep(parts.timing.tend_s)


async def _watch(parts: Parts) -> None:
    while True:
        await asyncio.sleep(parts.timing.watch_s)
        await parts.account_manager.watch()
