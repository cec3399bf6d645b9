"""A few scenes with the real hedgers, from their start to the verdict."""

from pathlib import Path

from devnet.demo.api import HedgerApi
from devnet.demo.direction import Direction, cast_size
from devnet.demo.rival import Rival
from devnet.demo.scenes import cancelling, closing, opening, refusals
from devnet.demo.script import BTC, ETH, KEY, PROXY, SOL, Scene
from devnet.demo.stage import LONG, SHORT, Stage
from devnet.demo.verdict import judge
from devnet.demo.watch import QuoteWatch
from devnet.world import World

SIDE_BY_SIDE = [
    Scene(closing.market_close, BTC, LONG),
    Scene(opening.market_open, ETH, LONG, KEY),
    Scene(opening.limit_rests_then_fills, ETH, SHORT),
    Scene(cancelling.cancel_after_part, SOL, LONG),
    Scene(refusals.symbol_disabled, SOL, SHORT, KEY),
]


async def test_scenes_end_as_expected_and_chain_exchange_and_log_agree(tmp_path: Path) -> None:
    async with World(tmp_path, hedgers=(PROXY, KEY)) as world:
        await world.start_hedgers()
        apis = {name: HedgerApi(world.session, hedger.process.api) for name, hedger in world.hedgers.items()}
        watch = QuoteWatch(world.rpc, world.deployment.diamond)
        async with watch.running():
            stage = Stage(world, watch, Rival(world), apis)
            count = cast_size(SIDE_BY_SIDE)
            direction = Direction(stage, await world.traders(count, sub_accounts=count // 2), lambda line: None)
            await direction.play_together(SIDE_BY_SIDE)
            await direction.look_again()
            verdict = await judge(stage, direction.outcome.differences, 0.0)
    assert verdict.problems == []
    assert verdict.quotes == 6
    assert verdict.by_status == {"CANCELED": 2, "CLOSED": 1, "OPENED": 3}
    assert all(validated["agrees"] for validated in verdict.validated.values())
    assert not any(hedger.process.is_running for hedger in world.hedgers.values())
