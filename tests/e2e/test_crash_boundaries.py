"""The hedger dies at each boundary between requested, done and recorded: every effect happens exactly once.

Two hedgers die side by side, each of its own kind of step: the one behind the proxy contract while it opens, the one
with a plain key while it closes.
"""

import asyncio
import json
import os
import sys
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path

import pytest
from crashing_hedger import CRASHED
from e2e_log import log_of
from e2e_oracles import (
    all_quotes,
    doubled_orders,
    doubled_transactions,
    leg_of,
    mined_by,
    orders_of_quotes,
    signer_of,
    unequal,
)
from e2e_trading import close_at_market, until

from devnet.hedger_process import PROJECT
from devnet.traders import QuoteTerms, Trader, with_slippage
from devnet.world import KEY_HEDGER, PROXY_HEDGER, LocalHedger, World
from hedger.domain.money import WAD, floor_to
from hedger.domain.terms import OrderType, PositionType, QuoteStatus

LAUNCHER = Path(__file__).with_name("crashing_hedger.py")
STEP_S = 40.0
BTC = 1
PROXY_CALLS = {"lockQuote": 1, "openPosition": 1, "fillCloseRequest": 1}
KEY_CALLS = {"lockAndOpenQuote": 1, "fillCloseRequest": 1}

Scenario = Callable[[World, LocalHedger, Trader], Awaitable[int]]


