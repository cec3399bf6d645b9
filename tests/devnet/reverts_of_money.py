"""How PartyB meets the reverts of allocations, withdrawals, funding and settlements."""

from contract_moves import locked, opened, sent
from contract_signatures import LiquidationState, liquidation
from contract_world import ALLOCATED_A, ALLOCATED_B, BTC, LOCKED, PRICE, TOTAL_B, UNIT, WAD
from reverts_stage import Calls, Stage, entries, met

from hedger.adapters.chain import calls
from hedger.domain.terms import CallKind

RATE = WAD // 1000
UP, DOWN = PRICE + 1_000 * WAD, PRICE - 1_000 * WAD
SPARE_B = ALLOCATED_B - LOCKED[0] - LOCKED[1]


async def liquidated_trader(stage: Stage) -> None:
    """The trader is in liquidation."""
    signature = await liquidation(stage.world, LiquidationState(-ALLOCATED_A, -ALLOCATED_A, {BTC: PRICE}))
    await stage.world.call(stage.world.liquidator, "liquidatePartyA", stage.world.trader, signature)


@met("Accessibility: PartyA isn't solvent")
async def unlock_while_the_trader_is_liquidated(stage: Stage) -> Calls:
    await opened(stage.world)
    quote_id = await locked(stage.world)
    await liquidated_trader(stage)
    return stage.asked(CallKind.UNLOCK, quote_id)


@met("LibQuote: PartyA isn't solvent")
async def expire_while_the_trader_is_liquidated(stage: Stage) -> Calls:
    await opened(stage.world)
    quote_id = await sent(stage.world, deadline=await stage.world.now() + 60)
    await liquidated_trader(stage)
    await stage.world.chain.advance(100)
    return stage.asked(CallKind.EXPIRE, quote_id)


@met("PartyBFacet: Origin isn't solvent")
async def transfer_from_a_liquidated_trader(stage: Stage) -> Calls:
    await opened(stage.world)
    await liquidated_trader(stage)
    return await stage.transfer(WAD)


@met("PartyBFacet: Recipient isn't solvent")
async def transfer_to_a_liquidated_trader(stage: Stage) -> Calls:
    await opened(stage.world)
    await stage.world.call(stage.party_b, "allocateForPartyB", WAD, stage.world.friend)
    await liquidated_trader(stage)
    return await stage.transfer(WAD, origin=stage.world.friend, recipient=stage.world.trader)


@met("AccountFacet: PartyB isn't solvent")
async def allocate_while_in_liquidation(stage: Stage) -> Calls:
    await opened(stage.world)
    await stage.liquidated()
    return [calls.allocate_for_party_b(WAD, stage.world.trader)]


@met("AccountFacet: Insufficient balance")
async def allocate_more_than_is_free(stage: Stage) -> Calls:
    return [calls.allocate_for_party_b(10**9 * WAD, stage.world.trader)]


@met("AccountFacet: Insufficient allocated balance")
async def deallocate_more_than_is_there(stage: Stage) -> Calls:
    return await stage.deallocate(ALLOCATED_B + 1)


@met("AccountFacet: Available balance is lower than zero")
async def deallocate_while_losing_everything(stage: Stage) -> Calls:
    return await stage.deallocate(1, upnl=-ALLOCATED_B - 1)


@met("AccountFacet: Will be liquidatable")
async def deallocate_what_is_locked(stage: Stage) -> Calls:
    await locked(stage.world)
    return await stage.deallocate(ALLOCATED_B - TOTAL_B + 1)


@met("PartyBFacet: Insufficient locked balance")
async def transfer_more_than_is_there(stage: Stage) -> Calls:
    return await stage.transfer(ALLOCATED_B + 1)


@met("PartyBFacet: Will be liquidatable")
async def transfer_what_is_locked(stage: Stage) -> Calls:
    await locked(stage.world)
    return await stage.transfer(ALLOCATED_B - TOTAL_B + 1)


@met("AccountFacet: Cooldown hasn't reached")
async def withdraw_just_after_deallocating(stage: Stage) -> Calls:
    signature = await stage.world.upnl_b(stage.party_b, stage.world.trader)
    await stage.world.call(stage.party_b, "deallocateForPartyB", WAD, stage.world.trader, signature)
    return stage.raw("withdraw", UNIT)


@met("Panic 0x", begins=True)
async def withdraw_more_than_is_free(stage: Stage) -> Calls:
    return stage.raw("withdraw", 10**9 * UNIT)


@met("AccountFacet: Should be partyB")
async def fill_the_vault_of_a_trader(stage: Stage) -> Calls:
    return stage.raw("depositToReserveVault", WAD, stage.world.trader)


