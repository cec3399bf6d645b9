"""From the close request to the closed position: transitions, twins in order, profit, margin, emergencies."""

from typing import Any

import pytest
from contract_moves import DAY, fill_close, opened, request_close
from contract_world import (
    ALLOCATED_A,
    ALLOCATED_B,
    BTC,
    FEE,
    LIMIT,
    LOCKED,
    LONG,
    MARKET,
    PRICE,
    QUANTITY,
    SHORT,
    TOTAL_A,
    WAD,
    BalanceChangeType,
    Event,
    Reverted,
    World,
    change_a,
    change_b,
    twice,
)

from hedger.domain.terms import QuoteStatus

PNL_IN, PNL_OUT = BalanceChangeType.REALIZED_PNL_IN, BalanceChangeType.REALIZED_PNL_OUT
HALF = QUANTITY // 2


def filled(world: World, quote_id: int, amount: int, price: int, status: QuoteStatus, close_id: int) -> list[Event]:
    return twice("FillCloseRequest", quote_id, world.trader, world.hedger, amount, price, status, close_id)


async def allocations(world: World) -> tuple[int, int]:
    return (
        await world.read("allocatedBalanceOfPartyA", world.trader),
        await world.read("allocatedBalanceOfPartyB", world.hedger, world.trader),
    )


async def test_a_close_request_replaces_order_type_and_deadline_and_changes_no_nonce(world: World) -> None:
    quote_id = await opened(world)
    deadline = await world.now() + 500
    values = (quote_id, PRICE + WAD, HALF, MARKET, deadline)
    assert await world.call(world.trader, "requestToClosePosition", *values) == twice(
        "RequestToClosePosition",
        *(world.trader, world.hedger, quote_id, PRICE + WAD, HALF, MARKET, deadline, QuoteStatus.CLOSE_PENDING, 1),
    )
    quote = await world.quote(quote_id)
    assert (quote["orderType"], quote["deadline"]) == (MARKET, deadline)
    assert (quote["requestedClosePrice"], quote["quantityToClose"]) == (PRICE + WAD, HALF)
    assert await world.nonces() == (1, 1)
    assert await world.read("getQuoteCloseId", quote_id) == 1


