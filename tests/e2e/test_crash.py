"""The hedger is killed at 25 seeded moments while traders trade and the exchange loses answers: nothing is doubled,
nothing is forgotten, and chain, exchange and log agree."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from random import Random

import pytest
from e2e_log import kill_database, log_of
from e2e_oracles import (
    all_quotes,
    chain_first,
    doubled_orders,
    doubled_transactions,
    mined_by,
    signer_of,
    undone,
    unequal,
)
from e2e_trading import Crowd, until

from devnet.exchange.faults import PRESETS, Fault, FaultKind
from devnet.traders import Habits
from devnet.world import PROXY_HEDGER, LocalHedger, World
from hedger.domain.quote.events import OrderOutcomeUnknown

SEED = 20_26
CRASHES = 25
EARLY = 5  # of them while the hedger still starts
WITH_DATABASE = 2  # of them together with the database server
REST_S = 60.0
LEAVE_S = 60.0
ORDER = "/fapi/v1/order"
# What befalls the exchange meanwhile: requests and answers that are lost or late, refusals, a silent user stream.
TROUBLES = (
    Fault(FaultKind.LOSE_ANSWER, "POST", ORDER),
    Fault(FaultKind.LOSE_REQUEST, "POST", ORDER),
    Fault(FaultKind.DELAY_REQUEST, "POST", ORDER, seconds=1.5),
    Fault(FaultKind.DELAY_ANSWER, "POST", ORDER, seconds=1.0),
    Fault(FaultKind.LOSE_ANSWER, "DELETE", ORDER),
    Fault(FaultKind.LOSE_ANSWER, "GET", ORDER),
    replace(PRESETS["unknown_outcome"], method="POST", path=ORDER),
    PRESETS["rate_limited"],
)


@pytest.fixture(scope="module")
async def world(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    async with World(tmp_path_factory.mktemp("crash"), seed=SEED, hedgers=(PROXY_HEDGER,)) as world:
        hedger = world.hedgers["proxy"]
        hedger.process.environment["HEDGER_VENUE__RECV_WINDOW_MS"] = "2000"
        hedger.process.environment["HEDGER_VENUE__TIMEOUT_MS"] = "2000"
        yield world


async def test_after_25_crashes_nothing_is_doubled_and_nothing_forgotten(world: World) -> None:
    hedger = world.hedgers["proxy"]
    traders = await world.traders(8, sub_accounts=2)
    crowd = Crowd(traders, seed=SEED, habits=Habits(most_live=6), pause_s=0.3)
    await world.start_hedger()
    crowd.start()
    await _crash_often(hedger, Random(SEED))
    await crowd.stop()
    assert {"Send", "Cancel", "RequestClose", "CancelClose"} <= set(crowd.done)
    hedger.exchange.faults.remove(None)
    hedger.exchange.hub.user_faults.swallow = 0
    await hedger.process.wait_ready()
    async with log_of(hedger) as log:

        async def restless() -> list[str]:
            """What is under way, not equal or not done."""
            quotes = await all_quotes(world)
            return await log.under_way() + unequal(quotes, hedger) + undone(quotes, await log.quotes(), hedger)

        async def at_rest() -> bool:
            return not await restless()

        async def nothing_is_live() -> bool:
            return not await log.live()

        await until(at_rest, within_s=REST_S)
        assert await restless() == []
        verdict = await hedger.process.validate()
        assert verdict["agrees"], verdict

        left = await crowd.leave(within_s=LEAVE_S)
        assert left == []
        await until(nothing_is_live, within_s=REST_S)
        assert await log.live() == []
        assert unequal(await all_quotes(world), hedger) == []
        assert doubled_orders(hedger) == []
        wallet = await log.wallet(signer_of(hedger))
        assert doubled_transactions(await mined_by(world, signer_of(hedger)), wallet) == []
        assert wallet.unmined == []
        assert chain_first(await log.events()) == []
        assert await log.problems() == []
        assert await log.of(OrderOutcomeUnknown), "no trouble of the exchange has struck"
    verdict = await hedger.process.validate()
    assert verdict["agrees"], verdict


async def _crash_often(hedger: LocalHedger, random: Random) -> None:
    """Kill and start again; some of the deaths take the database server along, as a power cut would."""
    moments = random.sample(range(CRASHES), EARLY + WITH_DATABASE)
    early, with_database = set(moments[:EARLY]), set(moments[EARLY:])
    for number in range(CRASHES):
        for trouble in random.sample(TROUBLES, 2):
            hedger.exchange.faults.add(trouble)
        hedger.exchange.hub.user_faults.swallow = None if number % 5 == 0 else 0
        if number in early:
            await asyncio.sleep(random.uniform(0.2, 2.0))
        else:
            await hedger.process.wait_ready()
            await asyncio.sleep(random.uniform(0.1, 1.8))
        await hedger.process.kill()
        if number in with_database:
            await kill_database(hedger)
        await hedger.process.start()
