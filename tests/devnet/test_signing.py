"""The packed bytes, hashes and signatures, against values that the compiled verifier contract accepted."""

from collections.abc import Callable

import pytest
from coincurve import PublicKey
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak

from devnet.signing import (
    CURVE_ORDER,
    DEV_APP_ID,
    DEV_GATEWAY_KEY,
    DEV_SCHNORR_KEY,
    HALF_CURVE_ORDER,
    Envelope,
    Liquidation,
    MuonSigner,
    Pair,
    PriceRange,
    SettlementEntry,
    pack_deferred,
    pack_party_a_overview,
    pack_price,
    pack_price_range,
    pack_settle_upnl,
    pack_upnl,
    pack_upnl_a,
    pack_upnl_a_with_price,
    pack_upnl_b,
    pack_upnl_with_price,
)

FIXED_K = 0x1234567890ABCDEF
NONCE_ADDRESS = "0xAB615A1598370C1f9756290eA874FaA4b2185abD"
PARTY_A = "0x" + "00" * 19 + "AA"
PARTY_B = "0x" + "00" * 19 + "bB"
ENVELOPE = Envelope(
    app_id=DEV_APP_ID,
    req_id=b"\x11" * 36,
    diamond="0x00000000000000000000000000000000DeaDBeef",
    timestamp=1_700_000_000,
    chain_id=31337,
)
PAIR = Pair(PARTY_B, PARTY_A, nonce_b=5, nonce_a=3)
WAD = 10**18
PRICE = 27_123_450_000_000_000_000_000
UPNL = -1_234_567_890_123_456_789
UPNL_A, UPNL_B = 2_500_000_000_000_000_000, -2_500_000_000_000_000_000
CANDLES = PriceRange(7, PRICE, 1_699_999_200, 1_699_999_800, 27_000 * WAD, 27_200 * WAD, 27_100 * WAD)
ENTRIES = (SettlementEntry(11, PRICE, 0), SettlementEntry(12, 1_800 * WAD, 0))
LIQUIDATION = Liquidation(b"\x22" * 8, PARTY_A, 3, UPNL, -9 * WAD, (7, 8), (PRICE, 1_800 * WAD))

# method, packed message, its length in bytes, its hash, the Schnorr signature under FIXED_K
VECTORS: list[tuple[str, bytes, int, int, int]] = [
    (
        "uPnl_B",
        pack_upnl_b(ENVELOPE, PARTY_B, PARTY_A, 5, UPNL),
        256,
        0xCB889FB9E555F366B2EA5D394335781981394875182ADA16D5FE84F778136393,
        0x735BF207F434720A3DB9586FAB6B1D1B2A6B2744A74ABAF5D3F0FAD689145C41,
    ),
    (
        "uPnlWithSymbolPrice",
        pack_upnl_with_price(ENVELOPE, PAIR, UPNL_B, UPNL_A, 7, PRICE),
        384,
        0xA0EE3F381FD4978BE6A52113C4145A1430D60FDE86BB38DC7357CFBE763D01DB,
        0x0177898670BA37D695ED164753E1A010800E43115D86B3AF6C24C89D0672AE84,
    ),
    (
        "uPnl_A",
        pack_upnl_a(ENVELOPE, PARTY_A, 3, UPNL),
        236,
        0xDC0D0780AC956733D436F51D9006959F48A32A00AA7BA6FFC665CCAA5073EED1,
        0x9E0ADD85256EB1AD7E1E6BD9A384357DEF5A4814ED0F6A8EC2BA9D4921A1A8C9,
    ),
    (
        "uPnl_A_withSymbolPrice",
        pack_upnl_a_with_price(ENVELOPE, PARTY_A, 3, UPNL, 7, PRICE),
        300,
        0xEAC95ADF8C58835A115E4294045AA087E87F137BC5E7F6681CF8DEA41A680C71,
        0x5E7731EB4B79E36E0EB6DF9D869B75DEB6FA3955475B785FF941AE71B9DCBFAF,
    ),
    (
        "uPnl",
        pack_upnl(ENVELOPE, PAIR, UPNL_B, UPNL_A),
        320,
        0xC1A5D747CC677C33739AD9A0E5654F632D74FF40EFABD1B292BF3334CBE6173E,
        0x2151C551ABEC362C3BF613A5E61E6E7FA6984181168B2AF44AC113CD6572B2C1,
    ),
    (
        "priceRange",
        pack_price_range(ENVELOPE, PAIR, UPNL_B, UPNL_A, CANDLES),
        544,
        0x8B433FCBD20A3B97FE06CDA5E5D5705459064BBD904CE8AFB7FB4F1971D6505E,
        0x71228AD71C202F497A2646EFC85697F94946151A90BE97376767EB38494FFA15,
    ),
    (
        "price",
        pack_price(ENVELOPE, [11, 12], [PRICE, 1_800 * WAD]),
        280,
        0xB4329062EEEBE0247F95A88499900E2805210C906FBE52F67677FABDFB7608A8,
        0xD9B1E3B49858CDA03DD7F6B31D34D982194A79784EB2CB66ABED06090B8810C4,
    ),
    (
        "settle_upnl",
        pack_settle_upnl(ENVELOPE, [5, 5], 3, ENTRIES, [UPNL_B], UPNL_A),
        458,
        0x5C0BE6995EF97CC92C61EC9866F1B60927E91883615CD5923A9DA526B8443A68,
        0xA71F774BC7369F40FA61A9565462C25167457FD8248AC172A700CC620444879D,
    ),
    (
        "partyA_overview",
        pack_party_a_overview(ENVELOPE, LIQUIDATION),
        424,
        0xE2AE07740F154DFB6CFB8999C57ADDD2DE1C7CDC559500FD47B0FD3F34559A9A,
        0xC8092A25F5ACC502B9EBCB69DC039F16C82B722B5A679742ED44C67E786983F0,
    ),
    (
        "deferred",
        pack_deferred(ENVELOPE, LIQUIDATION, 123_456, 1_699_999_990, 1_000 * WAD),
        528,
        0xAB212A94DB736C2DF2E325256E6882EEE3DD8E06A27ED7364EC3E1A30F2354E2,
        0x1C58865145EAB6588A882B74AEC60E869F12FBC341811E4344E2C4354A769118,
    ),
]
GATEWAY_SIGNATURES = {
    "uPnl_B": "7afc0f9822f33cb37c59d1a46119114d2820eaeba5e15c1d37ab6c2a59de1bb9"
    "73a676da3416abdb24f5456dd1e31d55bcda486bd955f3c6ae8faddbc5caef3a1c",
    "uPnlWithSymbolPrice": "7d31fea3987d8fee3f1856607335af9212471a179721ef7557cfd57b8dfaa873"
    "2b9d7caa779edd5d9f9f72c5cda051571b8a74d2ae90c7d4663e0d4e2ee4415e1c",
}


