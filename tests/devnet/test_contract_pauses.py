"""Which calls each pause switch stops, and which it leaves alone; and what a suspension stops."""

from typing import Any

import pytest
from contract_moves import locked, opened, send_quote
from contract_world import PRICE, QUANTITY, SYMMIO, WAD, Reverted, World

from devnet.rpc import RpcError

PARTY_A_ACTIONS = (
    "sendQuote",
    "sendQuoteWithAffiliate",
    "requestToCancelQuote",
    "requestToClosePosition",
    "requestToCancelCloseRequest",
    "expireQuote",
    "forceCancelQuote",
    "forceCancelCloseRequest",
    "forceClosePosition",
    "settleAndForceClosePosition",
)
PARTY_B_ACTIONS = (
    "lockQuote",
    "unlockQuote",
    "acceptCancelRequest",
    "openPosition",
    "lockAndOpenQuote",
    "fillCloseRequest",
    "acceptCancelCloseRequest",
    "emergencyClosePosition",
    "chargeFundingRate",
    "settleUpnl",
    "allocateForPartyB",
    "deallocateForPartyB",
    "transferAllocation",
    "depositToReserveVault",
    "withdrawFromReserveVault",
)
LIQUIDATION = (
    "liquidatePartyA",
    "deferredLiquidatePartyA",
    "setSymbolsPrice",
    "deferredSetSymbolsPrice",
    "liquidatePendingPositionsPartyA",
    "liquidatePositionsPartyA",
    "settlePartyALiquidation",
    "resolveLiquidationDispute",
    "liquidatePartyB",
    "liquidatePositionsPartyB",
)
ACCOUNTING = ("deposit", "depositFor", "withdraw", "withdrawTo", "allocate", "deallocate", "depositAndAllocate")
# An internal transfer looks at two flags, and not at the global one.
TRANSFER = ("internalTransfer",)
EVERYTHING = PARTY_A_ACTIONS + PARTY_B_ACTIONS + LIQUIDATION + ACCOUNTING + TRANSFER
STOPPED_BY = {
    "Global": ("Global paused", PARTY_A_ACTIONS + PARTY_B_ACTIONS + LIQUIDATION + ACCOUNTING),
    "PartyAActions": ("PartyA actions paused", PARTY_A_ACTIONS),
    "PartyBActions": ("PartyB actions paused", PARTY_B_ACTIONS),
    "Liquidation": ("Liquidation paused", LIQUIDATION),
    "Accounting": ("Accounting paused", ACCOUNTING + TRANSFER),
    "InternalTransfer": ("Internal transfer paused", TRANSFER),
}


@pytest.mark.parametrize("switch", STOPPED_BY)
async def test_a_switch_stops_its_own_calls_until_it_is_taken_back(world: World, switch: str) -> None:
    text, stopped = STOPPED_BY[switch]
    await world.call(world.admin, f"pause{switch}")
    assert await paused(world) == dict.fromkeys(stopped, f"Pausable: {text}")
    await world.call(world.admin, f"unpause{switch}")
    assert await paused(world) == {}


async def test_a_switch_is_moved_by_those_who_hold_its_role_alone(world: World) -> None:
    for switch in STOPPED_BY:
        for move in (f"pause{switch}", f"unpause{switch}"):
            with pytest.raises(Reverted, match="Accessibility: Must has role"):
                await world.call(world.friend, move)


async def test_a_suspended_hedger_neither_opens_nor_moves_money_out_and_still_closes(world: World) -> None:
    taken, position = await locked(world), await opened(world)
    await world.call(world.trader, "requestToClosePosition", position, PRICE, QUANTITY, 0, await world.now() + 999)
    await world.call(world.admin, "suspendedAddress", world.hedger)
    upnl, pair = await world.upnl_b(world.hedger, world.trader), await world.pair(world.hedger, world.trader)
    for call, reason in (
        (("openPosition", taken, QUANTITY, PRICE, pair), "PartyBFacet: Sender is Suspended"),
        (("deallocateForPartyB", 1, world.trader, upnl), "Accessibility: Sender is Suspended"),
        (("depositToReserveVault", 1, world.hedger), "Accessibility: Sender is Suspended"),
        (("withdraw", 1), "Accessibility: Sender is Suspended"),
        (("withdrawTo", world.friend, 1), "Accessibility: Sender is Suspended"),
        (("internalTransfer", world.trader, 1), "Accessibility: Sender is Suspended"),
    ):
        with pytest.raises(Reverted, match=reason):
            await world.call(world.hedger, *call)
    await world.call(world.hedger, "fillCloseRequest", position, QUANTITY, PRICE, pair)
    await world.call(world.hedger, "unlockQuote", taken)
    await world.call(world.admin, "unsuspendedAddress", world.hedger)
    await world.call(world.hedger, "depositToReserveVault", 1, world.hedger)


async def test_a_suspended_trader_sends_nothing_and_nothing_is_opened_for_it(world: World) -> None:
    taken = await locked(world)
    await world.call(world.admin, "suspendedAddress", world.trader)
    with pytest.raises(Reverted, match="Accessibility: Sender is Suspended"):
        await send_quote(world)
    pair = await world.pair(world.hedger, world.trader)
    with pytest.raises(Reverted, match="PartyBFacet: PartyA is suspended"):
        await world.call(world.hedger, "openPosition", taken, QUANTITY, PRICE, pair)
    with pytest.raises(Reverted, match="Accessibility: Sender is Suspended"):
        await world.call(world.friend, "internalTransfer", world.trader, WAD)


async def paused(world: World) -> dict[str, str]:
    """The calls that are refused because of a pause, with the contract's words; each tried with empty arguments."""
    refused = {}
    for function in EVERYTHING:
        arguments = [empty(kind) for kind in SYMMIO[function].inputs]
        try:
            await world.chain.rpc.eth_call(world.diamond, SYMMIO[function].calldata(*arguments), sender=world.admin)
        except RpcError as error:
            if (error.revert_reason or "").startswith("Pausable:"):
                refused[function] = str(error.revert_reason)
    return refused


def empty(kind: str) -> Any:
    """The zero of an ABI type."""
    if kind.endswith("[]"):
        return []
    if kind.startswith("("):
        return tuple(empty(part) for part in parts(kind[1:-1]))
    return {"address": "0x" + "00" * 20, "bytes": b"", "bool": False, "string": ""}.get(kind, 0)


def parts(fields: str) -> list[str]:
    """The types of a struct's fields, structs within it kept whole."""
    found, depth = [""], 0
    for letter in fields:
        depth += (letter == "(") - (letter == ")")
        if letter == "," and not depth:
            found.append("")
        else:
            found[-1] += letter
    return found
