"""Role: the residual keeper, which hedges what the quotes of a symbol leave, by period."""

import asyncio

from hedger.application.parts import Parts


async def run(parts: Parts) -> None:
    """Tend every symbol, again and again."""
    while True:
        await asyncio.sleep(parts.timing.heal_s)
        await parts.residual_keeper.tend()
