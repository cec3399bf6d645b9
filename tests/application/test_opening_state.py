"""The opening state is taken once, of both sides at rest; after it every movement is recorded once."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest
from deciding_world import CHAIN_ID, DIAMOND
from fake_venue import BTC, FakeVenue
from memory_log import MemoryLog

from hedger.adapters.chain.messages import BlockFacts, Reorganised, TreasuryFacts
from hedger.adapters.chain.rpc import RpcError
from hedger.adapters.chain.treasury_views import TreasuryRead
from hedger.adapters.chain.view_structs import QuoteView
from hedger.adapters.venue.port import Income, VenueUnavailable
from hedger.application.equity import EquityMeter
from hedger.application.ledger import Draft, Ledger
from hedger.application.opening_state import OpeningState
from hedger.application.treasury_keeping import TreasuryKeeper
from hedger.application.venue_income import IncomeMonitor
from hedger.domain import chain_facts as facts
from hedger.domain.feed import BlockRef, BlocksOrphaned
from hedger.domain.terms import BalanceChange
from hedger.domain.treasury import TreasuryOpened
from hedger.domain.venue_cash import FundingPaid, IncomeKind, VenueCashMoved, VenueCashOpened, VenuePosition
from tests.domain.given import TRADER, US, Chain, wad

HEAD = 500


@dataclass
class FakeContract:
    """Balances by block: 1000 at every one, deployed at `deployed_at`."""

    deployed_at: int = 0
    read_at: list[int] = field(default_factory=list)
    quotes: list[QuoteView] = field(default_factory=list)

    async def head(self) -> BlockRef:
        return _block(HEAD)

    async def treasury(self, party_b: str, block: BlockRef | int | None = None) -> TreasuryRead:
        number = HEAD if block is None else block.number if isinstance(block, BlockRef) else block
        if number < self.deployed_at:
            raise RpcError("eth_call", -32000, "there is no contract")
        self.read_at.append(number)
        return TreasuryRead(block=_block(number), free=wad(1_000), vault=wad(5), deallocated_at=3)

    async def collateral_decimals(self, block: BlockRef | int | None = None) -> int:
        return 6

    async def open_positions_of_party_b(self, party_b: str, block: BlockRef | int | None = None) -> list[QuoteView]:
        return self.quotes

    async def allocations(
        self, party_b: str, party_as: Sequence[str], block: BlockRef | int | None = None
    ) -> dict[str, int]:
        return dict.fromkeys(party_as, wad(7))

    async def symbols(self, block: BlockRef | int | None = None) -> list[object]:
        return []


@dataclass
class World:
    """A hedger's books on a log in memory, before anything was recorded."""

    contract: FakeContract = field(default_factory=FakeContract)
    venue: FakeVenue = field(default_factory=FakeVenue)
    log: MemoryLog = field(default_factory=MemoryLog)
    ledger: Ledger = field(init=False)

    def __post_init__(self) -> None:
        self.ledger = Ledger(self.log, chain_id=CHAIN_ID, diamond=DIAMOND, party_b=US)

    async def open(self, *, start_block: int = 0, party_as: Sequence[str] = ()) -> bool:
        opening = OpeningState(
            self.ledger, self.contract, self.contract, self.venue, symbol_of=lambda _: BTC, start_block=start_block
        )
        return await opening.take_once(party_as)

    def recorded(self, kind: type) -> list:  # type: ignore[type-arg]
        return [each.event for each in self.log.recorded if isinstance(each.event, kind)]


def _block(number: int) -> BlockRef:
    return BlockRef(number=number, hash=f"0x{number}", parent_hash="", timestamp=number)


def income(number: int, amount: str = "-1", *, kind: IncomeKind = IncomeKind.FUNDING, at_ms: int = 0) -> Income:
    return Income(
        kind=kind,
        name=kind.value,
        symbol=BTC,
        amount=wad(amount),
        asset="USDT",
        tran_id=str(number),
        trade_id="",
        at_ms=at_ms or number,
    )


# --- the opening state


async def test_a_log_without_facts_begins_behind_the_head_and_holds_both_sides_at_once() -> None:
    world = World()
    world.venue.movements = [income(1)]
    world.venue.valued = [VenuePosition(symbol=BTC, quantity=wad(1), mark=wad(100), unrealised=wad(2))]
    assert await world.open()
    chain, venue = (each.event for each in world.log.recorded)
    assert isinstance(chain, TreasuryOpened)
    assert isinstance(venue, VenueCashOpened)
    assert (chain.block_number, chain.free, chain.vault) == (HEAD - 12, wad(1_000), wad(5))
    assert (venue.wallet, venue.positions) == (world.venue.wallet, tuple(world.venue.valued))
    assert venue.counted == ("income:paper:funding:1",)


async def test_it_is_taken_once() -> None:
    world = World()
    await world.open()
    assert not await world.open()
    assert len(world.log.recorded) == 2


async def test_what_is_read_never_begins_behind_what_was_counted() -> None:
    world = World()
    await world.open(start_block=HEAD - 3)
    assert world.recorded(TreasuryOpened)[0].block_number == HEAD - 4


async def test_where_the_contract_is_younger_the_head_is_the_beginning() -> None:
    world = World(contract=FakeContract(deployed_at=HEAD - 2))
    await world.open()
    assert world.recorded(TreasuryOpened)[0].block_number == HEAD


async def test_a_log_that_has_facts_begins_at_the_head_with_the_accounts_it_knows() -> None:
    world = World()
    draft = Draft(await world.ledger.quote(7))
    draft.add([Chain().sent()])
    await world.ledger.save([draft], correlation_id="", causation_id="")
    await world.open(party_as=[TRADER])
    opened = world.recorded(TreasuryOpened)[0]
    assert (opened.block_number, opened.allocations) == (HEAD, {TRADER: wad(7)})


