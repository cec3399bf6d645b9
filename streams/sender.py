"""Role: the sender; of all roles the only one with the signing key."""

import asyncio

import msgspec

from hedger.adapters.streams.topics import LOG
from hedger.application.messages import Logged
from hedger.application.parts import Parts
from streams.topics import SENDER


async def run(parts: Parts) -> None:
    """Carry out transactions, and keep the key's nonces moving."""

    async def handle(key: str, message: msgspec.Struct) -> None:
        if isinstance(message, Logged):
            await parts.sender.handle(key, message)

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(parts.streams.consume(LOG, SENDER, handle))
        tasks.create_task(parts.sender.run())
