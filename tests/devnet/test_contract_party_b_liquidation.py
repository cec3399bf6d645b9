"""A hedger is liquidated towards one trader: its money first, its positions after that, the fee among liquidators."""

from typing import Any

import pytest
from contract_moves import fill_close, locked, open_position, opened, request_close, sent
from contract_signatures import quote_prices
from contract_world import (
    ALLOCATED_A,
    ALLOCATED_B,
    FEE,
    LOCKED,
    PRICE,
    QUANTITY,
    SHORT,
    TOTAL_A,
    WAD,
    BalanceChangeType,
    Event,
    Reverted,
    World,
    allocations,
    change_a,
    change_b,
)

from hedger.domain.terms import QuoteStatus

PNL_IN, PNL_OUT = BalanceChangeType.REALIZED_PNL_IN, BalanceChangeType.REALIZED_PNL_OUT
FEE_IN, LF_IN = BalanceChangeType.PLATFORM_FEE_IN, BalanceChangeType.LF_IN
CVA, LF = LOCKED[0], LOCKED[1]
TIMEOUT = 1800
WORSE = PRICE + 9_000 * WAD


def upnl_for(loss: int, positions: int = 1) -> int:
    """uPnL at which the hedger misses `loss`."""
    return positions * (CVA + LF) - ALLOCATED_B - loss


async def liquidate(world: World, upnl: int, *, by: str | None = None) -> list[Event]:
    signature = await world.upnl_b(world.hedger, world.trader, upnl)
    return await world.call(by or world.liquidator, "liquidatePartyB", world.hedger, world.trader, signature)


async def liquidate_positions(
    world: World, quote_ids: list[int], *, by: str | None = None, signature: Any = None
) -> list[Event]:
    given = signature or await quote_prices(world, quote_ids, [WORSE] * len(quote_ids))
    values = world.hedger, world.trader, given
    return await world.call(by or world.liquidator, "liquidatePositionsPartyB", *values)


