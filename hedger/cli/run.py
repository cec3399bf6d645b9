"""`hedger run`: the live hedger in one process."""

import asyncio
import time
from contextlib import suppress
from typing import Annotated

import structlog
import typer
from prometheus_client import CollectorRegistry

from hedger.adapters.chain.sequencer import ReorgTooDeep
from hedger.application.supervision import Fatal
from hedger.bootstrap import built, run_all, serving, stopped_by_signal
from hedger.cli.output import ConfigOption, configure_logging, error_console, print_json, run_async
from hedger.config import Settings, load
from hedger.metrics import Metrics

logger = structlog.get_logger(__name__)


def run(
    config: ConfigOption = None,
    log_level: Annotated[str, typer.Option(help="debug, info, warning or error")] = "info",
) -> None:
    """Trade: read the chain, hedge, open, close, validate, and serve the API, until SIGTERM or Ctrl-C.

    Prints one JSON line with the API's address when everything runs. What was under way when it last stopped, however
    it stopped, goes on first.
    """
    settings = load(config)
    configure_logging(as_json=False, level=log_level)
    try:
        run_async(_run(settings))
    except* (Fatal, ReorgTooDeep) as fatal:
        error_console().print(f"[red]{fatal.exceptions[0]}[/red]", highlight=False)
        raise typer.Exit(3) from None


async def _run(settings: Settings) -> None:
    metrics = Metrics(CollectorRegistry())
    started = time.monotonic()
    async with built(settings, metrics) as (parts, pool), serving(settings, parts, pool, metrics) as url:

        def ready() -> None:
            logger.info("hedger runs", api=url, seconds=round(time.monotonic() - started, 2))
            print_json({"api": url})

        running = asyncio.create_task(run_all(parts, metrics, ready=ready))
        stopped = asyncio.create_task(stopped_by_signal())
        await asyncio.wait({running, stopped}, return_when=asyncio.FIRST_COMPLETED)
        if running.done():
            stopped.cancel()
            await running
        logger.info("stopping", signal=await stopped)
        await parts.sender.stop()
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running
