"""What the contract's administrators and a rival do to everybody's surprise: pauses, suspensions, emergencies,
settlements."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from functools import partial

from devnet.actors import Administrator, OracleClient, Pause
from devnet.actors.deeds import SETBACKS
from devnet.actors.diamond import Diamond
from devnet.chaos.plan import DEEPEST
from devnet.chaos.stage import Stage
from devnet.traders import Trader
from hedger.domain.terms import QuoteStatus

ATTEMPTS = 5
# A reorganisation may take back an end: it is looked for until none reaches it any more, and ended again.
LOOKS, LOOK_S = DEEPEST + 2, 1.0
PAUSED_AT_MOST_S = 8.0
PARTY_B_ACTIONS = 3  # its place in the contract's pauseState

Deed = Callable[[], Awaitable[None]]


class ContractTroubles:
    """Every trouble ends by itself; `end_all` ends those whose end was orphaned."""

    def __init__(self, stage: Stage, administrator: Administrator) -> None:
        self._stage, self._administrator = stage, administrator
        self._diamond = Diamond(stage.world.deployment, administrator.wallet)
        self._oracle = OracleClient(stage.world.oracle.url, stage.world.deployment, stage.world.session)

    async def pause(self, seconds: float) -> None:
        """Hedgers may do nothing on chain, while traders and outsiders may."""
        with self._stage.timeline.hindered("paused", *self._stage.world.hedgers):
            if await _done(lambda: self._administrator.pause(Pause.PARTY_B_ACTIONS)):
                await asyncio.sleep(min(seconds, PAUSED_AT_MOST_S))
                await _for_good(partial(self._administrator.unpause, Pause.PARTY_B_ACTIONS), self._is_paused)

    async def suspend(self, trader: Trader, seconds: float) -> None:
        """Nothing of one trader is opened any more."""
        if await _done(lambda: self._administrator.suspend(trader.party_a)):
            await asyncio.sleep(seconds)
            stands = partial(self._diamond.read, "isSuspended", trader.party_a)
            await _for_good(partial(self._administrator.unsuspend, trader.party_a), stands)

    async def declare_emergency(self, hedger: str, seconds: float) -> None:
        """One hedger opens nothing any more."""
        party_b = self._stage.world.hedgers[hedger].party_b
        if await _done(lambda: self._administrator.set_emergency_of(party_b, True)):
            await asyncio.sleep(seconds)
            stands = partial(self._diamond.read, "getPartyBEmergencyStatus", party_b)
            await _for_good(partial(self._administrator.set_emergency_of, party_b, False), stands)

    async def _is_paused(self) -> bool:
        state = await self._diamond.read("pauseState")
        return bool(state[PARTY_B_ACTIONS])

    async def settle(self) -> None:
        """The rival has a trader's profits paid, those with our hedgers too: opened prices move."""
        rival = self._stage.rival
        mine = [quote for quote in self._stage.watch.quotes.values() if quote.party_b.lower() == rival.address.lower()]
        party_a = next((quote.party_a for quote in mine if quote.status is QuoteStatus.OPENED), None)
        if party_a is None:
            return
        try:
            settled = await self._oracle.settlement(party_a)
            await rival.call("settleUpnl", settled.signature, list(settled.prices.values()), party_a)
        except SETBACKS:
            return  # something else moved a nonce or a price first

    async def end_all(self) -> None:
        """Whatever still stands of it."""
        administrator = self._administrator
        party_bs = [hedger.party_b for hedger in self._stage.world.hedgers.values()]
        ends: list[Deed] = [partial(administrator.unpause, Pause.PARTY_B_ACTIONS)]
        ends += [partial(administrator.unsuspend, trader.party_a) for trader in self._stage.traders]
        ends += [partial(administrator.set_emergency_of, party_b, False) for party_b in party_bs]
        await asyncio.gather(*(_tried(end) for end in ends))


async def _for_good(end: Deed, stands: Callable[[], Awaitable[bool]]) -> None:
    """End it, and again where it stands once more."""
    await _done(end)
    for _ in range(LOOKS):
        await asyncio.sleep(LOOK_S)
        with contextlib.suppress(*SETBACKS):
            if await stands():
                await _done(end)


async def _done(deed: Deed) -> bool:
    for _ in range(ATTEMPTS):
        if await _tried(deed):
            return True
    return False


async def _tried(deed: Deed) -> bool:
    try:
        await deed()
    except SETBACKS:
        return False
    return True
