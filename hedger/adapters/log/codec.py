"""Events to bytes and back: one envelope of JSON an event, read through a tagged union of every known event."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Union
from uuid import UUID

import msgspec

from hedger.domain.events import Event, Recorded

Upcast = Callable[[dict[str, Any]], dict[str, Any]]
"""Takes the builtins of an event recorded under an old tag, returns those of its successor, `event` tag included."""

NO_UPCASTS: Mapping[str, Upcast] = {}


class UnreadableEvent(Exception):
    """A recorded event that today's code cannot read. The log is right: a class, a field or an upcast is missing."""

    def __init__(self, position: int, tag: str, reason: str) -> None:
        super().__init__(f"position {position}: event {tag!r} cannot be read: {reason}")
        self.position = position
        self.tag = tag


class UnknownEvent(UnreadableEvent):
    """A recorded event whose tag neither an event class nor an upcast bears."""

    def __init__(self, position: int, tag: str) -> None:
        super().__init__(position, tag, "no event class and no upcast bears this tag")


class _Sealed(msgspec.Struct, frozen=True):
    """The envelope as written; the event is JSON already."""

    at: int
    corr: str
    cause: str
    event: msgspec.Raw


class _RecordedAt(msgspec.Struct, frozen=True):
    at: int


class EventCodec:
    """Writes and reads the payloads of the log.

    An event's tag is its name in the log for good: it stands in the payload and in the table's topic column. Events of
    old tags are lifted to today's by `upcasts`, one step each, as often as it takes.
    """

    def __init__(self, event_types: Sequence[type[Event]], upcasts: Mapping[str, Upcast] = NO_UPCASTS) -> None:
        """Raises ValueError where two event classes, or a class and an upcast, bear the same tag."""
        self._tags = frozenset(_tag_of(event_type) for event_type in event_types)
        if len(self._tags) != len(set(event_types)):
            raise ValueError(f"event classes share a tag: {_shared_tags(event_types)}")
        if self._tags & upcasts.keys():
            raise ValueError(f"tags of today cannot be upcast: {sorted(self._tags & upcasts.keys())}")
        self._upcasts = upcasts
        self._union: Any = Union[tuple(event_types)]  # noqa: UP007 (the members are known at run time only)
        envelope = msgspec.defstruct(
            "Envelope", [("at", int), ("corr", str), ("cause", str), ("event", self._union)], frozen=True
        )
        self._encoder = msgspec.json.Encoder()
        self._decoder: msgspec.json.Decoder[Any] = msgspec.json.Decoder(envelope)
        self._sealed: msgspec.json.Decoder[_Sealed] = msgspec.json.Decoder(_Sealed)
        self._recorded_at: msgspec.json.Decoder[_RecordedAt] = msgspec.json.Decoder(_RecordedAt)

    def knows(self, tag: str) -> bool:
        """Whether events of this tag are read as they are, without an upcast."""
        return tag in self._tags

    def tag(self, event: Event) -> str:
        """The event's name in the log. Raises TypeError for a class that this codec could not read again."""
        tag = _tag_of(type(event))
        if tag not in self._tags:
            raise TypeError(f"{type(event).__qualname__} (tag {tag!r}) is not an event type of this log")
        return tag

    def encode(self, event: Event) -> msgspec.Raw:
        """The event alone as JSON, to be sealed when it is recorded."""
        return msgspec.Raw(self._encoder.encode(event))

    def seal(self, event: msgspec.Raw, *, at_ms: int, correlation_id: str, causation_id: str) -> bytes:
        """The payload to store: the event with when it was recorded, what it is about, and what caused it."""
        return self._encoder.encode(_Sealed(at_ms, correlation_id, causation_id, event))

    def decode(self, position: int, aggregate_id: UUID, version: int, tag: str, payload: bytes) -> Recorded:
        """One row of the log as a recorded event. Raises UnreadableEvent."""
        try:
            envelope = self._decoder.decode(payload) if tag in self._tags else self._lifted(position, tag, payload)
        except (msgspec.MsgspecError, LookupError, TypeError, ValueError) as error:
            raise UnreadableEvent(position, tag, str(error)) from error
        return Recorded(
            position=position,
            aggregate_id=aggregate_id,
            version=version,
            recorded_at_ms=envelope.at,
            correlation_id=envelope.corr,
            causation_id=envelope.cause,
            event=envelope.event,
        )

    def recorded_at_ms(self, payload: bytes) -> int:
        return self._recorded_at.decode(payload).at

    def _lifted(self, position: int, tag: str, payload: bytes) -> Any:
        """The envelope of an event of an old tag, with today's event in it."""
        sealed = self._sealed.decode(payload)
        builtins: dict[str, Any] = msgspec.json.decode(sealed.event)
        steps = 0
        while tag not in self._tags:
            upcast = self._upcasts.get(tag)
            if upcast is None or steps > len(self._upcasts):
                raise UnknownEvent(position, tag)
            builtins = upcast(builtins)
            tag, steps = builtins["event"], steps + 1
        return msgspec.structs.replace(sealed, event=msgspec.convert(builtins, self._union))


def _tag_of(event_type: type[Event]) -> str:
    tag = event_type.__struct_config__.tag
    if not isinstance(tag, str):
        raise TypeError(f"{event_type.__qualname__} has no text tag")
    return tag


def _shared_tags(event_types: Sequence[type[Event]]) -> list[str]:
    tags = [_tag_of(event_type) for event_type in set(event_types)]
    return sorted({tag for tag in tags if tags.count(tag) > 1})
