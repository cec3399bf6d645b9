"""What befalls the chain: orphaned blocks, transactions that are forgotten, and fees that jump."""

import asyncio

from eth_account import Account

from devnet.chaos.stage import Stage

# A base fee this many times the usual one is above what is offered, for some blocks: it falls by an eighth a block.
FEE_JUMP = 6
DROP_LOOKS, DROP_PAUSE_S = 60, 0.05
AFTER_REORGANISATION_S = 3.0


async def reorganise(stage: Stage, depth: int) -> None:
    """The last blocks are replaced by empty ones; what their transactions did must be asked for again."""
    with stage.timeline.hindered("reorganisation", *stage.world.hedgers):
        head = int(await stage.world.rpc.call("eth_blockNumber"), 16)
        await stage.world.chain.reorg(min(depth, head - stage.first_block))
        await stage.watch.read_all()
        await asyncio.sleep(AFTER_REORGANISATION_S)


async def drop_one(stage: Stage, hedger: str) -> None:
    """The node forgets the next transaction of this hedger that waits for a block."""
    key = stage.world.hedgers[hedger].process.environment["HEDGER_SENDER__KEY"]
    sender = str(Account.from_key(key).address)
    for _ in range(DROP_LOOKS):
        waiting = (await stage.world.rpc.call("txpool_content"))["pending"]
        mine: dict[str, dict[str, str]] = next(
            (found for address, found in waiting.items() if address.lower() == sender.lower()), {}
        )
        for transaction in mine.values():
            await stage.world.rpc.call("anvil_dropTransaction", transaction["hash"])
            return
        await asyncio.sleep(DROP_PAUSE_S)


async def make_stuck(stage: Stage, seconds: float) -> None:
    """The next block's fee is more than anybody offered: what waits goes on waiting until it falls or is replaced."""
    head = await stage.world.rpc.call("eth_getBlockByNumber", "latest", False)
    with stage.timeline.hindered("fees", *stage.world.hedgers):
        await stage.world.rpc.call("anvil_setNextBlockBaseFeePerGas", hex(int(head["baseFeePerGas"], 16) * FEE_JUMP))
        await asyncio.sleep(seconds)
