"""Keeps roles running: one that fails is started again after a growing pause; some failures end the process."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

logger = structlog.get_logger(__name__)

_FIRST_PAUSE_S = 0.2
_LONGEST_PAUSE_S = 30.0
_STEADY_S = 60.0


class Fatal(Exception):
    """Going on would be wrong whatever is tried; the message says what an operator must do."""


async def supervised(
    name: str,
    role: Callable[[], Awaitable[None]],
    *,
    fatal: tuple[type[Exception], ...] = (Fatal,),
    clock_s: Callable[[], float],
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    observe: Callable[[str], None] = lambda name: None,
) -> None:
    """Run a role for ever. Raises what is fatal to it, and CancelledError."""
    pause_s = _FIRST_PAUSE_S
    while True:
        started = clock_s()
        try:
            await role()
            logger.warning("role ended", role=name)
        except fatal:
            logger.exception("role cannot go on", role=name)
            raise
        except Exception:
            logger.exception("role failed", role=name)
        observe("role_restarted")
        pause_s = _FIRST_PAUSE_S if clock_s() - started > _STEADY_S else min(2 * pause_s, _LONGEST_PAUSE_S)
        await sleep(pause_s)
