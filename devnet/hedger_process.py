"""A hedger of the local world: its configuration file, its process, its logs. It is reached as a stranger reaches it,
by its command line and its HTTP API."""

import asyncio
import contextlib
import json
import os
import signal
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process, create_subprocess_exec
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).resolve().parent.parent
READY_TIMEOUT_S = 60.0
STOP_TIMEOUT_S = 20.0
COMMAND_TIMEOUT_S = 90.0
PROGRAM = (sys.executable, "-m", "hedger.cli")

Section = Mapping[str, Any]


class HedgerFailed(Exception):
    """The hedger did not start, did not answer or did not stop; carries the end of its log."""


def to_toml(sections: Mapping[str, Section]) -> str:
    """Tables of plain values and of tables. JSON's scalars and lists are TOML's too."""
    return "\n".join(line for name, section in sections.items() for line in _table(name, section))


def _table(name: str, section: Section) -> list[str]:
    lines = [f"[{name}]"]
    lines += [f"{key} = {json.dumps(value)}" for key, value in section.items() if not isinstance(value, Mapping)]
    for key, value in section.items():
        if isinstance(value, Mapping):
            lines += _table(f"{name}.{key}", value)
    return lines


class HedgerProcess:
    """One hedger over its configuration: started, killed and stopped as often as one likes.

    Its log goes to `<logs>/<name>.log`, what it prints to `<logs>/<name>.out`. `secrets` are environment variables.
    """

    def __init__(
        self,
        name: str,
        folder: Path,
        logs: Path,
        *,
        settings: Mapping[str, Section],
        secrets: Mapping[str, str],
        program: Sequence[str] = PROGRAM,
    ) -> None:
        self.name = name
        self.state_dir = folder / "state"
        self.config = folder / "hedger.toml"
        self.log_path, self._out_path = logs / f"{name}.log", logs / f"{name}.out"
        self.environment = dict(secrets)
        self.api = ""
        self._program = tuple(program)
        self._process: Process | None = None
        if self.state_dir.exists():
            raise FileExistsError(f"{self.state_dir} is of another world: choose an empty folder")
        folder.mkdir(parents=True, exist_ok=True)
        self.config.write_text(f"state_dir = {json.dumps(str(self.state_dir))}\n{to_toml(settings)}\n")

    @property
    def pid(self) -> int:
        if self._process is None:
            raise HedgerFailed(f"{self.name} is not running")
        return self._process.pid

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.returncode is None

    async def start(self) -> None:
        """Start the process; it is ready once `wait_ready` returns."""
        self.api = ""
        with self.log_path.open("ab") as log, self._out_path.open("wb") as out:
            # A session of its own: an interrupt typed at the terminal is for the world, which stops the hedger.
            self._process = await create_subprocess_exec(
                *self._command("run"),
                stdin=DEVNULL,
                stdout=out,
                stderr=log,
                cwd=PROJECT,
                env=self._environment(),
                start_new_session=True,
            )

    async def wait_ready(self, timeout_s: float = READY_TIMEOUT_S) -> str:
        """The URL of its API, once it has told it. Raises HedgerFailed."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                while self.is_running and not self.api:
                    await asyncio.sleep(0.05)
                    self.api = _announced(self._out_path.read_text())
        if not self.api:
            raise HedgerFailed(f"{self.name} is not ready:\n{self.log_end()}")
        return self.api

    async def kill(self) -> None:
        """End it at once, as a crash would."""
        if self._process is not None and self.is_running:
            self._process.kill()
            await self._process.wait()

    async def stop(self) -> None:
        """End it in order; whoever does not listen is killed. Its database server ends with it in any case."""
        if self._process is not None and self.is_running:
            self._process.terminate()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(STOP_TIMEOUT_S):
                    await self._process.wait()
            await self.kill()
        await _stop_postgres(self.state_dir / "postgres")

    async def validate(self) -> dict[str, Any]:
        """Chain, venue and log side by side, as `hedger validate --json` tells. Raises HedgerFailed."""
        return await self._told("agrees", "validate")

    async def prove(self) -> dict[str, Any]:
        """The equity's change against profit and loss, as `hedger pnl --prove --json` tells. Raises HedgerFailed."""
        return await self._told("pnl_unexplained", "pnl", "--prove")

    async def _told(self, field: str, *command: str) -> dict[str, Any]:
        """The JSON document of a command, which has this field. Raises HedgerFailed."""
        process = await create_subprocess_exec(
            *self._command(*command, "--json"),
            stdin=DEVNULL,
            stdout=PIPE,
            stderr=PIPE,
            cwd=PROJECT,
            env=self._environment(),
        )
        try:
            async with asyncio.timeout(COMMAND_TIMEOUT_S):
                printed, complaint = await process.communicate()
            told: dict[str, Any] = json.loads(printed.decode().strip().splitlines()[-1])
        except (TimeoutError, ValueError, IndexError) as error:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            raise HedgerFailed(f"{self.name}: no answer to {command[0]} ({error!r})") from error
        if field not in told:
            raise HedgerFailed(f"{self.name}: {told}\n{complaint.decode()[-2000:]}")
        return told

    def log_end(self, characters: int = 3_000) -> str:
        return self.log_path.read_text(errors="replace")[-characters:] if self.log_path.exists() else ""

    def _command(self, command: str, *options: str) -> list[str]:
        return [*self._program, command, "--config", str(self.config), *options]

    def _environment(self) -> dict[str, str]:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("HEDGER_")}
        return {**inherited, **self.environment, "PYTHONUNBUFFERED": "1"}


def _announced(printed: str) -> str:
    """The API's URL from the one JSON line that the hedger prints when it is ready."""
    for line in printed.splitlines():
        with contextlib.suppress(ValueError, KeyError, TypeError):
            return str(json.loads(line)["api"])
    return ""


async def _stop_postgres(folder: Path) -> None:
    """A hedger that was killed leaves its database server running; the next start joins it, the end must stop it."""
    notes = folder / "postmaster.pid"
    if not notes.exists():
        return
    with contextlib.suppress(ProcessLookupError, ValueError, IndexError):
        os.kill(int(notes.read_text().splitlines()[0]), signal.SIGINT)
    for _ in range(int(STOP_TIMEOUT_S / 0.05)):
        if not notes.exists():
            return
        await asyncio.sleep(0.05)
