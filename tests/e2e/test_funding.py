"""Funding against the real contracts, with short epochs and an exchange that pays as often: charged once an epoch, at
the rate the exchange applied, within what PartyA agreed to."""

from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from decimal import Decimal

import pytest
from e2e_log import LogReader, log_of
from e2e_oracles import SYMMIO
from e2e_trading import until

from devnet.demo.api import HedgerApi
from devnet.demo.rival import Rival
from devnet.demo.script import BTC, ETH
from devnet.demo.stage import LONG, SHORT, Play, Stage
from devnet.demo.watch import QuoteWatch
from devnet.traders import QuoteOnChain
from devnet.world import HedgerSetup, LocalHedger, World
from hedger.domain.account import AccountDecided
from hedger.domain.chain_facts import FundingCharged, PositionOpened
from hedger.domain.money import WAD, from_text, mul
from hedger.domain.terms import PositionType, QuoteStatus

EPOCH_S, WINDOW_S = 20, 9
RATES = {BTC: Decimal("0.0005"), ETH: Decimal("-0.0004")}
ETH_PART = Decimal("0.75")  # of what the exchange pays on ETH, the user's
ANY, MODEST = 200 * WAD, WAD // 10_000  # what traders agree to; the modest one to less than the exchange takes
HEDGER = HedgerSetup("proxy", policy={"symbols": {BTC: {}, ETH: {"funding_hedger_to_user": str(ETH_PART)}}})
QUICK = {"HEDGER_TIMING__TEND_S": "0.5", "HEDGER_VENUE__INCOME_POLL_S": "0.5"}
LAST_FUNDING = 23  # its place in the contract's Quote


@dataclass(frozen=True)
class Held:
    """One position: whose, of which symbol and side, and what its trader agreed to."""

    play: Play
    agreed: int
    quote_id: int

    @property
    def rate(self) -> int:
        """What is to be charged: the exchange's rate in the contract's sign, within what was agreed to."""
        taken = from_text(RATES[self.play.symbol])
        owed = taken if self.play.side is LONG else -taken
        if self.play.symbol == ETH and owed < 0:
            owed = int(owed * ETH_PART)
        return max(-self.agreed, min(self.agreed, owed))


@dataclass
class Outcome:
    """The world after boundaries that found the positions open."""

    world: World
    hedger: LocalHedger
    log: LogReader
    api: HedgerApi
    held: list[Held]

    async def charges(self, held: Held) -> list[FundingCharged]:
        return [fact for fact in await self.log.of(FundingCharged) if fact.quote_id == held.quote_id]


@pytest.fixture(scope="module")
async def outcome(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Outcome]:
    async with AsyncExitStack() as stack:
        world = await stack.enter_async_context(World(tmp_path_factory.mktemp("funding"), hedgers=(HEDGER,)))
        hedger = world.hedgers["proxy"]
        hedger.process.environment |= QUICK
        for symbol, rate in RATES.items():
            hedger.exchange.engine.market(symbol).funding_rate = rate
        hedger.exchange.engine.pay_funding_every(EPOCH_S * 1000)
        async with world.fast_blocks():
            administrator = await world.administrator()
            for symbol_id in world.deployment.symbols.values():
                await administrator.set_funding(symbol_id, epoch_s=EPOCH_S, window_s=WINDOW_S)
        await world.start_hedgers()
        api = HedgerApi(world.session, hedger.process.api)
        watch = QuoteWatch(world.rpc, world.deployment.diamond)
        await stack.enter_async_context(watch.running())
        log = await stack.enter_async_context(log_of(hedger))
        held = await _opened(Stage(world, watch, Rival(world), {"proxy": api}), hedger)
        outcome = Outcome(world, hedger, log, api, held)

        async def all_charged() -> bool:
            return all([await outcome.charges(each) for each in held])

        assert await until(all_charged, within_s=3 * EPOCH_S), hedger.process.log_end()
        yield outcome


async def _opened(stage: Stage, hedger: LocalHedger) -> list[Held]:
    """Two traders with a position in either symbol, one long and one short, and the modest one."""
    first, second, third = await stage.world.traders(3)
    wanted = [
        (Play(stage, first, hedger, BTC, LONG), ANY),
        (Play(stage, first, hedger, ETH, LONG), ANY),
        (Play(stage, second, hedger, BTC, SHORT), ANY),
        (Play(stage, second, hedger, ETH, SHORT), ANY),
        (Play(stage, third, hedger, BTC, LONG), MODEST),
        (Play(stage, third, hedger, ETH, LONG), 0),
    ]
    held = [Held(play, agreed, await play.send(play.market(max_funding_rate=agreed))) for play, agreed in wanted]
    for each in held:
        await stage.watch.until_status(each.quote_id, QuoteStatus.OPENED)
    return [each for each in held if each.agreed]


