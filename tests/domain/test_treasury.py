"""The treasury is what the contract's facts make of the opening state, whatever leaves the chain or is told twice."""

from random import Random

import msgspec

from hedger.domain import chain_facts as facts
from hedger.domain.events import ChainFact, ChainSource
from hedger.domain.feed import BlocksOrphaned, BlocksReadopted
from hedger.domain.money import WAD
from hedger.domain.treasury import Treasury, TreasuryOpened
from tests.domain.given import OTHER, TRADER, US, wad

USDC = 10**6


def source(block: int, index: int = 0) -> ChainSource:
    return ChainSource(
        chain_id=31337,
        block_number=block,
        block_hash=f"0xb{block}",
        block_timestamp=1_700_000_000 + block,
        transaction_hash=f"0xt{block}",
        log_index=index,
    )


def opened(block: int = 100) -> TreasuryOpened:
    return TreasuryOpened(
        chain_id=31337,
        diamond="0xd",
        party_b=US,
        block_number=block,
        block_hash=f"0xb{block}",
        block_timestamp=1_700_000_000 + block,
        collateral_decimals=6,
        free=wad(1_000),
        vault=wad(50),
        deallocated_at=7,
        allocations={},
        quotes=(),
    )


def deposited(block: int, amount: int = 10 * USDC) -> facts.Deposited:
    return facts.Deposited(source=source(block), holder=US, sender=OTHER, token_amount=amount)


def allocated(block: int, amount: str = "300") -> facts.FreeAllocated:
    return facts.FreeAllocated(source=source(block), holder=US, party_a=TRADER, amount=wad(amount))


def given(*events: object) -> Treasury:
    treasury = Treasury(id=Treasury.create_id(31337, "0xd", US))
    treasury.advance(events)  # type: ignore[arg-type]
    return treasury


def test_every_movement_counts_from_the_opening_state_on() -> None:
    treasury = given(
        opened(),
        deposited(101),
        allocated(102),
        facts.FreeDeallocated(source=source(103), holder=US, party_a=TRADER, amount=wad(40)),
        facts.VaultFilled(source=source(104), holder=US, sender=US, amount=wad(100)),
        facts.VaultUsed(source=source(105), holder=US, party_a=TRADER, amount=wad(3)),
        facts.FreeGiven(source=source(106), holder=US, receiver=TRADER, amount=wad(2)),
        facts.Withdrawn(source=source(107), holder=US, receiver=OTHER, token_amount=5 * USDC),
    )
    assert treasury.free == wad(1_000 + 10 - 300 + 40 - 100 - 2 - 5)
    assert treasury.vault == wad(50 + 100 - 3)
    assert treasury.deallocated_at == 1_700_000_103


def test_what_the_opening_state_holds_already_is_not_counted_again() -> None:
    assert given(opened(100), deposited(99), allocated(100)).free == wad(1_000)


def test_somebody_elses_gift_to_the_vault_costs_nothing_of_ours() -> None:
    treasury = given(opened(), facts.VaultFilled(source=source(101), holder=US, sender=OTHER, amount=wad(4)))
    assert (treasury.free, treasury.vault) == (wad(1_000), wad(54))


def test_a_fact_told_twice_is_recorded_once() -> None:
    treasury = given(opened(), deposited(101))
    assert treasury.news([deposited(101), deposited(102)]) == [deposited(102)]


def test_what_stood_in_an_orphaned_block_does_not_count_until_the_chain_returns_to_it() -> None:
    gone = BlocksOrphaned(chain_id=31337, block_hashes=("0xb102",), common_ancestor=101)
    treasury = given(opened(), deposited(101), allocated(102))
    assert treasury.is_touched_by(gone)
    treasury.advance([gone])
    assert treasury.free == wad(1_010)
    (back,) = treasury.news([allocated(102)])
    assert isinstance(back, BlocksReadopted)
    treasury.advance([back])
    assert treasury.free == wad(710)


def test_long_final_facts_stay_in_the_sums_and_leave_the_state() -> None:
    random = Random(4)
    told: list[ChainFact] = []
    for block in range(101, 40_000, 37):
        told.append(deposited(block, random.randrange(10**9)) if random.random() < 0.5 else allocated(block))
    treasury = given(opened(), *told)
    sums = sum(fact.token_amount * WAD // USDC if isinstance(fact, facts.Deposited) else -wad(300) for fact in told)
    assert treasury.free == wad(1_000) + sums
    assert len(treasury.history) < 200
    assert treasury.news(told) == []
    assert len(msgspec.json.encode(treasury.history)) < 100_000
