"""The account manager: asks, records the outcome, tells again after a restart, and never twice."""

from collections.abc import Sequence
from typing import Any

import msgspec
import pytest
from deciding_world import CHAIN_ID, DIAMOND, REDELIVER_AFTER_MS, CountingLog, World, in_block, of_quote
from fake_venue import BTC, MARKET_NOW
from hypothesis import given as for_all
from hypothesis import strategies as st

from hedger.adapters.chain.messages import Reorganised
from hedger.adapters.chain.rpc import RpcUnavailable
from hedger.adapters.log.port import Change, VersionConflict
from hedger.application.account_inputs import AccountInputsSource
from hedger.application.account_managing import AccountManager
from hedger.application.funds_keeping import FundsKeeper
from hedger.application.lanes import Lanes
from hedger.application.messages import Reported
from hedger.domain.account import Account, AccountDecided
from hedger.domain.chain_facts import AllocationChanged
from hedger.domain.events import Event, Recorded
from hedger.domain.feed import BlockRef, BlocksOrphaned
from hedger.domain.funds import FundsTransferProposed
from hedger.domain.margins import Locked
from hedger.domain.policies.inputs import AccountView
from hedger.domain.policies.policy import BalancePolicy, Policy
from hedger.domain.terms import BalanceChange, CallKind, TradingState
from hedger.domain.transactions import RequestState, TransactionRequested
from hedger.domain.treasury import TreasuryOpened
from tests.domain.given import ACCOUNT, NOW, POLICY, TRADER, US, Chain, accepted_order, ended, failed, filled, wad
from tests.domain.given import succeeded as outcome_of
from tests.domain.given_accounts import SECOND, summary

BALANCE = BalancePolicy(lower_after_s=0, deallocate_interval_s=0)
KEEPER = msgspec.structs.replace(POLICY, balance=BALANCE)
ALLOCATE, DEALLOCATE, TRANSFER = (
    f"t-{TRADER}-{kind.value}-1" for kind in (CallKind.ALLOCATE, CallKind.DEALLOCATE, CallKind.TRANSFER)
)


class Views:
    """The contract's views of several pairs: what is allocated is said by PartyA."""

    def __init__(self) -> None:
        self.allocated: dict[str, int] = {}
        self.locked: dict[str, Locked] = {}
        self.free, self.asked = wad("10000"), 0
        self.failing: Exception | None = None

    async def account_view(self, party_b: str, party_a: str, block: BlockRef | None = None) -> AccountView:
        self.asked += 1
        if self.failing is not None:
            raise self.failing
        return msgspec.structs.replace(
            ACCOUNT,
            party_b_free=self.free,
            party_b_allocated=self.allocated.get(party_a, 0),
            party_b_locked=self.locked.get(party_a, Locked()),
        )

    async def max_funding_rate(self, quote_id: int, block: BlockRef | None = None) -> int:
        return 0

    async def max_funding_rates(self, quote_ids: Sequence[int], block: BlockRef | None = None) -> dict[int, int]:
        return dict.fromkeys(quote_ids, 0)


class ConflictingLog(CountingLog):
    """Somebody else writes to an account just before we do, so many times."""

    conflicts = 0

    async def append(self, changes: Sequence[Change], *, correlation_id: str, causation_id: str) -> list[Recorded]:
        if self.conflicts and correlation_id.startswith("account:"):
            self.conflicts -= 1
            raise VersionConflict(changes[0].aggregate_id)
        return await super().append(changes, correlation_id=correlation_id, causation_id=causation_id)


