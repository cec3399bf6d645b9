"""From the sent quote to the position: transitions, events in order, nonces, balances, rounding."""

import pytest
from contract_moves import DAY, lock, locked, open_position, opened, send_quote, sent
from contract_world import (
    ALLOCATED_A,
    BTC,
    FEE,
    LIMIT,
    LOCKED,
    LONG,
    MARKET,
    NOBODY,
    PRICE,
    QUANTITY,
    SHORT,
    TOTAL_A,
    TOTAL_B,
    WAD,
    BalanceChangeType,
    Reverted,
    World,
    change_a,
)

from hedger.domain.terms import QuoteStatus

FEE_IN, FEE_OUT = BalanceChangeType.PLATFORM_FEE_IN, BalanceChangeType.PLATFORM_FEE_OUT
RATE = 5 * WAD // 10_000


async def pending_a(world: World) -> tuple[int, ...]:
    return tuple((await world.read("balanceInfoOfPartyA", world.trader))[5:])


async def pending_b(world: World) -> tuple[int, ...]:
    return tuple((await world.read("balanceInfoOfPartyB", world.hedger, world.trader))[5:])


async def allocated(world: World) -> int:
    return int(await world.read("allocatedBalanceOfPartyA", world.trader))


async def test_a_sent_quote_charges_the_fee_and_reserves_its_margin(world: World) -> None:
    deadline = await world.now() + DAY
    events = await send_quote(world, whitelist=[world.hedger], deadline=deadline, market_price=PRICE + WAD)
    assert events == [
        change_a(world.trader, FEE, FEE_OUT),
        (
            *("SendQuote", world.trader, 1, (world.hedger,), BTC, LONG, LIMIT, PRICE, PRICE + WAD, QUANTITY),
            *(*LOCKED, RATE, deadline),
        ),
    ]
    assert await allocated(world) == ALLOCATED_A - FEE
    assert await pending_a(world) == LOCKED
    assert await world.nonces() == (0, 0)
    quote = await world.quote(1)
    assert (quote["id"], quote["partyA"], quote["partyB"], quote["parentId"]) == (1, world.trader, NOBODY, 0)
    assert quote["lockedValues"] == quote["initialLockedValues"] == LOCKED
    assert quote["createTimestamp"] == quote["statusModifyTimestamp"] == await world.now()
    assert (quote["openedPrice"], quote["maxFundingRate"], quote["affiliate"]) == (0, 10**16, NOBODY)


async def test_the_fee_of_a_market_quote_is_on_the_signed_price(world: World) -> None:
    events = await send_quote(world, kind=MARKET, price=2 * PRICE, market_price=PRICE)
    assert events[0] == change_a(world.trader, FEE, FEE_OUT)


async def test_a_quote_keeps_its_affiliate(world: World) -> None:
    quote_id = await sent(world, affiliate=world.deployment.multi_account)
    assert (await world.quote(quote_id))["affiliate"] == world.deployment.multi_account.lower()


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"symbol": 99}, "PartyAFacet: Symbol is not valid"),
        ({"deadline": 1}, "PartyAFacet: Low deadline"),
        ({"locked": (99 * WAD, 0, 0, 0)}, "PartyAFacet: LF is not enough"),
        ({"locked": (WAD, WAD, WAD, 0)}, "PartyAFacet: Quote value is low"),
        ({"upnl": -ALLOCATED_A}, "PartyAFacet: Available balance is lower than zero"),
        ({"upnl": -(ALLOCATED_A - TOTAL_A)}, "PartyAFacet: insufficient available balance"),
        ({"affiliate": "0x" + "77" * 20}, "PartyAFacet: Invalid affiliate"),
    ],
)
async def test_a_quote_out_of_bounds_is_refused(world: World, changes: dict[str, object], reason: str) -> None:
    with pytest.raises(Reverted, match=f"^{reason}$"):
        await send_quote(world, **changes)


async def test_a_trader_cannot_hedge_its_own_quote(world: World) -> None:
    with pytest.raises(Reverted, match="Sender isn't allowed in partyBWhiteList"):
        await send_quote(world, whitelist=[world.trader])