async def test_a_wallet_that_moves_while_it_is_read_is_read_again() -> None:
    world = World()
    world.venue = Restless(moves=2)
    await world.open()
    assert len(world.recorded(VenueCashOpened)[0].counted) == 2


async def test_a_wallet_that_never_rests_is_not_written_down() -> None:
    world = World()
    world.venue = Restless(moves=99)
    with pytest.raises(VenueUnavailable):
        await world.open()
    assert world.log.recorded == []


class Restless(FakeVenue):
    """Its wallet moves between each two questions, for a while."""

    def __init__(self, moves: int) -> None:
        super().__init__()
        self._left = moves

    async def income(self, since_ms: int) -> list[Income]:
        told = list(self.movements)
        if self._left:
            self._left -= 1
            self.movements.append(income(self._left + 1))
        return told


# --- movements of the wallet


async def test_a_movement_is_recorded_once_however_often_it_is_told() -> None:
    world = World()
    await world.open()
    world.venue.movements = [income(11, "-3"), income(12, "5", kind=IncomeKind.REALISED)]
    monitor = IncomeMonitor(world.venue, world.ledger)
    assert [await monitor.look(), await monitor.look()] == [2, 0]
    assert [paid.amount for paid in world.recorded(FundingPaid)] == [wad(-3)]
    assert [moved.kind for moved in world.recorded(VenueCashMoved)] == [IncomeKind.REALISED]
    assert (await world.ledger.venue_cash("paper")).wallet == world.venue.wallet + wad(2)


async def test_a_movement_that_is_told_late_is_recorded_all_the_same() -> None:
    world = World()
    await world.open()
    monitor = IncomeMonitor(world.venue, world.ledger)
    world.venue.movements = [income(2, at_ms=500_000)]
    await monitor.look()
    world.venue.movements = [income(1, at_ms=499_000), income(2, at_ms=500_000)]
    assert await monitor.look() == 1


async def test_what_the_opening_wallet_held_already_is_not_recorded_again() -> None:
    world = World()
    world.venue.movements = [income(1)]
    await world.open()
    assert await IncomeMonitor(world.venue, world.ledger).look() == 0


async def test_nothing_is_recorded_before_the_opening_state() -> None:
    world = World()
    world.venue.movements = [income(1)]
    assert await IncomeMonitor(world.venue, world.ledger).look() == 0
    assert world.log.recorded == []


# --- facts of the treasury


async def test_facts_of_the_hedgers_own_balance_are_kept_and_those_of_others_are_not() -> None:
    world = World()
    keeper = TreasuryKeeper(world.ledger)
    chain = Chain()
    for holder in (US, TRADER):
        told = facts.Deposited(source=chain.source(), holder=holder, sender=holder, token_amount=1)
        message = TreasuryFacts(block=_block(told.source.block_number), holder=holder, facts=(told,))
        await keeper.on_treasury_facts(message)
        await keeper.on_treasury_facts(message)
    assert [told.holder for told in world.recorded(facts.Deposited)] == [US]


async def test_what_an_orphaned_block_told_no_longer_counts() -> None:
    world = World()
    keeper = TreasuryKeeper(world.ledger)
    told = facts.Deposited(source=Chain().source(), holder=US, sender=US, token_amount=5_000_000)
    await keeper.on_treasury_facts(TreasuryFacts(block=_block(101), holder=US, facts=(told,)))
    gone = BlocksOrphaned(chain_id=CHAIN_ID, block_hashes=(told.source.block_hash,), common_ancestor=100)
    for _ in range(2):
        await keeper.on_reorganised(US, Reorganised(orphaned=gone))
    assert (await world.ledger.treasury()).history == []
    assert len(world.log.recorded) == 2


async def test_what_a_forced_close_took_from_the_vault_is_a_fact_of_the_treasury() -> None:
    world, chain = World(), Chain()
    await world.open()
    quote = Draft(await world.ledger.quote(7))
    quote.add([chain.sent(), chain.locked(), chain.opened(price="100")])
    forced = chain.force_closed("10", price="104")
    quote.add([forced])
    await world.ledger.save([quote], correlation_id="", causation_id="")

    def changed(amount: str, kind: BalanceChange) -> facts.AllocationChanged:
        return facts.AllocationChanged(source=forced.source, party_b=US, party_a=TRADER, amount=wad(amount), kind=kind)

    told = (changed("12", BalanceChange.REALIZED_PNL_IN), changed("40", BalanceChange.REALIZED_PNL_OUT), forced)
    message = BlockFacts(block=_block(forced.source.block_number), party_a=TRADER, facts=told)
    for _ in range(2):
        await TreasuryKeeper(world.ledger).on_block_facts(message)
    (used,) = world.recorded(facts.VaultUsed)
    assert used.amount == wad(12)


# --- the measure


async def test_the_equity_is_what_contract_and_venue_say_of_themselves() -> None:
    world = World()
    world.venue.valued = [VenuePosition(symbol=BTC, quantity=wad(1), mark=wad(99), unrealised=wad(2))]

    async def party_as() -> list[str]:
        return [TRADER]

    meter = EquityMeter(world.contract, world.contract, world.venue, party_b=US, party_as=party_as)  # type: ignore[arg-type]
    measured = await meter.measure()
    assert (measured.free, measured.vault, measured.allocated) == (wad(1_000), wad(5), wad(7))
    assert measured.marks[BTC] == wad(99)  # that at which the venue told its profit
    assert measured.equity == (wad(1_012) + world.venue.wallet + wad(2)) * 10**18
