"""Role: the order maker; of the venue's key, the only one that may trade."""

import msgspec

from hedger.adapters.streams.topics import LOG
from hedger.application.messages import Logged
from hedger.application.parts import Parts
from streams.topics import ORDER_MAKER


async def run(parts: Parts) -> None:
    """Place and cancel what the log asks for."""

    async def handle(key: str, message: msgspec.Struct) -> None:
        if isinstance(message, Logged):
            await parts.order_maker.handle(key, message)

    await parts.streams.consume(LOG, ORDER_MAKER, handle)