@met("ChargeFundingFacet: Current timestamp is out of window")
async def charge_between_two_windows(stage: Stage) -> Calls:
    return await stage.charge([await opened(stage.world)], [RATE], at=5_000)


@met("ChargeFundingFacet: Funding already paid for this window")
async def charge_twice(stage: Stage) -> Calls:
    quote_id = await opened(stage.world)
    [first] = await stage.charge([quote_id], [RATE])
    await stage.world.send(stage.party_b, stage.world.diamond, first)
    return await stage.charge_here([quote_id], [RATE])


@met("ChargeFundingFacet: Invalid state")
async def charge_an_intent(stage: Stage) -> Calls:
    return await stage.charge([await locked(stage.world)], [RATE])


@met("ChargeFundingFacet: High funding rate")
async def charge_more_than_agreed(stage: Stage) -> Calls:
    return await stage.charge([await opened(stage.world)], [10**16 + 1])


@met("ChargeFundingFacet: Invalid quote")
async def charge_a_position_of_another_trader(stage: Stage) -> Calls:
    return await stage.charge([999], [RATE])


@met("ChargeFundingFacet: Sender isn't partyB of quote")
async def charge_a_position_with_a_rival(stage: Stage) -> Calls:
    return await stage.charge([await stage.opened_by_rival()], [RATE])


@met("ChargeFundingFacet: PartyA will be insolvent")
async def charge_a_trader_that_cannot_pay(stage: Stage) -> Calls:
    return await stage.charge([await opened(stage.world)], [RATE], upnl_a=-ALLOCATED_A)


@met("ChargeFundingFacet: PartyB will be insolvent")
async def pay_funding_that_is_not_allocated(stage: Stage) -> Calls:
    return await stage.charge([await opened(stage.world)], [-RATE], upnl_b=-ALLOCATED_B)


@met("LibSettlement: Invalid length")
async def settle_nothing(stage: Stage) -> Calls:
    return await stage.settle(entries((await opened(stage.world), UP, 0)), [])


@met("LibSettlement: PartyA is insolvent")
async def settle_with_an_insolvent_trader(stage: Stage) -> Calls:
    return await stage.settle(entries((await opened(stage.world), UP, 0), upnl_a=-ALLOCATED_A), [UP])


@met("LibSettlement: PartyB should be solvent")
async def settle_while_insolvent(stage: Stage) -> Calls:
    return await stage.settle(entries((await opened(stage.world), UP, 0), upnls_b=[-SPARE_B - 1]), [UP])


@met("LibSettlement: PartyB is in liquidation process")
async def settle_while_in_liquidation(stage: Stage) -> Calls:
    quote_id = await opened(stage.world)
    await stage.liquidated()
    return await stage.settle(entries((quote_id, UP, 0)), [UP])


@met("LibSettlement: Sender should have a position with partyA")
async def settle_between_others(stage: Stage) -> Calls:
    return await stage.settle(entries((await stage.opened_by_rival(), UP, 0)), [UP])


@met("LibSettlement: Invalid upnlPartyBs list")
async def settle_two_hedgers_as_one(stage: Stage) -> Calls:
    own, other = await opened(stage.world), await stage.opened_by_rival()
    return await stage.settle(entries((own, UP, 0), (other, UP, 0)), [UP, UP])


@met("LibSettlement: Invalid partyBUpnlIndex in signature")
async def settle_with_a_hedger_not_listed(stage: Stage) -> Calls:
    return await stage.settle(entries((await opened(stage.world), UP, 2)), [UP])


@met("LibSettlement: PartyA is invalid")
async def settle_a_position_of_another_trader(stage: Stage) -> Calls:
    await opened(stage.world)
    return await stage.settle(entries((999, UP, 0)), [UP])


@met("LibSettlement: Invalid state")
async def settle_an_intent(stage: Stage) -> Calls:
    await opened(stage.world)
    return await stage.settle(entries((await sent(stage.world), UP, 0)), [UP])


@met("LibSettlement: Updated price is out of range")
async def settle_past_the_market(stage: Stage) -> Calls:
    return await stage.settle(entries((await opened(stage.world), UP, 0)), [UP + 1])


@met("LibSettlement: Cooldown should be passed")
async def settle_with_a_rival_twice(stage: Stage) -> Calls:
    await opened(stage.world)
    other = await stage.opened_by_rival()
    [first] = await stage.settle(entries((other, DOWN, 0)), [DOWN])
    await stage.world.send(stage.party_b, stage.world.diamond, first)
    return await stage.settle(entries((other, DOWN - WAD, 0)), [DOWN - WAD])
