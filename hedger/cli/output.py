"""How commands speak: tables and progress for people, one JSON document for programs."""

import asyncio
import logging
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import Annotated, Any, TypeVar

import msgspec
import structlog
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

T = TypeVar("T")

ConfigOption = Annotated[
    Path | None, typer.Option("--config", "-c", help="TOML file; default: $HEDGER_CONFIG, else hedger.toml")
]
JsonOption = Annotated[bool, typer.Option("--json", help="print one JSON document instead of tables")]


def console() -> Console:
    return Console()


def error_console() -> Console:
    return Console(stderr=True)


def print_json(value: Any) -> None:
    """One line of JSON on standard output, whole: where Python does not buffer (PYTHONUNBUFFERED), a pipe may take a
    part of what is written, and nobody writes the rest."""
    sys.stdout.flush()
    rest = memoryview(msgspec.json.encode(value) + b"\n")
    while rest:
        rest = rest[sys.stdout.buffer.write(rest) :]
    sys.stdout.buffer.flush()


def progress(show: bool) -> Progress:
    """A progress bar on a terminal, nothing in a pipe."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    return Progress(*columns, console=error_console(), disable=not (show and sys.stderr.isatty()), transient=True)


def run_async(work: Coroutine[Any, Any, T]) -> T:
    """Run a command's coroutine to its end."""
    with asyncio.Runner() as runner:
        return runner.run(work)


def configure_logging(*, as_json: bool, level: str = "info") -> None:
    """Structured logs on standard error: lines for people on a terminal, JSON elsewhere."""
    renderer: Any = structlog.dev.ConsoleRenderer() if sys.stderr.isatty() and not as_json else _json_renderer()
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=structlog.PrintLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=True,
    )


def _json_renderer() -> Any:
    return structlog.processors.JSONRenderer(
        serializer=lambda value, **_: msgspec.json.encode(value, enc_hook=str).decode()
    )
