"""Role: the position manager, the one writer of quotes and accounts."""

import asyncio

import msgspec

from hedger.adapters.chain.messages import (
    HEAD_KEY,
    BlockFacts,
    BlockPassed,
    ProtocolFacts,
    Rejected,
    Reorganised,
    TreasuryFacts,
)
from hedger.adapters.streams.port import Handler
from hedger.adapters.streams.topics import EXECUTIONS, FACTS
from hedger.application.messages import Reported
from hedger.application.parts import Parts
from hedger.domain.feed import BlockRef
from streams.topics import POSITION_MANAGER


async def run(parts: Parts) -> None:
    """Take facts of the chain and of the venue; decide again by period."""
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(parts.streams.consume(FACTS, POSITION_MANAGER, _facts(parts)))
        tasks.create_task(parts.streams.consume(EXECUTIONS, POSITION_MANAGER, _executions(parts)))
        tasks.create_task(_heal(parts))


def _facts(parts: Parts) -> Handler:
    async def handle(key: str, message: msgspec.Struct) -> None:
        match message:
            case BlockFacts():
                await parts.manager.on_block_facts(key, message)
                await parts.treasury_keeper.on_block_facts(message)
                await _pass(parts, parts.heads.handled(message.block, key, len(message.facts)))
            case TreasuryFacts():
                await parts.treasury_keeper.on_treasury_facts(message)
                # The same address may be a PartyA with facts of its own in this block.
                await _pass(parts, parts.heads.handled(message.block, f"treasury:{key}", len(message.facts)))
            case ProtocolFacts():
                await parts.manager.on_protocol_facts(key, message)
                await parts.read_protocol()
                await _pass(parts, parts.heads.handled(message.block, key, len(message.facts)))
            case BlockPassed():
                await _pass(parts, parts.heads.passed(message))
            case Reorganised():
                await parts.manager.on_reorganised(key, message)
                await parts.treasury_keeper.on_reorganised(key, message)
                await parts.sender.on_orphaned(message.orphaned)
                if key == HEAD_KEY:
                    await parts.read_protocol()  # a pause or a listing may have stood in the blocks that left
            case Rejected():
                await parts.manager.on_rejected(key, message)
            case _:
                raise TypeError(f"unknown message on {FACTS}: {type(message).__name__}")

    return handle


def _executions(parts: Parts) -> Handler:
    async def handle(key: str, message: msgspec.Struct) -> None:
        if not isinstance(message, Reported):
            raise TypeError(f"unknown message on {EXECUTIONS}: {type(message).__name__}")
        if message.party_a:
            await parts.account_manager.on_reported(message)
        elif message.symbol_id:
            await parts.residual_keeper.on_reported(message)
        else:
            await parts.manager.on_reported(key, message)

    return handle


async def _pass(parts: Parts, head: BlockRef | None) -> None:
    if head is None:
        return
    parts.board.head = head
    parts.seen("head")
    parts.new_head.tell()
    await parts.manager.on_head(head)
    await parts.healer.heal_after_block()


async def _heal(parts: Parts) -> None:
    while True:
        await asyncio.sleep(parts.timing.heal_s)
        await parts.healer.heal()
