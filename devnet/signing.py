"""Signatures of the Muon network, made locally: what is hashed, the Schnorr signature, the gateway's ECDSA signature.

The verifier contract rebuilds the hashed bytes itself from the call's parties, its own nonces, its address and its
chain, so a signature made for anything else shows up there as "TSS not verified" and nothing more.
"""

import secrets
from collections.abc import Iterable
from dataclasses import dataclass

from coincurve import PrivateKey
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak

CURVE_ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
HALF_CURVE_ORDER = (CURVE_ORDER >> 1) + 1
GATEWAY_PREFIX = b"\x19Ethereum Signed Message:\n32"

DEV_SCHNORR_KEY = 0xC0FFEE
DEV_GATEWAY_KEY = 0xBEEF
DEV_APP_ID = 4242


@dataclass(frozen=True, slots=True)
class Envelope:
    """What every signed message carries around its own fields: application, request, contract, time and chain."""

    app_id: int
    req_id: bytes
    diamond: str
    timestamp: int
    chain_id: int

    def wrap(self, fields: bytes) -> bytes:
        """The packed message of an ordinary method: head, its fields, tail."""
        head = _uint(self.app_id) + self.req_id + _address(self.diamond)
        return head + fields + _uint(self.timestamp) + _uint(self.chain_id)


@dataclass(frozen=True, slots=True)
class Pair:
    """A hedger and a trader with the nonces the contract holds for them; the hash names B before A."""

    party_b: str
    party_a: str
    nonce_b: int
    nonce_a: int

    def packed(self) -> bytes:
        return _address(self.party_b) + _address(self.party_a) + _uint(self.nonce_b) + _uint(self.nonce_a)


@dataclass(frozen=True, slots=True)
class PriceRange:
    """The candles of a force close: prices with 18 decimals, times in unix seconds."""

    symbol_id: int
    current_price: int
    start_time: int
    end_time: int
    lowest: int
    highest: int
    average_price: int


@dataclass(frozen=True, slots=True)
class SettlementEntry:
    """One quote of a uPnL settlement, with the index of its hedger in the list of hedger uPnLs."""

    quote_id: int
    current_price: int
    party_b_index: int


@dataclass(frozen=True, slots=True)
class Liquidation:
    """The state of an insolvent PartyA, and the symbol prices its positions are closed at."""

    liquidation_id: bytes
    party_a: str
    nonce_a: int
    upnl: int
    total_unrealized_loss: int
    symbol_ids: tuple[int, ...]
    prices: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class SignedHash:
    """A Schnorr signature (`s`, and the address of the nonce point) and the gateway's 65 bytes r, s, v."""

    signature: int
    nonce_address: str
    gateway_signature: bytes


def pack_upnl_a(envelope: Envelope, party_a: str, nonce_a: int, upnl: int) -> bytes:
    """`uPnl_A`: a PartyA takes money out."""
    return envelope.wrap(_address(party_a) + _uint(nonce_a) + _int(upnl))


def pack_upnl_a_with_price(
    envelope: Envelope, party_a: str, nonce_a: int, upnl: int, symbol_id: int, price: int
) -> bytes:
    """`uPnl_A_withSymbolPrice`: a PartyA sends a quote."""
    return envelope.wrap(_address(party_a) + _uint(nonce_a) + _int(upnl) + _uint(symbol_id) + _uint(price))


def pack_upnl_b(envelope: Envelope, party_b: str, party_a: str, nonce_b: int, upnl: int) -> bytes:
    """`uPnl_B`: a hedger locks a quote, or moves its allocation for one PartyA."""
    return envelope.wrap(_address(party_b) + _address(party_a) + _uint(nonce_b) + _int(upnl))


def pack_upnl(envelope: Envelope, pair: Pair, upnl_b: int, upnl_a: int) -> bytes:
    """`uPnl`: a hedger charges funding."""
    return envelope.wrap(pair.packed() + _int(upnl_b) + _int(upnl_a))


def pack_upnl_with_price(envelope: Envelope, pair: Pair, upnl_b: int, upnl_a: int, symbol_id: int, price: int) -> bytes:
    """`uPnlWithSymbolPrice`: a hedger opens a position or fills a close."""
    return envelope.wrap(pair.packed() + _int(upnl_b) + _int(upnl_a) + _uint(symbol_id) + _uint(price))


def pack_price_range(envelope: Envelope, pair: Pair, upnl_b: int, upnl_a: int, candles: PriceRange) -> bytes:
    """`priceRange`: anyone forces a close whose price the market has reached."""
    return envelope.wrap(
        pair.packed()
        + _int(upnl_b)
        + _int(upnl_a)
        + _uint(candles.symbol_id)
        + _uint(candles.current_price)
        + _uint(candles.start_time)
        + _uint(candles.end_time)
        + _uint(candles.lowest)
        + _uint(candles.highest)
        + _uint(candles.average_price)
    )


def pack_price(envelope: Envelope, quote_ids: Iterable[int], prices: Iterable[int]) -> bytes:
    """`price`: the positions of an insolvent hedger are liquidated."""
    return envelope.wrap(_uints(quote_ids) + _uints(prices))


