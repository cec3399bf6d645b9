"""Every revert that PartyB can meet is met on the real contracts, by plain key and through the proxy that hides
reasons, and found out both before sending and after mining.
"""

import re
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import reverts_of_access
import reverts_of_money
import reverts_of_quotes
from contract_world import ALLOCATED_B, World
from reverts_listed import LISTED, UNMET
from reverts_stage import CASES, Case, Stage

from hedger.adapters.chain.rpc import RpcError, RpcPool
from hedger.application.sending.chain import Chain
from hedger.domain.reverts import RevertAction, action_for, known_reasons

ROOMS = (reverts_of_access, reverts_of_money, reverts_of_quotes)  # each registers its cases
PAGE = Path(__file__).parents[2] / "docs" / "reverts.md"
# A plain key, the proxy, and the proxy with a node that simulates no batches.
SIDES = [
    (case, side)
    for case in CASES
    for side in (("blind",) if case.blind else ("proxy",) if case.proxy_only else ("key", "proxy", "blind"))
]


class BlindPool(RpcPool):
    """A node that simulates no batches."""

    async def call(self, method: str, params: Sequence[Any] = ()) -> Any:
        if method == "eth_simulateV1":
            raise RpcError(method, -32601, "Method not found")
        return await super().call(method, params)


@pytest.fixture(scope="module")
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


async def stage_of(world: World, session: aiohttp.ClientSession, side: str) -> Stage:
    pool = (BlindPool if side == "blind" else RpcPool)([world.chain.rpc_url], session)
    if side == "key":
        return Stage(world, Chain(pool, diamond=world.diamond, party_b=world.hedger, operator=world.hedger))
    proxy = world.deployment.party_b.lower()
    # The node lets the test act as the proxy itself, for what happens before.
    await world.chain.request("anvil_impersonateAccount", proxy)
    await world.chain.request("anvil_setBalance", proxy, hex(10**20))
    await world.call(proxy, "allocateForPartyB", ALLOCATED_B, world.trader)
    chain = Chain(pool, diamond=world.diamond, party_b=proxy, operator=world.operator)
    return Stage(replace(world, hedger=proxy), chain)


@pytest.mark.parametrize(("case", "side"), SIDES, ids=[f"{case.reason}-{side}" for case, side in SIDES])
async def test_a_revert_is_found_out_before_sending_and_after_mining_and_has_its_answer(
    world: World, session: aiohttp.ClientSession, case: Case, side: str
) -> None:
    stage = await stage_of(world, session, side)
    calls = await case.provoke(stage)
    foreseen = await stage.estimated(calls)
    assert matches(case, foreseen.reason), foreseen.reason
    assert foreseen.action is dict(known_reasons())[case.reason]
    assert await stage.mined(calls) == foreseen.reason


def matches(case: Case, told: str) -> bool:
    return told.startswith(case.reason) if case.begins else told == case.reason


def test_every_text_the_protocol_lists_is_known_and_every_known_one_is_met_or_told_why_not() -> None:
    known, provoked = {text for text, _ in known_reasons()}, {case.reason for case in CASES}
    assert set(LISTED) <= known
    assert known == provoked | set(UNMET)
    assert provoked & set(UNMET) == set()
    assert len(CASES) == len(provoked)
    assert all(len(reason) > 20 for reason in UNMET.values())


@pytest.mark.parametrize(
    ("told", "action"),
    [
        ("AccessControl: account 0x12 is missing role 0x34", RevertAction.HALT),
        ("Panic 0x32", RevertAction.RECOMPUTE),
        ("ECDSA: invalid signature 's' value", RevertAction.HALT),
        ("AccountFacet: Insufficient balance", RevertAction.DEPOSIT),
        ("AccountFacet: Insufficient allocated balance", RevertAction.RECOMPUTE),
        ("PartyBFacet: Funding already paid for this window", RevertAction.STATE_MOVED),
        ("LibSolvency: PartyB will be liquidatable", RevertAction.SOLVENCY),
        ("a text of a version to come", RevertAction.WAIT),
    ],
)
def test_the_answer_is_that_of_the_longest_text_that_begins_what_was_told(told: str, action: RevertAction) -> None:
    assert action_for(told) is action


def test_the_page_tells_every_text_with_its_answer_and_how_it_is_met() -> None:
    rows = re.findall(r"^\| `([^`]+)` \|[^|]*\| `(\w+)` \| (.+) \|$", PAGE.read_text(), re.MULTILINE)
    assert {(text, action) for text, action, _ in rows} == {(text, str(action)) for text, action in known_reasons()}
    names = {case.reason: f"`{case.provoke.__name__}`" for case in CASES}
    assert {text: how for text, _, how in rows} == names | UNMET
