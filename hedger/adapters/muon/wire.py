"""The JSON of a Muon node, as far as the hedger reads it: our names on the left, the network's in `field`.

Numbers are decimal text or JSON integers; a JSON fraction does not parse.
"""

from typing import Any, Generic, TypeVar

import msgspec
from msgspec import field

Number = str | int
Fields = TypeVar("Fields")


class Single(msgspec.Struct):
    """Fields of `uPnl_A` and `uPnl_B`."""

    upnl: Number = field(name="uPnl")


class SingleAndPrice(msgspec.Struct):
    """Fields of `uPnl_A_withSymbolPrice`."""

    upnl: Number = field(name="uPnl")
    price: Number


class Pair(msgspec.Struct):
    """Fields of `uPnl`."""

    upnl_a: Number = field(name="uPnlA")
    upnl_b: Number = field(name="uPnlB")


class PairAndPrice(msgspec.Struct):
    """Fields of `uPnlWithSymbolPrice`."""

    upnl_a: Number = field(name="uPnlA")
    upnl_b: Number = field(name="uPnlB")
    price: Number


class Settlement(msgspec.Struct):
    """Fields of `settle_upnl`: quote id, price and place of its hedger's profit, for each open quote of PartyA."""

    quotes: list[tuple[Number, Number, Number]] = field(name="quoteSettlementData")
    upnl_a: Number = field(name="uPnlA")
    upnl_bs: list[Number] = field(name="upnlPartyBs")


class Init(msgspec.Struct):
    nonce_address: str = field(name="nonceAddress")


class Told(msgspec.Struct, Generic[Fields]):
    """What the nodes signed, and the parameters they were asked with."""

    timestamp: Number
    result: Fields
    init: Init
    params: dict[str, Any] | None = None


class NodeSignature(msgspec.Struct):
    signature: Number
    owner: str


class Result(msgspec.Struct, Generic[Fields]):
    req_id: str = field(name="reqId")
    told: Told[Fields] = field(name="data")
    signatures: list[NodeSignature]
    gateway_signature: str = field(name="nodeSignature")
    method: str | None = None


class Answer(msgspec.Struct, Generic[Fields]):
    """A successful answer."""

    result: Result[Fields]


class ErrorText(msgspec.Struct):
    message: str = ""


class Verdict(msgspec.Struct):
    """What every answer has, refusals too."""

    success: bool
    error: ErrorText | str | None = None

    @property
    def refusal(self) -> str:
        return self.error.message if isinstance(self.error, ErrorText) else self.error or ""
