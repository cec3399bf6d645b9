"""How PartyB meets the reverts of intents, positions and closes."""

from contract_moves import DAY, fill_close, lock, locked, open_position, opened, request_close, sent
from contract_world import ALLOCATED_A, ALLOCATED_B, BTC, LOCKED, MARKET, PRICE, QUANTITY, SHORT, WAD
from reverts_stage import Calls, Stage, met

from hedger.domain.terms import CallKind

FAR = 110_000 * WAD


@met("PartyBFacet: insufficient available balance")
async def lock_for_a_stranger(stage: Stage) -> Calls:
    friend = stage.world.friend
    await stage.world.call(friend, "allocate", ALLOCATED_A)
    return await stage.lock(await sent(stage.world, sender=friend))


@met("PartyBFacet: Available balance is lower than zero")
async def lock_while_losing_everything(stage: Stage) -> Calls:
    return await stage.lock(await sent(stage.world), upnl=-ALLOCATED_B - 1)


@met("PartyBFacet: Invalid state")
async def accept_a_cancel_nobody_asked_for(stage: Stage) -> Calls:
    return stage.asked(CallKind.ACCEPT_CANCEL, await locked(stage.world))


@met("Accessibility: Should be partyB of quote")
async def open_what_a_rival_locked(stage: Stage) -> Calls:
    quote_id = await sent(stage.world)
    await lock(stage.world, quote_id, by=stage.world.rival)
    return await stage.open(quote_id)


@met("Accessibility: Invalid state")
async def fill_what_is_closed(stage: Stage) -> Calls:
    quote_id = await stage.close_requested()
    await fill_close(stage.world, quote_id)
    return await stage.fill(quote_id)


@met("LibQuote: Invalid state")
async def expire_an_open_position(stage: Stage) -> Calls:
    quote_id = await opened(stage.world)
    await stage.world.chain.advance(DAY + 1)
    return stage.asked(CallKind.EXPIRE, quote_id)


@met("LibQuote: Quote isn't expired")
async def expire_before_the_deadline(stage: Stage) -> Calls:
    return stage.asked(CallKind.EXPIRE, await sent(stage.world))


@met("PartyAFacet: Invalid state")
async def force_what_is_not_cancelled(stage: Stage) -> Calls:
    return stage.raw("forceCancelQuote", await sent(stage.world))


@met("PartyAFacet: Cooldown not reached")
async def force_too_early(stage: Stage) -> Calls:
    quote_id = await locked(stage.world)
    await stage.world.call(stage.world.trader, "requestToCancelQuote", quote_id)
    return stage.raw("forceCancelQuote", quote_id)


@met("PartyBFacet: Quote is expired")
async def lock_after_the_deadline(stage: Stage) -> Calls:
    quote_id = await sent(stage.world)
    await stage.world.chain.advance(DAY + 1)
    return await stage.lock(quote_id)


@met("PartyBFacet: Sender isn't whitelisted")
async def lock_what_is_for_a_rival(stage: Stage) -> Calls:
    return await stage.lock(await sent(stage.world, whitelist=[stage.world.rival]))


@met("PartyBFacet: PartyA can't be partyB too")
async def lock_an_intent_of_its_own(stage: Stage) -> Calls:
    await stage.world.call(stage.party_b, "allocate", 1_000 * WAD)
    await stage.world.call(stage.party_b, "allocateForPartyB", 1_000 * WAD, stage.party_b)
    return await stage.lock(await sent(stage.world, sender=stage.party_b))


@met("PartyBFacet: Symbol is not valid")
async def open_a_delisted_symbol(stage: Stage) -> Calls:
    quote_id = await locked(stage.world)
    await stage.as_admin("setSymbolValidationState", BTC, False)
    return await stage.open(quote_id)


@met("PartyBFacet: PartyA is suspended")
async def open_for_a_suspended_trader(stage: Stage) -> Calls:
    quote_id = await locked(stage.world)
    await stage.as_admin("suspendedAddress", stage.world.trader)
    return await stage.open(quote_id)


@met("PartyBFacet: Sender is Suspended")
async def open_while_suspended(stage: Stage) -> Calls:
    quote_id = await locked(stage.world)
    await stage.as_admin("suspendedAddress", stage.party_b)
    return await stage.open(quote_id)


@met("PartyBFacet: PartyB is in emergency mode")
async def open_in_an_emergency_of_its_own(stage: Stage) -> Calls:
    quote_id = await locked(stage.world)
    await stage.as_admin("setPartyBEmergencyStatus", [stage.party_b], True)
    return await stage.open(quote_id)