@pytest.mark.parametrize(
    ("quantity", "ttl_s", "reason"),
    [
        (QUANTITY + 1, DAY, "PartyAFacet: Invalid quantityToClose"),
        (QUANTITY * 98 // 100, DAY, "PartyAFacet: Remaining quote value is low"),
        (QUANTITY, -1, "PartyAFacet: Low deadline"),
    ],
)
async def test_a_close_request_out_of_bounds_is_refused(world: World, quantity: int, ttl_s: int, reason: str) -> None:
    quote_id = await opened(world)
    with pytest.raises(Reverted, match=reason):
        await request_close(world, quote_id, quantity, ttl_s=ttl_s)


async def test_only_its_trader_asks_for_a_close_and_only_while_open(world: World) -> None:
    quote_id = await opened(world)
    with pytest.raises(Reverted, match="Accessibility: Should be partyA of quote"):
        await world.call(world.friend, "requestToClosePosition", quote_id, PRICE, QUANTITY, LIMIT, 2**40)
    await request_close(world, quote_id)
    with pytest.raises(Reverted, match="PartyAFacet: Invalid state"):
        await request_close(world, quote_id)


@pytest.mark.parametrize(
    ("side", "price", "gain_of_a"),
    [(LONG, PRICE + 7 * WAD, 7), (SHORT, PRICE - 7 * WAD, 7), (SHORT, PRICE - 9 * WAD, 9)],
)
async def test_a_full_fill_pays_the_winner_and_frees_everything(
    world: World, side: int, price: int, gain_of_a: int
) -> None:
    quote_id = await opened(world, side=side)
    await request_close(world, quote_id, price=price)
    profit = QUANTITY * gain_of_a
    assert await fill_close(world, quote_id, price=price) == [
        change_a(world.trader, profit, PNL_IN),
        change_b(world.hedger, world.trader, profit, PNL_OUT),
        *filled(world, quote_id, QUANTITY, price, QuoteStatus.CLOSED, 1),
    ]
    assert await allocations(world) == (ALLOCATED_A - FEE + profit, ALLOCATED_B - profit)
    assert (await world.read("balanceInfoOfPartyA", world.trader))[1:] == (0,) * 8
    assert (await world.read("balanceInfoOfPartyB", world.hedger, world.trader))[1:] == (0,) * 8
    assert await world.nonces() == (2, 2)
    quote = await world.quote(quote_id)
    assert (quote["closedAmount"], quote["avgClosedPrice"]) == (QUANTITY, price)
    assert (quote["requestedClosePrice"], quote["quantityToClose"]) == (0, 0)
    assert await world.read("partyAPositionsCount", world.trader) == 0
    assert await world.read("partyBPositionsCount", world.hedger, world.trader) == 0


async def test_the_loser_pays_from_its_allocation(world: World) -> None:
    quote_id = await opened(world)
    price = PRICE - 11 * WAD
    await request_close(world, quote_id, price=price)
    loss = QUANTITY * 11
    assert (await fill_close(world, quote_id, price=price))[:2] == [
        change_a(world.trader, loss, PNL_OUT),
        change_b(world.hedger, world.trader, loss, PNL_IN),
    ]
    assert await allocations(world) == (ALLOCATED_A - FEE - loss, ALLOCATED_B + loss)


async def test_partial_fills_keep_the_request_until_its_quantity_is_reached(world: World) -> None:
    quote_id = await opened(world)
    await request_close(world, quote_id, HALF)
    first, second = HALF // 3, HALF - HALF // 3
    events = await fill_close(world, quote_id, first, PRICE + WAD)
    assert events[2:] == filled(world, quote_id, first, PRICE + WAD, QuoteStatus.CLOSE_PENDING, 1)
    freed = tuple(value * first // QUANTITY for value in LOCKED)
    left = tuple(value - gone for value, gone in zip(LOCKED, freed, strict=True))
    assert (await world.quote(quote_id))["lockedValues"] == left
    events = await fill_close(world, quote_id, second, PRICE + 2 * WAD)
    assert events[2:] == filled(world, quote_id, second, PRICE + 2 * WAD, QuoteStatus.OPENED, 1)
    quote = await world.quote(quote_id)
    average = (first * (PRICE + WAD) + second * (PRICE + 2 * WAD)) // HALF
    assert abs(quote["avgClosedPrice"] - average) <= 1
    assert (quote["requestedClosePrice"], quote["quantityToClose"]) == (0, 0)
    freed = tuple(value * second // (QUANTITY - first) for value in left)
    assert quote["lockedValues"] == tuple(value - gone for value, gone in zip(left, freed, strict=True))
    assert (await world.read("balanceInfoOfPartyA", world.trader))[1:5] == quote["lockedValues"]
    assert await world.nonces() == (3, 3)


async def test_profit_is_rounded_down(world: World) -> None:
    quote_id = await opened(world)
    await request_close(world, quote_id, price=PRICE)
    amount = QUANTITY // 2 + 1
    events = await fill_close(world, quote_id, amount, PRICE + 19)
    assert events[0] == change_a(world.trader, amount * 19 // WAD, PNL_IN)


async def test_a_cancelled_close_request_waits_for_the_hedger(world: World) -> None:
    quote_id = await opened(world)
    await request_close(world, quote_id)
    assert await world.call(world.trader, "requestToCancelCloseRequest", quote_id) == twice(
        *("RequestToCancelCloseRequest", world.trader, world.hedger, quote_id, QuoteStatus.CANCEL_CLOSE_PENDING, 1)
    )
    assert await world.call(world.hedger, "acceptCancelCloseRequest", quote_id) == twice(
        *("AcceptCancelCloseRequest", quote_id, QuoteStatus.OPENED, 1)
    )
    quote = await world.quote(quote_id)
    assert (quote["quoteStatus"], quote["quantityToClose"]) == (QuoteStatus.OPENED, 0)
    await request_close(world, quote_id)
    assert await world.read("getQuoteCloseId", quote_id) == 2


async def test_a_partial_fill_while_the_cancel_waits_ends_the_request(world: World) -> None:
    quote_id = await opened(world)
    await request_close(world, quote_id)
    await world.call(world.trader, "requestToCancelCloseRequest", quote_id)
    events = await fill_close(world, quote_id, HALF)
    assert events[2:] == filled(world, quote_id, HALF, PRICE, QuoteStatus.OPENED, 1)
    assert (await world.quote(quote_id))["quantityToClose"] == 0


async def test_anyone_forces_the_cancel_of_a_close_request_after_the_cooldown(world: World) -> None:
    quote_id = await opened(world)
    await request_close(world, quote_id)
    with pytest.raises(Reverted, match="PartyAFacet: Invalid state"):
        await world.call(world.friend, "forceCancelCloseRequest", quote_id)
    await world.call(world.trader, "requestToCancelCloseRequest", quote_id)
    with pytest.raises(Reverted, match="PartyAFacet: Cooldown not reached"):
        await world.call(world.friend, "forceCancelCloseRequest", quote_id)
    await world.chain.advance(301)
    assert await world.call(world.friend, "forceCancelCloseRequest", quote_id) == twice(
        *("ForceCancelCloseRequest", quote_id, QuoteStatus.OPENED, 1)
    )


@pytest.mark.parametrize("how", ["expireQuote", "requestToCancelCloseRequest"])
async def test_an_expired_close_request_leaves_the_position_open(world: World, how: str) -> None:
    quote_id = await opened(world)
    await request_close(world, quote_id, ttl_s=60)
    await world.chain.advance(61)
    argument = [quote_id] if how == "expireQuote" else quote_id
    assert await world.call(world.trader, how, argument) == [
        ("ExpireQuoteClose", QuoteStatus.OPENED, quote_id, 1),
        ("ExpireQuote", QuoteStatus.OPENED, quote_id),
    ]
    quote = await world.quote(quote_id)
    assert (quote["quoteStatus"], quote["quantityToClose"]) == (QuoteStatus.OPENED, 0)


@pytest.mark.parametrize(
    ("side", "kind", "asked", "amount", "price", "reason"),
    [
        (LONG, LIMIT, QUANTITY, QUANTITY, PRICE - 1, "PartyBFacet: Closed price isn't valid"),
        (SHORT, LIMIT, QUANTITY, QUANTITY, PRICE + 1, "PartyBFacet: Closed price isn't valid"),
        (LONG, LIMIT, QUANTITY, 0, PRICE, "PartyBFacet: Invalid filledAmount"),
        (LONG, LIMIT, HALF, HALF + 1, PRICE, "PartyBFacet: Invalid filledAmount"),
        (LONG, MARKET, QUANTITY, HALF, PRICE, "PartyBFacet: Invalid filledAmount"),
        (LONG, LIMIT, QUANTITY, QUANTITY * 98 // 100, PRICE, "LibQuote: Remaining quote value is low"),
    ],
)
async def test_a_fill_out_of_bounds_is_refused(
    world: World, side: int, kind: int, asked: int, amount: int, price: int, reason: str
) -> None:
    quote_id = await opened(world, side=side)
    await request_close(world, quote_id, asked, kind=kind)
    with pytest.raises(Reverted, match=reason):
        await fill_close(world, quote_id, amount, price)


async def test_a_request_for_a_part_may_leave_dust(world: World) -> None:
    quote_id = await opened(world)
    await request_close(world, quote_id, QUANTITY * 90 // 100)
    await fill_close(world, quote_id, QUANTITY * 90 // 100)
    await request_close(world, quote_id, QUANTITY * 5 // 100)
    await fill_close(world, quote_id, QUANTITY * 5 // 100)
    assert await world.status(quote_id) == QuoteStatus.OPENED


async def test_a_fill_must_free_some_of_every_margin_and_always_of_the_liquidation_fee(world: World) -> None:
    """With lf = 0 nothing is ever freed, so such a quote cannot be closed this way at all."""
    await world.call(world.admin, "setSymbolAcceptableValues", BTC, 5 * WAD, 0)
    quote_id = await opened(world, locked=(50 * WAD, 0, 100 * WAD, 90 * WAD))
    await request_close(world, quote_id)
    with pytest.raises(Reverted, match="LibQuote: Low filled amount"):
        await fill_close(world, quote_id)
    dust = await opened(world, locked=(1, 25 * WAD, 100 * WAD, 90 * WAD))
    await request_close(world, dust)
    with pytest.raises(Reverted, match="LibQuote: Low filled amount"):
        await fill_close(world, dust, HALF)


async def test_a_fill_in_the_wrong_state_or_too_late_is_refused(world: World) -> None:
    quote_id = await opened(world)
    with pytest.raises(Reverted, match="PartyBFacet: Invalid state"):
        await fill_close(world, quote_id)
    with pytest.raises(Reverted, match="PartyBFacet: Invalid state"):
        await world.call(world.hedger, "acceptCancelCloseRequest", quote_id)
    await request_close(world, quote_id, ttl_s=60)
    await world.chain.advance(61)
    with pytest.raises(Reverted, match="PartyBFacet: Quote is expired"):
        await fill_close(world, quote_id)


async def test_a_closed_quote_is_beyond_every_call(world: World) -> None:
    quote_id = await opened(world)
    await request_close(world, quote_id)
    await fill_close(world, quote_id)
    with pytest.raises(Reverted, match="Accessibility: Invalid state"):
        await fill_close(world, quote_id)


async def test_the_hedgers_allocation_must_cover_the_traders_profit(world: World) -> None:
    quote_id = await opened(world)
    price = PRICE + 250_000 * WAD
    await request_close(world, quote_id, price=price)
    reason = "LibQuote: PartyA should first exit its positions that are incurring losses"
    with pytest.raises(Reverted, match=reason):
        await fill_close(world, quote_id, price=price)
    await world.call(world.hedger, "allocateForPartyB", 10_000 * WAD, world.trader)
    await fill_close(world, quote_id, price=price)


async def test_the_traders_allocation_must_cover_its_loss(world: World) -> None:
    quote_id = await opened(world, side=SHORT)
    price = PRICE + 110_000 * WAD
    await request_close(world, quote_id, price=price)
    reason = r"LibQuote: PartyA should first exit its positions that are currently in profit\."
    with pytest.raises(Reverted, match=reason):
        await fill_close(world, quote_id, price=price)


@pytest.mark.parametrize("short_by", [0, 1])
async def test_both_sides_must_be_solvent_after_a_close(world: World, short_by: int) -> None:
    """A long closed above the market costs the hedger the difference; its own freed margin counts for it."""
    quote_id = await opened(world)
    await request_close(world, quote_id)
    difference = QUANTITY * 10
    upnl = -(ALLOCATED_B - difference) - short_by
    if short_by:
        with pytest.raises(Reverted, match="LibSolvency: Available balance is lower than zero"):
            await fill_close(world, quote_id, price=PRICE + 10 * WAD, market_price=PRICE, upnl_b=upnl)
    else:
        await fill_close(world, quote_id, price=PRICE + 10 * WAD, market_price=PRICE, upnl_b=upnl)


@pytest.mark.parametrize("cause", ["system", "hedger", "symbol"])
async def test_an_emergency_lets_the_hedger_close_everything_at_the_signed_price(world: World, cause: str) -> None:
    quote_id = await opened(world)
    price = PRICE + 3 * WAD
    signature = await world.pair(world.hedger, world.trader, price)
    with pytest.raises(Reverted, match=r"PartyBFacet: Operation not allowed\. Either emergency mode must be active"):
        await world.call(world.hedger, "emergencyClosePosition", quote_id, signature)
    causes: dict[str, tuple[Any, ...]] = {
        "system": ("activeEmergencyMode",),
        "hedger": ("setPartyBEmergencyStatus", [world.hedger], True),
        "symbol": ("setSymbolValidationState", BTC, False),
    }
    await world.call(world.admin, *causes[cause])
    assert await world.call(world.hedger, "emergencyClosePosition", quote_id, signature) == [
        change_a(world.trader, QUANTITY * 3, PNL_IN),
        change_b(world.hedger, world.trader, QUANTITY * 3, PNL_OUT),
        *twice(
            "EmergencyClosePosition",
            *(quote_id, world.trader, world.hedger, QUANTITY, price, QuoteStatus.CLOSED, 0),
        ),
    ]
    assert await world.nonces() == (2, 2)


async def test_an_emergency_close_needs_the_right_state_and_solvency(world: World) -> None:
    quote_id = await opened(world)
    await world.call(world.admin, "activeEmergencyMode")
    for sides, reason in (
        ({"upnl_a": -ALLOCATED_A}, "PartyBFacet: PartyA is insolvent"),
        ({"upnl_b": -ALLOCATED_B}, "PartyBFacet: PartyB should be solvent"),
    ):
        signature = await world.pair(world.hedger, world.trader, **sides)
        with pytest.raises(Reverted, match=reason):
            await world.call(world.hedger, "emergencyClosePosition", quote_id, signature)
    await request_close(world, quote_id)
    await world.call(world.trader, "requestToCancelCloseRequest", quote_id)
    signature = await world.pair(world.hedger, world.trader)
    with pytest.raises(Reverted, match="PartyBFacet: Invalid state"):
        await world.call(world.hedger, "emergencyClosePosition", quote_id, signature)


async def test_another_position_of_the_pair_keeps_its_margin(world: World) -> None:
    kept, gone = await opened(world), await opened(world)
    await request_close(world, gone)
    await fill_close(world, gone)
    assert (await world.read("balanceInfoOfPartyA", world.trader))[1:5] == LOCKED
    positions = await world.read("getPartyAOpenPositions", world.trader, 0, 10)
    assert [position[0] for position in positions] == [kept]
    assert sum(LOCKED[:3]) == TOTAL_A
