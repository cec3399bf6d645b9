"""Funding's rates as they come in, and charges decided by the account manager over a log that outlives it."""

from typing import Any

import msgspec
import pytest
from deciding_world import CHAIN_ID, REDELIVER_AFTER_MS, FakeViews, World
from fake_venue import BTC, MARKET_NOW, FakeVenue

from hedger.adapters.chain.messages import Reorganised
from hedger.adapters.venue.port import FundingSettled, Market
from hedger.application.account_inputs import AccountInputsSource
from hedger.application.account_managing import AccountManager
from hedger.application.funding_rates import FundingMonitor, FundingRates
from hedger.application.funds_keeping import FundsKeeper
from hedger.application.lanes import Lanes
from hedger.application.messages import Reported
from hedger.domain.chain_facts import FundingCharged
from hedger.domain.feed import BlockRef, BlocksOrphaned
from hedger.domain.funding import VenueRate
from hedger.domain.terms import CallKind, TradingState
from hedger.domain.transactions import TransactionRequested
from tests.domain.given import (
    ACCOUNT,
    QUOTE_ID,
    SYMBOL,
    TRADER,
    US,
    Chain,
    accepted_order,
    ended,
    filled,
    succeeded,
    wad,
)

EPOCH_S, WINDOW_S = 28_800, 900
BOUNDARY = 1_700_006_400
RATE = wad("0.0001")


def market(rate: int, *, settles_at: int, seen_at: int) -> Market:
    return msgspec.structs.replace(
        MARKET_NOW, funding_rate=rate, next_funding_at_ms=settles_at * 1000, at_ms=seen_at * 1000
    )


def settled(rate: int, at: int = BOUNDARY, late_ms: int = 3) -> FundingSettled:
    return FundingSettled(symbol=BTC, rate=rate, at_ms=at * 1000 + late_ms)


def of_epoch(rates: FundingRates) -> list[tuple[int, int, bool]]:
    told = rates.of_epoch(BTC, BOUNDARY, EPOCH_S)
    return [(each.settles_at - BOUNDARY, each.rate, each.is_settled) for each in told]


# --- the venue's rates


