"""A chain node of our own: anvil on a free port of the loopback, with funded and unlocked accounts."""

import asyncio
import contextlib
import os
import re
import signal
import tempfile
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import aiohttp
from eth_account import Account
from eth_account.hdaccount import seed_from_mnemonic
from eth_account.hdaccount.deterministic import HDPath

from devnet.compiler import anvil_binary, ensure_node_modules
from devnet.rpc import REQUEST_TIMEOUT_S, JsonRpc

CHAIN_ID = 31337
MNEMONIC = "test test test test test test test test test test test junk"
BLOCK_GAS_LIMIT = 200_000_000
START_TIMEOUT_S = 20.0
STOP_TIMEOUT_S = 5.0
LISTENING = re.compile(r"Listening on 127\.0\.0\.1:(\d+)")


class ChainNotStarted(Exception):
    """The node ended or stayed silent before it listened; carries the end of its log."""


@dataclass(frozen=True, slots=True)
class ChainAccount:
    """A funded account of the development mnemonic; the key is hex with prefix."""

    address: str
    private_key: str = field(repr=False)


class Anvil:
    """`async with Anvil() as chain:` a node that lives as long as the block.

    `block_time_s` 0 mines each transaction at once. `legacy` is a chain without a base fee. `state_path` is read at
    the start, if it exists, and written at the end. The node's own log goes to `log_path`, or to a temporary file.
    """

    def __init__(
        self,
        block_time_s: float = 0,
        port: int | None = None,
        *,
        account_count: int = 30,
        base_fee_wei: int | None = None,
        legacy: bool = False,
        state_path: Path | None = None,
        log_path: Path | None = None,
        genesis_timestamp: int | None = None,
    ) -> None:
        self.block_time_s = block_time_s
        self.chain_id = CHAIN_ID
        self.accounts = dev_accounts(account_count)
        self.state_path = state_path
        self._options = _options(block_time_s, port, account_count, base_fee_wei, legacy, state_path, genesis_timestamp)
        self._log_path = log_path
        self._exit = contextlib.AsyncExitStack()

    async def __aenter__(self) -> Self:
        await ensure_node_modules()
        try:
            log_path = self._log_path or Path(self._exit.enter_context(tempfile.TemporaryDirectory())) / "anvil.log"
            self.log_path = log_path
            self._process = await _start(self._options, log_path)
            self._exit.push_async_callback(_stop, self._process)
            self.port = await _wait_for_port(self._process, log_path)
            session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=REQUEST_TIMEOUT_S))
            self.rpc = JsonRpc(self.rpc_url, await self._exit.enter_async_context(session))
        except BaseException:
            await self._exit.aclose()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._exit.aclose()

    @property
    def rpc_url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def ws_url(self) -> str:
        return f"ws://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        return self._process.pid

    async def request(self, method: str, *params: Any) -> Any:
        """Any JSON-RPC request. Raises RpcError."""
        return await self.rpc.call(method, *params)

    async def mine(self, blocks: int = 1, *, interval_s: int = 1) -> None:
        """Mine blocks at once, `interval_s` apart in chain time."""
        await self.request("anvil_mine", hex(blocks), hex(interval_s))

    async def timestamp(self) -> int:
        """Timestamp of the latest block, in seconds."""
        return await self.rpc.latest_timestamp()

    async def advance(self, seconds: int) -> None:
        """Move the chain's clock forward and mine one block at the new time."""
        await self.request("evm_setNextBlockTimestamp", await self.timestamp() + seconds)
        await self.mine()

    async def set_next_timestamp(self, timestamp: int) -> None:
        """The next block gets exactly this timestamp, in seconds; it must lie after the latest one."""
        await self.request("evm_setNextBlockTimestamp", timestamp)

    async def snapshot(self) -> str:
        """Remember the state of the chain; the id is good for one `revert`."""
        return str(await self.request("evm_snapshot"))

    async def revert(self, snapshot_id: str) -> None:
        """Go back to a snapshot, silently: subscribers are told nothing. What waits to be mined is dropped.

        A receipt shows a moment before its transaction leaves the pool; one still there would be mined once more.
        """
        await self.request("anvil_dropAllTransactions")
        if not await self.request("evm_revert", snapshot_id):
            raise ValueError(f"no snapshot {snapshot_id}")

    async def reorg(self, depth: int) -> None:
        """Replace the last blocks by empty ones: their transactions and logs are gone, new heads are told."""
        await self.request("anvil_reorg", depth, [])


@lru_cache(maxsize=4)
def dev_accounts(count: int) -> tuple[ChainAccount, ...]:
    """The first accounts of the development mnemonic, which the node funds and unlocks."""
    seed = seed_from_mnemonic(MNEMONIC, passphrase="")
    keys = [HDPath(f"m/44'/60'/0'/0/{index}").derive(seed) for index in range(count)]
    return tuple(ChainAccount(Account.from_key(key).address, "0x" + key.hex()) for key in keys)


def _options(
    block_time_s: float,
    port: int | None,
    account_count: int,
    base_fee_wei: int | None,
    legacy: bool,
    state_path: Path | None,
    genesis_timestamp: int | None,
) -> list[str]:
    options = ["--host", "127.0.0.1", "--port", str(port or 0), "--chain-id", str(CHAIN_ID)]
    options += ["--accounts", str(account_count), "--mnemonic", MNEMONIC, "--gas-limit", str(BLOCK_GAS_LIMIT)]
    if block_time_s:
        options += ["--block-time", f"{block_time_s:g}"]
    if base_fee_wei is not None:
        options += ["--block-base-fee-per-gas", str(base_fee_wei)]
    if legacy:
        options += ["--hardfork", "berlin"]
    if state_path is not None:
        options += ["--state", str(state_path)]
    if genesis_timestamp is not None:
        options += ["--timestamp", str(genesis_timestamp)]
    return options


async def _start(options: list[str], log_path: Path) -> asyncio.subprocess.Process:
    log = os.open(log_path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    try:
        return await asyncio.create_subprocess_exec(
            str(anvil_binary()), *options, stdin=asyncio.subprocess.DEVNULL, stdout=log, stderr=log
        )
    finally:
        os.close(log)


async def _wait_for_port(process: asyncio.subprocess.Process, log_path: Path) -> int:
    """The node chooses a free port itself and tells it, so no other process can take it in between."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(START_TIMEOUT_S):
            while process.returncode is None:
                found = LISTENING.search(_read(log_path))
                if found:
                    return int(found.group(1))
                await asyncio.sleep(0.01)
    raise ChainNotStarted(_read(log_path)[-2000:])


async def _stop(process: asyncio.subprocess.Process) -> None:
    """Ask it to end, so that it writes its state; after a while insist."""
    if process.returncode is not None:
        return
    process.send_signal(signal.SIGINT)
    try:
        async with asyncio.timeout(STOP_TIMEOUT_S):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()


def _read(path: Path) -> str:
    return path.read_text(errors="replace")
