"""The hedger's command line as its operator types it."""

import asyncio
import json
import os
from asyncio.subprocess import DEVNULL, PIPE
from typing import Any

from devnet.hedger_process import PROGRAM, PROJECT
from devnet.world import LocalHedger

TIMEOUT_S = 60.0


async def command(hedger: LocalHedger, *words: str) -> bytes:
    """What one command prints. Raises AssertionError where it fails."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("HEDGER_")}
    process = await asyncio.create_subprocess_exec(
        *PROGRAM,
        *words,
        "--config",
        str(hedger.process.config),
        stdin=DEVNULL,
        stdout=PIPE,
        stderr=PIPE,
        cwd=PROJECT,
        env={**inherited, **hedger.process.environment},
    )
    async with asyncio.timeout(TIMEOUT_S):
        told, complaint = await process.communicate()
    assert process.returncode == 0, (words, complaint.decode()[-2000:])
    return told


async def asked(hedger: LocalHedger, *words: str) -> Any:
    """The JSON that one command prints."""
    return json.loads(await command(hedger, *words, "--json"))
