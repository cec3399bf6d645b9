"""Decoding of ABI-encoded bytes: readers built once from the types, with every value checked for its range.

Ours because general decoders cost ten to a hundred times as much on the hot path, and because here a value that does
not fit its type is an error that names the field: an address with dirty upper bytes, a boolean of 2, an offset outside
the payload.
"""

from collections.abc import Callable, Mapping, Sequence
from enum import IntEnum
from typing import Any, TypeVar

WORD = 32

Term = TypeVar("Term", bound=IntEnum)
_ADDRESS_PADDING = bytes(12)

Read = Callable[[bytes, int], Any]
"""Takes the payload and the place where the value begins."""


class Malformed(Exception):
    """Bytes that are not what their type says; `field` is the path to the value, e.g. `quotes[3].quoteStatus`."""

    def __init__(self, reason: str, field: str = "") -> None:
        super().__init__(f"{field}: {reason}" if field else reason)
        self.reason = reason
        self.field = field

    def inside(self, outer: str) -> "Malformed":
        """The same error, told from the value that holds the field; a value without a name adds nothing."""
        if not outer:
            return self
        separator = "" if not self.field or self.field.startswith("[") else "."
        return Malformed(self.reason, f"{outer}{separator}{self.field}")


def term(kind: type[Term], value: int, field: str) -> Term:
    """An enumeration's member. Raises Malformed for a number the enumeration does not have."""
    try:
        return kind(value)
    except ValueError:
        raise Malformed(f"{value} is no {kind.__name__}", field) from None


class Reader:
    """How one type is read: `size` bytes in its container's head, and behind an offset where it is `dynamic`."""

    __slots__ = ("dynamic", "read", "size")

    def __init__(self, read: Read, size: int = WORD, *, dynamic: bool = False) -> None:
        self.read = read
        self.size = size
        self.dynamic = dynamic


def tuple_reader(parameters: Sequence[tuple[str, Reader]]) -> Reader:
    """A reader of several values side by side; gives a tuple of them."""
    parts: list[tuple[int, bool, Read]] = []
    head = 0
    for _, part in parameters:
        parts.append((head, part.dynamic, part.read))
        head += WORD if part.dynamic else part.size
    dynamic = any(part.dynamic for _, part in parameters)

    def read(payload: bytes, at: int) -> tuple[Any, ...]:
        _require(payload, at, head)
        values: list[Any] = []
        try:
            for place, behind_offset, read_part in parts:
                start = at + place
                values.append(read_part(payload, at + _word(payload, start) if behind_offset else start))
        except Malformed as error:
            raise error.inside(parameters[len(values)][0]) from None
        return tuple(values)

    return Reader(read, WORD if dynamic else head, dynamic=dynamic)


def reader_of(parameter: Mapping[str, Any]) -> Reader:
    """The reader of one ABI entry (`type`, and `components` of a tuple)."""
    written = str(parameter["type"])
    if written.endswith("[]"):
        return _array_of(reader_of({**parameter, "type": written[:-2]}))
    if written == "tuple":
        return parameters_reader(parameter["components"])
    return _elementary(written)


def parameters_reader(parameters: Sequence[Mapping[str, Any]]) -> Reader:
    """The reader of a parameter list; of several, those without names go by their place."""
    alone = len(parameters) == 1
    named = [
        (str(each["name"]) or ("" if alone else str(place)), reader_of(each)) for place, each in enumerate(parameters)
    ]
    return tuple_reader(named)


def _elementary(written: str) -> Reader:
    if written in _FIXED:
        return Reader(_FIXED[written])
    if written in ("bytes", "string"):
        return Reader(_bytes if written == "bytes" else _string, dynamic=True)
    for prefix, build in (("uint", _unsigned), ("int", _signed), ("bytes", _fixed_bytes)):
        if written.startswith(prefix) and written[len(prefix) :].isdigit():
            return Reader(build(int(written[len(prefix) :])))
    raise ValueError(f"no reader for the ABI type {written!r}")


def _require(payload: bytes, at: int, size: int) -> None:
    if at + size > len(payload):
        raise Malformed(f"{len(payload)} bytes where {at + size} are needed")


def _word(payload: bytes, at: int) -> int:
    return int.from_bytes(payload[at : at + WORD], "big")


def _address(payload: bytes, at: int) -> str:
    if payload[at : at + 12] != _ADDRESS_PADDING:
        raise Malformed(f"not an address: 0x{payload[at : at + WORD].hex()}")
    return "0x" + payload[at + 12 : at + WORD].hex()


def _bool(payload: bytes, at: int) -> bool:
    value = _word(payload, at)
    if value > 1:
        raise Malformed(f"not a boolean: {value}")
    return value == 1


def _int256(payload: bytes, at: int) -> int:
    return int.from_bytes(payload[at : at + WORD], "big", signed=True)


_FIXED: dict[str, Read] = {"uint256": _word, "int256": _int256, "address": _address, "bool": _bool}


def _unsigned(bits: int) -> Read:
    def read(payload: bytes, at: int) -> int:
        value = _word(payload, at)
        if value >> bits:
            raise Malformed(f"{value} does not fit uint{bits}")
        return value

    return read


def _signed(bits: int) -> Read:
    def read(payload: bytes, at: int) -> int:
        value = _int256(payload, at)
        if not -(1 << (bits - 1)) <= value < 1 << (bits - 1):
            raise Malformed(f"{value} does not fit int{bits}")
        return value

    return read


def _fixed_bytes(size: int) -> Read:
    def read(payload: bytes, at: int) -> bytes:
        if any(payload[at + size : at + WORD]):
            raise Malformed(f"dirty bytes behind bytes{size}")
        return payload[at : at + size]

    return read


def _bytes(payload: bytes, at: int) -> bytes:
    _require(payload, at, WORD)
    length = _word(payload, at)
    _require(payload, at + WORD, length)
    return payload[at + WORD : at + WORD + length]


def _string(payload: bytes, at: int) -> str:
    try:
        return _bytes(payload, at).decode()
    except UnicodeDecodeError as error:
        raise Malformed(f"not text: {error.reason}") from None


def _array_of(item: Reader) -> Reader:
    step = WORD if item.dynamic else item.size

    def read(payload: bytes, at: int) -> tuple[Any, ...]:
        _require(payload, at, WORD)
        count, start = _word(payload, at), at + WORD
        _require(payload, start, count * step)
        values = []
        try:
            for place in range(start, start + count * step, step):
                values.append(item.read(payload, start + _word(payload, place) if item.dynamic else place))
        except Malformed as error:
            raise error.inside(f"[{len(values)}]") from None
        return tuple(values)

    return Reader(read, dynamic=True)
