"""Reads every level that is watched. One that cannot be read is not known, which is not zero, and holds up no other."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping

import structlog

from hedger.domain.alerts.watch import Look

logger = structlog.get_logger(__name__)

Reader = Callable[[], Awaitable[Look | None]]
"""Reads every subject of one watch. None, and whatever it raises: not known."""

_LONGEST_S = 5.0


class Levels:
    """Readers by the name of their watch."""

    def __init__(self, readers: Mapping[str, Reader], *, longest_s: float = _LONGEST_S) -> None:
        self._readers, self._longest_s = dict(readers), longest_s
        self._unread: set[str] = set()

    async def read(self) -> dict[str, Look | None]:
        """One look at each, side by side."""
        looks = await asyncio.gather(*(self._read(name) for name in self._readers))
        return dict(zip(self._readers, looks, strict=True))

    async def _read(self, name: str) -> Look | None:
        try:
            async with asyncio.timeout(self._longest_s):
                look = await self._readers[name]()
        except Exception as error:
            if name not in self._unread:
                logger.warning("level not read", watch=name, error=f"{type(error).__name__}: {error}")
            self._unread.add(name)
            return None
        self._unread.discard(name)
        return look
