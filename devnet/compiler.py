"""Compiles the local contracts with the Solidity compiler of the npm package, and remembers the result.

The slower intermediate-representation pipeline is used only where the plain one cannot work: an event or a call with
more arguments than the machine's stack reaches. Both run at once, each in a node process of its own.
"""

import asyncio
import fcntl
import hashlib
import json
import os
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

DEVNET = Path(__file__).resolve().parent
CONTRACTS = DEVNET / "contracts"
NODE_MODULES = DEVNET / "node_modules"
DEFAULT_STATE_DIRECTORY = DEVNET.parent / ".hedger"

NEEDS_IR = ("facets/PartyAQuoteFacet.sol", "facets/PartyBPositionFacet.sol")
# Nothing newer than Berlin, so that the same code also runs on a chain without a base fee.
EVM_VERSION = "berlin"
OUTPUTS = ["abi", "evm.bytecode.object", "evm.methodIdentifiers"]


class CompilationFailed(Exception):
    """The compiler refused the contracts, or npm could not install it."""


@dataclass(frozen=True, slots=True)
class Artifact:
    """One compiled contract: interface, creation code as hex without prefix, selectors as hex without prefix."""

    abi: list[dict[str, Any]]
    bytecode: str
    selectors: tuple[str, ...]


Artifacts = Mapping[str, Artifact]


async def compile_contracts(state_directory: Path = DEFAULT_STATE_DIRECTORY) -> Artifacts:
    """All contracts by name, from the cache below `state_directory` when sources and compiler are unchanged."""
    sources = _sources()
    cache = state_directory / "contracts" / f"{_key(sources)}.json"
    known = _load(cache)
    if known is not None:
        return known
    await ensure_node_modules()
    plain = [name for name in sources if name not in NEEDS_IR]
    halves = await asyncio.gather(_compile(sources, plain, via_ir=False), _compile(sources, NEEDS_IR, via_ir=True))
    artifacts = {**halves[0], **halves[1]}
    _store(cache, artifacts)
    return artifacts


async def ensure_node_modules() -> None:
    """Install the chain node and the compiler, at their pinned versions, unless they are there."""
    await asyncio.to_thread(_install_once)


def anvil_binary() -> Path:
    """The chain node's program, from the npm package of this platform."""
    for candidate in NODE_MODULES.glob("@foundry-rs/anvil-*/bin/anvil*"):
        return candidate
    raise FileNotFoundError("the chain node is not installed: run `npm install` in the devnet folder")


def _install_once() -> None:
    """One installer at a time, however many processes ask; the second finds everything there."""
    NODE_MODULES.mkdir(exist_ok=True)
    with (NODE_MODULES / ".installing").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if _is_installed():
            return
        done = subprocess.run(["npm", "install"], cwd=DEVNET, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise CompilationFailed(f"npm install failed: {done.stderr.strip()}")


def _is_installed() -> bool:
    wanted: dict[str, str] = json.loads((DEVNET / "package.json").read_text())["dependencies"]
    manifests = {name: NODE_MODULES / name / "package.json" for name in wanted}
    return all(
        manifests[name].exists() and json.loads(manifests[name].read_text())["version"] == version
        for name, version in wanted.items()
    )


async def _compile(sources: Mapping[str, str], names: Iterable[str], *, via_ir: bool) -> dict[str, Artifact]:
    process = await asyncio.create_subprocess_exec(
        "node",
        str(DEVNET / "compile.js"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    request = json.dumps(_standard_input(sources, names, via_ir)).encode()
    answer, complaint = await process.communicate(request)
    if process.returncode != 0:
        raise CompilationFailed(complaint.decode())
    return _artifacts(json.loads(answer))


def _standard_input(sources: Mapping[str, str], names: Iterable[str], via_ir: bool) -> dict[str, Any]:
    return {
        "language": "Solidity",
        "sources": {name: {"content": text} for name, text in sources.items()},
        "settings": {
            "viaIR": via_ir,
            "optimizer": {"enabled": True, "runs": 1},
            "evmVersion": EVM_VERSION,
            "outputSelection": {name: {"*": OUTPUTS} for name in names},
        },
    }


def _artifacts(answer: Mapping[str, Any]) -> dict[str, Artifact]:
    errors = [error["formattedMessage"] for error in answer.get("errors", []) if error["severity"] == "error"]
    if errors:
        raise CompilationFailed("\n".join(errors))
    contracts = (pair for contents in answer["contracts"].values() for pair in contents.items())
    return {
        name: Artifact(
            contract["abi"],
            contract["evm"]["bytecode"]["object"],
            tuple(contract["evm"]["methodIdentifiers"].values()),
        )
        for name, contract in contracts
        if contract["evm"]["bytecode"]["object"]
    }


def _sources() -> dict[str, str]:
    return {str(path.relative_to(CONTRACTS)): path.read_text() for path in sorted(CONTRACTS.rglob("*.sol"))}


def _key(sources: Mapping[str, str]) -> str:
    manifest = (DEVNET / "package.json").read_text()
    settings = _standard_input(sources, [], via_ir=False)
    return hashlib.sha256(json.dumps([manifest, settings, NEEDS_IR, OUTPUTS]).encode()).hexdigest()[:32]


def _load(cache: Path) -> Artifacts | None:
    if not cache.exists():
        return None
    stored: dict[str, dict[str, Any]] = json.loads(cache.read_text())
    return {name: Artifact(each["abi"], each["bytecode"], tuple(each["selectors"])) for name, each in stored.items()}


def _store(cache: Path, artifacts: Artifacts) -> None:
    """Written beside and moved into place, so that no reader meets half a file."""
    cache.parent.mkdir(parents=True, exist_ok=True)
    draft = cache.with_suffix(f".{os.getpid()}")
    draft.write_text(json.dumps({name: asdict(artifact) for name, artifact in artifacts.items()}))
    draft.replace(cache)
