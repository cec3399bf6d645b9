"""Forced closes: when, at which price, who pays, and what becomes of a hedger that cannot."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest
from contract_moves import DAY, locked, opened, request_close, sent
from contract_signatures import price_range
from contract_world import (
    ALLOCATED_A,
    ALLOCATED_B,
    FEE,
    LIMIT,
    LOCKED,
    LONG,
    MARKET,
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

FIRST, SECOND, PERIOD = 300, 120, 120
GAP, PENALTY = PRICE // 100, PRICE * 5 // 1000
PNL_IN, PNL_OUT = BalanceChangeType.REALIZED_PNL_IN, BalanceChangeType.REALIZED_PNL_OUT
FEE_IN, LF_IN = BalanceChangeType.PLATFORM_FEE_IN, BalanceChangeType.LF_IN
CVA, LF = LOCKED[0], LOCKED[1]


@dataclass(frozen=True)
class Asked:
    """A close request that the hedger left unanswered long enough; the period of the market after it."""

    quote_id: int
    start: int
    end: int


async def unanswered(
    world: World,
    quote_id: int,
    *,
    quantity: int = QUANTITY,
    price: int = PRICE,
    kind: int = LIMIT,
    ttl_s: int = DAY,
    wait_s: int = FIRST + PERIOD + SECOND,
) -> Asked:
    await request_close(world, quote_id, quantity, price, kind=kind, ttl_s=ttl_s)
    start = (await world.quote(quote_id))["statusModifyTimestamp"] + FIRST
    await world.chain.advance(wait_s)
    return Asked(quote_id, start, start + PERIOD)


async def force(world: World, asked: Asked, *, by: str | None = None, **market: Any) -> list[Event]:
    """Forced by somebody who has nothing to do with it; the market as told, else long past the price of a long."""
    told = {"start": asked.start, "end": asked.end, "highest": PRICE + GAP, **market}
    signature = await price_range(world, **told)
    return await world.call(by or world.friend, "forceClosePosition", asked.quote_id, signature)


def forced(world: World, quote_id: int, amount: int, price: int, status: QuoteStatus) -> list[Event]:
    return twice("ForceClosePosition", quote_id, world.trader, world.hedger, amount, price, status, 1)


@pytest.mark.parametrize(
    ("side", "market", "price"),
    [
        (LONG, {"highest": PRICE + GAP}, PRICE + PENALTY),
        (LONG, {"highest": PRICE + 9 * GAP, "average": PRICE + 2 * GAP}, PRICE + 2 * GAP),
        (SHORT, {"highest": PRICE, "lowest": PRICE - GAP}, PRICE - PENALTY),
        (SHORT, {"highest": PRICE, "lowest": PRICE - 9 * GAP, "average": PRICE - 2 * GAP}, PRICE - 2 * GAP),
    ],
)
async def test_a_forced_close_costs_the_hedger_the_penalty_or_the_average_if_that_is_worse(
    world: World, side: int, market: Mapping[str, Any], price: int
) -> None:
    asked = await unanswered(world, await opened(world, side=side))
    profit = QUANTITY * abs(price - PRICE) // WAD
    assert await force(world, asked, price=price, **market) == [
        change_a(world.trader, profit, PNL_IN),
        change_b(world.hedger, world.trader, profit, PNL_OUT),
        *forced(world, asked.quote_id, QUANTITY, price, QuoteStatus.CLOSED),
    ]
    assert await allocations(world) == (ALLOCATED_A - FEE + profit, ALLOCATED_B - profit)
    assert await world.nonces() == (2, 2)
    quote = await world.quote(asked.quote_id)
    assert (quote["avgClosedPrice"], quote["closedAmount"], quote["requestedClosePrice"]) == (price, QUANTITY, 0)
    assert await world.read("partyAPositionsCount", world.trader) == 0


async def test_a_forced_part_leaves_the_rest_open(world: World) -> None:
    half = QUANTITY // 2
    asked = await unanswered(world, await opened(world), quantity=half)
    events = await force(world, asked)
    assert events[2:] == forced(world, asked.quote_id, half, PRICE + PENALTY, QuoteStatus.OPENED)
    quote = await world.quote(asked.quote_id)
    assert (quote["closedAmount"], quote["quantityToClose"]) == (half, 0)
    assert quote["lockedValues"] == tuple(value // 2 for value in LOCKED)


async def test_gap_and_penalty_are_rounded_down(world: World) -> None:
    requested = PRICE + 199
    asked = await unanswered(world, await opened(world), price=requested)
    with pytest.raises(Reverted, match="PartyAFacet: Requested close price not reached"):
        await force(world, asked, highest=requested + GAP)
    events = await force(world, asked, highest=requested + GAP + 1)
    assert events[2:] == forced(world, asked.quote_id, QUANTITY, requested + PENALTY, QuoteStatus.CLOSED)


@pytest.mark.parametrize(
    ("request_terms", "shift", "market", "reason"),
    [
        ({"ttl_s": FIRST + PERIOD + SECOND - 1}, (0, 0), {}, "PartyBFacet: Close request is expired"),
        ({"kind": MARKET}, (0, 0), {}, "PartyBFacet: Quote's order type should be LIMIT"),
        ({}, (-1, 0), {}, "PartyAFacet: Cooldown not reached"),
        ({"wait_s": FIRST + PERIOD}, (0, 0), {}, "PartyAFacet: Cooldown not reached"),
        ({}, (0, 0), {"lowest": PRICE + 1}, "PartyAFacet: Invalid average price"),
        ({}, (0, 0), {"average": PRICE + GAP + 1}, "PartyAFacet: Invalid average price"),
        ({}, (0, 0), {"highest": PRICE + GAP - 1}, "PartyAFacet: Requested close price not reached"),
        ({}, (1, 0), {"average": PRICE + GAP}, "PartyAFacet: Invalid signature period"),
        ({}, (0, 0), {"upnl_a": -(10**26)}, "PartyAFacet: PartyA will be insolvent"),
    ],
)
async def test_a_close_that_may_not_be_forced_is_refused(
    world: World, request_terms: dict[str, Any], shift: tuple[int, int], market: dict[str, Any], reason: str
) -> None:
    asked = await unanswered(world, await opened(world), **request_terms)
    shifted = Asked(asked.quote_id, asked.start + shift[0], asked.end + shift[1])
    with pytest.raises(Reverted, match=reason):
        await force(world, shifted, **market)


async def test_the_period_of_the_signature_counts_only_where_the_average_decides(world: World) -> None:
    asked = await unanswered(world, await opened(world))
    moment = Asked(asked.quote_id, asked.start, asked.start)
    events = await force(world, moment)
    assert events[2:] == forced(world, asked.quote_id, QUANTITY, PRICE + PENALTY, QuoteStatus.CLOSED)


async def test_a_request_whose_deadline_has_passed_can_still_be_forced_while_nobody_ended_it(world: World) -> None:
    asked = await unanswered(world, await opened(world), ttl_s=FIRST + PERIOD + SECOND + 10, wait_s=DAY)
    assert await world.now() > (await world.quote(asked.quote_id))["deadline"]
    events = await force(world, asked)
    assert events[2:] == forced(world, asked.quote_id, QUANTITY, PRICE + PENALTY, QuoteStatus.CLOSED)


async def test_only_an_unanswered_close_request_can_be_forced(world: World) -> None:
    now = await world.now()
    asked = Asked(await opened(world), now, now)
    with pytest.raises(Reverted, match="PartyAFacet: Invalid state"):
        await force(world, asked)
    waiting = await unanswered(world, asked.quote_id)
    await world.call(world.trader, "requestToCancelCloseRequest", asked.quote_id)
    with pytest.raises(Reverted, match="PartyAFacet: Invalid state"):
        await force(world, waiting)


async def test_the_signature_is_checked_after_the_terms_and_before_the_money(world: World) -> None:
    asked = await unanswered(world, await opened(world))
    told = {"start": asked.start, "end": asked.end, "highest": PRICE + GAP, "upnl_a": -(10**26)}
    good = await price_range(world, **told)
    spoiled = (*good[:7], good[7], good[8] + 1, good[9] + 1, *good[10:])
    with pytest.raises(Reverted, match="LibMuon: TSS not verified"):
        await world.call(world.friend, "forceClosePosition", asked.quote_id, spoiled)
    await world.chain.advance(121)
    with pytest.raises(Reverted, match="LibMuon: Expired signature"):
        await world.call(world.friend, "forceClosePosition", asked.quote_id, good)
    other_symbol = await price_range(world, **{**told, "upnl_a": 0})
    assert await world.call(
        world.friend, "forceClosePosition", asked.quote_id, (*other_symbol[:2], 99, *other_symbol[3:])
    )


async def test_forced_closes_wait_while_the_actions_of_traders_are_paused(world: World) -> None:
    asked = await unanswered(world, await opened(world))
    await world.call(world.admin, "pausePartyAActions")
    with pytest.raises(Reverted, match="Pausable: PartyA actions paused"):
        await force(world, asked)


def short_by(missing: int) -> int:
    """uPnL of a hedger that misses so much for the close at the penalty price, the market being at that price."""
    return -(ALLOCATED_B + missing)


async def test_the_vault_pays_exactly_what_the_hedger_is_short_of(world: World) -> None:
    asked = await unanswered(world, await opened(world))
    await world.call(world.rival, "depositToReserveVault", 50 * WAD, world.hedger)
    price, profit = PRICE + PENALTY, QUANTITY * PENALTY // WAD
    assert await force(world, asked, price=price, upnl_b=short_by(7 * WAD)) == [
        change_b(world.hedger, world.trader, 7 * WAD, PNL_IN),
        change_a(world.trader, profit, PNL_IN),
        change_b(world.hedger, world.trader, profit, PNL_OUT),
        *forced(world, asked.quote_id, QUANTITY, price, QuoteStatus.CLOSED),
    ]
    assert await world.read("balanceOfReserveVault", world.hedger) == 43 * WAD
    assert (await allocations(world))[1] == ALLOCATED_B + 7 * WAD - profit


async def test_the_difference_between_close_price_and_market_is_the_hedgers_to_pay(world: World) -> None:
    asked = await unanswered(world, await opened(world))
    paid = QUANTITY * PENALTY // WAD
    await world.call(world.rival, "depositToReserveVault", paid, world.hedger)
    events = await force(world, asked, upnl_b=short_by(0))
    assert events[0] == change_b(world.hedger, world.trader, paid, PNL_IN)
    assert await world.read("balanceOfReserveVault", world.hedger) == 0


async def test_a_hedger_whose_vault_does_not_suffice_is_liquidated_and_nothing_is_closed(world: World) -> None:
    waiting = await locked(world)
    asked = await unanswered(world, await opened(world, price=PRICE))
    vault, missing = 3 * WAD, 5 * WAD
    await world.call(world.rival, "depositToReserveVault", vault, world.hedger)
    before = await allocations(world)
    upnl = short_by(missing)
    available = before[1] + vault - CVA - LF + upnl
    remaining = LF + available if LF + available > 0 else 0
    assert remaining == 0
    assert await force(world, asked, price=PRICE + PENALTY, upnl_b=upnl) == [
        change_b(world.hedger, world.trader, vault, PNL_IN),
        change_a(world.trader, FEE, FEE_IN),
        change_a(world.trader, ALLOCATED_B + vault, PNL_IN),
        change_b(world.hedger, world.trader, ALLOCATED_B + vault, PNL_OUT),
        ("LiquidatePartyB", world.friend, world.hedger, world.trader, 0, upnl),
    ]
    assert await allocations(world) == (before[0] + FEE + ALLOCATED_B + vault, 0)
    assert await world.nonces() == (3, 2)
    assert await world.status(asked.quote_id) is QuoteStatus.CLOSE_PENDING
    assert await world.status(waiting) is QuoteStatus.LIQUIDATED_PENDING
    assert await world.read("isPartyBLiquidated", world.hedger, world.trader)
    assert await world.read("partyBLiquidationTimestamp", world.hedger, world.trader) == await world.now()
    assert (await world.read("balanceInfoOfPartyB", world.hedger, world.trader)) == (0,) * 9
    assert await world.read("balanceOfReserveVault", world.hedger) == 0


async def test_who_forces_the_liquidation_gets_a_share_of_what_is_left_of_the_fee(world: World) -> None:
    part = QUANTITY // 25
    asked = await unanswered(world, await opened(world, side=SHORT), quantity=part)
    adjusted = part * PENALTY // WAD
    freed = (CVA + LF) // 25
    # Short of one wad after the close, and before it also of what the close would have freed.
    upnl = CVA + LF - ALLOCATED_B + adjusted - freed - WAD
    remaining = LF - WAD - freed
    assert await force(world, asked, highest=PRICE, lowest=PRICE - GAP, upnl_b=upnl) == [
        change_b(world.hedger, world.trader, 0, PNL_IN),
        change_a(world.trader, ALLOCATED_B - remaining, PNL_IN),
        change_b(world.hedger, world.trader, ALLOCATED_B, PNL_OUT),
        change_a(world.friend, remaining // 10, LF_IN),
        ("LiquidatePartyB", world.friend, world.hedger, world.trader, 0, upnl - adjusted),
    ]
    assert await world.read("allocatedBalanceOfPartyA", world.friend) == remaining // 10


async def test_an_unpaid_close_of_a_liquidated_pair_can_neither_be_forced_again_nor_filled(world: World) -> None:
    asked = await unanswered(world, await opened(world))
    other = await sent(world)
    await force(world, asked, price=PRICE + PENALTY, upnl_b=short_by(CVA + LF))
    with pytest.raises(Reverted, match="Accessibility: PartyB isn't solvent"):
        await force(world, asked)
    with pytest.raises(Reverted, match="AccountFacet: PartyB isn't solvent"):
        await world.call(world.hedger, "allocateForPartyB", WAD, world.trader)
    with pytest.raises(Reverted, match="PartyBFacet: insufficient available balance"):
        await world.call(world.hedger, "lockQuote", other, await world.upnl_b(world.hedger, world.trader))
    signature = await world.upnl_b(world.hedger, world.trader, 10**24)
    with pytest.raises(Reverted, match="PartyBFacet: PartyB isn't solvent"):
        await world.call(world.hedger, "lockQuote", other, signature)
