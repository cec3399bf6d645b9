"""Funding: when it is due, which way the opened price moves, who must be able to bear it."""

from typing import Any

import pytest
from contract_moves import locked, opened, request_close
from contract_signatures import pair_upnl
from contract_world import (
    ALLOCATED_A,
    ALLOCATED_B,
    FEE,
    LOCKED,
    LONG,
    PRICE,
    QUANTITY,
    SHORT,
    WAD,
    Event,
    Reverted,
    World,
    allocations,
)

EPOCH, WINDOW = 28_800, 900
RATE = WAD // 1000
MOVE = PRICE // 1000
VALUE = QUANTITY * MOVE // WAD
SPARE_A, SPARE_B = ALLOCATED_A - FEE - LOCKED[0] - LOCKED[1], ALLOCATED_B - LOCKED[0] - LOCKED[1]


async def next_boundary(world: World) -> int:
    """One whose window has not opened yet, whatever time of the day it is."""
    return ((await world.now() + 2 * WINDOW) // EPOCH + 1) * EPOCH


async def charge(
    world: World, quote_ids: list[int], rates: list[int], *, at: int, by: str | None = None, **upnls: Any
) -> list[Event]:
    """Charged in a block of exactly that time."""
    await world.chain.set_next_timestamp(at - 1)
    await world.chain.mine()
    signature = await pair_upnl(world, **upnls)
    await world.chain.set_next_timestamp(at)
    return await world.call(by or world.hedger, "chargeFundingRate", world.trader, quote_ids, rates, signature)


@pytest.mark.parametrize(
    ("side", "rate", "price"),
    [
        (LONG, RATE, PRICE + MOVE),
        (LONG, -RATE, PRICE - MOVE),
        (SHORT, RATE, PRICE - MOVE),
        (SHORT, -RATE, PRICE + MOVE),
        (LONG, 0, PRICE),
    ],
)
async def test_a_positive_rate_is_paid_by_the_trader_on_either_side(
    world: World, side: int, rate: int, price: int
) -> None:
    quote_id = await opened(world, side=side)
    before, boundary = await allocations(world), await next_boundary(world)
    assert await charge(world, [quote_id], [rate], at=boundary) == [
        ("ChargeFundingRate", world.hedger, world.trader, (quote_id,), (rate,))
    ]
    quote = await world.quote(quote_id)
    assert (quote["openedPrice"], quote["initialOpenedPrice"]) == (price, PRICE)
    assert quote["lastFundingPaymentTimestamp"] == boundary
    assert await allocations(world) == before
    assert await world.nonces() == (2, 2)


async def test_the_move_of_the_price_is_rounded_down(world: World) -> None:
    quote_id = await opened(world)
    await charge(world, [quote_id], [RATE + 7], at=await next_boundary(world))
    assert (await world.quote(quote_id))["openedPrice"] == PRICE + PRICE * (RATE + 7) // WAD


async def test_several_positions_are_charged_at_once_and_both_nonces_move_by_one(world: World) -> None:
    first, second = await opened(world), await opened(world, side=SHORT)
    await request_close(world, second)
    await charge(world, [first, second], [RATE, 2 * RATE], at=await next_boundary(world))
    prices = [(await world.quote(each))["openedPrice"] for each in (first, second)]
    assert prices == [PRICE + MOVE, PRICE - 2 * MOVE]
    assert await world.nonces() == (3, 3)


@pytest.mark.parametrize(("shift", "paid"), [(-WINDOW, 0), (WINDOW, 0), (EPOCH - WINDOW, 1)])
async def test_the_window_opens_before_a_boundary_and_closes_after_it(world: World, shift: int, paid: int) -> None:
    quote_id = await opened(world)
    boundary = await next_boundary(world)
    await charge(world, [quote_id], [RATE], at=boundary + shift)
    assert (await world.quote(quote_id))["lastFundingPaymentTimestamp"] == boundary + paid * EPOCH


@pytest.mark.parametrize("shift", [-WINDOW - 1, WINDOW + 1])
async def test_nothing_is_charged_outside_the_window(world: World, shift: int) -> None:
    quote_id = await opened(world)
    with pytest.raises(Reverted, match="ChargeFundingFacet: Current timestamp is out of window"):
        await charge(world, [quote_id], [RATE], at=await next_boundary(world) + shift)


async def test_a_boundary_is_paid_once(world: World) -> None:
    quote_id = await opened(world)
    boundary = await next_boundary(world)
    await charge(world, [quote_id], [RATE], at=boundary - 10)
    for moment in (boundary - 5, boundary + 10):
        with pytest.raises(Reverted, match="ChargeFundingFacet: Funding already paid for this window"):
            await charge(world, [quote_id], [RATE], at=moment)
    await charge(world, [quote_id], [RATE], at=boundary + EPOCH)
    assert (await world.quote(quote_id))["lastFundingPaymentTimestamp"] == boundary + EPOCH


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ({"rates": []}, "ChargeFundingFacet: Length not match"),
        ({"rates": [10**16 + 1]}, "ChargeFundingFacet: High funding rate"),
        ({"rates": [-(10**16) - 1]}, "ChargeFundingFacet: High funding rate"),
        ({"quote_ids": [999]}, "ChargeFundingFacet: Invalid quote"),
        ({"upnl_a": VALUE - SPARE_A - 1}, "ChargeFundingFacet: PartyA will be insolvent"),
        ({"rates": [-RATE], "upnl_b": VALUE - SPARE_B - 1}, "ChargeFundingFacet: PartyB will be insolvent"),
    ],
)
async def test_a_charge_out_of_bounds_is_refused(world: World, arguments: dict[str, Any], reason: str) -> None:
    quote_id = await opened(world)
    told = {"quote_ids": [quote_id], "rates": [RATE], **arguments}
    with pytest.raises(Reverted, match=reason):
        await charge(world, **told, at=await next_boundary(world))


async def test_both_sides_may_be_left_with_exactly_nothing(world: World) -> None:
    quote_id = await opened(world)
    boundary = await next_boundary(world)
    assert await charge(world, [quote_id], [RATE], at=boundary, upnl_a=VALUE - SPARE_A, upnl_b=-VALUE - SPARE_B)


async def test_only_its_own_hedger_charges_and_only_open_positions(world: World) -> None:
    waiting = await locked(world)
    position = await opened(world)
    boundary = await next_boundary(world)
    with pytest.raises(Reverted, match="ChargeFundingFacet: Invalid state"):
        await charge(world, [waiting], [RATE], at=boundary - 50)
    rivals = await pair_upnl(world, party_b=world.rival)
    with pytest.raises(Reverted, match="ChargeFundingFacet: Sender isn't partyB of quote"):
        await world.call(world.rival, "chargeFundingRate", world.trader, [position], [RATE], rivals)
    with pytest.raises(Reverted, match="LibMuon: TSS not verified"):
        await charge(world, [position], [RATE], at=boundary + 5, by=world.rival)
    await world.call(world.admin, "pausePartyBActions")
    with pytest.raises(Reverted, match="Pausable: PartyB actions paused"):
        await charge(world, [position], [RATE], at=boundary + 20)
