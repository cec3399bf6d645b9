"""A hedger that starts while its exchange is away waits for it, and says so."""

import asyncio
from pathlib import Path

from e2e_trading import until

from devnet.exchange.faults import Fault, FaultKind
from devnet.world import PROXY_HEDGER, World

AWAY_S = 4.0


async def test_a_hedger_started_while_the_exchange_is_away_waits_and_then_runs(tmp_path: Path) -> None:
    async with World(tmp_path / "world", hedgers=[PROXY_HEDGER]) as world:
        hedger = world.hedgers[PROXY_HEDGER.name]
        away = Fault(FaultKind.REFUSE, times=None, status=503, code=-1001, message="away")
        fault = hedger.exchange.faults.add(away)
        await hedger.process.start()

        async def says_so() -> bool:
            return "the start waits" in hedger.process.log_end(20_000)

        assert await until(says_so, within_s=30.0)
        await asyncio.sleep(AWAY_S)
        assert hedger.process.is_running
        hedger.exchange.faults.remove(fault.fault_id)
        assert await hedger.process.wait_ready()