async def test_the_hedger_loses_its_allocation_and_the_liquidator_gets_a_tenth_of_what_is_left_of_the_fee(
    world: World,
) -> None:
    await opened(world)
    loss = 5 * WAD
    remaining = LF - loss
    before = await allocations(world)
    upnl = upnl_for(loss)
    assert await liquidate(world, upnl) == [
        ("LiquidatePartyB", world.liquidator, world.hedger, world.trader, ALLOCATED_B, upnl),
        change_a(world.trader, ALLOCATED_B - remaining, PNL_IN),
        change_b(world.hedger, world.trader, ALLOCATED_B, PNL_OUT),
        change_a(world.liquidator, remaining // 10, LF_IN),
    ]
    assert await allocations(world) == (before[0] + ALLOCATED_B - remaining, 0)
    assert await world.read("allocatedBalanceOfPartyA", world.liquidator) == remaining // 10
    assert await world.read("balanceInfoOfPartyB", world.hedger, world.trader) == (0,) * 9
    assert (await world.read("balanceInfoOfPartyA", world.trader))[1:5] == LOCKED
    assert await world.nonces() == (2, 1)
    assert await world.read("isPartyBLiquidated", world.hedger, world.trader)


@pytest.mark.parametrize("loss", [LF, LF + 1, 10 * LF])
async def test_nothing_is_left_of_the_fee_when_the_loss_eats_it(world: World, loss: int) -> None:
    quote_id = await opened(world)
    events = await liquidate(world, upnl_for(loss))
    assert events[1:] == [
        change_a(world.trader, ALLOCATED_B, PNL_IN),
        change_b(world.hedger, world.trader, ALLOCATED_B, PNL_OUT),
    ]
    assert (await liquidate_positions(world, [quote_id]))[0][0] == "LiquidatePositionsPartyB"


async def test_requests_of_the_pair_end_without_an_event_of_their_own(world: World) -> None:
    pending, first, second = await sent(world), await locked(world), await locked(world)
    await world.call(world.trader, "requestToCancelQuote", second)
    await opened(world)
    before = await allocations(world)
    events = await liquidate(world, upnl_for(LF))
    assert [event[0] for event in events] == ["LiquidatePartyB", *["BalanceChangePartyA"] * 3, "BalanceChangePartyB"]
    assert events[1:3] == [change_a(world.trader, FEE, FEE_IN)] * 2
    assert [await world.status(each) for each in (pending, first, second)] == [
        QuoteStatus.PENDING,
        QuoteStatus.LIQUIDATED_PENDING,
        QuoteStatus.LIQUIDATED_PENDING,
    ]
    assert (await allocations(world))[0] == before[0] + 2 * FEE + ALLOCATED_B
    assert await world.read("getPartyAPendingQuotes", world.trader) == (pending,)
    assert await world.read("getPartyBPendingQuotes", world.hedger, world.trader) == ()
    assert sum((await world.read("balanceInfoOfPartyA", world.trader))[5:8]) == TOTAL_A
    with pytest.raises(Reverted, match="Accessibility: PartyB isn't solvent"):
        await world.call(world.trader, "requestToCancelQuote", first)


async def test_positions_are_liquidated_in_parts_each_paying_its_share_of_the_fee(world: World) -> None:
    first, second, third = await opened(world), await opened(world, side=SHORT), await opened(world)
    await request_close(world, second, QUANTITY // 2)
    loss = WAD + 1
    remaining = 3 * LF - loss
    each = (remaining - remaining // 10) // 3
    await liquidate(world, upnl_for(loss, 3))
    assert await liquidate_positions(world, [second, first]) == [
        change_a(world.liquidator, 2 * each, LF_IN),
        *liquidated(world, [second, first], [QUANTITY, QUANTITY], [1, 0]),
    ]
    assert await world.nonces() == (4, 3)
    assert await world.status(third) is QuoteStatus.OPENED
    assert await liquidate_positions(world, [third]) == [
        change_a(world.liquidator, each, LF_IN),
        *liquidated(world, [third], [QUANTITY], [0]),
        ("FullyLiquidatedPartyB", world.hedger, world.trader),
    ]
    assert await world.nonces() == (4, 4)
    assert not await world.read("isPartyBLiquidated", world.hedger, world.trader)
    assert (await world.read("balanceInfoOfPartyA", world.trader))[1:] == (0,) * 8
    assert await world.read("partyAPositionsCount", world.trader) == 0
    given = await world.read("allocatedBalanceOfPartyA", world.liquidator)
    assert given == remaining // 10 + 3 * each <= remaining


def liquidated(world: World, quote_ids: list[int], amounts: list[int], close_ids: list[int]) -> list[Event]:
    parties = world.liquidator, world.hedger, world.trader
    return [
        ("LiquidatePositionsPartyB", *parties, tuple(quote_ids), tuple(amounts), tuple(close_ids)),
        ("LiquidatePositionsPartyB", *parties, tuple(quote_ids)),
    ]


async def test_a_liquidated_position_blends_its_closing_prices_and_pays_nothing(world: World) -> None:
    quote_id = await opened(world)
    part = QUANTITY // 4
    await request_close(world, quote_id, part)
    await fill_close(world, quote_id, part, PRICE)
    await liquidate(world, -(10**24))
    before = await allocations(world)
    events = await liquidate_positions(world, [quote_id])
    assert events[:2] == liquidated(world, [quote_id], [QUANTITY - part], [1])
    quote = await world.quote(quote_id)
    assert (quote["quoteStatus"], quote["closedAmount"]) == (QuoteStatus.LIQUIDATED, QUANTITY)
    assert quote["avgClosedPrice"] == (PRICE * part + WORSE * (QUANTITY - part)) // QUANTITY
    assert await allocations(world) == before


async def test_the_pair_trades_again_once_the_liquidation_is_over(world: World) -> None:
    quote_id = await opened(world)
    await liquidate(world, upnl_for(LF))
    await liquidate_positions(world, [quote_id])
    with pytest.raises(Reverted, match="Accessibility: Invalid state"):
        await world.call(world.trader, "requestToClosePosition", quote_id, PRICE, QUANTITY, 0, 2**40)
    await world.call(world.hedger, "allocateForPartyB", 1_000 * WAD, world.trader)
    again = await locked(world)
    await open_position(world, again)
    assert await world.status(again) is QuoteStatus.OPENED


async def test_other_traders_of_a_liquidated_hedger_notice_nothing(world: World) -> None:
    await world.call(world.friend, "allocate", 1_000 * WAD)
    await world.call(world.hedger, "allocateForPartyB", 1_000 * WAD, world.friend)
    quote_id = await locked(world, sender=world.friend)
    await opened(world)
    await liquidate(world, upnl_for(LF))
    assert await world.status(quote_id) is QuoteStatus.LOCKED
    assert await world.read("allocatedBalanceOfPartyB", world.hedger, world.friend) == 1_000 * WAD
    assert not await world.read("isPartyBLiquidated", world.hedger, world.friend)


async def test_only_a_liquidator_liquidates_and_only_a_hedger_that_cannot_pay(world: World) -> None:
    await opened(world)
    with pytest.raises(Reverted, match="Accessibility: Must has role"):
        await liquidate(world, upnl_for(1), by=world.friend)
    with pytest.raises(Reverted, match="LiquidationFacet: PartyB is solvent"):
        await liquidate(world, upnl_for(0))
    with pytest.raises(Reverted, match="LiquidationFacet: PartyB is solvent"):
        await liquidate_positions(world, [1])
    await world.call(world.admin, "pauseLiquidation")
    with pytest.raises(Reverted, match="Pausable: Liquidation paused"):
        await liquidate(world, upnl_for(1))
    with pytest.raises(Reverted, match="Pausable: Liquidation paused"):
        await liquidate_positions(world, [1])
    await world.call(world.admin, "unpauseLiquidation")
    await liquidate(world, upnl_for(1), by=world.admin)
    with pytest.raises(Reverted, match="Accessibility: PartyB isn't solvent"):
        await liquidate(world, upnl_for(1))
    with pytest.raises(Reverted, match="Accessibility: Must has role"):
        await liquidate_positions(world, [1], by=world.friend)


async def test_prices_count_from_the_liquidation_to_its_timeout_however_late_they_are_used(world: World) -> None:
    quote_id = await opened(world)
    early = await quote_prices(world, [quote_id], [WORSE], delay_s=-1)
    await liquidate(world, upnl_for(1))
    begun = await world.read("partyBLiquidationTimestamp", world.hedger, world.trader)
    until = begun + TIMEOUT - await world.now()
    late = await quote_prices(world, [quote_id], [WORSE], delay_s=until + 1)
    last = await quote_prices(world, [quote_id], [WORSE], delay_s=until)
    for signature in (early, late):
        with pytest.raises(Reverted, match="LiquidationFacet: Expired signature"):
            await liquidate_positions(world, [quote_id], signature=signature)
    await world.chain.advance(10 * TIMEOUT)
    await liquidate_positions(world, [quote_id], signature=last)
    assert await world.status(quote_id) is QuoteStatus.LIQUIDATED


async def test_prices_for_other_quotes_or_too_few_of_them_are_refused(world: World) -> None:
    quote_id, waiting = await opened(world), await sent(world)
    await world.call(world.rival, "lockQuote", waiting, await world.upnl_b(world.rival, world.trader))
    signature = await world.pair(world.rival, world.trader)
    await world.call(world.rival, "openPosition", waiting, QUANTITY, PRICE, signature)
    await liquidate(world, upnl_for(1))
    with pytest.raises(Reverted, match="LiquidationFacet: Invalid party"):
        await liquidate_positions(world, [waiting])
    with pytest.raises(Reverted, match="LiquidationFacet: Invalid state"):
        await liquidate_positions(world, [quote_id, quote_id])
    with pytest.raises(Reverted, match="LiquidationFacet: Invalid length"):
        await liquidate_positions(world, [], signature=await quote_prices(world, [quote_id], [WORSE] * 2))
    good = await quote_prices(world, [quote_id], [WORSE])
    with pytest.raises(Reverted, match="LibMuon: TSS not verified"):
        await liquidate_positions(world, [], signature=(*good[:3], [PRICE], *good[4:]))


async def test_a_liquidated_pair_moves_no_money_and_no_signature_of_before_counts_for_the_trader(world: World) -> None:
    quote_id = await opened(world)
    old = await world.upnl_a(world.trader)
    await liquidate(world, upnl_for(1))
    with pytest.raises(Reverted, match="LibMuon: TSS not verified"):
        await world.call(world.trader, "deallocate", WAD, old)
    signature = await world.upnl_b(world.hedger, world.trader)
    with pytest.raises(Reverted, match="Accessibility: PartyB isn't solvent"):
        await world.call(world.hedger, "deallocateForPartyB", 0, world.trader, signature)
    with pytest.raises(Reverted, match="PartyBFacet: PartyB isn't solvent"):
        await world.call(world.hedger, "transferAllocation", 0, world.trader, world.friend, signature)
    with pytest.raises(Reverted, match="Accessibility: PartyB isn't solvent"):
        await request_close(world, quote_id)
    assert (await allocations(world))[0] > ALLOCATED_A
