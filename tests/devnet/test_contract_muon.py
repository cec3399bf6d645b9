"""Signature checks are on: what the oracle did not sign for exactly this call does not pass."""

from dataclasses import replace

import pytest
from contract_moves import locked, open_position, opened, send_quote, sent
from contract_world import BTC, PRICE, QUANTITY, REQ_ID, WAD, Reverted, World

from devnet.signing import CURVE_ORDER, Envelope, MuonSigner, pack_upnl_b
from hedger.domain.terms import QuoteStatus

SCHNORR, GATEWAY = 4, 3


def changed(signature: tuple[object, ...], index: int, value: object) -> tuple[object, ...]:
    return (*signature[:index], value, *signature[index + 1 :])


async def test_a_signature_passes_the_verifier_of_the_diamond(world: World) -> None:
    signed = world.signer.sign(b"\x07" * 32)
    sign = (signed.signature, world.friend, signed.nonce_address)
    assert await world.read("verifyMuonTSSAndGateway", b"\x07" * 32, sign, signed.gateway_signature) == ()


async def test_the_identity_is_readable(world: World) -> None:
    signer = world.signer
    key = (signer.public_key_x, signer.parity)
    assert await world.read("getMuonIds") == (signer.app_id, key, signer.gateway_address.lower())
    assert await world.read("getMuonConfig") == (120, 120)


async def test_a_signature_expires(world: World) -> None:
    quote_id = await sent(world)
    signature = await world.upnl_b(world.hedger, world.trader)
    await world.chain.advance(121)
    with pytest.raises(Reverted, match="LibMuon: Expired signature"):
        await world.call(world.hedger, "lockQuote", quote_id, signature)


async def test_a_signature_of_the_future_passes(world: World) -> None:
    quote_id = await sent(world)
    envelope = Envelope(world.signer.app_id, REQ_ID, world.diamond, await world.now() + 9_999, 31337)
    signed = world.signer.sign_packed(pack_upnl_b(envelope, world.hedger, world.trader, 0, 0))
    tail = (signed.gateway_signature, (signed.signature, world.friend, signed.nonce_address))
    await world.call(world.hedger, "lockQuote", quote_id, (REQ_ID, envelope.timestamp, 0, *tail))
    assert await world.status(quote_id) == QuoteStatus.LOCKED


async def test_a_signature_may_be_used_again_while_it_is_valid(world: World) -> None:
    first, second = await sent(world), await sent(world)
    signature = await world.upnl_b(world.hedger, world.trader)
    await world.call(world.hedger, "lockQuote", first, signature)
    await world.call(world.hedger, "lockQuote", second, signature)
    assert await world.status(second) == QuoteStatus.LOCKED


async def test_a_signature_over_an_older_nonce_fails_before_the_state_is_looked_at(world: World) -> None:
    first, second = await locked(world), await locked(world)
    stale = await world.pair(world.hedger, world.trader)
    await open_position(world, first)
    for quote_id in (first, second):
        with pytest.raises(Reverted, match="LibMuon: TSS not verified"):
            await world.call(world.hedger, "openPosition", quote_id, QUANTITY, PRICE, stale)


async def test_an_open_by_a_rival_spoils_the_signature_of_the_pair_but_not_that_of_the_hedger(world: World) -> None:
    mine, theirs = await sent(world), await sent(world)
    alone, both = await world.upnl_b(world.hedger, world.trader), await world.pair(world.hedger, world.trader)
    rival_lock, rival_open = await world.upnl_b(world.rival, world.trader), await world.pair(world.rival, world.trader)
    await world.call(world.rival, "lockAndOpenQuote", theirs, QUANTITY, PRICE, rival_lock, rival_open)
    await world.call(world.hedger, "lockQuote", mine, alone)
    with pytest.raises(Reverted, match="LibMuon: TSS not verified"):
        await world.call(world.hedger, "openPosition", mine, QUANTITY, PRICE, both)


