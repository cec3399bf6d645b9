"""The contract interfaces: functions and events of `abis/*.json` with their codecs built once."""

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import orjson
from eth_abi.exceptions import EncodingError
from eth_abi.registry import registry
from eth_utils.crypto import keccak

import hedger
from hedger.adapters.chain.abi_codec import WORD, Malformed, Reader, parameters_reader, reader_of

_PACKAGE = Path(hedger.__file__).parent


class FunctionAbi:
    """One function: encodes its arguments behind its selector, decodes what it returns."""

    def __init__(self, name: str, inputs: Sequence[Mapping[str, Any]], outputs: Sequence[Mapping[str, Any]]) -> None:
        self.name = name
        self.signature = _signature(name, inputs)
        self.selector = keccak(text=self.signature)[:4]
        self._encode: Any = registry.get_tuple_encoder(*(_type(each) for each in inputs))
        self._reader = parameters_reader(outputs)

    def calldata(self, *arguments: Any) -> bytes:
        """Selector and arguments; a struct is a tuple in the order of its fields. Raises ValueError for a misfit."""
        try:
            return self.selector + bytes(self._encode(arguments))
        except (EncodingError, TypeError, OverflowError) as error:
            raise ValueError(f"{self.signature}: {error}") from error

    def decode(self, returned: bytes) -> tuple[Any, ...]:
        """The returned values. Raises Malformed, its field beginning with the function's name."""
        try:
            values: tuple[Any, ...] = self._reader.read(returned, 0)
        except Malformed as error:
            raise error.inside(self.name) from None
        return values


class EventAbi:
    """One event: decodes the topics and data of a log into its parameters, in the declared order."""

    def __init__(self, name: str, inputs: Sequence[Mapping[str, Any]]) -> None:
        self.name = name
        self.signature = _signature(name, inputs)
        self.topic = "0x" + keccak(text=self.signature).hex()
        self.parameters = tuple(str(each["name"]) for each in inputs)
        self._indexed = tuple((place, reader_of(each)) for place, each in enumerate(inputs) if each.get("indexed"))
        plain = [each for each in inputs if not each.get("indexed")]
        self._reader = parameters_reader(plain)
        # Data of fixed-size types has one length; anything else is another event under the same topic.
        self._size = None if self._reader.dynamic else self._reader.size

    def decode(self, topics: Sequence[str], data: str) -> tuple[Any, ...]:
        """Values of a log from its raw hex. Raises Malformed naming the parameter."""
        payload = hex_bytes(data, "data")
        if self._size is not None and len(payload) != self._size:
            raise Malformed(f"{len(payload)} bytes where {self._size} are expected", "data")
        values: tuple[Any, ...] = self._reader.read(payload, 0)
        return values if not self._indexed else self._with_indexed(topics, list(values))

    def _with_indexed(self, topics: Sequence[str], values: list[Any]) -> tuple[Any, ...]:
        if len(topics) != 1 + len(self._indexed):
            raise Malformed(f"{len(topics)} topics where {1 + len(self._indexed)} are expected", "topics")
        for (place, reader), topic in zip(self._indexed, topics[1:], strict=True):
            values.insert(place, _topic_value(reader, topic, self.parameters[place]))
        return tuple(values)


class Interface:
    """The functions of a contract by name (by signature where a name is overloaded) and its events by topic."""

    def __init__(self, entries: Sequence[Mapping[str, Any]]) -> None:
        self._functions: dict[str, FunctionAbi] = {}
        self.events: dict[str, EventAbi] = {}
        names = [entry["name"] for entry in entries if entry["type"] == "function"]
        for entry in entries:
            if entry["type"] == "function":
                function = FunctionAbi(entry["name"], entry["inputs"], entry["outputs"])
                key = function.name if names.count(function.name) == 1 else function.signature
                self._functions[key] = function
            elif entry["type"] == "event":
                event = EventAbi(entry["name"], entry["inputs"])
                self.events[event.topic] = event

    def __getitem__(self, name: str) -> FunctionAbi:
        return self._functions[name]


@cache
def interface(name: str) -> Interface:
    """The interface of `abis/<name>.json`: inside an installed package, or beside it in a checkout."""
    for folder in (_PACKAGE / "abis", _PACKAGE.parent / "abis"):
        if (path := folder / f"{name}.json").is_file():
            return Interface(orjson.loads(path.read_bytes()))
    raise FileNotFoundError(f"no interface file abis/{name}.json in or beside the package at {_PACKAGE}")


def hex_bytes(text: str, field: str = "") -> bytes:
    """Bytes of a 0x-prefixed hex text. Raises Malformed for anything else."""
    try:
        value = bytes.fromhex(text[2:])
    except ValueError:
        raise Malformed(f"not hexadecimal: {text[:80]!r}", field) from None
    # fromhex skips blanks
    if text[:2] != "0x" or 2 * len(value) + 2 != len(text):
        raise Malformed(f"not hexadecimal: {text[:80]!r}", field)
    return value


def _topic_value(reader: Reader, topic: str, field: str) -> Any:
    word = hex_bytes(topic, field)
    if len(word) != WORD:
        raise Malformed(f"a topic of {len(word)} bytes", field)
    try:
        return reader.read(word, 0)
    except Malformed as error:
        raise error.inside(field) from None


def _signature(name: str, inputs: Sequence[Mapping[str, Any]]) -> str:
    return f"{name}({','.join(_type(each) for each in inputs)})"


def _type(parameter: Mapping[str, Any]) -> str:
    written = str(parameter["type"])
    if not written.startswith("tuple"):
        return written
    return f"({','.join(_type(each) for each in parameter['components'])}){written[5:]}"
