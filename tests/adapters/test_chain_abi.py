"""The decoder against the general one, on values of every shape, and on bytes that are no values."""

import contextlib
from pathlib import Path
from typing import Any

import orjson
import pytest
from eth_abi.abi import encode
from hypothesis import given, settings
from hypothesis import strategies as st

from hedger.adapters.chain.abi import EventAbi, FunctionAbi, hex_bytes, interface
from hedger.adapters.chain.abi_codec import Malformed, parameters_reader

SYMMIO = interface("symmio")
EVENTS = sorted(SYMMIO.events.values(), key=lambda event: event.signature)
ADDRESS = "0x" + "ab" * 20


def entries() -> dict[str, dict[str, Any]]:
    """The declarations of all events by signature, read apart from the code under test."""
    path = Path(__file__).parents[2] / "abis" / "symmio.json"
    declared = [entry for entry in orjson.loads(path.read_bytes()) if entry["type"] == "event"]
    return {f"{entry['name']}({','.join(kind(each) for each in entry['inputs'])})": entry for entry in declared}


def kind(parameter: dict[str, Any]) -> str:
    written = str(parameter["type"])
    if not written.startswith("tuple"):
        return written
    return "(" + ",".join(kind(each) for each in parameter["components"]) + ")" + written[5:]


def values_of(parameter: dict[str, Any]) -> st.SearchStrategy[Any]:
    written = str(parameter["type"])
    if written.endswith("[]"):
        return st.lists(values_of({**parameter, "type": written[:-2]}), max_size=4).map(tuple)
    if written == "tuple":
        return st.tuples(*map(values_of, parameter["components"]))
    if written == "address":
        return st.binary(min_size=20, max_size=20).map(lambda raw: "0x" + raw.hex())
    if written == "string":
        return st.text(max_size=40)
    if written == "bool":
        return st.booleans()
    if written == "bytes":
        return st.binary(max_size=70)
    if written.startswith("bytes"):
        return st.binary(min_size=int(written[5:]), max_size=int(written[5:]))
    if written.startswith("uint"):
        return st.integers(0, 2 ** int(written[4:]) - 1)
    bits = int(written[3:])
    return st.integers(-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)


DECLARED = entries()


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.signature[:60])
@settings(max_examples=12, deadline=None)
@given(data=st.data())
def test_every_event_decodes_to_what_was_encoded(event: EventAbi, data: st.DataObject) -> None:
    inputs = DECLARED[event.signature]["inputs"]
    values = [data.draw(values_of(each)) for each in inputs]
    plain = [(kind(each), value) for each, value in zip(inputs, values, strict=True) if not each["indexed"]]
    payload = encode([each for each, _ in plain], [value for _, value in plain])
    topics = [event.topic]
    topics += [
        "0x" + encode([kind(each)], [value]).hex()
        for each, value in zip(inputs, values, strict=True)
        if each["indexed"]
    ]
    assert event.decode(topics, "0x" + payload.hex()) == tuple(values)


@settings(max_examples=300, deadline=None)
@given(
    signature=st.sampled_from([event.signature for event in EVENTS if event.parameters]),
    payload=st.binary(max_size=700),
)
def test_bytes_that_are_no_values_are_refused_and_nothing_else_is_raised(signature: str, payload: bytes) -> None:
    reader = parameters_reader(DECLARED[signature]["inputs"])
    values: tuple[Any, ...] | None = None
    with contextlib.suppress(Malformed):
        values = reader.read(payload, 0)
    assert values is None or len(values) == len(DECLARED[signature]["inputs"])


def event_of(*types: str) -> EventAbi:
    return EventAbi("Told", [{"type": each, "name": f"value{place}"} for place, each in enumerate(types)])


def decode_words(event: EventAbi, *words: str) -> Any:
    return event.decode([event.topic], "0x" + "".join(words))


@pytest.mark.parametrize(
    ("written", "word", "reason"),
    [
        ("address", "01" * 12 + "ab" * 20, "not an address"),
        ("bool", f"{2:064x}", "not a boolean: 2"),
        ("uint8", f"{256:064x}", "256 does not fit uint8"),
        ("int8", f"{128:064x}", "128 does not fit int8"),
        ("bytes4", "00" * 31 + "01", "dirty bytes"),
    ],
)
def test_a_value_out_of_its_range_names_its_field(written: str, word: str, reason: str) -> None:
    with pytest.raises(Malformed, match=reason) as caught:
        decode_words(event_of("uint256", written), "00" * 32, word)
    assert caught.value.field == "value1"


def test_a_value_within_a_list_is_named_by_its_place() -> None:
    event = EventAbi(
        "Told",
        [{"type": "tuple[]", "name": "quotes", "components": [{"type": "uint8", "name": "status"}]}],
    )
    with pytest.raises(Malformed) as caught:
        decode_words(event, f"{32:064x}", f"{2:064x}", f"{4:064x}", f"{300:064x}")
    assert caught.value.field == "quotes[1].status"


@pytest.mark.parametrize("text", ["", "0x0", "0xzz", "00", "0x00 00", "None"])
def test_text_that_is_not_hexadecimal_is_refused(text: str) -> None:
    with pytest.raises(Malformed, match="not hexadecimal"):
        hex_bytes(text, "data")


def test_a_length_that_would_fill_the_memory_is_refused_before_anything_is_read() -> None:
    with pytest.raises(Malformed, match="bytes where"):
        decode_words(event_of("uint256[]"), f"{32:064x}", "ff" * 32)


def test_data_of_another_length_than_the_event_has_is_refused() -> None:
    with pytest.raises(Malformed, match="96 bytes where 64 are expected"):
        decode_words(event_of("uint256", "uint256"), "00" * 96)


def test_a_log_that_lacks_an_indexed_topic_is_refused() -> None:
    event = next(each for each in EVENTS if each.name == "BalanceChangePartyB")
    with pytest.raises(Malformed, match="2 topics where 3 are expected"):
        event.decode([event.topic, "0x" + "00" * 32], "0x" + "00" * 64)


def test_a_function_encodes_behind_its_selector_and_decodes_what_it_returns() -> None:
    function = SYMMIO["allocateForPartyB"]
    assert function.calldata(5, ADDRESS).hex() == "cd0bac16" + f"{5:064x}" + "00" * 12 + "ab" * 20
    assert SYMMIO["forceCloseCooldowns"].decode(bytes(31) + b"\x01" + bytes(31) + b"\x02") == (1, 2)


def test_an_argument_that_does_not_fit_is_refused_with_the_functions_name() -> None:
    with pytest.raises(ValueError, match="allocateForPartyB"):
        SYMMIO["allocateForPartyB"].calldata(-1, ADDRESS)


def test_what_a_view_returned_too_short_names_the_view() -> None:
    with pytest.raises(Malformed, match="getNextQuoteId") as caught:
        SYMMIO["getNextQuoteId"].decode(b"")
    assert caught.value.field == "getNextQuoteId"


def test_functions_that_share_a_name_are_kept_apart_by_signature() -> None:
    first = FunctionAbi("f", [{"type": "uint256", "name": "a"}], [])
    assert first.signature == "f(uint256)"
    assert SYMMIO["getQuote"].selector.hex() == "cf39918e"
