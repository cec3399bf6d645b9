"""Events as people read them: plain builtins, amounts as decimal text, enumerations by name."""

from enum import Enum
from typing import Any

import msgspec

from hedger.domain.money import to_text

# A user may choose a deadline of 256 bits; readers of JSON keep no more than 53 of a number.
_EXACT_IN_JSON = 2**53

# Every other whole number in an event is a wad; a test holds these against the fields of all events.
_NOT_AMOUNTS = frozenset(
    {
        "code",
        "collateral_decimals",
        "common_ancestor",
        "deadline",
        "gas_limit",
        "gas_used",
        "nonce",
        "number",
        "since",
        "timestamp",
        "token_amount",
    }
)
_NOT_AMOUNTS_ENDINGS = (
    "_at",
    "_block",
    "_id",
    "_ids",
    "_index",
    "_ms",
    "_number",
    "_numbers",
    "_position",
    "_s",
    "_timestamp",
    "_until",
    "_wei",
)


def is_amount(name: str) -> bool:
    """True where a whole number in a field of this name is a wad."""
    return name not in _NOT_AMOUNTS and not name.endswith(_NOT_AMOUNTS_ENDINGS)


def readable(value: Any, name: str = "") -> Any:
    """A value, `name` being its field's, as builtins; structs and their fields all the way down."""
    if isinstance(value, msgspec.Struct):
        return {field: readable(getattr(value, field), field) for field in value.__struct_fields__}
    if isinstance(value, Enum):
        return value.name.lower()
    if isinstance(value, dict):
        return {str(key): readable(item, name) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [readable(item, name) for item in value]
    if isinstance(value, bool) or not isinstance(value, int):
        return value
    if is_amount(name):
        return to_text(value)
    return value if abs(value) < _EXACT_IN_JSON else str(value)


def short(address: str) -> str:
    """An address or hash that still tells which."""
    return f"{address[:6]}…{address[-4:]}" if len(address) > 12 else address
