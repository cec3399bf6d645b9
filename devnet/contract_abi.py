"""Contract functions and events from the ABI files, with their codecs built once."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import orjson
from eth_abi.abi import default_codec
from eth_abi.registry import registry
from eth_utils.crypto import keccak

ABI_DIRECTORY = Path(__file__).resolve().parent.parent / "abis"


@dataclass(frozen=True)
class Function:
    """One function of a contract: encodes its arguments behind its selector, decodes what it returns."""

    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...] = ()

    @cached_property
    def selector(self) -> bytes:
        return keccak(text=f"{self.name}({','.join(self.inputs)})")[:4]

    @cached_property
    def _encode(self) -> Any:
        return registry.get_tuple_encoder(*self.inputs)

    def calldata(self, *arguments: Any) -> bytes:
        """Selector and arguments; a struct is a tuple in the order of its fields."""
        return self.selector + bytes(self._encode(arguments))

    def decode(self, returned: bytes) -> tuple[Any, ...]:
        """The returned values, always as a tuple."""
        return default_codec.decode(self.outputs, returned)


@dataclass(frozen=True)
class Abi:
    """The functions of a contract by name and the topics of its events by signature text."""

    functions: Mapping[str, Function]
    topics: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def load(cls, name: str) -> "Abi":
        """Read `abis/<name>.json`. Functions with one name and several signatures are left out: none is meant."""
        entries = orjson.loads((ABI_DIRECTORY / f"{name}.json").read_bytes())
        functions: dict[str, list[Function]] = {}
        topics: dict[str, str] = {}
        for entry in entries:
            if entry["type"] == "function":
                functions.setdefault(entry["name"], []).append(_function(entry))
            elif entry["type"] == "event":
                signature = f"{entry['name']}({','.join(_types(entry['inputs']))})"
                topics[signature] = "0x" + keccak(text=signature).hex()
        return cls({each: found[0] for each, found in functions.items() if len(found) == 1}, topics)

    def __getitem__(self, name: str) -> Function:
        return self.functions[name]

    def topic(self, event_name: str) -> str:
        """Topic of the event with this name. Raises ValueError where several share it."""
        (topic,) = [topic for signature, topic in self.topics.items() if signature.startswith(f"{event_name}(")]
        return topic


def _function(entry: Mapping[str, Any]) -> Function:
    return Function(entry["name"], _types(entry["inputs"]), _types(entry.get("outputs", [])))


def _types(parameters: list[dict[str, Any]]) -> tuple[str, ...]:
    return tuple(_type(parameter) for parameter in parameters)


def _type(parameter: Mapping[str, Any]) -> str:
    written = str(parameter["type"])
    if not written.startswith("tuple"):
        return written
    return f"({','.join(_types(parameter['components']))}){written[5:]}"
