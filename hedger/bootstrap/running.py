"""Runs the roles of a hedger in one process, and serves its API."""

import asyncio
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial

from hedger import __version__
from hedger.adapters.chain.sequencer import ReorgTooDeep
from hedger.adapters.postgres import Pool
from hedger.api import checks
from hedger.api.app import create_app
from hedger.api.deps import ApiDeps
from hedger.api.server import serve
from hedger.application.parts import Parts
from hedger.application.supervision import Fatal, supervised
from hedger.config import Settings
from hedger.metrics import Metrics
from streams import (
    account_manager,
    alerts,
    listener,
    order_maker,
    order_monitor,
    poller,
    position_manager,
    position_validator,
    pricing,
    projector,
    relay,
    residual_keeper,
    sender,
    sequencer,
)

_GAUGES_S = 1.0
_STALE_S = 60.0

ROLES: dict[str, Callable[[Parts], Awaitable[None]]] = {
    "sequencer": sequencer.run,
    "listener": listener.run,
    "poller": poller.run,
    "position_manager": position_manager.run,
    "account_manager": account_manager.run,
    "order_maker": order_maker.run,
    "order_monitor": order_monitor.run,
    "sender": sender.run,
    "relay": relay.run,
    "residual_keeper": residual_keeper.run,
    "projector": projector.run,
    "pricing": pricing.run,
    "position_validator": position_validator.run,
    "alerts": alerts.run,
}


async def run_all(parts: Parts, metrics: Metrics, *, ready: Callable[[], None]) -> None:
    """Run every role until cancelled. What was under way when the process last died goes on first."""
    await parts.sender.recover()
    async with asyncio.TaskGroup() as tasks:
        for name, role in ROLES.items():
            if name == "listener" and parts.listener is None:
                continue
            tasks.create_task(
                supervised(
                    name,
                    partial(role, parts),
                    fatal=(Fatal, ReorgTooDeep),
                    clock_s=time.monotonic,
                    observe=metrics.count,
                ),
                name=name,
            )
        await parts.healer.tell_outstanding()
        await parts.account_manager.tell_outstanding()
        await parts.residual_keeper.tell_outstanding()
        ready()


async def stopped_by_signal() -> str:
    """Waits for SIGTERM or SIGINT; the signal's name."""
    loop = asyncio.get_running_loop()
    told: asyncio.Future[str] = loop.create_future()

    def tell(name: str) -> None:
        if not told.done():
            told.set_result(name)

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, tell, number.name)
    return await told


@asynccontextmanager
async def serving(settings: Settings, parts: Parts, pool: Pool, metrics: Metrics) -> AsyncIterator[str]:
    """The API on its port, its gauges kept fresh; yields its URL. Raises OSError where the port is taken."""
    deps = ApiDeps(
        pool=pool,
        log=parts.log,
        checks={
            "database": checks.database(pool),
            "projections": checks.projections(pool, parts.log.head),
            "chain": checks.age("newest block", lambda: _age_s(parts, "head"), max_s=_STALE_S),
            "venue": checks.age("venue's last word", lambda: _age_s(parts, "venue"), max_s=_STALE_S),
        },
        registry=metrics.registry,
        version=__version__,
        marks=lambda: {name: market.mark for name, market in parts.board.markets.items()},
        coin_price=settings.pnl.coin_price_wad,
    )
    server = await serve(create_app(deps), settings.api.host, settings.api.port)
    gauges = asyncio.create_task(_keep_gauges(parts, metrics), name="gauges")
    try:
        yield server.url
    finally:
        gauges.cancel()
        await server.stop()


def _age_s(parts: Parts, what: str) -> float | None:
    seen = parts.seen_at_ms.get(what)
    return None if seen is None else (parts.clock_ms() - seen) / 1000


async def _keep_gauges(parts: Parts, metrics: Metrics) -> None:
    while True:
        await asyncio.sleep(_GAUGES_S)
        head = await parts.log.head()
        metrics.log_head.set(head)
        metrics.live_quotes.set(len(parts.book.live))
        metrics.head_age_s.set(_age_s(parts, "head") or 0.0)
        for name, progress in (await parts.projector.positions()).items():
            metrics.projection_lag.labels(projection=name).set(head - progress.position)
