"""Settlements: opened prices move towards the market, hedgers and trader pay each other, by whom and how often."""

import pytest
from contract_moves import opened, request_close, sent
from contract_signatures import Settled, price_range, settlement
from contract_world import (
    ALLOCATED_A,
    ALLOCATED_B,
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

from devnet.signing import SettlementEntry
from hedger.domain.terms import QuoteStatus

PNL_IN, PNL_OUT = BalanceChangeType.REALIZED_PNL_IN, BalanceChangeType.REALIZED_PNL_OUT
UP, DOWN = PRICE + 1_000 * WAD, PRICE - 1_000 * WAD
GAIN = QUANTITY * 1_000
COOLDOWN = 300
SPARE_B = ALLOCATED_B - LOCKED[0] - LOCKED[1]


async def opened_by_rival(world: World, side: int = SHORT) -> int:
    quote_id = await sent(world, side=side)
    await world.call(world.rival, "lockQuote", quote_id, await world.upnl_b(world.rival, world.trader))
    signature = await world.pair(world.rival, world.trader)
    await world.call(world.rival, "openPosition", quote_id, QUANTITY, PRICE, signature)
    return quote_id


async def settle(world: World, settled: Settled, prices: list[int], *, by: str | None = None) -> list[Event]:
    signature = await settlement(world, settled)
    return await world.call(by or world.hedger, "settleUpnl", signature, prices, world.trader)


async def test_profits_with_several_hedgers_are_paid_at_once(world: World) -> None:
    own, other = await opened(world), await opened_by_rival(world)
    entries = [SettlementEntry(own, UP, 1), SettlementEntry(other, DOWN, 0)]
    before = ALLOCATED_A - 2 * FEE
    half = PRICE + 500 * WAD
    assert await settle(world, Settled(entries, (0, 0)), [half, DOWN]) == [
        change_b(world.rival, world.trader, GAIN, PNL_OUT),
        change_b(world.hedger, world.trader, GAIN // 2, PNL_OUT),
        change_a(world.trader, GAIN + GAIN // 2, PNL_IN),
        (
            *("SettleUpnl", ((own, UP, 1), (other, DOWN, 0)), (half, DOWN), world.trader),
            *(before + GAIN + GAIN // 2, (ALLOCATED_B - GAIN, ALLOCATED_B - GAIN // 2)),
        ),
    ]
    assert await allocations(world) == (before + GAIN + GAIN // 2, ALLOCATED_B - GAIN // 2)
    assert [(await world.quote(each))["openedPrice"] for each in (own, other)] == [half, DOWN]
    assert (await world.quote(own))["initialOpenedPrice"] == PRICE
    assert (await world.nonces(), await world.nonces(world.rival)) == ((3, 2), (3, 2))
    stamps = [
        await world.read("lastUpnlSettlementTimestamp", world.hedger, each, world.trader)
        for each in (world.rival, world.hedger)
    ]
    assert stamps == [await world.now(), 0]


async def test_a_loss_of_the_trader_is_paid_to_its_hedger_rounded_toward_zero(world: World) -> None:
    quote_id = await opened(world)
    events = await settle(world, Settled([SettlementEntry(quote_id, DOWN, 0)]), [PRICE - 19])
    paid = 19 * QUANTITY // WAD
    assert events[:2] == [
        change_b(world.hedger, world.trader, paid, PNL_IN),
        change_a(world.trader, paid, PNL_OUT),
    ]


@pytest.mark.parametrize(
    ("current", "updated"), [(UP, PRICE), (UP, UP + 1), (DOWN, PRICE), (DOWN, DOWN - 1), (PRICE, PRICE)]
)
async def test_every_opened_price_moves_and_none_past_the_market(world: World, current: int, updated: int) -> None:
    quote_id = await opened(world)
    with pytest.raises(Reverted, match="LibSettlement: Updated price is out of range"):
        await settle(world, Settled([SettlementEntry(quote_id, current, 0)]), [updated])


async def test_a_hedger_settles_with_another_once_in_a_while_and_with_itself_at_any_time(world: World) -> None:
    own, other = await opened(world), await opened_by_rival(world)
    step = 10 * WAD
    await settle(world, Settled([SettlementEntry(other, DOWN, 0)]), [PRICE - step])
    with pytest.raises(Reverted, match="LibSettlement: Cooldown should be passed"):
        await settle(world, Settled([SettlementEntry(other, DOWN, 0)]), [PRICE - 2 * step])
    for number in (1, 2):
        await settle(world, Settled([SettlementEntry(own, UP, 0)]), [PRICE + number * step])
    await settle(world, Settled([SettlementEntry(other, DOWN, 0)]), [PRICE - 2 * step], by=world.rival)
    await world.chain.advance(COOLDOWN)
    await settle(world, Settled([SettlementEntry(other, DOWN, 0)]), [PRICE - 3 * step])


@pytest.mark.parametrize(
    ("index", "upnls_b", "upnl_a", "reason"),
    [
        (0, (0,), -ALLOCATED_A, "LibSettlement: PartyA is insolvent"),
        (0, (-SPARE_B - 1,), 0, "LibSettlement: PartyB should be solvent"),
        (0, (0, -1), 0, "LibSettlement: PartyB should be solvent"),
        (2, (0,), 0, "LibSettlement: Invalid partyBUpnlIndex in signature"),
        (1, (0,), 0, "panic.*0x32"),
    ],
)
async def test_a_settlement_out_of_bounds_is_refused(
    world: World, index: int, upnls_b: tuple[int, ...], upnl_a: int, reason: str
) -> None:
    quote_id = await opened(world)
    with pytest.raises(Reverted, match=reason):
        await settle(world, Settled([SettlementEntry(quote_id, UP, index)], upnls_b, upnl_a), [UP])


async def test_who_settles_what_is_checked(world: World) -> None:
    own = await opened(world)
    one = Settled([SettlementEntry(own, UP, 0)])
    with pytest.raises(Reverted, match="LibSettlement: Invalid length"):
        await settle(world, one, [])
    with pytest.raises(Reverted, match="LibSettlement: Sender should have a position with partyA"):
        await settle(world, one, [UP], by=world.rival)
    with pytest.raises(Reverted, match="Accessibility: Should be partyB"):
        await settle(world, one, [UP], by=world.friend)
    other = await opened_by_rival(world)
    two = Settled([SettlementEntry(own, UP, 0), SettlementEntry(other, DOWN, 0)])
    with pytest.raises(Reverted, match="LibSettlement: Invalid upnlPartyBs list"):
        await settle(world, two, [UP, DOWN])
    waiting = await sent(world)
    with pytest.raises(Reverted, match="LibSettlement: Invalid state"):
        await settle(world, Settled([SettlementEntry(waiting, UP, 0)]), [UP])
    with pytest.raises(Reverted, match="LibSettlement: PartyA is invalid"):
        await settle(world, Settled([SettlementEntry(999, UP, 0)]), [UP])
    await world.call(world.admin, "pausePartyBActions")
    with pytest.raises(Reverted, match="Pausable: PartyB actions paused"):
        await settle(world, one, [UP])


async def test_a_hedger_in_liquidation_is_not_settled_with(world: World) -> None:
    own, other = await opened(world), await opened_by_rival(world)
    signature = await world.upnl_b(world.rival, world.trader, -(10**24))
    await world.call(world.liquidator, "liquidatePartyB", world.rival, world.trader, signature)
    with pytest.raises(Reverted, match="LibSettlement: PartyB is in liquidation process"):
        await settle(world, Settled([SettlementEntry(other, DOWN, 0)]), [DOWN])
    assert await settle(world, Settled([SettlementEntry(own, UP, 0)]), [UP])


async def forcible(world: World, quote_id: int) -> tuple[int, int]:
    """Ask for a close and let the hedger miss it; returns the period of the market."""
    await request_close(world, quote_id)
    start = (await world.quote(quote_id))["statusModifyTimestamp"] + 300
    await world.chain.advance(600)
    return start, start + 120


async def test_a_trader_settles_with_others_and_forces_its_close_in_one_call(world: World) -> None:
    own, other = await opened(world), await opened_by_rival(world)
    start, end = await forcible(world, own)
    market = await price_range(world, start=start, end=end, highest=PRICE + PRICE // 100)
    signature = await settlement(world, Settled([SettlementEntry(other, DOWN, 0)]))
    price = PRICE + PRICE * 5 // 1000
    profit = QUANTITY * (price - PRICE) // WAD
    after = ALLOCATED_A - 2 * FEE + GAIN + profit
    values = (own, market, signature, [DOWN])
    with pytest.raises(Reverted, match="LibMuon: TSS not verified"):
        await world.call(world.friend, "settleAndForceClosePosition", *values)
    assert await world.call(world.trader, "settleAndForceClosePosition", *values) == [
        change_b(world.rival, world.trader, GAIN, PNL_OUT),
        change_a(world.trader, GAIN, PNL_IN),
        change_a(world.trader, profit, PNL_IN),
        change_b(world.hedger, world.trader, profit, PNL_OUT),
        ("SettleUpnl", ((other, DOWN, 0),), (DOWN,), world.trader, after, (ALLOCATED_B - profit,)),
        *twice("ForceClosePosition", own, world.trader, world.hedger, QUANTITY, price, QuoteStatus.CLOSED, 1),
    ]
    assert (await world.nonces(), await world.nonces(world.rival)) == ((4, 2), (4, 2))


async def test_without_prices_anyone_forces_with_a_settlement_that_nobody_checks(world: World) -> None:
    own = await opened(world)
    start, end = await forcible(world, own)
    market = await price_range(world, start=start, end=end, highest=PRICE + PRICE // 100)
    signature = await settlement(world, Settled([SettlementEntry(999, 7, 0)]))
    events = await world.call(world.friend, "settleAndForceClosePosition", own, market, signature, [])
    assert events[2][:4] == ("SettleUpnl", ((999, 7, 0),), (), world.friend)
    assert await world.status(own) is QuoteStatus.CLOSED


async def test_nothing_is_settled_where_the_hedger_cannot_pay_the_close(world: World) -> None:
    own, other = await opened(world), await opened_by_rival(world)
    start, end = await forcible(world, own)
    market = await price_range(
        world, start=start, end=end, highest=PRICE + PRICE // 100, price=PRICE, upnl_b=-2 * ALLOCATED_B
    )
    signature = await settlement(world, Settled([SettlementEntry(other, DOWN, 0)]))
    events = await world.call(world.trader, "settleAndForceClosePosition", own, market, signature, [DOWN])
    assert events[-1][0] == "LiquidatePartyB"
    assert "SettleUpnl" not in [event[0] for event in events]
    assert (await world.quote(other))["openedPrice"] == PRICE
