"""Money in, out and between the buckets: units, twins in order, cooldowns and refusals."""

import pytest
from contract_moves import locked
from contract_world import (
    ALLOCATED_A,
    ALLOCATED_B,
    TOTAL_B,
    UNIT,
    WAD,
    BalanceChangeType,
    Reverted,
    World,
    change_a,
    change_b,
    twice,
)

IN, OUT = BalanceChangeType.ALLOCATE, BalanceChangeType.DEALLOCATE
FREE = 500_000 * WAD


async def test_a_deposit_is_told_in_token_decimals_and_credited_with_eighteen(world: World) -> None:
    assert await world.call(world.friend, "deposit", 7 * UNIT) == [("Deposit", world.friend, world.friend, 7 * UNIT)]
    assert await world.call(world.friend, "depositFor", world.operator, 5) == [
        ("Deposit", world.friend, world.operator, 5)
    ]
    assert await world.read("balanceOf", world.friend) == FREE + 7 * WAD
    assert await world.read("balanceOf", world.operator) == 5 * 10**12


async def test_a_deposit_needs_the_allowance(world: World) -> None:
    with pytest.raises(Reverted, match="ERC20: insufficient allowance"):
        await world.call(world.operator, "deposit", 1)


async def test_a_withdrawal_goes_to_the_named_user(world: World) -> None:
    assert await world.call(world.friend, "withdraw", 3) == [("Withdraw", world.friend, world.friend, 3)]
    assert await world.call(world.friend, "withdrawTo", world.operator, 4) == [
        ("Withdraw", world.friend, world.operator, 4)
    ]
    assert await world.read("balanceOf", world.friend) == FREE - 7 * 10**12
    with pytest.raises(Reverted, match=r"0x11|overflow"):
        await world.call(world.friend, "withdraw", 500_001 * UNIT)


async def test_an_allocation_is_told_twice_and_then_as_a_balance_change(world: World) -> None:
    new, legacy = ("AllocatePartyA", world.friend, WAD, WAD), ("AllocatePartyA", world.friend, WAD)
    assert await world.call(world.friend, "allocate", WAD) == [new, legacy, change_a(world.friend, WAD, IN)]
    events = await world.call(world.friend, "depositAndAllocate", UNIT)
    assert events == [
        ("Deposit", world.friend, world.friend, UNIT),
        *twice("AllocatePartyA", world.friend, WAD, 2 * WAD),
        change_a(world.friend, WAD, IN),
    ]


async def test_an_allocation_keeps_to_balance_and_limit(world: World) -> None:
    with pytest.raises(Reverted, match="AccountFacet: Insufficient balance"):
        await world.call(world.friend, "allocate", FREE + 1)
    await world.call(world.admin, "setBalanceLimitPerUser", WAD)
    with pytest.raises(Reverted, match="AccountFacet: Allocated balance limit reached"):
        await world.call(world.friend, "allocate", WAD + 1)


async def test_a_trader_takes_money_out_of_its_allocation_and_waits_before_it_withdraws(world: World) -> None:
    signature = await world.upnl_a(world.trader)
    assert await world.call(world.trader, "deallocate", WAD, signature) == [
        *twice("DeallocatePartyA", world.trader, WAD, ALLOCATED_A - WAD),
        change_a(world.trader, WAD, OUT),
    ]
    assert await world.read("withdrawCooldownOf", world.trader) == await world.now()
    with pytest.raises(Reverted, match="AccountFacet: Too many deallocate in a short window"):
        await world.call(world.trader, "deallocate", WAD, signature)
    with pytest.raises(Reverted, match="AccountFacet: Cooldown hasn't reached"):
        await world.call(world.trader, "withdraw", 1)
    await world.chain.advance(120)
    await world.call(world.trader, "withdraw", 1)


@pytest.mark.parametrize(
    ("amount", "upnl", "reason"),
    [
        (ALLOCATED_A + 1, 0, "AccountFacet: Insufficient allocated balance"),
        (1, -ALLOCATED_A - 1, "AccountFacet: Available balance is lower than zero"),
        (2, -ALLOCATED_A + 1, "AccountFacet: Will be liquidatable"),
    ],
)
async def test_a_trader_cannot_take_out_what_it_may_lose(world: World, amount: int, upnl: int, reason: str) -> None:
    signature = await world.upnl_a(world.trader, upnl)
    with pytest.raises(Reverted, match=reason):
        await world.call(world.trader, "deallocate", amount, signature)


async def test_a_hedgers_allocation_belongs_to_one_trader(world: World) -> None:
    assert await world.call(world.hedger, "allocateForPartyB", WAD, world.friend) == [
        *twice("AllocateForPartyB", world.hedger, world.friend, WAD, WAD),
        change_b(world.hedger, world.friend, WAD, IN),
    ]
    both = await world.read("allocatedBalanceOfPartyBs", world.friend, [world.hedger, world.rival])
    assert both == (WAD, 0)
    assert await world.read("allocatedBalanceOfPartyB", world.hedger, world.trader) == ALLOCATED_B
    with pytest.raises(Reverted, match="AccountFacet: Insufficient balance"):
        await world.call(world.hedger, "allocateForPartyB", FREE, world.friend)
    with pytest.raises(Reverted, match="Accessibility: Should be partyB"):
        await world.call(world.friend, "allocateForPartyB", 1, world.trader)


