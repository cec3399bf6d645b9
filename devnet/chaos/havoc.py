"""Carries out a plan: every strike at its moment, and noted on the timeline where it keeps a hedger from its work."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from decimal import Decimal

from devnet.cable import Cable
from devnet.chaos.chain_troubles import drop_one, make_stuck, reorganise
from devnet.chaos.contract_troubles import ContractTroubles
from devnet.chaos.plan import LONGEST_S, Strike, Trouble
from devnet.chaos.stage import Cables, Stage
from devnet.exchange import PaperExchange
from devnet.exchange.faults import PRESETS, Fault, FaultKind
from devnet.oracle import Fault as OracleFault
from devnet.oracle import FaultKind as OracleFaultKind
from devnet.traders import Trader

ORDERS = "/fapi/v1/order"
# The shortest ban the exchange names; the real ones would outlast the run.
BAN_S = 4
THIN_LEVELS = 3
STREAM_MESSAGES = 3
SWING_S = 1.5
ORACLE_METHODS = ("uPnl_B", "uPnlWithSymbolPrice", None)
ONE_REQUEST: Mapping[Trouble, FaultKind] = {
    Trouble.LOSE_REQUEST: FaultKind.LOSE_REQUEST,
    Trouble.LOSE_ANSWER: FaultKind.LOSE_ANSWER,
    Trouble.DELAY_REQUEST: FaultKind.DELAY_REQUEST,
    Trouble.DELAY_ANSWER: FaultKind.DELAY_ANSWER,
}
ONE_REFUSAL: Mapping[Trouble, str] = {
    Trouble.UNKNOWN_OUTCOME: "unknown_outcome",
    Trouble.SERVER_ERROR: "server_error",
    Trouble.BAD_TIMESTAMP: "bad_timestamp",
    Trouble.RATE_LIMITED: "rate_limited",
}


class Havoc:
    """`struck` counts the troubles that struck. After `end_all` nothing is wrong any more."""

    def __init__(
        self, stage: Stage, plan: Sequence[Strike], contract: ContractTroubles, tell: Callable[[str], None]
    ) -> None:
        self.struck: Counter[str] = Counter()
        self._stage, self._plan, self._contract, self._tell = stage, plan, contract, tell
        self._troubles: Mapping[Trouble, Callable[[Strike], Awaitable[None]]] = {
            Trouble.KILL: self._kill,
            Trouble.VENUE_OUTAGE: lambda strike: self._outage(strike, self._cables(strike).venue, "venue"),
            Trouble.RPC_OUTAGE: lambda strike: self._outage(strike, self._cables(strike).rpc, "rpc"),
            Trouble.HEADS_OUTAGE: lambda strike: self._outage(strike, self._cables(strike).heads, ""),
            Trouble.ORACLE_OUTAGE: lambda strike: self._outage(strike, self._cables(strike).oracle, "oracle"),
            **dict.fromkeys(ONE_REQUEST, self._one_request),
            **dict.fromkeys(ONE_REFUSAL, self._one_refusal),
            Trouble.BANNED: self._banned,
            Trouble.NO_CANCELS: self._no_cancels,
            Trouble.STREAM_DROPPED: self._stream_dropped,
            Trouble.STREAM_SILENT: self._stream_silent,
            Trouble.STREAM_TWICE: self._stream_twice,
            Trouble.STREAM_EXPIRED: self._stream_expired,
            Trouble.THIN_BOOK: self._thin_book,
            Trouble.NO_FILLS: self._no_fills,
            Trouble.FILLED_IN_PART: self._filled_in_part,
            Trouble.VENUE_FUNDING: self._venue_funding,
            Trouble.ORACLE_FAULT: self._oracle_fault,
            Trouble.REORGANISATION: lambda strike: reorganise(self._stage, strike.depth),
            Trouble.DROPPED: lambda strike: drop_one(self._stage, strike.hedger),
            Trouble.STUCK: lambda strike: make_stuck(self._stage, LONGEST_S),
            Trouble.PAUSED: lambda strike: self._contract.pause(strike.seconds),
            Trouble.SUSPENDED: lambda strike: self._contract.suspend(self._trader(strike), strike.seconds),
            Trouble.EMERGENCY: lambda strike: self._contract.declare_emergency(strike.hedger, strike.seconds),
            Trouble.SETTLED: lambda strike: self._contract.settle(),
            Trouble.JUMP: self._jump,
            Trouble.SWING: self._swing,
        }

    async def strike(self) -> None:
        """Everything in the plan, each beside the others, to the last one's end."""
        began = asyncio.get_running_loop().time()
        async with asyncio.TaskGroup() as group:
            for strike in self._plan:
                await asyncio.sleep(began + strike.at_s - asyncio.get_running_loop().time())
                group.create_task(self._carry_out(strike))

    async def end_all(self) -> None:
        """Disarm the faults, end what the contract forbids: from now on nothing hinders anybody."""
        await self._contract.end_all()
        self._stage.world.oracle.faults.clear()
        for hedger in self._stage.world.hedgers.values():
            hedger.exchange.faults.remove(None)
            hedger.exchange.hub.user_faults.swallow = hedger.exchange.hub.user_faults.duplicate = 0
            for market in hedger.exchange.engine.markets.values():
                market.fills.partial_then_silent.clear()
            _release(hedger.exchange)

    async def _carry_out(self, strike: Strike) -> None:
        self.struck[strike.trouble.value] += 1
        about = " ".join(part for part in (strike.trouble.value.replace("_", " "), strike.hedger) if part)
        self._tell(f"{about}{_detail(strike)}")
        await self._troubles[strike.trouble](strike)

    # --- hedgers and their cables

    async def _kill(self, strike: Strike) -> None:
        if strike.hedger in self._stage.down:
            return
        await self._stage.kill(strike.hedger)
        await asyncio.sleep(strike.seconds)
        await self._stage.start(strike.hedger)

    async def _outage(self, strike: Strike, cable: Cable, why: str) -> None:
        """Without the cable of new heads the poller still tells of blocks: that keeps nobody from working."""
        with ExitStack() as noted:
            if why:
                noted.enter_context(self._stage.timeline.hindered(why, strike.hedger))
            await cable.cut()
            try:
                await asyncio.sleep(strike.seconds)
            finally:
                await cable.mend()

    def _cables(self, strike: Strike) -> Cables:
        return self._stage.cables[strike.hedger]

    def _trader(self, strike: Strike) -> Trader:
        return self._stage.traders[int(strike.seconds * 1_000) % len(self._stage.traders)]

    # --- exchanges

    def _exchange(self, strike: Strike) -> PaperExchange:
        return self._stage.world.hedgers[strike.hedger].exchange

    async def _one_request(self, strike: Strike) -> None:
        fault = Fault(ONE_REQUEST[strike.trouble], strike.method, ORDERS, seconds=min(strike.seconds, LONGEST_S) / 2)
        self._exchange(strike).faults.add(fault)

    async def _one_refusal(self, strike: Strike) -> None:
        self._exchange(strike).faults.add(replace(PRESETS[ONE_REFUSAL[strike.trouble]], method=strike.method))

    async def _banned(self, strike: Strike) -> None:
        with self._stage.timeline.hindered("banned", strike.hedger):
            self._exchange(strike).faults.add(replace(PRESETS["banned"], retry_after_s=BAN_S))
            await asyncio.sleep(BAN_S)

    async def _no_cancels(self, strike: Strike) -> None:
        faults = self._exchange(strike).faults
        with self._stage.timeline.hindered("no cancels", strike.hedger):
            armed = faults.add(Fault(FaultKind.REFUSE, "DELETE", ORDERS, code=-1001, status=500, times=None))
            await asyncio.sleep(strike.seconds)
            faults.remove(armed.fault_id)

    async def _stream_dropped(self, strike: Strike) -> None:
        self._exchange(strike).hub.drop_user_streams()

    async def _stream_silent(self, strike: Strike) -> None:
        faults = self._exchange(strike).hub.user_faults
        faults.swallow = None
        await asyncio.sleep(strike.seconds)
        faults.swallow = 0

    async def _stream_twice(self, strike: Strike) -> None:
        self._exchange(strike).hub.user_faults.duplicate = STREAM_MESSAGES

    async def _stream_expired(self, strike: Strike) -> None:
        exchange = self._exchange(strike)
        exchange.hub.expire_user_streams(exchange.clock.now_ms())

    async def _thin_book(self, strike: Strike) -> None:
        """The book holds little for a while: market orders take several levels, or are left with a rest."""
        rules = self._exchange(strike).engine.market(strike.symbol).fills
        usual = rules.level_quantity
        rules.levels, rules.level_quantity = THIN_LEVELS, usual / 100
        await asyncio.sleep(strike.seconds)
        rules.levels, rules.level_quantity = None, usual

    async def _no_fills(self, strike: Strike) -> None:
        rules = self._exchange(strike).engine.market(strike.symbol).fills
        with self._stage.timeline.hindered("no fills", strike.hedger):
            rules.paused = True
            await asyncio.sleep(strike.seconds)
            rules.paused = False

    async def _filled_in_part(self, strike: Strike) -> None:
        """The next limit order fills in part and then rests for a while, wherever the price goes."""
        exchange = self._exchange(strike)
        with self._stage.timeline.hindered("filled in part", strike.hedger):
            exchange.engine.market(strike.symbol).fills.partial_then_silent.append(Decimal("0.5"))
            await asyncio.sleep(strike.seconds)
            exchange.engine.market(strike.symbol).fills.partial_then_silent.clear()
            _release(exchange)

    async def _venue_funding(self, strike: Strike) -> None:
        exchange = self._exchange(strike)
        exchange.engine.ledger.settle_funding(exchange.engine.market(strike.symbol))

    # --- everybody

    async def _oracle_fault(self, strike: Strike) -> None:
        """The kind follows from what was drawn, so that all come in turn."""
        kinds = tuple(OracleFaultKind)
        drawn = int(strike.seconds * 1_000)
        method = ORACLE_METHODS[drawn % len(ORACLE_METHODS)]
        fault = OracleFault(
            kinds[drawn % len(kinds)], times=strike.depth, method=method, delay_s=min(strike.seconds, LONGEST_S) / 2
        )
        self._stage.world.oracle.faults.add(fault)

    async def _jump(self, strike: Strike) -> None:
        self._stage.move_price(strike.symbol, strike.move)

    async def _swing(self, strike: Strike) -> None:
        before = self._stage.prices()[strike.symbol]
        self._stage.move_price(strike.symbol, strike.move)
        await asyncio.sleep(SWING_S)
        self._stage.move_price(strike.symbol, before / self._stage.prices()[strike.symbol] - 1)


def _release(exchange: PaperExchange) -> None:
    """Orders that were told to rest may fill again."""
    for order in exchange.engine.orders.open():
        order.silent = False


def _detail(strike: Strike) -> str:
    match strike.trouble:
        case Trouble.JUMP | Trouble.SWING:
            return f" of {strike.symbol} by {strike.move:+.1%}"
        case Trouble.REORGANISATION:
            return f" of {strike.depth} blocks"
        case Trouble.KILL:
            return f" for {strike.seconds:.1f} s"
        case _:
            return ""