async def test_a_signature_for_another_party_symbol_price_or_loss_fails(world: World) -> None:
    quote_id = await locked(world)
    good = await world.pair(world.hedger, world.trader)
    for signature in (
        await world.pair(world.rival, world.trader),
        await world.pair(world.hedger, world.friend),
        await world.pair(world.hedger, world.trader, symbol=2),
        changed(good, 2, 1),
        changed(good, 3, 1),
        changed(good, 4, PRICE + 1),
        changed(good, 0, b"\x12" * 36),
        changed(good, 1, int(str(good[1])) + 1),
    ):
        with pytest.raises(Reverted, match="LibMuon: TSS not verified"):
            await world.call(world.hedger, "openPosition", quote_id, QUANTITY, PRICE, signature)
    await world.call(world.hedger, "openPosition", quote_id, QUANTITY, PRICE, good)


async def test_a_trader_needs_a_signature_for_its_own_symbol(world: World) -> None:
    other = await world.upnl_a_with_price(world.trader, 2, PRICE)
    with pytest.raises(Reverted, match="LibMuon: TSS not verified"):
        await send_quote(world, symbol=BTC, signature=other)


async def test_another_gateway_or_another_network_is_refused(world: World) -> None:
    quote_id = await sent(world)
    for signer, reason in (
        (MuonSigner(0xC0FFEE, 0xF00D, world.signer.app_id), "LibMuon: Gateway is not valid"),
        (MuonSigner(0xC0FFEE + 2, 0xBEEF, world.signer.app_id), "LibMuon: TSS not verified"),
        (MuonSigner(0xC0FFEE, 0xBEEF, 1), "LibMuon: TSS not verified"),
    ):
        signature = await replace(world, signer=signer).upnl_b(world.hedger, world.trader)
        with pytest.raises(Reverted, match=reason):
            await world.call(world.hedger, "lockQuote", quote_id, signature)


@pytest.mark.parametrize(
    ("schnorr", "reason"),
    [
        ((CURVE_ORDER, "0x" + "01" * 20, "0x" + "01" * 20), "signature must be reduced modulo Q"),
        ((0, "0x" + "01" * 20, "0x" + "01" * 20), "no zero inputs allowed"),
        ((1, "0x" + "01" * 20, "0x" + "00" * 20), "no zero inputs allowed"),
        ((1, "0x" + "01" * 20, "0x" + "01" * 20), "LibMuon: TSS not verified"),
    ],
)
async def test_malformed_schnorr_signatures_are_refused(
    world: World, schnorr: tuple[int, str, str], reason: str
) -> None:
    quote_id = await sent(world)
    good = await world.upnl_b(world.hedger, world.trader)
    with pytest.raises(Reverted, match=reason):
        await world.call(world.hedger, "lockQuote", quote_id, changed(good, SCHNORR, schnorr))


async def test_malformed_gateway_signatures_are_refused(world: World) -> None:
    quote_id = await sent(world)
    good = await world.upnl_b(world.hedger, world.trader)
    raw = bytes(good[GATEWAY])
    high_s = (CURVE_ORDER - int.from_bytes(raw[32:64], "big")).to_bytes(32, "big")
    for signature, reason in (
        (raw[:64], "ECDSA: invalid signature length"),
        (raw[:32] + high_s + raw[64:], "ECDSA: invalid signature 's' value"),
        (raw[:64] + b"\x07", "ECDSA: invalid signature"),
    ):
        with pytest.raises(Reverted, match=f"^{reason}$"):
            await world.call(world.hedger, "lockQuote", quote_id, changed(good, GATEWAY, signature))


async def test_a_public_key_in_the_upper_half_is_refused_when_used(world: World) -> None:
    quote_id = await sent(world)
    signature = await world.upnl_b(world.hedger, world.trader)
    key = (CURVE_ORDER - 1, 0)
    await world.call(world.admin, "setMuonIds", world.signer.app_id, world.signer.gateway_address, key)
    with pytest.raises(Reverted, match="Public-key x >= HALF_Q"):
        await world.call(world.hedger, "lockQuote", quote_id, signature)


async def test_money_moves_leave_the_nonces_alone(world: World) -> None:
    await opened(world)
    before = await world.nonces()
    signature = await world.upnl_b(world.hedger, world.trader)
    await world.call(world.hedger, "allocateForPartyB", WAD, world.trader)
    await world.call(world.hedger, "deallocateForPartyB", WAD, world.trader, signature)
    await world.call(world.hedger, "transferAllocation", WAD, world.trader, world.friend, signature)
    assert await world.nonces() == before