@pytest.fixture(scope="module")
def signer() -> MuonSigner:
    return MuonSigner(DEV_SCHNORR_KEY, DEV_GATEWAY_KEY, DEV_APP_ID)


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector[0])
def test_each_method_packs_hashes_and_signs_as_the_verifier_expects(
    signer: MuonSigner, vector: tuple[str, bytes, int, int, int]
) -> None:
    method, packed, length, expected_hash, expected_signature = vector
    signed = signer.sign(keccak(packed), FIXED_K)
    assert len(packed) == length
    assert int.from_bytes(keccak(packed), "big") == expected_hash
    assert signed.signature == expected_signature
    assert signed.nonce_address == NONCE_ADDRESS
    if method in GATEWAY_SIGNATURES:
        assert signed.gateway_signature.hex() == GATEWAY_SIGNATURES[method]


def test_the_keys_of_the_development_network_are_the_published_ones(signer: MuonSigner) -> None:
    assert signer.public_key_x == 0x2A5BBCB0EEDE528E6ABE5F2EC50AD7887EB5677AF383A460B05EE23BF892DFE5
    assert signer.parity == 1
    assert signer.gateway_address == "0x6E9972213BF459853FA33E28Ab7219e9157C8d02"


def test_a_signature_under_a_secret_nonce_passes_the_contracts_ecrecover_check(signer: MuonSigner) -> None:
    hash32 = keccak(b"any message")
    signed = signer.sign(hash32)
    key_bytes = signer.public_key_x.to_bytes(32, "big") + bytes([signer.parity])
    nonce_bytes = bytes.fromhex(signed.nonce_address[2:])
    challenge = int.from_bytes(keccak(key_bytes + hash32 + nonce_bytes), "big") % CURVE_ORDER
    digest = (CURVE_ORDER - signer.public_key_x * signed.signature % CURVE_ORDER).to_bytes(32, "big")
    s = (challenge * signer.public_key_x % CURVE_ORDER).to_bytes(32, "big")
    recoverable = signer.public_key_x.to_bytes(32, "big") + s + bytes([signer.parity])
    assert _recovered_address(recoverable, digest) == signed.nonce_address


def test_two_signatures_of_one_message_never_share_their_nonce(signer: MuonSigner) -> None:
    hash32 = keccak(b"the same message")
    assert signer.sign(hash32).nonce_address != signer.sign(hash32).nonce_address


def test_a_private_key_the_verifier_would_refuse_is_refused_at_once() -> None:
    refused = next(key for key in range(1, 100) if _x_of(key) >= HALF_CURVE_ORDER)
    with pytest.raises(ValueError, match="choose another private key"):
        MuonSigner(refused, DEV_GATEWAY_KEY, DEV_APP_ID)


@pytest.mark.parametrize(
    "pack",
    [
        lambda: pack_upnl_a(ENVELOPE, PARTY_A, -1, UPNL),
        lambda: pack_upnl_a(ENVELOPE, PARTY_A, 3, 2**255),
        lambda: pack_price(ENVELOPE, [1], [2**256]),
    ],
    ids=["negative nonce", "uPnL beyond int256", "price beyond uint256"],
)
def test_a_number_outside_its_type_cannot_be_packed(pack: Callable[[], bytes]) -> None:
    with pytest.raises(OverflowError):
        pack()


def test_a_short_address_cannot_be_packed() -> None:
    with pytest.raises(ValueError, match="not an address"):
        pack_upnl_a(ENVELOPE, "0xaa", 3, UPNL)


def _x_of(private_key: int) -> int:
    x, _ = PublicKey.from_valid_secret(private_key.to_bytes(32, "big")).point()
    return x


def _recovered_address(recoverable: bytes, digest: bytes) -> str:
    x, y = PublicKey.from_signature_and_message(recoverable, digest, hasher=None).point()
    return to_checksum_address(keccak(x.to_bytes(32, "big") + y.to_bytes(32, "big"))[-20:])
