"""What the chain has on record in the end: the contract's events, each once, decoded."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import orjson
from eth_abi.abi import decode

from devnet.contract_abi import ABI_DIRECTORY, Abi
from devnet.rpc import JsonRpc, bytes_of


@dataclass(frozen=True, slots=True)
class ChainEvent:
    """One event of the contract; `at` is its block's time, `values` are what it tells by the contract's own names,
    without what is indexed."""

    name: str
    at: int
    values: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class _Form:
    name: str
    fields: tuple[str, ...]
    types: tuple[str, ...]


async def chain_events(rpc: JsonRpc, diamond: str, first_block: int) -> list[ChainEvent]:
    """Every event that stands in the chain from a block on, in order; of one told in two forms, the one that tells
    more."""
    logs = await rpc.call("eth_getLogs", {"address": diamond, "fromBlock": hex(first_block), "toBlock": "latest"})
    numbers = sorted({log["blockNumber"] for log in logs}, key=lambda number: int(number, 16))
    blocks = await rpc.batch([("eth_getBlockByNumber", (number, False)) for number in numbers])
    times = {number: int(block["timestamp"], 16) for number, block in zip(numbers, blocks, strict=True)}
    forms = _forms()
    return [_decoded(log, forms[log["topics"][0]], times) for log in logs if log["topics"][0] in forms]


def counted(events: Iterable[ChainEvent]) -> dict[str, int]:
    """How often each event came."""
    return dict(sorted(Counter(event.name for event in events).items()))


def kept(events: Iterable[ChainEvent], path: Path) -> None:
    """One line of JSON an event, for whoever looks into a run that failed: the chain itself is gone by then."""
    lines = (json.dumps({"at": each.at, each.name: each.values}, default=_as_text) for each in events)
    path.write_text("".join(f"{line}\n" for line in lines))


def _as_text(value: object) -> str:
    return "0x" + value.hex() if isinstance(value, bytes) else str(value)


def _decoded(log: Mapping[str, Any], form: _Form, times: Mapping[str, int]) -> ChainEvent:
    values = decode(form.types, bytes_of(log["data"]))
    return ChainEvent(form.name, times[log["blockNumber"]], dict(zip(form.fields, values, strict=True)))


@lru_cache(maxsize=1)
def _forms() -> dict[str, _Form]:
    """The events by topic."""
    topics = Abi.load("symmio").topics
    fullest: dict[str, tuple[str, list[dict[str, Any]]]] = {}
    entries = [each for each in orjson.loads((ABI_DIRECTORY / "symmio.json").read_bytes()) if each["type"] == "event"]
    for (_, topic), entry in zip(topics.items(), entries, strict=True):
        if entry["name"] not in fullest or len(entry["inputs"]) > len(fullest[entry["name"]][1]):
            fullest[entry["name"]] = topic, entry["inputs"]
    return {topic: _form(name, inputs) for name, (topic, inputs) in fullest.items()}


def _form(name: str, inputs: Iterable[Mapping[str, Any]]) -> _Form:
    told = [each for each in inputs if not each.get("indexed")]
    return _Form(name, tuple(each["name"] for each in told), tuple(_type(each) for each in told))


def _type(parameter: Mapping[str, Any]) -> str:
    written = str(parameter["type"])
    if not written.startswith("tuple"):
        return written
    return f"({','.join(_type(each) for each in parameter['components'])}){written[5:]}"
