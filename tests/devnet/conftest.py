"""A chain with the local contracts for the whole run; each test starts from the same state of it."""

from collections.abc import AsyncIterator

import pytest
from contract_world import ALLOCATED_A, ALLOCATED_B, UNIT, WAD, World
from eth_utils.crypto import keccak

from devnet.chain import Anvil
from devnet.compiler import Artifacts, compile_contracts
from devnet.contract_abi import Function
from devnet.deployment import MuonIdentity, deploy
from devnet.signing import DEV_APP_ID, DEV_GATEWAY_KEY, DEV_SCHNORR_KEY, MuonSigner

FUNDS = 1_000_000 * UNIT
MINT = Function("mint", ("address", "uint256"))
APPROVE = Function("approve", ("address", "uint256"))


@pytest.fixture(scope="session")
async def contract_artifacts() -> Artifacts:
    return await compile_contracts()


@pytest.fixture(scope="session")
async def funded_world(contract_artifacts: Artifacts) -> AsyncIterator[World]:
    """Contracts deployed, two plain-key hedgers registered, all accounts funded, hedger and trader allocated."""
    signer = MuonSigner(DEV_SCHNORR_KEY, DEV_GATEWAY_KEY, DEV_APP_ID)
    muon = MuonIdentity(signer.app_id, signer.public_key_x, signer.parity, signer.gateway_address)
    async with Anvil() as chain:
        admin, operator, hedger, rival, trader, friend, liquidator = (
            account.address.lower() for account in chain.accounts[:7]
        )
        deployment = await deploy(
            chain,
            artifacts=contract_artifacts,
            muon=muon,
            party_b_operators=[operator],
            party_b_keys=[hedger, rival],
        )
        world = World(chain, deployment, signer, admin, operator, hedger, rival, trader, friend, liquidator)
        for user in (hedger, rival, trader, friend):
            await world.send(user, deployment.collateral, MINT.calldata(user, FUNDS))
            await world.send(user, deployment.collateral, APPROVE.calldata(deployment.diamond, 2**256 - 1))
            await world.call(user, "deposit", FUNDS // 2)
        await world.call(trader, "allocate", ALLOCATED_A)
        for party_b in (hedger, rival):
            await world.call(party_b, "allocateForPartyB", ALLOCATED_B, trader)
        await world.call(admin, "grantRole", liquidator, keccak(text="LIQUIDATOR_ROLE"))
        assert await world.read("balanceOf", trader) == FUNDS // 2 * (WAD // UNIT) - ALLOCATED_A
        yield world


@pytest.fixture
async def world(funded_world: World) -> AsyncIterator[World]:
    """The funded world; what the test does to it is undone."""
    snapshot = await funded_world.chain.snapshot()
    yield funded_world
    await funded_world.chain.revert(snapshot)
    await funded_world.chain.mine()