class KeepingWorld(World):
    """A hedger whose accounts are tended."""

    def __init__(
        self, policy: Policy = KEEPER, log: CountingLog | None = None, now_ms: int = NOW * 1000, views: Any = None
    ) -> None:
        super().__init__(policy, log, now_ms)
        self.views: Any = views or Views()
        self.chain = Chain()
        self.at_head(10_000)
        self.mark("100")
        lanes = Lanes()
        self.accounts = AccountManager(
            self.ledger,
            AccountInputsSource(self.board, self.book, self.ledger, self.views, policy),
            self.book.allocations,
            FundsKeeper(self.ledger, self.board, self.book, policy),
            policy,
            self.relay,
            self._party_as,
            lanes=lanes,
            clock_ms=self.clock_ms,
            redeliver_after_ms=REDELIVER_AFTER_MS,
            observe=self.counted.append,
        )

    async def _party_as(self) -> list[str]:
        return sorted({event.party_a for event in self.events if isinstance(event, AllocationChanged)})

    async def restart(self) -> "KeepingWorld":
        """The next process: memory is restored as at any start."""
        world = KeepingWorld(self.policy, self.log, self.now_ms, self.views)
        for number in (7, 8):
            world.book.note(await world.ledger.quote(number))
        await world.accounts.restore()
        return world

    # --- given

    def at_head(self, number: int) -> None:
        self.board.head = BlockRef(number=number, hash=f"0x{number}", parent_hash="", timestamp=NOW + 1)

    def mark(self, price: str) -> None:
        self.board.markets[BTC] = msgspec.structs.replace(MARKET_NOW, mark=wad(price), at_ms=self.now_ms)

    async def opened(self, party_a: str = TRADER, quote_id: int = 7) -> None:
        """A long of 10 at 100.5, of which about 15 are cva and lf; nothing is allocated by its requests on chain."""
        chain, order = self.chain, f"t-{quote_id}-o1"
        await self.told(of_quote(chain.sent(), quote_id, party_a=party_a), party_a=party_a)
        await self._done(f"t-{quote_id}-lock-1", of_quote(chain.locked(US), quote_id), quote_id, party_a)
        told = (accepted_order(order), filled(order, "10"), ended(order, "10"))
        await self.reported(*told, quote_id=quote_id, key=party_a)
        opened = of_quote(chain.opened(), quote_id, party_a=party_a)
        await self._done(f"t-{quote_id}-open-1", opened, quote_id, party_a)
        self.at_head(10_000)
        facet = (await self.quote(quote_id)).chain
        assert facet is not None
        self.views.locked[party_a] = facet.locked

    async def _done(self, request_id: str, fact: Any, quote_id: int, party_a: str) -> None:
        await self.told(fact, party_a=party_a)
        source = fact.source
        told = outcome_of(request_id, block=source.block_number)
        told = msgspec.structs.replace(told, block_hash=source.block_hash)
        await self.reported(told, quote_id=quote_id, key=party_a)

    async def holds(self, amount: str, party_a: str = TRADER) -> None:
        """So much is allocated, says the chain in events and in views."""
        fact = msgspec.structs.replace(self.chain.allocation(amount), party_a=party_a)
        await self.told(fact, party_a=party_a)
        self.views.allocated[party_a] = self.views.allocated.get(party_a, 0) + wad(amount)
        self.at_head(10_000)

    # --- when

    async def mined(self, request_id: str, *facts: Any, block: int = 10_001, party_a: str = TRADER) -> None:
        """A request's transaction is mined, told, and its block read."""
        await self.ends(outcome_of(request_id, block=block), party_a=party_a)
        for fact in facts:
            await self.told(in_block(fact, f"0xb{block}"), party_a=fact.party_a)
        self.at_head(block)

    async def ends(self, *told: Event, party_a: str = TRADER) -> None:
        await self.accounts.on_reported(Reported(quote_id=0, party_a=party_a, facts=told, causation_id="test"))

    # --- then

    @property
    def asked(self) -> list[str]:
        """Everything that accounts asked for."""
        of_accounts = [e for e in self.events if isinstance(e, TransactionRequested) and e.call.kind.is_of_account]
        return summary(of_accounts)

    async def account(self, party_a: str = TRADER) -> Account:
        """The account as the log has it."""
        account = Account.new(CHAIN_ID, DIAMOND, US, party_a)
        account.advance(each.event for each in await self.log.events_of(account.id))
        return account


@pytest.fixture
async def world() -> KeepingWorld:
    """A position of a notional of 1000 with 65 allocated: between its bounds."""
    world = KeepingWorld()
    await world.opened()
    await world.holds("65")
    return world


# --- asked, carried out, recorded


async def test_an_account_within_its_bounds_costs_no_question_to_the_chain(world: KeepingWorld) -> None:
    await world.accounts.tend()
    await world.accounts.watch()
    assert world.asked == []
    assert world.views.asked == 0


async def test_a_falling_health_is_seen_between_passes_and_asked_for_with_its_reasons(world: KeepingWorld) -> None:
    world.mark("105")
    await world.accounts.watch()
    [asked] = world.asked
    assert asked.startswith("allocate 47.")
    reasons, request = world.events[-2:]
    assert isinstance(reasons, AccountDecided)
    assert reasons.rule == "allocate: health is below its bound"
    assert reasons.inputs.account is not None
    assert isinstance(request, TransactionRequested)
    assert request.request_id == ALLOCATE


async def test_what_was_asked_for_is_asked_once_until_its_outcome_is_known(world: KeepingWorld) -> None:
    world.mark("105")
    for _ in range(3):
        await world.accounts.watch()
        await world.accounts.tend()
    assert len(world.asked) == 1
    assert world.book.promised == (await world.account()).requests[ALLOCATE].call.allocate


