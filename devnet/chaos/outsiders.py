"""Those who act against the hedgers, or beside them: who liquidates, who enforces, a rival that takes quotes."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from random import Random
from typing import Any

from devnet.actors import Deed
from devnet.actors.deeds import SETBACKS
from devnet.chaos.stage import Stage
from devnet.contract_abi import Abi
from devnet.traders import QuoteOnChain
from hedger.domain.terms import QuoteStatus

ENFORCER_PAUSE_S, LIQUIDATOR_PAUSE_S, RIVAL_PAUSE_S = 2.0, 5.0, 1.0
# How many of the intents that anybody may take the rival tries for: of new ones, and of the rests of a part opened.
OF_INTENTS, OF_CHILDREN = 0.15, 0.6
REQUESTED_CLOSE_PRICE = 18  # its place in the contract's Quote
NOBODY = "0x" + "00" * 20
SYMMIO = Abi.load("symmio")

Sweep = Callable[[], Awaitable[Sequence[Deed]]]


class Outsiders:
    """`done` counts their deeds by kind, once each is in a block."""

    def __init__(self, stage: Stage, sweeps: Sequence[tuple[Sweep, float]], rival: "RivalTrading") -> None:
        self.done: Counter[str] = Counter()
        self._stage, self._sweeps, self._rival = stage, sweeps, rival

    async def act(self) -> None:
        """Until cancelled."""
        async with asyncio.TaskGroup() as group:
            for sweep, pause_s in self._sweeps:
                group.create_task(self._repeat(sweep, pause_s))
            group.create_task(self._rival.act())

    def counted(self) -> dict[str, int]:
        return dict(sorted((self.done + self._rival.done).items()))

    def stop_taking(self) -> None:
        """The rival takes no more intents; it serves what it has."""
        self._rival.takes = False

    async def _repeat(self, sweep: Sweep, pause_s: float) -> None:
        while True:
            await asyncio.sleep(pause_s)
            try:
                deeds = await sweep()
            except SETBACKS:
                continue  # the node or the oracle failed: the next sweep sees all of it again
            self.done.update(deed.kind.value for deed in deeds)


class RivalTrading:
    """The rival takes some intents, serves what it holds, and is in no hurry."""

    def __init__(self, stage: Stage, random: Random) -> None:
        self.done: Counter[str] = Counter()
        self.takes = True
        self._stage, self._random = stage, random
        self._considered: set[int] = set()

    async def act(self) -> None:
        """Until cancelled."""
        while True:
            await asyncio.sleep(RIVAL_PAUSE_S)
            for quote in list(self._stage.watch.quotes.values()):
                await self._attend(quote)

    async def _attend(self, quote: QuoteOnChain) -> None:
        is_mine = quote.party_b.lower() == self._stage.rival.address.lower()
        try:
            if is_mine:
                await self._serve(quote)
            elif quote.status is QuoteStatus.PENDING and quote.party_b == NOBODY and self._wants(quote):
                await self._stage.rival.take(quote)
                self.done["rival_took_child" if quote.parent_id else "rival_took"] += 1
        except SETBACKS:
            return  # somebody was quicker, or it is not addressed

    def _wants(self, quote: QuoteOnChain) -> bool:
        """Makes up its mind once about each intent."""
        if not self.takes or quote.quote_id in self._considered:
            return False
        self._considered.add(quote.quote_id)
        return self._random.random() < (OF_CHILDREN if quote.parent_id else OF_INTENTS)

    async def _serve(self, quote: QuoteOnChain) -> None:
        rival = self._stage.rival
        match quote.status:
            case QuoteStatus.LOCKED:
                await rival.open(quote)
            case QuoteStatus.CANCEL_PENDING:
                await rival.call("acceptCancelRequest", quote.quote_id)
            case QuoteStatus.CANCEL_CLOSE_PENDING:
                await rival.call("acceptCancelCloseRequest", quote.quote_id)
            case QuoteStatus.CLOSE_PENDING:
                await self._fill(quote)
            case _:
                return
        self.done[f"rival_served_{quote.status.name.lower()}"] += 1

    async def _fill(self, quote: QuoteOnChain) -> None:
        """At the price that was asked for, whatever it is: the rival is generous."""
        world, rival = self._stage.world, self._stage.rival
        view = SYMMIO["getQuote"]
        [struct] = view.decode(await world.rpc.eth_call(world.deployment.diamond, view.calldata(quote.quote_id)))
        price: Any = struct[REQUESTED_CLOSE_PRICE]
        signature = await world.muon.upnl_with_price(rival.address, quote.party_a, quote.symbol_id)
        await rival.call("fillCloseRequest", quote.quote_id, quote.quantity_to_close, price, signature.as_abi())


async def gather_outsiders(stage: Stage) -> Outsiders:
    """Two liquidators that race each other, an enforcer, and the rival."""
    enforcer = await stage.world.enforcer()
    first, second = [await stage.world.liquidator(place) for place in (0, 1)]
    sweeps: list[tuple[Sweep, float]] = [
        (enforcer.sweep, ENFORCER_PAUSE_S),
        (first.sweep, LIQUIDATOR_PAUSE_S),
        (second.sweep, 1.7 * LIQUIDATOR_PAUSE_S),
    ]
    return Outsiders(stage, sweeps, RivalTrading(stage, Random(f"{stage.world.seed}:rival")))
