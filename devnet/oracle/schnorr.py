"""Checks a Schnorr signature of the network the way the contract does: address(e·P + s·G) is the nonce address."""

from coincurve import PrivateKey, PublicKey
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak

from devnet.signing import CURVE_ORDER


def is_signed(x: int, parity: int, hash32: bytes, signature: int, nonce_address: str) -> bool:
    """Was this hash signed by the key with this x and y parity?"""
    if not 0 < signature < CURVE_ORDER:
        return False
    nonce = bytes.fromhex(nonce_address.removeprefix("0x"))
    challenge = int.from_bytes(keccak(x.to_bytes(32, "big") + bytes([parity]) + hash32 + nonce), "big") % CURVE_ORDER
    key = PublicKey(bytes([2 + parity]) + x.to_bytes(32, "big"))
    of_key = key.multiply(challenge.to_bytes(32, "big"))
    of_signature = PrivateKey(signature.to_bytes(32, "big")).public_key
    point = PublicKey.combine_keys([of_key, of_signature]).format(compressed=False)[1:]
    return bool(to_checksum_address(keccak(point)[-20:]).lower() == nonce_address.lower())
