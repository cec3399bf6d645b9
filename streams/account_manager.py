"""Role: the account manager, which keeps what is allocated towards each PartyA, and charges what is due, by period."""

import asyncio

from hedger.application.parts import Parts


async def run(parts: Parts) -> None:
    """Tend every account, again and again."""
    while True:
        await asyncio.sleep(parts.timing.tend_s)
        await parts.account_manager.tend()
