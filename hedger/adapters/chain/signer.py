"""Signing with a key held in this process. The key is never shown: not in a repr, not in an error, not in a log."""

from dataclasses import dataclass, replace
from typing import Any, Protocol

import rlp  # type: ignore[import-untyped]
from coincurve import PrivateKey
from eth_utils.crypto import keccak

from hedger.adapters.chain.gas import Fees

_DYNAMIC = 2  # transaction type of EIP-1559
_ADDRESS_BYTES = 20
_KEY_HEX = 64


class BadKey(Exception):
    """What was given as the signing key is none. What was given is not repeated."""


class Secret(Protocol):
    """A text that does not show itself, such as pydantic's SecretStr."""

    def get_secret_value(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Unsigned:
    """A transaction before its signature; `to` is a hex address, fees are in wei."""

    chain_id: int
    nonce: int
    to: str
    calldata: bytes
    gas_limit: int
    fees: Fees
    value_wei: int = 0

    def at(self, nonce: int) -> "Unsigned":
        return replace(self, nonce=nonce)

    def offering(self, fees: Fees) -> "Unsigned":
        return replace(self, fees=fees)


@dataclass(frozen=True, slots=True)
class SignedTransaction:
    """Raw bytes and hash, both hex with prefix. Nothing of it is secret."""

    raw: str
    hash: str


class Signer(Protocol):
    """One account. `address` is lower-case hex."""

    @property
    def address(self) -> str: ...

    def sign(self, transaction: Unsigned) -> SignedTransaction: ...


class LocalSigner:
    """Signs with a private key; about a tenth of a millisecond each."""

    __slots__ = ("__key", "_address")

    def __init__(self, key: Secret) -> None:
        """`key` is hex, with or without prefix. Raises BadKey."""
        text = key.get_secret_value().strip().removeprefix("0x")
        try:
            if len(text) != _KEY_HEX:
                raise ValueError
            self.__key = PrivateKey(bytes.fromhex(text))
        except ValueError:
            # The cause would carry the key into tracebacks.
            raise BadKey("the signing key is not a private key: 32 bytes as hex are expected") from None
        self._address = "0x" + keccak(self.__key.public_key.format(compressed=False)[1:])[-_ADDRESS_BYTES:].hex()

    @property
    def address(self) -> str:
        return self._address

    def __repr__(self) -> str:
        return f"LocalSigner({self._address})"

    def __getstate__(self) -> None:
        raise TypeError("a signer is neither copied nor pickled: its key stays where it is")

    def sign(self, transaction: Unsigned) -> SignedTransaction:
        fields = _fields(transaction)
        if transaction.fees.dynamic:
            prefix = bytes([_DYNAMIC])
            signature = self.__sign(prefix + rlp.encode(fields))
            parity = signature[2]
        else:
            prefix = b""
            signature = self.__sign(rlp.encode([*fields, transaction.chain_id, b"", b""]))
            parity = signature[2] + 35 + 2 * transaction.chain_id
        raw = prefix + rlp.encode([*fields, parity, signature[0], signature[1]])
        return SignedTransaction("0x" + raw.hex(), "0x" + keccak(raw).hex())

    def __sign(self, message: bytes) -> tuple[int, int, int]:
        """r, s and the parity of the nonce point over the message's hash."""
        signature: bytes = self.__key.sign_recoverable(keccak(message), hasher=None)
        return int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:64], "big"), signature[64]


def unsigned_of(raw: str) -> Unsigned:
    """What a raw transaction of ours (hex) says, so that it can be signed again at another fee."""
    payload = bytes.fromhex(raw[2:])
    if payload[0] == _DYNAMIC:
        chain_id, nonce, tip, most, gas, to, value, calldata, *_ = rlp.decode(payload[1:])
        fees = Fees(_int(most), _int(tip))
        return Unsigned(_int(chain_id), _int(nonce), "0x" + to.hex(), calldata, _int(gas), fees, _int(value))
    nonce, price, gas, to, value, calldata, v, *_ = rlp.decode(payload)
    fees = Fees(_int(price), _int(price), dynamic=False)
    return Unsigned((_int(v) - 35) // 2, _int(nonce), "0x" + to.hex(), calldata, _int(gas), fees, _int(value))


def _fields(transaction: Unsigned) -> list[Any]:
    """The fields in the order in which they are hashed, without what ends a legacy transaction."""
    fees, to = transaction.fees, bytes.fromhex(transaction.to[2:])
    if fees.dynamic:
        head = [transaction.chain_id, transaction.nonce, fees.priority_fee_wei, fees.max_fee_wei]
        return [*head, transaction.gas_limit, to, transaction.value_wei, transaction.calldata, []]
    head = [transaction.nonce, fees.max_fee_wei]
    return [*head, transaction.gas_limit, to, transaction.value_wei, transaction.calldata]


def _int(text: bytes) -> int:
    return int.from_bytes(text, "big")
