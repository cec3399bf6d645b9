"""One run: a seed draws the weather, the policy and the people; then the world comes to rest and is judged."""

import asyncio
import random
from collections import Counter
from dataclasses import dataclass, field
from hashlib import sha256

import msgspec

from hedger.domain.policies.policy import BalancePolicy, Policy, SymbolPolicy
from hedger.domain.terms import EmergencyClose, MarketMode
from tests.simulation.faults import Weather, fair_weather, weather_of
from tests.simulation.invariants import check_rest
from tests.simulation.kept_log import KeptLog
from tests.simulation.model_chain import ModelChain
from tests.simulation.model_state import US, WAD
from tests.simulation.model_traders import ModelTraders
from tests.simulation.model_venue import SYMBOLS, ModelVenue
from tests.simulation.process import Process, quotes_of
from tests.simulation.told_logs import ToldLogs, told_to
from tests.simulation.virtual_time import VirtualLoop, run_in_virtual_time
from tests.simulation.watching import Broken, Watch

TAG = "s"
BLOCK_S = 2.0
REST_S = 330.0
LONGEST_REST_S = 900.0
_LIVELY = BalancePolicy(
    health_low=5 * 10**16,
    health_target=7 * 10**16,
    health_high=8 * 10**16,
    lower_after_s=6,
    deallocate_interval_s=0,
    min_move=WAD // 10,
    max_account_share=WAD,
)


@dataclass
class Report:
    """How one seed ended; `trouble` is empty where everything holds."""

    seed: int
    trouble: str = ""
    trace: list[str] = field(default_factory=list)
    counted: Counter[str] = field(default_factory=Counter)
    digest: str = ""


class World:
    """Everything of one run."""

    def __init__(self, loop: VirtualLoop, seed: int, told: ToldLogs) -> None:
        chance = random.Random(f"{seed} world")
        self.loop, self.told = loop, told
        self.length_s = chance.choice((120.0, 240.0, 400.0))
        forcing = chance.random() < 0.25
        weather = fair_weather if forcing else weather_of
        self.weather: Weather = weather(random.Random(f"{seed} weather"), self.length_s)
        money = random.Random(f"{seed} money")
        self.policy = _policy(chance, money)
        self.chain = ModelChain(loop, self.weather)
        if money.random() < 0.25:
            self.chain.state.free = money.choice((100, 300)) * WAD
        self.venue = ModelVenue(loop, self.weather)
        self.kept = KeptLog(loop)
        self.traders = ModelTraders(random.Random(f"{seed} traders"), self.chain, self.venue, forcing=forcing)
        self.watch = Watch(self.chain, self.venue, self.weather, TAG)
        self.counted: Counter[str] = Counter()
        self.process = self._process()
        self._chance = chance
        self._broken: Broken | None = None

    def _process(self) -> Process:
        return Process(self.loop, self.chain, self.venue, self.kept, self.weather, self.policy, self.counted)

    async def run(self) -> None:
        """Raises Broken."""
        self.process.start()
        pulses = [
            asyncio.create_task(self._every(1.0, self._market_step)),
            asyncio.create_task(self._every(BLOCK_S, self._chain_step)),
        ]
        try:
            await self._trade()
            self.weather.is_calm, self.traders.is_leaving = True, True
            await self._rest()
        finally:
            for pulse in pulses:
                pulse.cancel()
        check_rest(self.chain, self.venue, self.kept, self.process, self.watch, self.policy)
        if self.counted["decision_failed"]:
            raise Broken("a decision failed with an error")
        if self.told.unexpected:
            raise Broken(f"an error nobody expects: {self.told.unexpected[0]}")
        await self._end()

    async def _trade(self) -> None:
        mean = self.weather.crashes
        crashes = sorted(
            self._chance.uniform(1.0, self.length_s) for _ in range(round(mean * self._chance.random() * 2))
        )
        for at in crashes:
            await self._until(at)
            await self._crash()
        await self._until(self.length_s)

    async def _until(self, at: float) -> None:
        while self.loop.time() < at:
            await asyncio.sleep(min(1.0, max(0.001, at - self.loop.time())))
            self._raise_broken()

    async def _crash(self) -> None:
        """At a turn of the loop somewhere near: between any two awaits."""
        died = self.loop.create_future()

        def die() -> None:
            self.process.kill()
            died.set_result(None)

        self.loop.alarm_after(self._chance.choice((1, 3, 10, 40, 150)) + self._chance.randint(0, 20), die)
        await died
        self.watch.crashed_s.append(self.loop.time())
        self.counted["crash"] += 1
        await self.process.buried()
        await asyncio.sleep(self._chance.choice((0.1, 2.0, 15.0)))
        self.process = self._process()
        self.process.start()

    async def _rest(self) -> None:
        ends = self.loop.time() + LONGEST_REST_S
        await self._until(self.loop.time() + REST_S)
        while self.loop.time() < ends and not self._is_quiet():
            await self._until(self.loop.time() + 20.0)
        await self._until(self.loop.time() + 20.0)

    def _is_quiet(self) -> bool:
        return (
            all(quote.in_flight is None and not quote.hedge.unsettled for quote in quotes_of(self.kept).values())
            and self._matches()
        )

    def _matches(self) -> bool:
        try:
            check_rest(self.chain, self.venue, self.kept, self.process, self.watch, self.policy)
        except Broken:
            return False
        return True

    async def _end(self) -> None:
        self.process.kill()
        await self.process.buried()

    async def _every(self, pause_s: float, step: "object") -> None:
        while True:
            await asyncio.sleep(pause_s)
            try:
                step()  # type: ignore[operator]
            except Broken as broken:
                self._broken = self._broken or broken

    def _raise_broken(self) -> None:
        if self._broken is not None:
            raise self._broken

    def _market_step(self) -> None:
        self.venue.move()
        self.traders.act()
        self.watch.look_at_market()

    def _chain_step(self) -> None:
        self.chain.mine()
        self.watch.look_at_chain()