async def test_the_fee_must_be_available_besides_the_margin(world: World) -> None:
    await send_quote(world, upnl=-(ALLOCATED_A - TOTAL_A - FEE))


async def test_only_so_many_quotes_may_be_pending(world: World) -> None:
    await world.call(world.admin, "setPendingQuotesValidLength", 1)
    await send_quote(world)
    with pytest.raises(Reverted, match="PartyAFacet: Number of pending quotes out of range"):
        await send_quote(world)


async def test_a_liquidator_cannot_send_quotes(world: World) -> None:
    with pytest.raises(Reverted, match="PartyAFacet: Liquidator can't be partyA"):
        await send_quote(world, sender=world.liquidator)


async def test_a_lock_reserves_the_hedgers_margin_and_changes_no_nonce(world: World) -> None:
    quote_id = await sent(world)
    assert await lock(world, quote_id) == [("LockQuote", world.hedger, quote_id)]
    quote = await world.quote(quote_id)
    assert (quote["quoteStatus"], quote["partyB"]) == (QuoteStatus.LOCKED, world.hedger)
    assert await pending_b(world) == LOCKED
    assert await world.nonces() == (0, 0)
    assert await world.read("getPartyBPendingQuotes", world.hedger, world.trader) == (quote_id,)


@pytest.mark.parametrize(
    ("upnl", "reason"),
    [
        (-20_000 * WAD - 1, "PartyBFacet: Available balance is lower than zero"),
        (-(20_000 * WAD - TOTAL_B) - 1, "PartyBFacet: insufficient available balance"),
    ],
)
async def test_a_lock_needs_the_whole_margin_available(world: World, upnl: int, reason: str) -> None:
    quote_id = await sent(world)
    with pytest.raises(Reverted, match=reason):
        await lock(world, quote_id, upnl=upnl)


async def test_a_locked_quote_is_lost_for_a_rival(world: World) -> None:
    quote_id = await locked(world)
    with pytest.raises(Reverted, match="PartyBFacet: Invalid state"):
        await lock(world, quote_id, by=world.rival)


async def test_a_rival_off_the_whitelist_cannot_lock(world: World) -> None:
    quote_id = await sent(world, whitelist=[world.hedger])
    with pytest.raises(Reverted, match="PartyBFacet: Sender isn't whitelisted"):
        await lock(world, quote_id, by=world.rival)


async def test_a_hedger_may_send_quotes_but_not_lock_its_own(world: World) -> None:
    await world.call(world.rival, "allocate", 1_000 * WAD)
    await world.call(world.rival, "allocateForPartyB", 1_000 * WAD, world.rival)
    quote_id = await sent(world, sender=world.rival)
    with pytest.raises(Reverted, match="PartyBFacet: PartyA can't be partyB too"):
        await lock(world, quote_id, by=world.rival)


async def test_only_a_hedger_locks(world: World) -> None:
    quote_id = await sent(world)
    with pytest.raises(Reverted, match="Accessibility: Should be partyB"):
        await lock(world, quote_id, by=world.friend)


async def test_an_expired_quote_cannot_be_locked(world: World) -> None:
    quote_id = await sent(world)
    await world.chain.advance(DAY + 1)
    with pytest.raises(Reverted, match="PartyBFacet: Quote is expired"):
        await lock(world, quote_id)


async def test_an_unlocked_quote_is_pending_again(world: World) -> None:
    quote_id = await locked(world)
    events = await world.call(world.hedger, "unlockQuote", quote_id)
    assert events == [("UnlockQuote", world.hedger, quote_id, QuoteStatus.PENDING)]
    quote = await world.quote(quote_id)
    assert (quote["quoteStatus"], quote["partyB"]) == (QuoteStatus.PENDING, NOBODY)
    assert await pending_b(world) == (0, 0, 0, 0)
    assert await pending_a(world) == LOCKED


async def test_unlocking_after_the_deadline_expires_the_quote_without_the_legacy_event(world: World) -> None:
    quote_id = await locked(world)
    await world.chain.advance(DAY + 1)
    assert await world.call(world.hedger, "unlockQuote", quote_id) == [
        change_a(world.trader, FEE, FEE_IN),
        ("ExpireQuoteOpen", QuoteStatus.EXPIRED, quote_id),
    ]
    assert await allocated(world) == ALLOCATED_A
    assert (await pending_a(world), await pending_b(world)) == ((0,) * 4, (0,) * 4)