async def test_once_it_is_mined_and_read_the_account_rests(world: KeepingWorld) -> None:
    world.mark("105")
    await world.accounts.watch()
    amount = world.book.promised
    fact = msgspec.structs.replace(world.chain.allocation("1"), amount=amount)
    world.views.allocated[TRADER] += amount
    await world.mined(ALLOCATE, fact)
    await world.accounts.tend()
    await world.accounts.watch()
    assert len(world.asked) == 1
    assert world.book.promised == 0
    assert (await world.account()).allocated == world.views.allocated[TRADER]


async def test_an_outcome_that_is_told_twice_is_recorded_once(world: KeepingWorld) -> None:
    world.mark("105")
    await world.accounts.watch()
    for _ in range(2):
        await world.ends(failed(ALLOCATE, "Pausable: Global paused"))
    assert world.names().count("TransactionFailed") == 1
    assert (await world.account()).in_flight is None


async def test_in_a_halt_nothing_is_asked_and_while_reducing_accounts_are_protected(world: KeepingWorld) -> None:
    world.mark("105")
    await world.trading_is(TradingState.HALTED)
    await world.accounts.watch()
    await world.accounts.tend()
    assert world.asked == []
    await world.trading_is(TradingState.REDUCING)
    await world.accounts.tend()
    assert len(world.asked) == 1


async def test_a_chain_that_does_not_answer_leaves_the_account_for_the_next_pass(world: KeepingWorld) -> None:
    world.mark("105")
    world.views.failing = RpcUnavailable("away")
    await world.accounts.tend()
    assert world.asked == []
    world.views.failing = None
    await world.accounts.tend()
    assert len(world.asked) == 1


async def test_who_cannot_be_helped_is_looked_at_again_with_the_next_pass_only(world: KeepingWorld) -> None:
    world.mark("105")
    world.views.free = 0
    await world.accounts.watch()
    seen = world.views.asked
    await world.accounts.watch()
    assert world.views.asked == seen
    await world.accounts.tend()
    assert world.views.asked > seen


# --- through crashes and conflicts


async def test_after_a_restart_in_the_middle_the_request_is_told_again_and_not_doubled(world: KeepingWorld) -> None:
    world.mark("105")
    await world.accounts.watch()
    later = await world.restart()
    later.mark("105")
    assert later.book.promised == world.book.promised
    await later.accounts.tell_outstanding()
    await later.accounts.watch()
    await later.accounts.tend()
    [again] = later.streams.logged
    assert (again.recorded.event.request_id, again.redelivered) == (ALLOCATE, True)  # type: ignore[attr-defined]
    assert len(later.asked) == 1


async def test_a_request_without_an_outcome_is_told_again_after_a_while(world: KeepingWorld) -> None:
    world.mark("105")
    await world.accounts.watch()
    await world.accounts.tend()
    assert world.streams.logged == []
    world.now_ms += REDELIVER_AFTER_MS
    await world.accounts.tend()
    assert [message.redelivered for message in world.streams.logged] == [True]


async def test_a_conflict_with_another_writer_is_decided_anew() -> None:
    log = ConflictingLog()
    world = KeepingWorld(log=log)
    await world.opened()
    await world.holds("65")
    world.mark("105")
    log.conflicts = 2
    await world.accounts.watch()
    assert len(world.asked) == 1
    assert "tending_failed" not in world.counted


async def test_a_mined_request_whose_block_leaves_the_chain_is_under_way_again(world: KeepingWorld) -> None:
    world.mark("105")
    await world.accounts.watch()
    amount = world.book.promised
    fact = msgspec.structs.replace(world.chain.allocation("1"), amount=amount)
    await world.mined(ALLOCATE, fact)
    orphaned = BlocksOrphaned(chain_id=CHAIN_ID, block_hashes=("0xb10001",), common_ancestor=10_000)
    await world.manager.on_reorganised(TRADER, Reorganised(orphaned=orphaned))
    account = await world.account()
    assert account.requests[ALLOCATE].state is RequestState.REQUESTED
    assert world.book.promised == amount
    assert world.book.allocations.total == wad("65")


# --- given back, and moved between accounts


async def test_once_nothing_is_open_the_allocation_is_given_back() -> None:
    world = KeepingWorld()
    await world.holds("65")
    await world.accounts.tend()
    assert world.asked == ["deallocate 65"]
    world.views.allocated[TRADER], fact = 0, world.chain.allocation("65", BalanceChange.DEALLOCATE)
    await world.mined(DEALLOCATE, fact)
    await world.accounts.tend()
    assert world.asked == ["deallocate 65"]


