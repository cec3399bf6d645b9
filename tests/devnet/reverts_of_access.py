"""How PartyB meets the reverts of signatures, pauses, roles and its proxy."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from contract_moves import locked, opened, sent
from contract_world import UNIT, WAD
from eth_utils.crypto import keccak
from reverts_stage import Calls, Stage, met

from devnet.contract_abi import Abi
from devnet.signing import CURVE_ORDER, MuonSigner
from hedger.domain.terms import CallKind

PROXY = Abi.load("party_b")
SOME = "0x" + "01" * 20
GATEWAY, SCHNORR = -2, -1


async def lock_signed(stage: Stage, place: int, value: Any) -> Calls:
    """A lock whose signature has one field replaced."""
    quote_id = await sent(stage.world)
    signature: list[Any] = list(await stage.world.upnl_b(stage.party_b, stage.world.trader))
    signature[place] = value
    return await stage.lock(quote_id, signed=tuple(signature))


async def signed_by(stage: Stage, signer: MuonSigner) -> Calls:
    quote_id = await sent(stage.world)
    signature = await replace(stage.world, signer=signer).upnl_b(stage.party_b, stage.world.trader)
    return await stage.lock(quote_id, signed=signature)


@met("LibMuon: Expired signature")
async def lock_with_an_old_signature(stage: Stage) -> Calls:
    calls = await stage.lock(await sent(stage.world))
    await stage.world.chain.advance(200)
    return calls


@met("LibMuon: TSS not verified")
async def open_with_a_signature_of_before(stage: Stage) -> Calls:
    first, second = await locked(stage.world), await locked(stage.world)
    calls = await stage.open(second)
    await stage.world.send(stage.party_b, stage.world.diamond, (await stage.open(first))[0])
    return calls


@met("LibMuon: Gateway is not valid")
async def lock_with_another_gateway(stage: Stage) -> Calls:
    return await signed_by(stage, MuonSigner(0xC0FFEE, 0xF00D, stage.world.signer.app_id))


@met("signature must be reduced modulo Q")
async def lock_with_a_signature_too_large(stage: Stage) -> Calls:
    return await lock_signed(stage, SCHNORR, (CURVE_ORDER, SOME, SOME))


@met("no zero inputs allowed")
async def lock_with_an_empty_signature(stage: Stage) -> Calls:
    return await lock_signed(stage, SCHNORR, (0, SOME, SOME))


@met("Public-key x >= HALF_Q")
async def lock_under_an_unusable_key(stage: Stage) -> Calls:
    calls = await stage.lock(await sent(stage.world))
    signer = stage.world.signer
    await stage.as_admin("setMuonIds", signer.app_id, signer.gateway_address, (CURVE_ORDER - 1, 0))
    return calls


@met("ECDSA: invalid signature", begins=True)
async def lock_with_a_short_gateway_signature(stage: Stage) -> Calls:
    return await lock_signed(stage, GATEWAY, b"\x01" * 64)


@met("Pausable: Global paused")
async def unlock_while_all_is_paused(stage: Stage) -> Calls:
    return await paused(stage, "pauseGlobal", stage.asked(CallKind.UNLOCK, await locked(stage.world)))


@met("Pausable: PartyB actions paused")
async def unlock_while_hedgers_are_paused(stage: Stage) -> Calls:
    return await paused(stage, "pausePartyBActions", stage.asked(CallKind.UNLOCK, await locked(stage.world)))


@met("Pausable: PartyA actions paused")
async def expire_while_traders_are_paused(stage: Stage) -> Calls:
    return await paused(stage, "pausePartyAActions", stage.asked(CallKind.EXPIRE, await sent(stage.world)))


@met("Pausable: Accounting paused")
async def withdraw_while_money_is_paused(stage: Stage) -> Calls:
    return await paused(stage, "pauseAccounting", stage.raw("withdraw", UNIT))


@met("Pausable: Liquidation paused")
async def be_settled_while_liquidations_are_paused(stage: Stage) -> Calls:
    calls = stage.raw("settlePartyALiquidation", stage.world.trader, [stage.party_b])
    return await paused(stage, "pauseLiquidation", calls)


@met("Pausable: Internal transfer paused")
async def pay_a_trader_while_transfers_are_paused(stage: Stage) -> Calls:
    return await paused(stage, "pauseInternalTransfer", stage.raw("internalTransfer", stage.world.trader, WAD))


@met("Pausable: paused", proxy_only=True)
async def call_through_a_paused_proxy(stage: Stage) -> Calls:
    await at_proxy(stage, "grantRole", keccak(text="PAUSER_ROLE"), stage.world.admin)
    await at_proxy(stage, "pause")
    return stage.asked(CallKind.UNLOCK, await locked(stage.world))


@met("SymmioPartyB: Invalid access", proxy_only=True)
async def call_without_a_role_at_the_proxy(stage: Stage) -> Calls:
    await at_proxy(stage, "revokeRole", keccak(text="TRUSTED_ROLE"), stage.chain.operator)
    return stage.asked(CallKind.UNLOCK, await locked(stage.world))


@met("AccessControl: account", begins=True, proxy_only=True)
async def call_what_the_proxy_restricts(stage: Stage) -> Calls:
    calls = stage.raw("withdraw", UNIT)
    await at_proxy(stage, "setRestrictedSelector", calls[0][:4], True)
    return calls


@met("SymmioPartyB: Execution reverted", proxy_only=True, blind=True)
async def unlock_twice_in_one_batch(stage: Stage) -> Calls:
    """Each call passes alone, so where nothing can be simulated nothing is found out."""
    return [*stage.asked(CallKind.UNLOCK, await locked(stage.world))] * 2


@met("Accessibility: Should be partyB")
async def lock_after_being_removed(stage: Stage) -> Calls:
    calls = await stage.lock(await sent(stage.world))
    await stage.as_admin("deregisterPartyB", stage.party_b, 0 if stage.chain.through_proxy else 1)
    return calls


@met("Accessibility: Sender is Suspended")
async def deallocate_while_suspended(stage: Stage) -> Calls:
    await stage.as_admin("suspendedAddress", stage.party_b)
    return await stage.deallocate(1)


@met("Accessibility: Must has role")
async def pause_without_the_role(stage: Stage) -> Calls:
    return stage.raw("pauseGlobal")


@met("Diamond: Function does not exist")
async def call_what_another_version_has(stage: Stage) -> Calls:
    await opened(stage.world)
    return [keccak(text="finalizeForceClose(uint256)")[:4]]


async def paused(stage: Stage, pause: str, calls: Calls) -> Calls:
    await stage.as_admin(pause)
    return calls


async def at_proxy(stage: Stage, function: str, *arguments: Any) -> Sequence[Any]:
    """By the proxy's own administrator."""
    return await stage.world.send(stage.world.admin, stage.party_b, PROXY[function].calldata(*arguments))