def test_the_last_rate_before_a_settlement_stands_until_the_venue_tells_what_it_applied() -> None:
    rates = FundingRates()
    rates.note(market(RATE // 2, settles_at=BOUNDARY, seen_at=BOUNDARY - 9))
    rates.note(market(RATE, settles_at=BOUNDARY, seen_at=BOUNDARY - 1))
    rates.note(market(7 * RATE, settles_at=BOUNDARY, seen_at=BOUNDARY))  # the next one's, under the former time
    assert of_epoch(rates) == [(0, RATE, False)]
    rates.settle(BTC, [settled(2 * RATE)])
    assert of_epoch(rates) == [(0, 2 * RATE, True)]


def test_the_interval_is_between_the_two_newest_settlements() -> None:
    rates = FundingRates()
    assert rates.interval_s(BTC) == 0
    rates.note(market(RATE, settles_at=BOUNDARY, seen_at=BOUNDARY - 1))
    assert rates.interval_s(BTC) == 0
    rates.settle(BTC, [settled(RATE, BOUNDARY - EPOCH_S)])
    assert rates.interval_s(BTC) == EPOCH_S
    rates.note(market(RATE, settles_at=BOUNDARY + 3_600, seen_at=BOUNDARY + 1))
    assert rates.interval_s(BTC) == 3_600


def test_between_two_settlements_the_rate_in_force_is_that_of_the_coming_one() -> None:
    rates = FundingRates()
    rates.settle(BTC, [settled(RATE, BOUNDARY - EPOCH_S), settled(RATE, BOUNDARY - 2 * EPOCH_S)])
    rates.note(market(3 * RATE, settles_at=BOUNDARY + EPOCH_S, seen_at=BOUNDARY + 2))
    assert of_epoch(rates) == [(EPOCH_S, 3 * RATE, False)]


def test_only_some_dozens_of_settlements_are_kept() -> None:
    rates = FundingRates()
    rates.settle(BTC, [settled(number, BOUNDARY + number * 3_600) for number in range(500)])
    assert len(rates.of_epoch(BTC, BOUNDARY + 500 * 3_600, 500 * 3_600)) == 64


async def test_the_venue_is_asked_at_first_and_after_each_settlement_until_it_tells() -> None:
    venue, rates = FakeVenue(), FundingRates()
    monitor = FundingMonitor(venue, rates)
    rates.note(market(RATE, settles_at=BOUNDARY, seen_at=BOUNDARY - 5))
    assert rates.wants(BTC, BOUNDARY - 5)
    await monitor.look([BTC], (BOUNDARY - 5) * 1000)
    assert not rates.wants(BTC, BOUNDARY - 1)
    await monitor.look([BTC], (BOUNDARY + 2) * 1000)
    assert rates.wants(BTC, BOUNDARY + 3)
    venue.funding = [settled(2 * RATE)]
    await monitor.look([BTC], (BOUNDARY + 5) * 1000)
    assert not rates.wants(BTC, BOUNDARY + 6)
    assert of_epoch(rates) == [(0, 2 * RATE, True)]


async def test_a_venue_that_does_not_answer_leaves_the_rate_that_was_seen() -> None:
    venue, rates = FakeVenue(is_away=True), FundingRates()
    rates.note(market(RATE, settles_at=BOUNDARY, seen_at=BOUNDARY - 5))
    await FundingMonitor(venue, rates).look([BTC, "ETHUSDT"], (BOUNDARY + 1) * 1000)
    assert of_epoch(rates) == [(0, RATE, False)]


# --- charges


class ChargingWorld(World):
    """A hedger with one long position of ten at 100.5, at a boundary, whose venue settled at the contract's pace."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.views = FakeViews(view=msgspec.structs.replace(ACCOUNT, party_b_allocated=wad("100")), max_rate=wad("1"))
        terms = msgspec.structs.replace(SYMBOL, funding_epoch_s=EPOCH_S, funding_window_s=WINDOW_S)
        self.board.symbols = {1: terms}
        self.board.take(market(RATE, settles_at=BOUNDARY + EPOCH_S, seen_at=BOUNDARY + 1))
        self.board.funding.settle(BTC, [settled(RATE)])
        self.accounts = AccountManager(
            self.ledger,
            AccountInputsSource(self.board, self.book, self.ledger, self.views, self.policy),
            self.book.allocations,
            FundsKeeper(self.ledger, self.board, self.book, self.policy),
            self.policy,
            self.relay,
            self._party_as,
            lanes=Lanes(),
            clock_ms=self.clock_ms,
            redeliver_after_ms=REDELIVER_AFTER_MS,
        )

    async def _party_as(self) -> list[str]:
        return [TRADER]

    def restarted(self) -> "ChargingWorld":
        return ChargingWorld(self.policy, self.log, self.now_ms)

    async def opened(self) -> None:
        chain = Chain()
        order_id = f"t-{QUOTE_ID}-o1"
        await self.told(chain.sent(), chain.locked(US))
        await self.reported(succeeded(f"t-{QUOTE_ID}-lock-1", chain.block))
        await self.reported(accepted_order(order_id), filled(order_id, "10"), ended(order_id, "10"))
        await self.told(chain.opened())
        await self.reported(succeeded(f"t-{QUOTE_ID}-open-1", chain.block))
        self.at(BOUNDARY + 5)

    def at(self, timestamp: int, number: int = 10_000) -> None:
        """The head is a block of this time."""
        self.now_ms = timestamp * 1000
        self.board.head = BlockRef(number=number, hash=f"0x{number}", parent_hash="", timestamp=timestamp)

    @property
    def asked(self) -> list[TransactionRequested]:
        return [
            event
            for event in self.events
            if isinstance(event, TransactionRequested) and event.call.kind is CallKind.CHARGE_FUNDING
        ]

    async def mined(self, request: TransactionRequested, number: int) -> None:
        told = (succeeded(request.request_id, number),)
        await self.accounts.on_reported(
            Reported(quote_id=0, party_a=TRADER, facts=told, causation_id=f"request:{request.request_id}")
        )

    async def charged(self, at: int = BOUNDARY + 6) -> None:
        """The chain tells of the charge."""
        fact = FundingCharged(
            source=msgspec.structs.replace(Chain().source(at), block_number=10_001, block_hash="0xb10001"),
            quote_id=QUOTE_ID,
            party_a=TRADER,
            party_b=US,
            rate=RATE,
        )
        await self.told(fact)


@pytest.fixture
async def world() -> ChargingWorld:
    world = ChargingWorld()
    await world.opened()
    return world


async def test_a_position_is_charged_once_and_its_opened_price_moves(world: ChargingWorld) -> None:
    await world.accounts.tend()
    [request] = world.asked
    assert (request.call.quote_ids, request.call.rates) == ((QUOTE_ID,), (RATE,))
    await world.accounts.tend()
    await world.mined(request, 10_001)
    await world.accounts.tend()
    await world.charged()
    await world.accounts.tend()
    world.at(BOUNDARY + 60, 10_020)
    await world.accounts.tend()
    assert len(world.asked) == 1
    facet = (await world.quote()).chain
    assert facet is not None
    assert (facet.opened_price, facet.funded_at) == (wad("100.51005"), BOUNDARY + 6)


async def test_after_a_restart_what_was_asked_for_is_told_again_and_nothing_is_asked_twice(
    world: ChargingWorld,
) -> None:
    await world.accounts.tend()
    restarted = world.restarted()
    await restarted.healer.restore([QUOTE_ID])
    restarted.at(BOUNDARY + 10, 10_005)
    await restarted.accounts.tell_outstanding()
    await restarted.accounts.tend()
    assert len(restarted.asked) == 1
    assert [message.recorded.event for message in restarted.streams.logged] == restarted.asked


async def test_after_a_restart_the_log_alone_tells_what_was_charged(world: ChargingWorld) -> None:
    await world.accounts.tend()
    await world.mined(world.asked[0], 10_001)
    await world.charged()
    restarted = world.restarted()
    await restarted.healer.restore([QUOTE_ID])
    restarted.at(BOUNDARY + 30, 10_010)
    await restarted.accounts.tend()
    assert len(restarted.asked) == 1


async def test_a_charge_in_a_block_that_left_the_chain_is_due_again(world: ChargingWorld) -> None:
    await world.charged()
    world.at(BOUNDARY + 30, 10_010)
    await world.accounts.tend()
    assert world.asked == []
    gone = BlocksOrphaned(chain_id=CHAIN_ID, block_hashes=("0xb10001",), common_ancestor=10_000)
    await world.manager.on_reorganised(TRADER, Reorganised(orphaned=gone))
    await world.accounts.tend()
    assert len(world.asked) == 1


async def test_what_party_a_agreed_to_is_read_once_a_position(world: ChargingWorld) -> None:
    world.views.max_rate = 0
    await world.accounts.tend()
    before = world.views.asked
    await world.accounts.tend()
    assert (world.views.asked - before, world.asked) == (1, [])  # the balances, and nothing more


async def test_outside_a_window_no_rate_is_recorded_nor_anything_read(world: ChargingWorld) -> None:
    world.at(BOUNDARY + WINDOW_S + 1)
    before = world.views.asked
    account = await world.ledger.account(TRADER)
    inputs = await AccountInputsSource(world.board, world.book, world.ledger, world.views, world.policy).gather(account)
    assert inputs is not None
    assert (inputs.funding, inputs.positions[0].max_funding_rate, world.views.asked - before) == ((), None, 1)


async def test_while_a_symbol_is_halted_it_is_not_charged(world: ChargingWorld) -> None:
    await world.trading_is(TradingState.HALTED, BTC)
    await world.accounts.tend()
    assert world.asked == []
    await world.trading_is(TradingState.REDUCING, BTC)
    await world.accounts.tend()
    assert len(world.asked) == 1


async def test_the_decision_is_recorded_with_the_rates_it_saw(world: ChargingWorld) -> None:
    await world.accounts.tend()
    decided = next(event for event in world.events if type(event).__name__ == "AccountDecided")
    [funding] = decided.inputs.funding  # type: ignore[attr-defined]
    assert funding.rates == (VenueRate(settles_at=BOUNDARY, rate=RATE, is_settled=True),)
    assert (funding.interval_s, funding.epoch_s, funding.window_s) == (EPOCH_S, EPOCH_S, WINDOW_S)
