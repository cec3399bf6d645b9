"""Aggregates to bytes and back, so that a read model folds on from where it was without reading the log again."""

import hashlib
from functools import cache
from typing import Any, Generic, TypeVar, Union

import msgspec

from hedger.domain.aggregate import Aggregate
from hedger.domain.catalogue import ALL_EVENTS
from hedger.domain.events import ChainFact

A = TypeVar("A", bound=Aggregate)


class StateCodec(Generic[A]):
    """Writes and reads one kind of aggregate, its recorded chain facts included, as JSON (which has wide integers)."""

    def __init__(self, aggregate: type[A]) -> None:
        self._aggregate = aggregate
        self._encoder = msgspec.json.Encoder()
        twin = _twin(aggregate)
        self._decoder: msgspec.json.Decoder[Any] = msgspec.json.Decoder(twin)
        self.shape = shape_of(twin)

    def encode(self, state: A) -> bytes:
        return self._encoder.encode(state)

    def decode(self, state: bytes) -> A:
        twin = self._decoder.decode(state)
        return self._aggregate(**{name: getattr(twin, name) for name in twin.__struct_fields__})


@cache
def state_codec(aggregate: type[A]) -> StateCodec[A]:
    return StateCodec(aggregate)


def _twin(aggregate: type[Aggregate]) -> type[msgspec.Struct]:
    """The same struct, with the facts of its history named one by one: only a union of concrete events can be read."""
    facts = tuple(event for event in ALL_EVENTS if issubclass(event, ChainFact))
    history = list[Union[facts]]  # type: ignore[valid-type]  # noqa: UP007 (the members are known at run time only)
    fields = [
        (field.name, history if field.type == list[ChainFact] else field.type)
        for field in msgspec.structs.fields(aggregate)
    ]
    return msgspec.defstruct(f"Stored{aggregate.__name__}", fields, kw_only=True)


def shape_of(stored: type[msgspec.Struct]) -> str:
    """A mark of what is stored: it changes when a field does, and what was stored before must be built again."""
    return hashlib.sha256(repr(msgspec.json.schema(stored)).encode()).hexdigest()[:16]
