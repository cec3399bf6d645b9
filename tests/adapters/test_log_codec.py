"""What the log stores for an event, and what it makes of what was stored long ago."""

from typing import Any
from uuid import uuid4

import pytest
from log_samples import CODEC, Counted, Renamed, told

from hedger.adapters.log.codec import EventCodec, UnknownEvent, UnreadableEvent
from hedger.domain.events import Event, Recorded

AGGREGATE = uuid4()


def stored(event: Event, codec: EventCodec = CODEC) -> bytes:
    return codec.seal(codec.encode(event), at_ms=5, correlation_id="quote 7", causation_id="fact 3")


def read(tag: str, payload: bytes, codec: EventCodec = CODEC, position: int = 9) -> Recorded:
    return codec.decode(position, AGGREGATE, 2, tag, payload)


@pytest.mark.parametrize("event", [Counted(amount=-(10**30), note='"\x00\u00e9\U0001f4a5'), told(8), Renamed(name="")])
def test_an_event_is_read_as_it_was_written(event: Event) -> None:
    assert read(CODEC.tag(event), stored(event)) == Recorded(
        position=9,
        aggregate_id=AGGREGATE,
        version=2,
        recorded_at_ms=5,
        correlation_id="quote 7",
        causation_id="fact 3",
        event=event,
    )


def test_the_same_event_is_always_the_same_bytes() -> None:
    assert stored(Counted(amount=1)) == (
        b'{"at":5,"corr":"quote 7","cause":"fact 3","event":{"event":"Counted.1","amount":1,"note":""}}'
    )


def test_an_unknown_tag_is_named_with_its_position() -> None:
    class Forgotten(Event, frozen=True, tag="Forgotten.1"):
        pass

    payload = stored(Forgotten(), EventCodec([Forgotten]))
    with pytest.raises(UnknownEvent, match=r"position 9: event 'Forgotten.1'") as error:
        read("Forgotten.1", payload)
    assert (error.value.position, error.value.tag) == (9, "Forgotten.1")


def test_a_payload_that_lacks_a_field_is_unreadable_and_not_guessed() -> None:
    payload = stored(Renamed(name="x")).replace(b'"name"', b'"title"')
    with pytest.raises(UnreadableEvent, match=r"position 9: event 'Renamed.1'.*`name`"):
        read("Renamed.1", payload)


def test_an_old_event_is_lifted_step_by_step_to_todays() -> None:
    class Moved(Event, frozen=True, kw_only=True, tag="Moved.3"):
        metres: int
        why: str

    def in_metres(old: dict[str, Any]) -> dict[str, Any]:
        return {"event": "Moved.2", "metres": old["kilometres"] * 1000}

    def with_reason(old: dict[str, Any]) -> dict[str, Any]:
        return {**old, "event": "Moved.3", "why": "not told"}

    codec = EventCodec([Moved, Counted], {"Moved.1": in_metres, "Moved.2": with_reason})
    payload = b'{"at":5,"corr":"c","cause":"x","event":{"event":"Moved.1","kilometres":3}}'
    assert read("Moved.1", payload, codec).event == Moved(metres=3000, why="not told")


@pytest.mark.parametrize(
    "upcast",
    [lambda old: {**old, "event": "Old.1"}, lambda old: {"event": old["missing"]}, lambda old: {"event": "Counted.1"}],
    ids=["goes round", "misses a field", "gives no amount"],
)
def test_an_upcast_that_fails_makes_the_event_unreadable(upcast: Any) -> None:
    codec = EventCodec([Counted], {"Old.1": upcast})
    with pytest.raises(UnreadableEvent, match="position 9"):
        read("Old.1", b'{"at":5,"corr":"c","cause":"x","event":{"event":"Old.1"}}', codec)


def test_two_event_classes_cannot_bear_one_tag() -> None:
    class Impostor(Event, frozen=True, tag="Counted.1"):
        pass

    with pytest.raises(ValueError, match=r"Counted\.1"):
        EventCodec([Counted, Impostor])


def test_a_tag_of_today_cannot_be_upcast() -> None:
    with pytest.raises(ValueError, match=r"Counted\.1"):
        EventCodec([Counted], {"Counted.1": dict})


def test_an_event_that_could_not_be_read_again_is_not_written() -> None:
    class Stranger(Event, frozen=True, tag="Stranger.1"):
        pass

    with pytest.raises(TypeError, match=r"Stranger\.1"):
        CODEC.tag(Stranger())


def test_fields_that_were_added_with_a_default_are_filled_in() -> None:
    payload = b'{"at":5,"corr":"c","cause":"x","event":{"event":"Counted.1","amount":4}}'
    assert read("Counted.1", payload).event == Counted(amount=4)