@met("PartyBFacet: System is in emergency mode")
async def open_in_an_emergency_of_all(stage: Stage) -> Calls:
    quote_id = await locked(stage.world)
    await stage.as_admin("activeEmergencyMode")
    return await stage.open(quote_id)


@met("PartyBFacet: Leverage is high")
async def open_with_too_little_margin(stage: Stage) -> Calls:
    return await stage.open(await locked(stage.world, quantity=QUANTITY * 3), QUANTITY * 3)


@met("PartyBFacet: Quote value is low")
async def open_too_small_a_part(stage: Stage) -> Calls:
    return await stage.open(await locked(stage.world), QUANTITY // 50)


@met("PartyBFacet: Opened price isn't valid")
async def open_above_the_limit(stage: Stage) -> Calls:
    return await stage.open(await locked(stage.world), price=PRICE + 1)


@met("PartyBFacet: Invalid filledAmount")
async def open_more_than_asked(stage: Stage) -> Calls:
    return await stage.open(await locked(stage.world), QUANTITY + 1)


@met("LibSolvency: Available balance is lower than zero")
async def open_for_a_trader_that_has_lost_everything(stage: Stage) -> Calls:
    return await stage.open(await locked(stage.world), upnl_a=-ALLOCATED_A)


@met("PartyBFacet: Closed price isn't valid")
async def fill_below_what_was_asked(stage: Stage) -> Calls:
    return await stage.fill(await stage.close_requested(), price=PRICE - 1)


@met("LibQuote: Low filled amount")
async def fill_next_to_nothing(stage: Stage) -> Calls:
    quote_id = await opened(stage.world, locked=(1, *LOCKED[1:]))
    await request_close(stage.world, quote_id)
    return await stage.fill(quote_id, QUANTITY // 2)


@met("LibQuote: Remaining quote value is low")
async def fill_all_but_dust(stage: Stage) -> Calls:
    return await stage.fill(await stage.close_requested(), QUANTITY * 98 // 100)


@met("LibQuote: PartyA should first exit its positions that are incurring losses")
async def fill_a_profit_that_is_not_allocated(stage: Stage) -> Calls:
    price = PRICE + 250_000 * WAD
    return await stage.fill(await stage.close_requested(price=price), price=price)


@met("LibQuote: PartyA should first exit its positions that are currently in profit.")
async def fill_a_loss_that_the_trader_cannot_pay(stage: Stage) -> Calls:
    quote_id = await opened(stage.world, side=SHORT, kind=MARKET)
    await request_close(stage.world, quote_id, price=PRICE + FAR)
    return await stage.fill(quote_id, price=PRICE + FAR)


@met("PartyBFacet: Operation not allowed", begins=True)
async def close_in_no_emergency(stage: Stage) -> Calls:
    return await stage.emergency_close(await opened(stage.world))


@met("PartyBFacet: PartyA is insolvent")
async def close_in_an_emergency_for_an_insolvent_trader(stage: Stage) -> Calls:
    quote_id = await opened(stage.world)
    await stage.as_admin("activeEmergencyMode")
    return await stage.emergency_close(quote_id, upnl_a=-ALLOCATED_A)


@met("PartyBFacet: PartyB should be solvent")
async def close_in_an_emergency_while_insolvent(stage: Stage) -> Calls:
    quote_id = await opened(stage.world)
    await stage.as_admin("activeEmergencyMode")
    return await stage.emergency_close(quote_id, upnl_b=-ALLOCATED_B)


@met("Accessibility: PartyB isn't solvent")
async def fill_while_in_liquidation(stage: Stage) -> Calls:
    quote_id = await stage.close_requested()
    await stage.liquidated()
    return await stage.fill(quote_id)


@met("LibQuote: PartyB isn't solvent")
async def expire_while_in_liquidation(stage: Stage) -> Calls:
    quote_id = await stage.close_requested(ttl_s=60)
    await stage.liquidated()
    await stage.world.chain.advance(100)
    return stage.asked(CallKind.EXPIRE, quote_id)


@met("PartyBFacet: PartyB isn't solvent")
async def lock_while_in_liquidation(stage: Stage) -> Calls:
    await open_position(stage.world, await locked(stage.world))
    await stage.liquidated()
    return await stage.lock(await sent(stage.world), upnl=10_000 * WAD)
