"""Helpers in processes of their own, so that what is measured has its event loop to itself."""

import asyncio
import json
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process, create_subprocess_exec
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec

_PROJECT = Path(__file__).resolve().parent.parent
_START_S = 60.0
_END_S = 10.0


class HelperFailed(Exception):
    """A helper process ended, or stayed silent."""


class Helper:
    """A running `python -m ...`, which tells one JSON document a line."""

    def __init__(self, name: str, process: Process) -> None:
        self._name, self._process = name, process

    async def told(self, timeout_s: float = _START_S) -> dict[str, Any]:
        """The next line it tells. Raises HelperFailed."""
        assert self._process.stdout is not None
        try:
            async with asyncio.timeout(timeout_s):
                line = await self._process.stdout.readline()
        except TimeoutError:
            raise HelperFailed(f"{self._name} told nothing for {timeout_s} s") from None
        if not line:
            raise HelperFailed(f"{self._name} has ended")
        told: dict[str, Any] = json.loads(line)
        return told

    async def give(self, line: msgspec.Struct) -> None:
        """One line for its input."""
        assert self._process.stdin is not None
        self._process.stdin.write(msgspec.json.encode(line) + b"\n")
        await self._process.stdin.drain()


@asynccontextmanager
async def helper(module: str, *arguments: str) -> AsyncIterator[Helper]:
    """Runs as long as the block."""
    process = await create_subprocess_exec(
        sys.executable, "-m", module, *arguments, stdin=PIPE, stdout=PIPE, stderr=DEVNULL, cwd=_PROJECT
    )
    try:
        yield Helper(module, process)
    finally:
        await _ended(process)


async def _ended(process: Process) -> None:
    if process.returncode is not None:
        return
    process.terminate()
    try:
        async with asyncio.timeout(_END_S):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()