@pytest.fixture(scope="module")
async def world(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    async with World(tmp_path_factory.mktemp("boundaries"), hedgers=(PROXY_HEDGER, KEY_HEDGER)) as world:
        for hedger in world.hedgers.values():
            hedger.process.environment["HEDGER_VENUE__RECV_WINDOW_MS"] = "1000"
            hedger.process.environment["HEDGER_TIMING__REDELIVER_AFTER_S"] = "1"
        yield world


ORDER_BOUNDARIES = [
    pytest.param("before", "place", id="requested and not sent"),
    pytest.param("after", "place", id="sent and the answer lost"),
    pytest.param("before", "OrderAccepted", id="accepted and not recorded"),
    pytest.param("before", "OrderFilled", id="filled and not recorded"),
]
TRANSACTION_BOUNDARIES = [
    pytest.param("before", "TransactionSigned", id="requested and not signed"),
    pytest.param("before", "broadcast", id="signed and not broadcast"),
    pytest.param("after", "broadcast", id="broadcast and not mined"),
    pytest.param("before", "TransactionMined", id="mined and not recorded"),
    pytest.param("before", "TransactionSucceeded", id="recorded and not told"),
]


@pytest.mark.parametrize(("when", "step"), ORDER_BOUNDARIES)
async def test_an_order_is_executed_once_though_the_hedger_dies_when_it_is(world: World, when: str, step: str) -> None:
    await _in_both(world, when, step, {"proxy": "-o", "key": "-c"})


@pytest.mark.parametrize(("when", "step"), TRANSACTION_BOUNDARIES)
async def test_a_transaction_is_mined_once_though_the_hedger_dies_when_it_is(
    world: World, when: str, step: str
) -> None:
    await _in_both(world, when, step, {"proxy": "-open-", "key": "-fill_close-"})


async def test_an_allocation_is_made_once_though_the_hedger_dies_when_it_is_broadcast(world: World) -> None:
    await _in_both(world, "after", "broadcast", {"proxy": "-lock-", "key": "#allocate"})


async def test_a_cancelled_order_stays_cancelled_though_the_hedger_dies_around_its_cancel(world: World) -> None:
    """One of them dies before its cancel leaves, the other one before it hears of it."""
    crashes = {"proxy": _crash("before", "cancel", "-o"), "key": _crash("after", "cancel", "-o")}
    await _both_survive(world, crashes, _sent_and_cancelled, QuoteStatus.CANCELED)


async def _in_both(world: World, when: str, step: str, of: dict[str, str]) -> None:
    """Opens and closes one position with each hedger, which dies once meanwhile and is started again."""
    crashes = {name: _crash(when, step, each) for name, each in of.items()}
    proxy, key = await _both_survive(world, crashes, _opened_and_closed, QuoteStatus.CLOSED)
    for name, quote_id, calls in (("proxy", proxy, PROXY_CALLS), ("key", key, KEY_CALLS)):
        hedger = world.hedgers[name]
        assert Counter(leg_of(order) for order in orders_of_quotes(hedger)[quote_id]) == {"o": 1, "c": 1}
        mined = await mined_by(world, signer_of(hedger))
        done = Counter(call for each in mined if each.succeeded for call in each.calls)
        assert {call: count for (call, about), count in done.items() if about == quote_id} == calls


async def _both_survive(
    world: World, crashes: dict[str, dict[str, str]], scenario: Scenario, end: QuoteStatus
) -> list[int]:
    """The quotes of both hedgers; where one of them does not survive, the other one is not left behind either."""
    async with asyncio.TaskGroup() as tasks:
        surviving = [
            tasks.create_task(_survives(world, hedger, crashes[name], scenario, end))
            for name, hedger in world.hedgers.items()
        ]
    return [task.result() for task in surviving]


def _crash(when: str, step: str, of: str) -> dict[str, str]:
    return {"when": when, "step": step, "of": of}


async def _survives(
    world: World, hedger: LocalHedger, crash: dict[str, str], scenario: Scenario, end: QuoteStatus
) -> int:
    """The id of the quote that went all its way through one crash; nothing of the hedger is doubled or left."""
    [trader] = await world.traders(1)
    async with log_of(hedger) as log, _dies_once(hedger, crash) as revived:
        quote_id = await scenario(world, hedger, trader)
        async with asyncio.timeout(STEP_S):
            await revived

        async def is_at_rest() -> bool:
            return not await log.under_way() and not await log.live()

        assert await until(is_at_rest, within_s=STEP_S), await log.under_way()
        assert (await trader.quote(quote_id)).status is end
        wallet = await log.wallet(signer_of(hedger))
        assert doubled_transactions(await mined_by(world, signer_of(hedger)), wallet) == []
        assert await log.problems() == []
    assert doubled_orders(hedger) == []
    assert unequal(await all_quotes(world), hedger) == []
    return quote_id


@asynccontextmanager
async def _dies_once(hedger: LocalHedger, crash: dict[str, str]) -> AsyncIterator[asyncio.Task[None]]:
    """The hedger runs, dies as told, and is started again as it is started by anybody: then the task is done."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("HEDGER_")}
    environment = {**inherited, **hedger.process.environment, "E2E_CRASH": json.dumps(crash)}
    with hedger.process.log_path.open("ab") as log:
        doomed = await asyncio.create_subprocess_exec(
            sys.executable,
            str(LAUNCHER),
            "run",
            "--config",
            str(hedger.process.config),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=log,
            cwd=PROJECT,
            env={**environment, "PYTHONPATH": str(PROJECT)},
        )
    reviving = asyncio.create_task(_revive(hedger, doomed))
    try:
        yield reviving
    finally:
        if doomed.returncode is None:
            doomed.kill()  # which is not how it should have died, so nothing is started again
        await asyncio.wait([reviving])
        await hedger.process.kill()


async def _revive(hedger: LocalHedger, doomed: asyncio.subprocess.Process) -> None:
    assert await doomed.wait() == CRASHED, hedger.process.log_end()
    await hedger.process.start()
    await hedger.process.wait_ready()


async def _opened_and_closed(world: World, hedger: LocalHedger, trader: Trader) -> int:
    price = await trader.market_price(BTC)
    terms = QuoteTerms(
        BTC,
        PositionType.LONG,
        OrderType.MARKET,
        floor_to(with_slippage(price, Decimal(2), upward=True), WAD // 10),
        WAD // 100,
        white_list=(hedger.party_b,),
    )
    quote_id = await trader.send_quote(terms)
    await _reaches(trader, quote_id, QuoteStatus.OPENED)
    await close_at_market(trader, await trader.quote(quote_id))
    await _reaches(trader, quote_id, QuoteStatus.CLOSED)
    return quote_id


async def _sent_and_cancelled(world: World, hedger: LocalHedger, trader: Trader) -> int:
    """A limit order far from the market is cancelled while it works at the exchange."""
    price = await trader.market_price(BTC)
    far = floor_to(price * 9 // 10, WAD // 10)
    terms = QuoteTerms(
        BTC, PositionType.LONG, OrderType.LIMIT, far, WAD // 100, white_list=(hedger.party_b,), leverage=5
    )
    quote_id = await trader.send_quote(terms)

    async def works() -> bool:
        return any(order.is_open for order in orders_of_quotes(hedger).get(quote_id, []))

    assert await until(works, within_s=STEP_S), hedger.process.log_end()
    await trader.cancel(quote_id)
    await _reaches(trader, quote_id, QuoteStatus.CANCELED)
    return quote_id


async def _reaches(trader: Trader, quote_id: int, status: QuoteStatus) -> None:
    async def has_it() -> bool:
        return (await trader.quote(quote_id)).status is status

    assert await until(has_it, within_s=STEP_S), f"quote {quote_id} is {(await trader.quote(quote_id)).status.name}"
