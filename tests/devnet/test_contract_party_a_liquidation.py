"""A trader is liquidated step by step: what its hedgers get back, who is rewarded, what can be disputed."""

from typing import Any

import pytest
from contract_moves import locked, open_position, opened, request_close, send_quote, sent
from contract_signatures import LIQUIDATION_ID, LiquidationState, Past, deferred_liquidation, liquidation
from contract_world import (
    ALLOCATED_A,
    ALLOCATED_B,
    BTC,
    FEE,
    LOCKED,
    PRICE,
    QUANTITY,
    SHORT,
    WAD,
    BalanceChangeType,
    Event,
    Reverted,
    World,
    allocations,
    change_a,
    change_b,
    twice,
)

from hedger.domain.terms import QuoteStatus

PNL_IN, PNL_OUT = BalanceChangeType.REALIZED_PNL_IN, BalanceChangeType.REALIZED_PNL_OUT
FEE_IN, CVA_IN, LF_IN = BalanceChangeType.PLATFORM_FEE_IN, BalanceChangeType.CVA_IN, BalanceChangeType.LF_IN
CVA, LF = LOCKED[0], LOCKED[1]
# Big enough that the trader loses all it has at a likely price.
SIZE = WAD
BIG = tuple(value * 10 for value in LOCKED)
BIG_CVA, BIG_LF = BIG[0], BIG[1]
BIG_FEE = FEE * 10
NORMAL, LATE, OVERDUE = 1, 2, 3
# Loss of the one big position at which the trader has nothing left.
AT_ZERO = ALLOCATED_A - BIG_FEE - BIG_CVA - BIG_LF


async def big(world: World, **changes: Any) -> int:
    return await opened(world, quantity=SIZE, locked=BIG, **changes)


def lost(amount: int) -> LiquidationState:
    """The trader's one long of one coin has lost so much."""
    return LiquidationState(-amount, -amount, {BTC: PRICE - amount})


async def begin(world: World, state: LiquidationState, *, by: str | None = None) -> list[Event]:
    signature = await liquidation(world, state)
    return await world.call(by or world.liquidator, "liquidatePartyA", world.trader, signature)


async def set_prices(world: World, state: LiquidationState, *, by: str | None = None) -> list[Event]:
    signature = await liquidation(world, state)
    return await world.call(by or world.admin, "setSymbolsPrice", world.trader, signature)


async def end_positions(world: World, quote_ids: list[int]) -> list[Event]:
    return await world.call(world.liquidator, "liquidatePositionsPartyA", world.trader, quote_ids)


async def settle(world: World, *party_bs: str) -> list[Event]:
    """By somebody who has nothing to do with it."""
    return await world.call(world.friend, "settlePartyALiquidation", world.trader, list(party_bs or [world.hedger]))


def settled(world: World, party_bs: list[str], amounts: list[int]) -> list[Event]:
    return twice("SettlePartyALiquidation", world.trader, tuple(party_bs), tuple(amounts), LIQUIDATION_ID)


def over(world: World) -> list[Event]:
    return twice("FullyLiquidatedPartyA", world.trader, LIQUIDATION_ID)


async def detail(world: World) -> tuple[Any, ...]:
    return tuple(await world.read("getLiquidatedStateOfPartyA", world.trader))


