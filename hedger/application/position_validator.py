"""The position validator: chain, venue and log side by side; a difference becomes an event, never a silent fix."""

import asyncio
from collections.abc import Callable, Mapping, Sequence

import msgspec
import structlog

from hedger.adapters.log.port import FactAlreadyRecorded, VersionConflict
from hedger.application.ledger import Draft, Ledger
from hedger.application.validation.explaining import Explained, Explainer
from hedger.application.validation.looking import Looker, Seen
from hedger.application.validation.newest import newest
from hedger.application.validation.recording import Settings, reconciled, restrictions
from hedger.application.validation.trades import trade_key
from hedger.application.validation.verdict import SymbolRow, Verdict
from hedger.domain.foreign import TradesAgreed
from hedger.domain.mismatch import Mismatch
from hedger.domain.reconciliation import Reconciliation

__all__ = ["PositionValidator", "Settings", "SymbolRow", "Verdict"]

logger = structlog.get_logger(__name__)

_ATTEMPTS = 3


class PositionValidator:
    """Looks, and tells a difference once it has stayed over two looks: what is on its way is no mismatch.

    `on_foreign` is told after each look what is foreign of the venue's positions, by symbol (signed, wad).
    """

    def __init__(
        self,
        ledger: Ledger,
        looker: Looker,
        explainer: Explainer,
        settings: Settings,
        *,
        on_foreign: Callable[[Mapping[str, int]], None] = lambda held: None,
    ) -> None:
        self._ledger, self._on_foreign = ledger, on_foreign
        self._looker, self._explainer, self._settings = looker, explainer, settings
        self._suspected: dict[str, Mismatch] = {}
        self._strangers: dict[str, frozenset[str]] = {}  # trades of nobody, by symbol, as last compared
        self._called = asyncio.Event()

    async def restore(self) -> None:
        """Tell what is foreign from the log alone: the start of a process."""
        self._on_foreign((await self.known()).foreign)

    def call(self) -> None:
        """Something happened that is worth a look before its time."""
        self._called.set()

    async def called(self, longest_s: float) -> bool:
        """Returns once somebody has called, or after so many seconds; whether it was a call."""
        try:
            async with asyncio.timeout(longest_s):
                await self._called.wait()
        except TimeoutError:
            return False
        self._called.clear()
        return True

    async def look(self) -> Verdict:
        """One comparison, all trades included, each difference explained; nothing is recorded.

        Raises what the chain or the venue raise when they do not answer: nothing is concluded.
        """
        seen = await self._looker.seen(await self.known(), trades_of=None)
        explained = await self._explainer.explain(seen.verdict.mismatches, seen)
        explanations = {each.mismatch.key: each.explanation for each in explained}
        return msgspec.structs.replace(seen.verdict, explanations=explanations)

    async def look_and_record(self) -> Verdict:
        """Look, and record what stayed since the last look, and what is explained again."""
        known = await self.known()
        seen = await self._looker.seen(known, trades_of=[symbol for symbol, found in self._strangers.items() if found])
        now = {mismatch.key: mismatch for mismatch in seen.verdict.mismatches}
        fresh = [m for key, m in now.items() if self._suspected.get(key) == m and known.open.get(key) != m]
        self._suspected = now
        explained = await self._explainer.explain(fresh, seen)
        await self._record(seen, explained, self._settled(seen))
        self._on_foreign((await self.known()).foreign)
        return seen.verdict

    async def known(self) -> Reconciliation:
        """What is recorded so far, also by another process."""
        reconciliation = await self._ledger.reconciliation()
        async with self._ledger.lock(reconciliation.id):
            return await newest(self._ledger, await self._ledger.reconciliation())

    def _settled(self, seen: Seen) -> frozenset[str]:
        """Trades of no order of ours at this look and at the last one, while none of ours may trade unseen."""
        settled = set[str]()
        for symbol, trades in seen.trades.items():
            strangers = frozenset(trade_key(fill) for fill in trades.strangers)
            if not trades.is_unclear:
                settled |= strangers & self._strangers.get(symbol, frozenset())
            self._strangers[symbol] = strangers
        return frozenset(settled)

    async def _record(self, seen: Seen, explained: Sequence[Explained], settled: frozenset[str]) -> None:
        """What the look concludes, and what follows for the trading states, in one transaction."""
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                await self._record_once(seen, explained, settled)
            except (VersionConflict, FactAlreadyRecorded):
                if attempt == _ATTEMPTS:
                    raise
            else:
                return

    async def _record_once(self, seen: Seen, explained: Sequence[Explained], settled: frozenset[str]) -> None:
        ledger = self._ledger
        reconciliation, trading = await ledger.reconciliation(), await ledger.trading()
        async with ledger.lock(reconciliation.id), ledger.lock(trading.id):
            known, now = (
                await newest(ledger, await ledger.reconciliation()),
                await newest(ledger, await ledger.trading()),
            )
            differences, states = Draft(known), Draft(now)
            differences.add(reconciled(known, seen, explained, settled, self._settings))
            states.add(restrictions(known, now, differences.events))
            causation = f"block:{seen.verdict.block_number}"
            await ledger.save([differences, states], correlation_id="validator", causation_id=causation)
        for event in (*differences.events, *states.events):
            said = msgspec.to_builtins(event)
            tell = logger.info if isinstance(event, TradesAgreed) else logger.warning
            tell(said.pop("event"), **said)
