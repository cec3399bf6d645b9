"""Logs as the contract tells them, encoded by the general encoder from the interface file, new form and old twin."""

from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import orjson
from eth_abi.abi import encode
from eth_utils.crypto import keccak

_EVENTS = [
    entry
    for entry in orjson.loads((Path(__file__).parents[2] / "abis" / "symmio.json").read_bytes())
    if entry["type"] == "event"
]


class ToldLog(msgspec.Struct, frozen=True):
    """One log without its place."""

    topics: tuple[str, ...]
    data: str


def told(name: str, *values: Any) -> ToldLog:
    """The log of an event with these values."""
    topic, kinds, indexed = _shape(name, len(values))
    plain = [(kind, value) for kind, value, is_topic in zip(kinds, values, indexed, strict=True) if not is_topic]
    topics = [
        "0x" + encode([kind], [value]).hex()
        for kind, value, is_topic in zip(kinds, values, indexed, strict=True)
        if is_topic
    ]
    data = encode([kind for kind, _ in plain], [value for _, value in plain])
    return ToldLog((topic, *topics), "0x" + data.hex())


def twice(name: str, *values: Any, shorter: int = 1) -> list[ToldLog]:
    """An event and its legacy twin, which lacks the last values."""
    return [told(name, *values), told(name, *values[:-shorter])]


def _kind(parameter: dict[str, Any]) -> str:
    """The type as signatures spell it: a struct as the tuple of its members."""
    kind = str(parameter["type"])
    if not kind.startswith("tuple"):
        return kind
    return "(" + ",".join(_kind(each) for each in parameter["components"]) + ")" + kind.removeprefix("tuple")


@cache
def _shape(name: str, arity: int) -> tuple[str, tuple[str, ...], tuple[bool, ...]]:
    (found,) = [each for each in _EVENTS if each["name"] == name and len(each["inputs"]) == arity]
    kinds = tuple(_kind(each) for each in found["inputs"])
    topic = "0x" + keccak(text=f"{name}({','.join(kinds)})").hex()
    return topic, kinds, tuple(bool(each["indexed"]) for each in found["inputs"])