@pytest.mark.parametrize(
    ("beyond", "kind", "fee", "deficit", "cva", "received"),
    [
        (1, NORMAL, BIG_LF - 1, 0, BIG_CVA, AT_ZERO + 1),
        (BIG_LF - 1, NORMAL, 1, 0, BIG_CVA, AT_ZERO + BIG_LF - 1),
        (BIG_LF, LATE, 0, 0, BIG_CVA, AT_ZERO + BIG_LF),
        (BIG_LF + 7, LATE, 0, 7, BIG_CVA - 7, AT_ZERO + BIG_LF + 7),
        (BIG_LF + BIG_CVA, LATE, 0, BIG_CVA, 0, AT_ZERO + BIG_LF + BIG_CVA),
        (BIG_LF + BIG_CVA + 9 * WAD, OVERDUE, 0, 9 * WAD, 0, AT_ZERO + BIG_LF + BIG_CVA),
    ],
)
async def test_a_loss_eats_the_fee_then_the_cva_then_the_claim_of_the_hedger(
    world: World, beyond: int, kind: int, fee: int, deficit: int, cva: int, received: int
) -> None:
    quote_id = await big(world)
    loss, state = AT_ZERO + beyond, lost(AT_ZERO + beyond)
    left = ALLOCATED_A - BIG_FEE
    head = ("LiquidatePartyA", world.liquidator, world.trader, left, -loss, -loss)
    assert await begin(world, state) == [(*head, LIQUIDATION_ID), head]
    assert await set_prices(world, state) == twice(
        *("SetSymbolsPrices", world.admin, world.trader, (BTC,), (PRICE - loss,), LIQUIDATION_ID)
    )
    found = await detail(world)
    assert (found[1], found[4], found[5]) == (kind, deficit, fee)
    assert await world.call(world.liquidator, "liquidatePendingPositionsPartyA", world.trader) == [
        ("LiquidatePendingPositionsPartyA", world.liquidator, world.trader, (), (), LIQUIDATION_ID),
        ("LiquidatePendingPositionsPartyA", world.liquidator, world.trader),
    ]
    assert await end_positions(world, [quote_id]) == [
        ("LiquidatePositionsPartyA", world.liquidator, world.trader, (quote_id,), (SIZE,), (0,), LIQUIDATION_ID),
        ("LiquidatePositionsPartyA", world.liquidator, world.trader, (quote_id,)),
    ]
    (state_of_b,) = await world.read("getSettlementStates", world.trader, [world.hedger])
    assert tuple(state_of_b) == (-received, -loss, cva, True)
    rewards = [change_a(world.liquidator, fee // 2, LF_IN), change_a(world.admin, fee // 2, LF_IN)]
    assert await settle(world) == [
        change_b(world.hedger, world.trader, cva, CVA_IN),
        change_b(world.hedger, world.trader, received, PNL_IN),
        change_a(world.trader, left, PNL_OUT),
        *(rewards if fee else []),
        *settled(world, [world.hedger], [-received]),
        *over(world),
    ]
    assert await allocations(world) == (0, ALLOCATED_B + cva + received)
    assert left - cva - received - fee in range(2), "nothing is made of nothing"
    assert await world.nonces() == (2, 2)
    assert (await world.read("balanceInfoOfPartyA", world.trader)) == (0,) * 9
    assert (await world.read("balanceInfoOfPartyB", world.hedger, world.trader))[1:] == (0,) * 8
    assert not await world.read("isPartyALiquidated", world.trader)
    assert (await detail(world))[1] == 0
    quote = await world.quote(quote_id)
    assert (quote["quoteStatus"], quote["closedAmount"]) == (QuoteStatus.LIQUIDATED, SIZE)
    assert quote["avgClosedPrice"] == PRICE - loss


async def test_requests_end_with_amounts_and_fees_which_come_back_at_the_end(world: World) -> None:
    position = await big(world)
    pending, taken, cancelling = await sent(world), await locked(world), await locked(world)
    await world.call(world.trader, "requestToCancelQuote", cancelling)
    ids = (pending, taken, cancelling)
    state = lost(AT_ZERO)
    await begin(world, state)
    assert await world.call(world.liquidator, "liquidatePendingPositionsPartyA", world.trader) == [
        *[change_a(world.trader, FEE, FEE_IN)] * 3,
        *[
            ("LiquidatePendingPositionsPartyA", world.liquidator, world.trader, ids, (QUANTITY,) * 3, LIQUIDATION_ID),
            ("LiquidatePendingPositionsPartyA", world.liquidator, world.trader),
        ],
    ]
    assert [await world.status(each) for each in ids] == [QuoteStatus.LIQUIDATED_PENDING] * 3
    assert await world.read("getPartyAPendingQuotes", world.trader) == ()
    assert await world.read("getPartyBPendingQuotes", world.hedger, world.trader) == ()
    assert (await world.read("balanceInfoOfPartyB", world.hedger, world.trader))[5:] == (0,) * 4
    await set_prices(world, state)
    await end_positions(world, [position])
    await settle(world)
    assert (await allocations(world))[0] == 3 * FEE


async def test_hedgers_are_settled_one_by_one_and_the_one_the_trader_won_from_pays(world: World) -> None:
    losing = await big(world)
    winning = await sent(world, side=SHORT)
    await world.call(world.rival, "lockQuote", winning, await world.upnl_b(world.rival, world.trader))
    signature = await world.pair(world.rival, world.trader)
    await world.call(world.rival, "openPosition", winning, QUANTITY, PRICE, signature)
    fall = 11_200 * WAD
    gain = fall * QUANTITY // WAD
    state = LiquidationState(gain - fall, -fall, {BTC: PRICE - fall})
    await begin(world, state)
    await set_prices(world, state)
    assert (await detail(world))[1] == OVERDUE
    await end_positions(world, [losing])
    await end_positions(world, [winning])
    assert (await world.nonces(), await world.nonces(world.rival)) == ((2, 2), (2, 2))
    assert (await detail(world))[7:10] == (2, gain - fall, False)
    deficit = (await detail(world))[4]
    received = fall - fall * deficit // fall
    assert await settle(world, world.rival) == [
        change_b(world.rival, world.trader, 0, CVA_IN),
        change_b(world.rival, world.trader, gain, PNL_OUT),
        *settled(world, [world.rival], [gain]),
    ]
    assert await world.read("isPartyALiquidated", world.trader)
    with pytest.raises(Reverted, match="LiquidationFacet: PartyB is not in settlement"):
        await settle(world, world.rival)
    events = await settle(world, world.hedger)
    assert events[1] == change_b(world.hedger, world.trader, received, PNL_IN)
    assert events[-2:] == over(world)


async def test_a_hedger_that_owes_more_than_it_has_pays_all_it_has(world: World) -> None:
    quote_id = await big(world)
    state = LiquidationState(-AT_ZERO - 1, -AT_ZERO - 1, {BTC: PRICE})
    await begin(world, state)
    await set_prices(world, state)
    disputed = await end_positions(world, [quote_id])
    assert disputed[2:] == twice("LiquidationDisputed", world.trader, LIQUIDATION_ID)
    with pytest.raises(Reverted, match="LiquidationFacet: PartyA liquidation process get disputed"):
        await settle(world)
    owed = ALLOCATED_B + 10**30
    resolved = (world.trader, [world.hedger], [owed], False)
    told = (world.trader, (world.hedger,), (owed,), False, LIQUIDATION_ID)
    assert await world.call(world.admin, "resolveLiquidationDispute", *resolved) == twice(
        "ResolveLiquidationDispute", *told
    )
    paid = ALLOCATED_B + BIG_CVA
    assert (await settle(world))[:2] == [
        change_b(world.hedger, world.trader, BIG_CVA, CVA_IN),
        change_b(world.hedger, world.trader, paid, PNL_OUT),
    ]
    assert await allocations(world) == (0, 0)


async def test_an_old_state_is_liquidated_late_and_what_came_in_since_is_given_back(world: World) -> None:
    quote_id = await big(world)
    state = lost(AT_ZERO + WAD)
    past = Past(7, await world.now() - 99, ALLOCATED_A - BIG_FEE)
    await world.call(world.trader, "allocate", 5 * WAD)
    signature = await deferred_liquidation(world, state, past)
    await world.chain.advance(100_000)
    left = ALLOCATED_A - BIG_FEE + WAD
    assert await world.call(world.liquidator, "deferredLiquidatePartyA", world.trader, signature) == [
        (
            *("DeferredLiquidatePartyA", world.liquidator, world.trader, left, state.upnl, state.loss),
            *(LIQUIDATION_ID, past.block, past.timestamp, past.allocated),
        )
    ]
    assert (await detail(world))[10] == past.timestamp
    events = await world.call(world.admin, "deferredSetSymbolsPrice", world.trader, signature)
    assert events[0][0] == "SetSymbolsPrices"
    assert ((await detail(world))[1], (await detail(world))[5]) == (NORMAL, BIG_LF)
    await end_positions(world, [quote_id])
    await settle(world)
    assert (await allocations(world))[0] == 4 * WAD


async def test_a_state_that_was_solvent_then_is_not_liquidated_late(world: World) -> None:
    await big(world)
    past = Past(7, 1, ALLOCATED_A - BIG_FEE)
    signature = await deferred_liquidation(world, lost(AT_ZERO), past)
    with pytest.raises(Reverted, match="LiquidationFacet: PartyA is solvent"):
        await world.call(world.liquidator, "deferredLiquidatePartyA", world.trader, signature)


async def test_only_a_liquidator_begins_and_only_with_a_fresh_signature_of_an_insolvent_trader(world: World) -> None:
    await big(world)
    with pytest.raises(Reverted, match="Accessibility: Must has role"):
        await begin(world, lost(AT_ZERO + 1), by=world.friend)
    with pytest.raises(Reverted, match="LiquidationFacet: PartyA is solvent"):
        await begin(world, lost(AT_ZERO))
    old = await liquidation(world, lost(AT_ZERO + 1), age_s=122)
    with pytest.raises(Reverted, match="LiquidationFacet: Expired signature"):
        await world.call(world.liquidator, "liquidatePartyA", world.trader, old)
    good = await liquidation(world, lost(AT_ZERO + 1))
    with pytest.raises(Reverted, match="LibMuon: TSS not verified"):
        await world.call(world.liquidator, "liquidatePartyA", world.trader, (*good[:3], good[3] - 1, *good[4:]))
    with pytest.raises(Reverted, match="Accessibility: Must has role"):
        await world.call(world.liquidator, "resolveLiquidationDispute", world.trader, [], [], False)
    await world.call(world.admin, "pauseLiquidation")
    with pytest.raises(Reverted, match="Pausable: Liquidation paused"):
        await begin(world, lost(AT_ZERO + 1))
    with pytest.raises(Reverted, match="Pausable: Liquidation paused"):
        await settle(world)


async def test_a_step_out_of_its_turn_is_refused(world: World) -> None:
    quote_id, waiting = await big(world), await sent(world)
    state = lost(AT_ZERO + 1)
    for early in (set_prices(world, state), end_positions(world, [quote_id]), settle(world)):
        with pytest.raises(Reverted, match="LiquidationFacet: PartyA is solvent"):
            await early
    await begin(world, state)
    with pytest.raises(Reverted, match="Accessibility: PartyA isn't solvent"):
        await begin(world, state)
    with pytest.raises(Reverted, match="LiquidationFacet: Price should be set"):
        await end_positions(world, [quote_id])
    good = await liquidation(world, state)
    with pytest.raises(Reverted, match="LiquidationFacet: Invalid liquidationId"):
        await world.call(world.liquidator, "setSymbolsPrice", world.trader, (*good[:2], b"other", *good[3:]))
    await set_prices(world, state)
    with pytest.raises(Reverted, match="LiquidationFacet: Invalid state"):
        await end_positions(world, [waiting])
    await end_positions(world, [quote_id])
    with pytest.raises(Reverted, match="LiquidationFacet: PartyA has still open positions or requests"):
        await settle(world)
    with pytest.raises(Reverted, match="LiquidationFacet: Invalid length"):
        await world.call(world.admin, "resolveLiquidationDispute", world.trader, [world.hedger], [], False)


async def test_while_a_trader_is_liquidated_its_hedger_can_only_allocate(world: World) -> None:
    position, taken = await big(world), await locked(world)
    state = lost(AT_ZERO + 1)
    await request_close(world, position, SIZE)
    await begin(world, state)
    signature = await world.upnl_b(world.hedger, world.trader)
    refused: list[tuple[str, tuple[Any, ...]]] = [
        ("unlockQuote", (taken,)),
        ("lockQuote", (taken, signature)),
        ("openPosition", (taken, QUANTITY, PRICE, await world.pair(world.hedger, world.trader))),
        ("fillCloseRequest", (position, SIZE, PRICE, await world.pair(world.hedger, world.trader))),
        ("deallocateForPartyB", (1, world.trader, signature)),
    ]
    for function, arguments in refused:
        with pytest.raises(Reverted, match="Accessibility: PartyA isn't solvent"):
            await world.call(world.hedger, function, *arguments)
    with pytest.raises(Reverted, match="PartyBFacet: Origin isn't solvent"):
        await world.call(world.hedger, "transferAllocation", 1, world.trader, world.friend, signature)
    await world.chain.advance(100_000)
    with pytest.raises(Reverted, match="LibQuote: PartyA isn't solvent"):
        await world.call(world.friend, "expireQuote", [taken])
    await world.call(world.hedger, "allocateForPartyB", WAD, world.trader)
    for function, arguments in (("allocate", (WAD,)), ("deallocate", (1, await world.upnl_a(world.trader)))):
        with pytest.raises(Reverted, match="Accessibility: PartyA isn't solvent"):
            await world.call(world.trader, function, *arguments)
    with pytest.raises(Reverted, match="Accessibility: PartyA isn't solvent"):
        await send_quote(world)


async def test_a_trader_whose_liquidation_is_over_trades_again(world: World) -> None:
    quote_id = await big(world)
    state = lost(AT_ZERO + 1)
    await begin(world, state)
    await set_prices(world, state)
    await end_positions(world, [quote_id])
    await settle(world)
    await world.call(world.trader, "allocate", 1_000 * WAD)
    again = await locked(world)
    await open_position(world, again)
    assert await world.status(again) is QuoteStatus.OPENED
