"""From the bytes a Muon node answers to a typed signature, or to an error that names what is wrong with them."""

from collections.abc import Callable, Mapping
from typing import Generic, TypeVar

import msgspec
from eth_utils.address import is_address, to_checksum_address

from hedger.adapters.muon import wire
from hedger.adapters.muon.port import MuonAnswerInvalid, MuonUnavailable
from hedger.adapters.muon.signatures import (
    PairUpnlAndPriceSig,
    PairUpnlSig,
    QuoteSettlement,
    SchnorrSign,
    SettlementSig,
    SingleUpnlAndPriceSig,
    SingleUpnlSig,
)

RAW_KEPT = 500
GATEWAY_SIGNATURE_BYTES = 65
UINT8 = range(2**8)
UINT256 = range(2**256)
INT256 = range(-(2**255), 2**255)
# Refusals of the question itself: no other node and no later time will answer it.
FINAL_REFUSALS = (
    "invalid symbol",
    "invalid quoteid",
    "identical parties error",
    "unknown method",
    "bad_start_or_end_time",
    "start_after_end_time",
)

Fields = TypeVar("Fields")
Shape = TypeVar("Shape")

_VERDICT = msgspec.json.Decoder(wire.Verdict)
_SINGLE = msgspec.json.Decoder(wire.Answer[wire.Single])
_SINGLE_AND_PRICE = msgspec.json.Decoder(wire.Answer[wire.SingleAndPrice])
_PAIR = msgspec.json.Decoder(wire.Answer[wire.Pair])
_PAIR_AND_PRICE = msgspec.json.Decoder(wire.Answer[wire.PairAndPrice])
_SETTLEMENT = msgspec.json.Decoder(wire.Answer[wire.Settlement])


class Question(msgspec.Struct, frozen=True):
    """What was asked: an answer that repeats it must repeat it truly."""

    method: str
    params: Mapping[str, str]


def single_upnl(question: Question, body: bytes) -> SingleUpnlSig:
    """Answer of `uPnl_B` or `uPnl_A`."""
    read = _Reader(question, body, _SINGLE)
    return SingleUpnlSig(
        req_id=read.req_id(),
        timestamp=read.timestamp(),
        upnl=read.int256("uPnl", read.fields.upnl),
        gateway_signature=read.gateway_signature(),
        sigs=read.sigs(),
    )


def single_upnl_and_price(question: Question, body: bytes) -> SingleUpnlAndPriceSig:
    """Answer of `uPnl_A_withSymbolPrice`."""
    read = _Reader(question, body, _SINGLE_AND_PRICE)
    return SingleUpnlAndPriceSig(
        req_id=read.req_id(),
        timestamp=read.timestamp(),
        upnl=read.int256("uPnl", read.fields.upnl),
        price=read.uint256("price", read.fields.price),
        gateway_signature=read.gateway_signature(),
        sigs=read.sigs(),
    )


def pair_upnl(question: Question, body: bytes) -> PairUpnlSig:
    """Answer of `uPnl`."""
    read = _Reader(question, body, _PAIR)
    return PairUpnlSig(
        req_id=read.req_id(),
        timestamp=read.timestamp(),
        upnl_party_a=read.int256("uPnlA", read.fields.upnl_a),
        upnl_party_b=read.int256("uPnlB", read.fields.upnl_b),
        gateway_signature=read.gateway_signature(),
        sigs=read.sigs(),
    )


def pair_upnl_and_price(question: Question, body: bytes) -> PairUpnlAndPriceSig:
    """Answer of `uPnlWithSymbolPrice`."""
    read = _Reader(question, body, _PAIR_AND_PRICE)
    return PairUpnlAndPriceSig(
        req_id=read.req_id(),
        timestamp=read.timestamp(),
        upnl_party_a=read.int256("uPnlA", read.fields.upnl_a),
        upnl_party_b=read.int256("uPnlB", read.fields.upnl_b),
        price=read.uint256("price", read.fields.price),
        gateway_signature=read.gateway_signature(),
        sigs=read.sigs(),
    )


def settlement(question: Question, body: bytes) -> SettlementSig:
    """Answer of `settle_upnl`."""
    read = _Reader(question, body, _SETTLEMENT)
    upnls = tuple(read.int256(f"upnlPartyBs[{place}]", upnl) for place, upnl in enumerate(read.fields.upnl_bs))
    return SettlementSig(
        req_id=read.req_id(),
        timestamp=read.timestamp(),
        quotes=tuple(
            read.quote_settlement(f"quoteSettlementData[{place}]", entry, len(upnls))
            for place, entry in enumerate(read.fields.quotes)
        ),
        upnl_party_bs=upnls,
        upnl_party_a=read.int256("uPnlA", read.fields.upnl_a),
        gateway_signature=read.gateway_signature(),
        sigs=read.sigs(),
    )