def _policy(chance: random.Random, money: random.Random) -> Policy:
    policy = Policy(
        version="simulation",
        party_b=US,
        tag=TAG,
        symbols={name: SymbolPolicy(min_notional=5 * WAD) for name in SYMBOLS.values()},
        market_mode=chance.choice(tuple(MarketMode)),
        open_parts_after_s=chance.choice((0, 0, 10)),
        max_slippage_loss=chance.choice((2 * 10**15, 5 * 10**16)),
        emergency_close=chance.choice(tuple(EmergencyClose)),
        balance=money.choice((BalancePolicy(), _LIVELY, _LIVELY)),
    )
    return policy.versioned()


def simulate(seed: int) -> Report:
    """Run one seed to its end."""
    report = Report(seed)

    async def main(loop: VirtualLoop) -> None:
        with told_to(loop.time) as told:
            world = World(loop, seed, told)
            try:
                await world.run()
            except Broken as broken:
                report.trouble = str(broken)
                report.trace = _trace(world, report.trouble)
            report.counted = world.counted
            report.counted["reorganisations"] = world.chain.reorganisations
            report.counted.update(_done_by_others(world.chain))
            report.counted["events"] = len(world.kept.recorded)
            report.counted["quotes"] = len(world.chain.state.quotes)
            report.counted["orders"] = len(world.venue.orders)
            told_bytes = msgspec.json.encode([each.event for each in world.kept.recorded])
            report.digest = sha256(told_bytes).hexdigest()[:16]

    run_in_virtual_time(main)
    return report


def _done_by_others(chain: ModelChain) -> Counter[str]:
    """What traders, rivals, liquidators and administrators did, as it stands on the chain at the end."""
    done = Counter[str]()
    for block in chain.blocks:
        for _, move in block.moves:
            done[f"chain: {type(move).__name__} {getattr(move, 'name', '')}".rstrip()] += 1
        done.update(f"chain: ours, {reason or 'well'}" for reason in (each.reason for each in block.receipts.values()))
    return done


def _trace(world: World, trouble: str) -> list[str]:
    """The story of the quote that the trouble names, what the venue knows, and the last words of the parts."""
    from tests.simulation.telling import story

    return story(world, trouble)
