"""The last gate before anything is signed: the trading state, and the time up to which the request makes sense."""

from collections.abc import Awaitable, Callable

from hedger.application.ledger import Ledger
from hedger.application.sending.chain import Chain
from hedger.application.sending.settings import Refused, SenderSettings
from hedger.domain.reverts import RevertAction
from hedger.domain.terms import CallKind, TradingState
from hedger.domain.trading import Trading
from hedger.domain.transactions import TransactionRequested

# What takes on new exposure. An opening is not among them: it is hedged already when it is asked for.
_GROWS = frozenset({CallKind.LOCK, CallKind.LOCK_AND_OPEN})


class Gate:
    """Lets a request through, holds it, or refuses it."""

    def __init__(
        self,
        ledger: Ledger,
        chain: Chain,
        symbol_name: Callable[[int], str],
        pause: Callable[[float], Awaitable[None]],
        settings: SenderSettings,
    ) -> None:
        self._ledger, self._chain, self._symbol_name = ledger, chain, symbol_name
        self._pause, self._settings = pause, settings

    async def passed(self, request: TransactionRequested) -> bool:
        """Returns when the request may go: True at once, False where it was held and what was prepared is old.

        Raises Refused.
        """
        held = False
        while (state := await self._state(request.symbol_id)) is TradingState.HALTED:
            held = True
            check_time(request, (await self._chain.head()).timestamp)
            await self._pause(self._settings.hold_poll_s)
        if state is TradingState.REDUCING and request.call.kind in _GROWS:
            raise Refused("simulation", "trading is reducing", RevertAction.GIVE_UP)
        return not held

    async def _state(self, symbol_id: int) -> TradingState:
        """Read from the log itself: another process may have changed it a moment ago."""
        ledger = self._ledger
        trading = Trading(id=Trading.create_id(ledger.chain_id, ledger.diamond, ledger.party_b))
        trading.advance(recorded.event for recorded in await ledger.log.events_of(trading.id))
        return trading.of(self._symbol_name(symbol_id))


def check_time(request: TransactionRequested, block_timestamp: int) -> None:
    """Raises Refused once the request is pointless, by the chain's clock."""
    if request.valid_until and block_timestamp > request.valid_until:
        raise Refused("signature", "valid_until has passed", RevertAction.GIVE_UP)