async def test_a_pending_quote_is_cancelled_at_once(world: World) -> None:
    quote_id = await sent(world)
    assert await world.call(world.trader, "requestToCancelQuote", quote_id) == [
        change_a(world.trader, FEE, FEE_IN),
        ("RequestToCancelQuote", world.trader, NOBODY, QuoteStatus.CANCELED, quote_id),
    ]
    assert (await allocated(world), await pending_a(world)) == (ALLOCATED_A, (0,) * 4)
    assert (await world.quote(quote_id))["lockedValues"] == LOCKED


async def test_the_cancel_of_a_locked_quote_waits_for_the_hedger(world: World) -> None:
    quote_id = await locked(world)
    assert await world.call(world.trader, "requestToCancelQuote", quote_id) == [
        ("RequestToCancelQuote", world.trader, world.hedger, QuoteStatus.CANCEL_PENDING, quote_id)
    ]
    with pytest.raises(Reverted, match="PartyBFacet: Invalid state"):
        await world.call(world.hedger, "unlockQuote", quote_id)
    assert await world.call(world.hedger, "acceptCancelRequest", quote_id) == [
        change_a(world.trader, FEE, FEE_IN),
        ("AcceptCancelRequest", quote_id, QuoteStatus.CANCELED),
    ]
    assert (await pending_a(world), await pending_b(world)) == ((0,) * 4, (0,) * 4)
    assert (await world.quote(quote_id))["partyB"] == world.hedger


async def test_a_cancel_after_the_deadline_expires_the_quote(world: World) -> None:
    quote_id = await locked(world)
    await world.chain.advance(DAY + 1)
    assert await world.call(world.trader, "requestToCancelQuote", quote_id) == [
        change_a(world.trader, FEE, FEE_IN),
        ("ExpireQuoteOpen", QuoteStatus.EXPIRED, quote_id),
        ("ExpireQuote", QuoteStatus.EXPIRED, quote_id),
    ]


async def test_anyone_forces_a_cancel_after_the_cooldown(world: World) -> None:
    quote_id = await locked(world)
    await world.call(world.trader, "requestToCancelQuote", quote_id)
    with pytest.raises(Reverted, match="PartyAFacet: Cooldown not reached"):
        await world.call(world.friend, "forceCancelQuote", quote_id)
    await world.chain.advance(301)
    assert await world.call(world.friend, "forceCancelQuote", quote_id) == [
        change_a(world.trader, FEE, FEE_IN),
        ("ForceCancelQuote", quote_id, QuoteStatus.CANCELED),
    ]
    with pytest.raises(Reverted, match="PartyAFacet: Invalid state"):
        await world.call(world.friend, "forceCancelQuote", quote_id)


async def test_anyone_expires_quotes_after_their_deadline(world: World) -> None:
    first, second = await sent(world), await locked(world)
    with pytest.raises(Reverted, match="LibQuote: Quote isn't expired"):
        await world.call(world.friend, "expireQuote", [first, second])
    await world.chain.advance(DAY + 60)
    assert await world.call(world.friend, "expireQuote", [first, second]) == [
        change_a(world.trader, FEE, FEE_IN),
        ("ExpireQuoteOpen", QuoteStatus.EXPIRED, first),
        ("ExpireQuote", QuoteStatus.EXPIRED, first),
        change_a(world.trader, FEE, FEE_IN),
        ("ExpireQuoteOpen", QuoteStatus.EXPIRED, second),
        ("ExpireQuote", QuoteStatus.EXPIRED, second),
    ]
    with pytest.raises(Reverted, match="LibQuote: Invalid state"):
        await world.call(world.friend, "expireQuote", [first])


