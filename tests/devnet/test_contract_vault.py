"""The reserve vault: anyone fills a hedger's, the hedger alone empties it."""

import pytest
from contract_world import ALLOCATED_B, UNIT, WAD, Reverted, World

FREE = 500_000 * UNIT * (WAD // UNIT) - ALLOCATED_B


async def test_anyone_fills_the_vault_of_a_hedger_from_free_money(world: World) -> None:
    assert await world.call(world.rival, "depositToReserveVault", 9 * WAD, world.hedger) == [
        ("DepositToReserveVault", world.rival, world.hedger, 9 * WAD)
    ]
    assert await world.read("balanceOf", world.rival) == FREE - 9 * WAD
    assert await world.read("balanceOfReserveVault", world.hedger) == 9 * WAD
    assert await world.read("balanceOfReserveVault", world.rival) == 0


async def test_the_hedger_takes_back_from_its_vault_and_waits_to_withdraw(world: World) -> None:
    await world.call(world.hedger, "depositToReserveVault", 9 * WAD, world.hedger)
    assert await world.call(world.hedger, "withdrawFromReserveVault", 4 * WAD) == [
        ("WithdrawFromReserveVault", world.hedger, 4 * WAD)
    ]
    assert await world.read("balanceOf", world.hedger) == FREE - 5 * WAD
    assert await world.read("balanceOfReserveVault", world.hedger) == 5 * WAD
    assert await world.read("withdrawCooldownOf", world.hedger) == await world.now()
    with pytest.raises(Reverted, match="AccountFacet: Cooldown hasn't reached"):
        await world.call(world.hedger, "withdraw", UNIT)


async def test_a_vault_takes_only_what_is_free_and_only_for_hedgers(world: World) -> None:
    with pytest.raises(Reverted, match="AccountFacet: Insufficient balance"):
        await world.call(world.hedger, "depositToReserveVault", FREE + 1, world.trader)
    with pytest.raises(Reverted, match="AccountFacet: Should be partyB"):
        await world.call(world.hedger, "depositToReserveVault", WAD, world.trader)
    await world.call(world.admin, "suspendedAddress", world.rival)
    with pytest.raises(Reverted, match="Accessibility: Sender is Suspended"):
        await world.call(world.rival, "depositToReserveVault", WAD, world.hedger)


@pytest.mark.parametrize("amount", [0, 9 * WAD + 1])
async def test_a_vault_gives_neither_nothing_nor_more_than_it_has(world: World, amount: int) -> None:
    await world.call(world.hedger, "depositToReserveVault", 9 * WAD, world.hedger)
    with pytest.raises(Reverted, match="AccountFacet: Insufficient balance"):
        await world.call(world.hedger, "withdrawFromReserveVault", amount)


async def test_vaults_rest_while_the_actions_of_hedgers_are_paused(world: World) -> None:
    await world.call(world.admin, "pausePartyBActions")
    with pytest.raises(Reverted, match="Pausable: PartyB actions paused"):
        await world.call(world.hedger, "depositToReserveVault", WAD, world.hedger)
    with pytest.raises(Reverted, match="Pausable: PartyB actions paused"):
        await world.call(world.hedger, "withdrawFromReserveVault", WAD)