async def test_what_one_account_has_too_much_of_goes_to_another_in_one_transaction(world: KeepingWorld) -> None:
    await world.holds("500", SECOND)
    world.mark("104")  # a bit below its bound: there is time for the other's transfer
    await world.accounts.watch()
    [asked] = world.asked
    assert asked.startswith("transfer 36.")
    assert asked.endswith("to 0xaa")
    await world.accounts.watch()
    await world.accounts.tend()
    assert len(world.asked) == 1


async def test_a_transfer_that_fails_leaves_the_need_to_the_free_balance(world: KeepingWorld) -> None:
    await world.holds("500", SECOND)
    world.mark("104")
    await world.accounts.watch()
    request_id = f"t-{SECOND}-transfer-1"
    await world.ends(failed(request_id, "AccountFacet: Will be liquidatable", at=NOW), party_a=SECOND)
    await world.accounts.watch()
    assert [line.split()[0] for line in world.asked] == ["transfer", "allocate"]


async def test_a_lock_counts_on_nothing_that_is_asked_to_leave(world: KeepingWorld) -> None:
    await world.holds("400")
    quote = await world.ledger.quote(8)
    before = world.book.view(quote, world.board.mark_of)
    await world.accounts.tend()
    [asked] = world.asked
    assert asked.startswith("deallocate")
    await world.told(of_quote(world.chain.sent(), 8))
    after = world.book.view(await world.ledger.quote(8), world.board.mark_of)
    leaving = (await world.account()).requests[DEALLOCATE].call.amount
    assert after.account_claims == before.account_claims + leaving


# --- funds


async def test_without_money_for_an_account_a_transfer_is_proposed_once(world: KeepingWorld) -> None:
    opened = TreasuryOpened(
        chain_id=CHAIN_ID,
        diamond=DIAMOND,
        party_b=US,
        block_number=1,
        block_hash="0x1",
        block_timestamp=NOW,
        collateral_decimals=6,
        free=0,
        vault=0,
        deallocated_at=0,
        allocations={},
        quotes=(),
    )
    treasury = await world.ledger.treasury()
    await world.ledger.change(
        world.ledger.treasury, treasury.id, lambda _: [opened], correlation_id="", causation_id=""
    )
    world.views.free = 0
    for price in ("100", "105", "105"):
        world.mark(price)
        await world.accounts.tend()
    proposed = [event for event in world.events if isinstance(event, FundsTransferProposed)]
    assert len(proposed) == 1
    assert (proposed[0].source.value, proposed[0].destination.value) == ("venue", "chain")
    assert proposed[0].amount == proposed[0].inputs.lacking > 0


# --- whatever happens, in whatever order

STEPS = st.lists(st.sampled_from(["watch", "tend", "up", "down", "fails", "mined", "restart"]), min_size=1, max_size=25)


@for_all(STEPS)
async def test_no_order_of_looks_outcomes_and_restarts_doubles_a_request(steps: list[str]) -> None:
    world = KeepingWorld()
    await world.opened()
    await world.holds("65")
    mark, block = 100, 10_000
    for step in steps:
        account = await world.account()
        request, block = account.in_flight, block + 1
        mark += {"up": 1, "down": -1}.get(step, 0)
        world.mark(str(mark))
        if step == "restart":
            world = await world.restart()
            world.mark(str(mark))
        elif step == "fails" and request is not None:
            await world.ends(failed(request.request_id, "Pausable: Global paused", at=NOW - 1000))
        elif step == "mined" and request is not None:
            amount = request.call.allocate - request.call.amount
            kind = BalanceChange.ALLOCATE if amount > 0 else BalanceChange.DEALLOCATE
            fact = msgspec.structs.replace(world.chain.allocation("1", kind), amount=abs(amount))
            world.views.allocated[TRADER] += amount
            await world.mined(request.request_id, _at(fact, block), block=block)
        elif step in ("watch", "tend"):
            await getattr(world.accounts, step)()
        under_way = [r for r in (await world.account()).requests.values() if r.state is RequestState.REQUESTED]
        assert len(under_way) <= 1
        assert world.book.allocations.promised == sum(r.call.allocate for r in under_way)
    assert len(world.asked) == len((await world.account()).requests)
    assert (await world.account()).allocated == world.views.allocated[TRADER]


def _at(fact: Any, block: int) -> Any:
    """The fact in the block of that number."""
    source = msgspec.structs.replace(
        fact.source, block_number=block, block_hash=f"0xb{block}", transaction_hash=f"0xt{block}"
    )
    return msgspec.structs.replace(fact, source=source)
