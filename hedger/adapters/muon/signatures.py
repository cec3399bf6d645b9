"""Muon signatures as the contract takes them: one struct a kind, fields in the contract's order.

Amounts are 18-decimal integers, timestamps unix seconds. In the pair structs PartyA stands before PartyB, although the
signed hash names B first.
"""

from typing import Any

import msgspec


class SchnorrSign(msgspec.Struct, frozen=True):
    """The threshold signature; the contract never reads `owner`."""

    signature: int
    owner: str
    nonce: str

    def as_abi(self) -> tuple[int, str, str]:
        return self.signature, self.owner, self.nonce


class SingleUpnlSig(msgspec.Struct, frozen=True):
    """uPnL of one side: of PartyB towards one PartyA (`uPnl_B`) or of PartyA (`uPnl_A`)."""

    req_id: bytes
    timestamp: int
    upnl: int
    gateway_signature: bytes
    sigs: SchnorrSign

    def as_abi(self) -> tuple[bytes, int, int, bytes, tuple[int, str, str]]:
        return self.req_id, self.timestamp, self.upnl, self.gateway_signature, self.sigs.as_abi()


class SingleUpnlAndPriceSig(msgspec.Struct, frozen=True):
    """uPnL of PartyA and the price of one symbol: what sending a quote takes."""

    req_id: bytes
    timestamp: int
    upnl: int
    price: int
    gateway_signature: bytes
    sigs: SchnorrSign

    def as_abi(self) -> tuple[bytes, int, int, int, bytes, tuple[int, str, str]]:
        return self.req_id, self.timestamp, self.upnl, self.price, self.gateway_signature, self.sigs.as_abi()


class PairUpnlSig(msgspec.Struct, frozen=True):
    """uPnL of both sides of a pair: what charging funding takes."""

    req_id: bytes
    timestamp: int
    upnl_party_a: int
    upnl_party_b: int
    gateway_signature: bytes
    sigs: SchnorrSign

    def as_abi(self) -> tuple[bytes, int, int, int, bytes, tuple[int, str, str]]:
        upnls = self.upnl_party_a, self.upnl_party_b
        return self.req_id, self.timestamp, *upnls, self.gateway_signature, self.sigs.as_abi()


class PairUpnlAndPriceSig(msgspec.Struct, frozen=True):
    """uPnL of both sides and the price of one symbol: what opening a position and filling a close take."""

    req_id: bytes
    timestamp: int
    upnl_party_a: int
    upnl_party_b: int
    price: int
    gateway_signature: bytes
    sigs: SchnorrSign

    def as_abi(self) -> tuple[bytes, int, int, int, int, bytes, tuple[int, str, str]]:
        upnls = self.upnl_party_a, self.upnl_party_b
        return self.req_id, self.timestamp, *upnls, self.price, self.gateway_signature, self.sigs.as_abi()


class QuoteSettlement(msgspec.Struct, frozen=True):
    """One quote of a settlement: its current price, and which of the signed profits is its hedger's."""

    quote_id: int
    current_price: int
    party_b_index: int

    def as_abi(self) -> tuple[int, int, int]:
        return self.quote_id, self.current_price, self.party_b_index


class SettlementSig(msgspec.Struct, frozen=True):
    """Every open quote of one PartyA at its current price, and the uPnL of all who hedge them: what settling takes."""

    req_id: bytes
    timestamp: int
    quotes: tuple[QuoteSettlement, ...]
    upnl_party_bs: tuple[int, ...]
    upnl_party_a: int
    gateway_signature: bytes
    sigs: SchnorrSign

    def as_abi(self) -> tuple[bytes, int, tuple[Any, ...], tuple[int, ...], int, bytes, tuple[int, str, str]]:
        quotes = tuple(quote.as_abi() for quote in self.quotes)
        upnls = self.upnl_party_bs, self.upnl_party_a
        return self.req_id, self.timestamp, quotes, *upnls, self.gateway_signature, self.sigs.as_abi()