async def test_a_hedger_takes_back_what_is_not_locked(world: World) -> None:
    await locked(world)
    signature = await world.upnl_b(world.hedger, world.trader)
    spare = ALLOCATED_B - TOTAL_B
    with pytest.raises(Reverted, match="AccountFacet: Will be liquidatable"):
        await world.call(world.hedger, "deallocateForPartyB", spare + 1, world.trader, signature)
    assert await world.call(world.hedger, "deallocateForPartyB", spare, world.trader, signature) == [
        *twice("DeallocateForPartyB", world.hedger, world.trader, spare, TOTAL_B),
        change_b(world.hedger, world.trader, spare, OUT),
    ]
    assert await world.read("withdrawCooldownOf", world.hedger) == await world.now()
    assert await world.nonces() == (0, 0)


@pytest.mark.parametrize(
    ("amount", "upnl", "reason"),
    [
        (ALLOCATED_B + 1, 0, "AccountFacet: Insufficient allocated balance"),
        (1, -ALLOCATED_B - 1, "AccountFacet: Available balance is lower than zero"),
    ],
)
async def test_a_hedger_cannot_take_back_more_than_it_has(world: World, amount: int, upnl: int, reason: str) -> None:
    signature = await world.upnl_b(world.hedger, world.trader, upnl)
    with pytest.raises(Reverted, match=reason):
        await world.call(world.hedger, "deallocateForPartyB", amount, world.trader, signature)


async def test_an_allocation_moves_from_one_trader_to_another(world: World) -> None:
    signature = await world.upnl_b(world.hedger, world.trader)
    left = ALLOCATED_B - WAD
    values = (WAD, world.trader, world.friend, signature)
    assert await world.call(world.hedger, "transferAllocation", *values) == [
        ("TransferAllocation", WAD, world.trader, left, world.friend, WAD),
        ("TransferAllocation", WAD, world.trader, world.friend),
        change_b(world.hedger, world.trader, WAD, OUT),
        change_b(world.hedger, world.friend, WAD, IN),
    ]
    assert await world.read("withdrawCooldownOf", world.hedger) == 0


@pytest.mark.parametrize(
    ("amount", "upnl", "reason"),
    [
        (ALLOCATED_B + 1, 0, "PartyBFacet: Insufficient locked balance"),
        (1, -ALLOCATED_B - 1, "PartyBFacet: Available balance is lower than zero"),
        (2, 1 - ALLOCATED_B, "PartyBFacet: Will be liquidatable"),
    ],
)
async def test_an_allocation_needed_where_it_is_stays(world: World, amount: int, upnl: int, reason: str) -> None:
    signature = await world.upnl_b(world.hedger, world.trader, upnl)
    with pytest.raises(Reverted, match=reason):
        await world.call(world.hedger, "transferAllocation", amount, world.trader, world.friend, signature)


async def test_an_internal_transfer_pays_a_trader_without_moving_tokens(world: World) -> None:
    amount = 3 * WAD + 1
    assert await world.call(world.hedger, "internalTransfer", world.friend, amount) == [
        ("InternalTransfer", world.hedger, world.friend, amount, amount),
        ("Withdraw", world.hedger, world.friend, 3 * UNIT),
        *twice("AllocatePartyA", world.friend, amount, amount),
        change_a(world.friend, amount, IN),
    ]
    with pytest.raises(Reverted, match="Accessibility: Shouldn't be partyB"):
        await world.call(world.trader, "internalTransfer", world.hedger, 1)


@pytest.mark.parametrize(
    ("pause", "reason"),
    [
        ("pauseGlobal", "Pausable: Global paused"),
        ("pauseAccounting", "Pausable: Accounting paused"),
    ],
)
async def test_paused_accounting_stops_deposits(world: World, pause: str, reason: str) -> None:
    await world.call(world.admin, pause)
    with pytest.raises(Reverted, match=reason):
        await world.call(world.friend, "deposit", 1)


async def test_each_part_of_the_system_pauses_by_itself(world: World) -> None:
    for pause, undo, caller, call, reason in (
        ("pausePartyBActions", "unpausePartyBActions", world.hedger, ("unlockQuote", 1), "PartyB actions paused"),
        ("pausePartyAActions", "unpausePartyAActions", world.trader, ("expireQuote", [1]), "PartyA actions paused"),
        (
            "pauseInternalTransfer",
            "unpauseInternalTransfer",
            world.friend,
            ("internalTransfer", world.trader, 1),
            "Internal transfer paused",
        ),
    ):
        await world.call(world.admin, pause)
        with pytest.raises(Reverted, match=f"Pausable: {reason}"):
            await world.call(caller, *call)
        await world.call(world.admin, undo)
    assert not any(await world.read("pauseState"))


async def test_a_suspended_user_keeps_its_money_inside(world: World) -> None:
    await world.call(world.admin, "suspendedAddress", world.friend)
    assert await world.read("isSuspended", world.friend)
    with pytest.raises(Reverted, match="Accessibility: Sender is Suspended"):
        await world.call(world.friend, "withdraw", 1)
