"""What a decision about funding may look at: the venue's rates while a window is open, and what PartyA agreed to."""

from collections.abc import Iterable, Sequence
from typing import Protocol

import msgspec

from hedger.application.inputs import Board
from hedger.domain.feed import BlockRef
from hedger.domain.funding import SymbolFunding, boundary_before, is_window_open
from hedger.domain.policies.funding import is_due
from hedger.domain.policies.inputs import PositionView
from hedger.domain.trading import Trading


class FundingViews(Protocol):
    """What is asked of the contract; raises where the chain does not answer."""

    async def max_funding_rates(self, quote_ids: Sequence[int], block: BlockRef | None = None) -> dict[int, int]: ...


class FundingInputs:
    """Funding's part of the inputs. What PartyA agreed to is in no event: it is read once for each position."""

    def __init__(self, board: Board, views: FundingViews) -> None:
        self._board, self._views = board, views
        self._agreed: dict[str, dict[tuple[int, int], int]] = {}  # by PartyA; by quote and when it was opened

    def of(self, positions: Iterable[PositionView], trading: Trading) -> tuple[SymbolFunding, ...]:
        """The symbols of these positions whose window is open at the head."""
        board = self._board
        if board.head is None:
            return ()
        now, told = board.head.timestamp, []
        for symbol_id in sorted({position.symbol_id for position in positions}):
            terms = board.symbols.get(symbol_id)
            if terms is None or not is_window_open(now, terms.funding_epoch_s, terms.funding_window_s):
                continue
            boundary = boundary_before(now, terms.funding_epoch_s)
            told.append(
                SymbolFunding(
                    symbol_id=symbol_id,
                    name=terms.name,
                    epoch_s=terms.funding_epoch_s,
                    window_s=terms.funding_window_s,
                    interval_s=board.funding.interval_s(terms.name),
                    trading_state=trading.of(terms.name),
                    rates=board.funding.of_epoch(terms.name, boundary, terms.funding_epoch_s),
                )
            )
        return tuple(told)

    async def read_agreed(self, party_a: str, positions: Sequence[PositionView], trading: Trading) -> None:
        """Read what PartyA agreed to for those positions that are due. Raises what the chain's views raise."""
        known = self._agreed.get(party_a, {})
        kept = {key: known[key] for position in positions if (key := _key(position)) in known}
        missing = [position for position in self._due(positions, trading) if _key(position) not in kept]
        if missing:
            ids = [position.quote_id for position in missing]
            told = await self._views.max_funding_rates(ids, self._board.recent_head())
            kept |= {_key(position): told[position.quote_id] for position in missing if position.quote_id in told}
        self._agreed[party_a] = kept

    def with_agreed(self, party_a: str, positions: Iterable[PositionView]) -> tuple[PositionView, ...]:
        """The positions with what was read."""
        agreed = self._agreed.get(party_a, {})
        return tuple(
            msgspec.structs.replace(position, max_funding_rate=agreed[_key(position)])
            if _key(position) in agreed
            else position
            for position in positions
        )

    def _due(self, positions: Sequence[PositionView], trading: Trading) -> list[PositionView]:
        fundings = {funding.symbol_id: funding for funding in self.of(positions, trading)}
        now = self._board.head.timestamp if self._board.head is not None else 0
        return [
            position
            for position in positions
            if (funding := fundings.get(position.symbol_id)) is not None and is_due(position, funding, now)
        ]


def _key(position: PositionView) -> tuple[int, int]:
    return position.quote_id, position.opened_at