def pack_settle_upnl(
    envelope: Envelope,
    nonces_b: Iterable[int],
    nonce_a: int,
    entries: Iterable[SettlementEntry],
    upnls_b: Iterable[int],
    upnl_a: int,
) -> bytes:
    """`settle_upnl`: a hedger settles the uPnL of a PartyA; `nonces_b` has one nonce per entry, not per hedger."""
    packed_entries = b"".join(
        _uint(entry.quote_id) + _uint(entry.current_price) + entry.party_b_index.to_bytes(1, "big") for entry in entries
    )
    packed_upnls_b = b"".join(_int(upnl) for upnl in upnls_b)
    return envelope.wrap(
        b"verifySettlement" + _uints(nonces_b) + _uint(nonce_a) + packed_entries + packed_upnls_b + _int(upnl_a)
    )


def pack_party_a_overview(envelope: Envelope, liquidation: Liquidation) -> bytes:
    """`partyA_overview` and `verify`: a PartyA is liquidated at its state of now."""
    head = _liquidation_head(envelope, liquidation, b"verifyLiquidationSig")
    return head + _uint(envelope.timestamp) + _uint(envelope.chain_id)


def pack_deferred(
    envelope: Envelope, liquidation: Liquidation, block_number: int, liquidation_timestamp: int, allocated: int
) -> bytes:
    """`deferred`: a PartyA is liquidated at its state of an earlier block."""
    head = _liquidation_head(envelope, liquidation, b"verifyDeferredLiquidationSig")
    past = _uint(block_number) + _uint(liquidation_timestamp) + _uint(allocated)
    return head + _uint(envelope.timestamp) + past + _uint(envelope.chain_id)


class MuonSigner:
    """Holds one Schnorr key and one gateway key, and signs 32-byte hashes with both.

    The verifier accepts only public keys whose x lies in the lower half of the curve order, which about every
    second private key fulfils: another one is refused here, before a contract is configured with it.
    """

    def __init__(self, private_key: int, gateway_key: bytes | int, app_id: int) -> None:
        self._private_key = private_key
        self._gateway_key = PrivateKey(gateway_key if isinstance(gateway_key, bytes) else _uint(gateway_key))
        x, y = PrivateKey(_uint(private_key)).public_key.point()
        if x >= HALF_CURVE_ORDER:
            raise ValueError("the public key's x is not below half of the curve order: choose another private key")
        self.app_id = app_id
        self.public_key_x = x
        self.parity = y & 1
        self.gateway_address = _address_of_point(*self._gateway_key.public_key.point())

    def sign(self, hash32: bytes, nonce_k: int | None = None) -> SignedHash:
        """Sign the keccak256 of a packed message. `nonce_k` is for test vectors: one k used twice reveals the key."""
        k = secrets.randbelow(CURVE_ORDER - 1) + 1 if nonce_k is None else nonce_k
        nonce_address = _address_of_point(*PrivateKey(_uint(k)).public_key.point())
        key = _uint(self.public_key_x) + self.parity.to_bytes(1, "big")
        challenge = int.from_bytes(keccak(key + hash32 + _address(nonce_address)), "big")
        signature = (k - self._private_key * challenge) % CURVE_ORDER
        return SignedHash(signature, nonce_address, self._gateway_signature(hash32))

    def sign_packed(self, packed: bytes, nonce_k: int | None = None) -> SignedHash:
        """Sign a packed message."""
        return self.sign(keccak(packed), nonce_k)

    def _gateway_signature(self, hash32: bytes) -> bytes:
        raw = self._gateway_key.sign_recoverable(keccak(GATEWAY_PREFIX + hash32), hasher=None)
        return bytes(raw[:64]) + bytes([raw[64] + 27])


def _liquidation_head(envelope: Envelope, liquidation: Liquidation, purpose: bytes) -> bytes:
    """Liquidations put their id between the request and the contract, which no other method does."""
    return (
        _uint(envelope.app_id)
        + envelope.req_id
        + liquidation.liquidation_id
        + _address(envelope.diamond)
        + purpose
        + _address(liquidation.party_a)
        + _uint(liquidation.nonce_a)
        + _int(liquidation.upnl)
        + _int(liquidation.total_unrealized_loss)
        + _uints(liquidation.symbol_ids)
        + _uints(liquidation.prices)
    )


def _uint(value: int) -> bytes:
    return value.to_bytes(32, "big")


def _int(value: int) -> bytes:
    return value.to_bytes(32, "big", signed=True)


def _uints(values: Iterable[int]) -> bytes:
    return b"".join(value.to_bytes(32, "big") for value in values)


def _address(address: str) -> bytes:
    raw = bytes.fromhex(address.removeprefix("0x"))
    if len(raw) != 20:
        raise ValueError(f"not an address: {address}")
    return raw


def _address_of_point(x: int, y: int) -> str:
    return to_checksum_address(keccak(_uint(x) + _uint(y))[-20:])