class _Reader(Generic[Fields]):
    """Reads one answer field by field, and names the field it cannot read."""

    def __init__(self, question: Question, body: bytes, decoder: "msgspec.json.Decoder[wire.Answer[Fields]]") -> None:
        self._raw = body[:RAW_KEPT].decode("utf-8", "replace")
        verdict = self._decoded(_VERDICT, body)
        if not verdict.success:
            raise self._refused(verdict.refusal)
        self._result = self._decoded(decoder, body).result
        self.fields: Fields = self._result.told.result
        self._check_question(question)

    def req_id(self) -> bytes:
        return self._hex("result.reqId", self._result.req_id)

    def timestamp(self) -> int:
        return self._number("result.data.timestamp", self._result.told.timestamp, UINT256)

    def int256(self, name: str, value: wire.Number) -> int:
        return self._number(f"result.data.result.{name}", value, INT256)

    def uint256(self, name: str, value: wire.Number) -> int:
        return self._number(f"result.data.result.{name}", value, UINT256)

    def quote_settlement(
        self, name: str, entry: tuple[wire.Number, wire.Number, wire.Number], party_bs: int
    ) -> QuoteSettlement:
        quote_id, price, index = entry
        place = self._number(f"result.data.result.{name}[2]", index, UINT8)
        if place >= party_bs:
            raise self._invalid(f"result.data.result.{name}[2]", f"{place} of {party_bs} hedgers")
        return QuoteSettlement(self.uint256(f"{name}[0]", quote_id), self.uint256(f"{name}[1]", price), place)

    def gateway_signature(self) -> bytes:
        signature = self._hex("result.nodeSignature", self._result.gateway_signature)
        if len(signature) != GATEWAY_SIGNATURE_BYTES:
            raise self._invalid("result.nodeSignature", f"{len(signature)} bytes")
        return signature

    def sigs(self) -> SchnorrSign:
        if not self._result.signatures:
            raise self._invalid("result.signatures", "empty")
        first = self._result.signatures[0]
        return SchnorrSign(
            signature=self._number("result.signatures[0].signature", first.signature, UINT256, read=_hex_or_decimal),
            owner=self._address("result.signatures[0].owner", first.owner),
            nonce=self._address("result.data.init.nonceAddress", self._result.told.init.nonce_address),
        )

    def _check_question(self, question: Question) -> None:
        """Nodes repeat the method and the parameters; where they do, it must be our own question."""
        answered = self._result.method
        if answered is not None and answered != question.method:
            raise self._invalid("result.method", f"{answered} instead of {question.method}")
        repeated = self._result.told.params or {}
        for name, asked in question.params.items():
            told = str(repeated.get(name, asked))
            if told.lower() != asked.lower():
                raise self._invalid(f"result.data.params.{name}", f"{told} instead of {asked}")

    def _refused(self, text: str) -> MuonUnavailable | MuonAnswerInvalid:
        if any(final in text.lower() for final in FINAL_REFUSALS):
            return self._invalid("error.message", text)
        return MuonUnavailable(text or "refused without a reason")

    def _decoded(self, decoder: "msgspec.json.Decoder[Shape]", body: bytes) -> Shape:
        try:
            return decoder.decode(body)
        except msgspec.ValidationError as error:
            problem, _, path = str(error).partition(" - at `$")
            raise self._invalid(path.strip("`.") or "answer", problem) from error
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise self._invalid("answer", str(error)) from error

    def _number(
        self, field: str, value: wire.Number, allowed: range, *, read: Callable[[str], int] | None = None
    ) -> int:
        try:
            number = value if isinstance(value, int) else (read or _decimal)(value)
        except ValueError as error:
            raise self._invalid(field, f"not an integer: {value!r}") from error
        if number not in allowed:
            raise self._invalid(field, "out of range")
        return number

    def _hex(self, field: str, text: str) -> bytes:
        try:
            return bytes.fromhex(text.removeprefix("0x"))
        except ValueError as error:
            raise self._invalid(field, "not hex") from error

    def _address(self, field: str, text: str) -> str:
        if not is_address(text):
            raise self._invalid(field, f"not an address: {text!r}")
        return to_checksum_address(text)

    def _invalid(self, field: str, problem: str) -> MuonAnswerInvalid:
        return MuonAnswerInvalid(field, problem, self._raw)


def _decimal(text: str) -> int:
    digits = text.removeprefix("-")
    if not (digits.isascii() and digits.isdigit()):
        raise ValueError(text)
    return int(text)


def _hex_or_decimal(text: str) -> int:
    return int(text, 16) if text.startswith("0x") else _decimal(text)
