"""What the parts say while they run: kept for the trace, and judged, since an error nobody expected is a finding."""

import sys
from collections import deque
from collections.abc import Callable, Iterator, MutableMapping
from contextlib import contextmanager
from typing import Any

import structlog

from hedger.adapters.chain.rpc_errors import RpcFailure
from hedger.adapters.log.port import LogUnavailable
from hedger.adapters.venue.port import VenueUnavailable

_EXPECTED = (RpcFailure, LogUnavailable, VenueUnavailable)
_KEPT = 200


class ToldLogs:
    """The newest lines, and the unexpected errors."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self.lines: deque[str] = deque(maxlen=_KEPT)
        self.unexpected: list[str] = []

    def take(self, logger: Any, method: str, entry: MutableMapping[str, Any]) -> Any:
        """A processor that ends the way of every entry."""
        error = sys.exc_info()[1] if entry.pop("exc_info", None) else None
        words = " ".join(f"{key}={value}" for key, value in entry.items() if key != "event")
        line = f"{self._clock():8.2f} {method:7} {entry.get('event')} {words}" + (f" {error!r}" if error else "")
        self.lines.append(line)
        if error is not None and not _is_expected(error):
            self.unexpected.append(line)
        raise structlog.DropEvent


@contextmanager
def told_to(clock: Callable[[], float]) -> Iterator[ToldLogs]:
    """Everything logged within, instead of where it went before."""
    before = structlog.get_config()
    told = ToldLogs(clock)
    structlog.configure(processors=[told.take], cache_logger_on_first_use=False)
    try:
        yield told
    finally:
        structlog.configure(**before)


def _is_expected(error: BaseException) -> bool:
    if isinstance(error, BaseExceptionGroup):
        return all(_is_expected(each) for each in error.exceptions)
    return isinstance(error, _EXPECTED)