async def test_each_position_is_charged_what_the_exchange_applied_in_the_contracts_sign(outcome: Outcome) -> None:
    for held in outcome.held:
        charged = {fact.rate for fact in await outcome.charges(held)}
        assert charged == {held.rate}, (held.play.symbol, held.play.side, charged)
    assert {held.rate > 0 for held in outcome.held} == {True, False}


async def test_whoever_agreed_to_nothing_is_not_charged(outcome: Outcome) -> None:
    charged = {fact.quote_id for fact in await outcome.log.of(FundingCharged)}
    assert charged == {held.quote_id for held in outcome.held}


async def test_no_position_is_charged_twice_for_an_epoch_nor_for_one_before_it_was_open(outcome: Outcome) -> None:
    opened = {fact.quote_id: fact.source.block_timestamp for fact in await outcome.log.of(PositionOpened)}
    charged = [
        (fact.quote_id, fact.source.block_timestamp // EPOCH_S * EPOCH_S)
        for fact in await outcome.log.of(FundingCharged)
    ]
    assert max(Counter(charged).values()) == 1
    assert all(opened[quote_id] <= boundary for quote_id, boundary in charged)


async def test_the_positions_of_one_party_a_are_charged_in_one_call(outcome: Outcome) -> None:
    transactions = {fact.source.transaction_hash for fact in await outcome.log.of(FundingCharged)}
    epochs = {(fact.party_a, fact.source.block_timestamp // EPOCH_S) for fact in await outcome.log.of(FundingCharged)}
    assert len(transactions) == len(epochs)


async def test_the_opened_price_moves_as_the_contract_moves_it(outcome: Outcome) -> None:
    for held in outcome.held:
        price = await until(lambda held=held: _agreed_price(outcome, held), within_s=EPOCH_S)
        assert price, held


async def _agreed_price(outcome: Outcome, held: Held) -> int:
    """The opened price where contract, log and our own sum agree; 0 where they do not (a charge is being read)."""
    [opened] = [fact for fact in await outcome.log.of(PositionOpened) if fact.quote_id == held.quote_id]
    price = opened.price
    charges = await outcome.charges(held)
    for fact in charges:
        upward = (fact.rate > 0) == (held.play.side is PositionType.LONG)
        price += mul(price, abs(fact.rate)) * (1 if upward else -1)
    on_chain, last_funding = await _on_chain(outcome, held.quote_id)
    known = (await outcome.log.quotes())[held.quote_id].chain
    agrees = known is not None and on_chain.opened_price == known.opened_price == price
    boundary = charges[-1].source.block_timestamp // EPOCH_S * EPOCH_S
    return price if agrees and last_funding == boundary and price != opened.price else 0


async def _on_chain(outcome: Outcome, quote_id: int) -> tuple[QuoteOnChain, int]:
    view = SYMMIO["getQuote"]
    answer = await outcome.world.rpc.eth_call(outcome.world.deployment.diamond, view.calldata(quote_id))
    [struct] = view.decode(answer)
    return QuoteOnChain.from_struct(struct), int(struct[LAST_FUNDING])


async def test_decisions_carry_the_rates_that_the_exchange_told_as_applied(outcome: Outcome) -> None:
    decided = [each for each in await outcome.log.of(AccountDecided) if each.rule.startswith("charge funding")]
    assert decided
    seen = {(funding.name, rate.rate) for each in decided for funding in each.inputs.funding for rate in funding.rates}
    assert seen == {(symbol, from_text(rate)) for symbol, rate in RATES.items()}
    assert {funding.interval_s for each in decided for funding in each.inputs.funding} == {EPOCH_S}


async def test_the_read_model_tells_what_was_charged_and_what_the_exchange_paid(outcome: Outcome) -> None:
    _, charges = await outcome.api.all_of("funding")
    facts = {(fact.quote_id, fact.source.block_hash): fact for fact in await outcome.log.of(FundingCharged)}
    assert {(row["quote_id"], row["block_hash"]) for row in charges} <= set(facts)
    for row in charges:
        assert row["epoch"] == row["charged_at"] // EPOCH_S * EPOCH_S
        moved = from_text(row["amount"])
        assert moved * from_text(row["rate"]) > 0
        value = mul(from_text(row["open_quantity"]), mul(from_text(row["opened_price"]), abs(from_text(row["rate"]))))
        assert abs(moved) == value

    async def both_told() -> bool:
        _, epochs = await outcome.api.all_of("funding/epochs")
        return {row["symbol"] for row in epochs if row["charges"] and Decimal(row["received"])} == set(RATES)

    assert await until(both_told, within_s=2 * EPOCH_S), await outcome.api.all_of("funding/epochs")


async def test_in_the_end_all_three_sides_agree(outcome: Outcome) -> None:
    async def agrees() -> bool:
        return bool((await outcome.hedger.process.validate())["agrees"])

    assert await until(agrees, within_s=EPOCH_S, every_s=1.0), await outcome.hedger.process.validate()
    assert await outcome.log.problems() == []