async def test_an_open_scales_the_margin_pays_the_collector_and_raises_both_nonces(world: World) -> None:
    quote_id = await locked(world)
    price = PRICE - 7 * WAD
    collector = world.deployment.fee_collector
    assert await open_position(world, quote_id, price=price) == [
        ("OpenPosition", quote_id, world.trader, world.hedger, QUANTITY, price)
    ]
    scaled = tuple(value * price // PRICE for value in LOCKED)
    quote = await world.quote(quote_id)
    assert quote["openedPrice"] == quote["initialOpenedPrice"] == price
    assert (quote["lockedValues"], quote["initialLockedValues"]) == (scaled, LOCKED)
    assert quote["quoteStatus"] == QuoteStatus.OPENED
    assert await world.nonces() == (1, 1)
    assert await world.read("balanceOf", collector) == FEE
    assert (await world.read("balanceInfoOfPartyA", world.trader))[1:] == (*scaled, 0, 0, 0, 0)
    assert (await world.read("balanceInfoOfPartyB", world.hedger, world.trader))[1:] == (*scaled, 0, 0, 0, 0)
    assert await world.read("getPartyAPendingQuotes", world.trader) == ()


async def test_a_partial_open_leaves_a_child_that_is_an_intent_like_any_other(world: World) -> None:
    quote_id = await locked(world, whitelist=[world.hedger, world.rival])
    parent = await world.quote(quote_id)
    filled = QUANTITY // 3
    part = tuple(value * filled // QUANTITY for value in LOCKED)
    rest = tuple(value - used for value, used in zip(LOCKED, part, strict=True))
    events = await open_position(world, quote_id, filled)
    whitelist = (world.hedger, world.rival)
    assert events == [
        ("OpenPosition", quote_id, world.trader, world.hedger, filled, PRICE),
        (
            *("SendQuote", world.trader, 2, whitelist, BTC, LONG, LIMIT, PRICE, PRICE, QUANTITY - filled),
            *(*rest, RATE, parent["deadline"]),
        ),
    ]
    child = await world.quote(2)
    assert (child["parentId"], child["quantity"], child["partyB"]) == (quote_id, QUANTITY - filled, NOBODY)
    assert child["lockedValues"] == child["initialLockedValues"] == rest
    assert child["createTimestamp"] == parent["createTimestamp"]
    position = await world.quote(quote_id)
    assert (position["quantity"], position["lockedValues"]) == (filled, part)
    assert position["initialLockedValues"] == LOCKED
    assert (await pending_a(world), await pending_b(world)) == (rest, (0,) * 4)
    assert await world.read("getPartyAPendingQuotes", world.trader) == (2,)
    assert await world.read("quoteIdsOf", world.trader, 0, 9) == (quote_id, 2)
    assert await world.read("balanceOf", world.deployment.fee_collector) == filled * PRICE * RATE // 10**36
    assert await lock(world, 2, by=world.rival) == [("LockQuote", world.rival, 2)]


async def test_the_child_of_a_cancelled_parent_is_born_cancelled_without_a_send_quote(world: World) -> None:
    quote_id = await locked(world)
    await world.call(world.trader, "requestToCancelQuote", quote_id)
    filled = QUANTITY - 10**15  # the rest is worth less than the minimum, which does not matter when it is cancelled
    refund = 10**15 * PRICE * RATE // 10**36
    assert await open_position(world, quote_id, filled) == [
        change_a(world.trader, refund, FEE_IN),
        ("OpenPosition", quote_id, world.trader, world.hedger, filled, PRICE),
        ("AcceptCancelRequest", 2, QuoteStatus.CANCELED),
    ]
    child = await world.quote(2)
    assert (child["quoteStatus"], child["parentId"], child["quantity"]) == (QuoteStatus.CANCELED, quote_id, 10**15)
    assert (await pending_a(world), await pending_b(world)) == ((0,) * 4, (0,) * 4)
    assert await allocated(world) == ALLOCATED_A - FEE + refund


async def test_lock_and_open_is_one_transaction(world: World) -> None:
    quote_id = await sent(world, side=SHORT, kind=MARKET)
    lock_signature = await world.upnl_b(world.hedger, world.trader)
    open_signature = await world.pair(world.hedger, world.trader)
    values = (quote_id, QUANTITY, PRICE, lock_signature, open_signature)
    assert await world.call(world.hedger, "lockAndOpenQuote", *values) == [
        ("LockQuote", world.hedger, quote_id),
        ("OpenPosition", quote_id, world.trader, world.hedger, QUANTITY, PRICE),
    ]
    assert await world.nonces() == (1, 1)
    assert await world.status(quote_id) == QuoteStatus.OPENED


@pytest.mark.parametrize(
    ("terms", "filled", "price", "reason"),
    [
        ({}, 0, PRICE, "PartyBFacet: Invalid filledAmount"),
        ({}, QUANTITY + 1, PRICE, "PartyBFacet: Invalid filledAmount"),
        ({"kind": MARKET}, QUANTITY - 1, PRICE, "PartyBFacet: Invalid filledAmount"),
        ({}, QUANTITY, PRICE + 1, "PartyBFacet: Opened price isn't valid"),
        ({"side": SHORT}, QUANTITY, PRICE - 1, "PartyBFacet: Opened price isn't valid"),
        ({}, QUANTITY // 50, PRICE, "PartyBFacet: Quote value is low"),
        ({}, QUANTITY * 49 // 50, PRICE, "PartyBFacet: Quote value is low"),
        ({"quantity": QUANTITY * 3}, QUANTITY * 3, PRICE, "PartyBFacet: Leverage is high"),
    ],
)
async def test_an_open_out_of_bounds_is_refused(
    world: World, terms: dict[str, object], filled: int, price: int, reason: str
) -> None:
    quote_id = await locked(world, **terms)
    with pytest.raises(Reverted, match=f"^{reason}$"):
        await open_position(world, quote_id, filled, price)


async def test_an_open_checks_who_is_suspended_and_what_is_in_emergency(world: World) -> None:
    quote_id = await locked(world)
    for prepare, undo, reason in (
        (("suspendedAddress", world.trader), ("unsuspendedAddress", world.trader), "PartyA is suspended"),
        (("suspendedAddress", world.hedger), ("unsuspendedAddress", world.hedger), "Sender is Suspended"),
        (
            ("setPartyBEmergencyStatus", [world.hedger], True),
            ("setPartyBEmergencyStatus", [world.hedger], False),
            "PartyB is in emergency mode",
        ),
        (("activeEmergencyMode",), ("deactiveEmergencyMode",), "System is in emergency mode"),
        (
            ("setSymbolValidationState", BTC, False),
            ("setSymbolValidationState", BTC, True),
            "Symbol is not valid",
        ),
    ):
        await world.call(world.admin, *prepare)
        with pytest.raises(Reverted, match=f"PartyBFacet: {reason}"):
            await open_position(world, quote_id)
        await world.call(world.admin, *undo)
    assert await open_position(world, quote_id)


async def test_only_the_hedger_that_locked_opens(world: World) -> None:
    quote_id = await sent(world)
    await lock(world, quote_id, by=world.rival)
    with pytest.raises(Reverted, match="Accessibility: Should be partyB of quote"):
        await open_position(world, quote_id)


async def test_an_open_after_the_deadline_or_twice_is_refused(world: World) -> None:
    quote_id = await opened(world)
    with pytest.raises(Reverted, match="PartyBFacet: Invalid state"):
        await open_position(world, quote_id)
    late = await locked(world)
    await world.chain.advance(DAY + 1)
    with pytest.raises(Reverted, match="PartyBFacet: Quote is expired"):
        await open_position(world, late)


@pytest.mark.parametrize(("side", "price", "short_by"), [(LONG, PRICE, 1), (LONG, PRICE, 0), (SHORT, PRICE, 1)])
async def test_both_sides_must_be_solvent_after_an_open(world: World, side: int, price: int, short_by: int) -> None:
    """The opened price gives the market's difference away: a long above the market costs the trader."""
    quote_id = await locked(world, side=side)
    market = PRICE - 10 * WAD if side == LONG else PRICE + 10 * WAD
    difference = QUANTITY * 10 * WAD // WAD
    free = ALLOCATED_A - FEE - LOCKED[0] - LOCKED[1]
    upnl = -(free - difference) - short_by
    if short_by:
        with pytest.raises(Reverted, match="LibSolvency: Available balance is lower than zero"):
            await open_position(world, quote_id, price=price, market_price=market, upnl_a=upnl)
    else:
        await open_position(world, quote_id, price=price, market_price=market, upnl_a=upnl)
