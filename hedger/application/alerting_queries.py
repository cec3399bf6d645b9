"""Levels of what the read models tell: exposure, obligations, mismatches, allocations, transactions, the models
themselves."""

from collections.abc import Awaitable, Callable, Sequence
from decimal import Decimal
from typing import Any

from hedger.adapters.postgres import Pool
from hedger.application.inputs import Board
from hedger.domain.alerts.liquidation import HeldPosition, liquidation_distance
from hedger.domain.alerts.watch import Look, Reading
from hedger.domain.margins import Locked
from hedger.domain.money import WAD, to_decimal, to_text
from hedger.domain.obligations import Duty
from hedger.domain.terms import PositionType

_WINDOW_MS = 600_000
_MOST_ROWS = 1_000
_LONGEST_DETAIL = 200

_EXPOSURE = "SELECT symbol, required, hedged FROM exposure"
_RESIDUALS = """SELECT symbol, residual,
    (SELECT coalesce(sum(orders_unsettled), 0) FROM quotes q WHERE q.symbol_id = e.symbol_id AND is_live)
FROM exposure e"""
_OBLIGATIONS = """SELECT o.quote_id, o.duty, o.due_at, o.at_stake,
    q.position_type, q.close_price, q.close_requested_at, s.name
FROM obligations o JOIN quotes q ON q.quote_id = o.quote_id LEFT JOIN symbols s ON s.symbol_id = o.symbol_id
ORDER BY o.due_at LIMIT %s"""
_MISMATCHES = "SELECT kind, subject, chain, venue, log FROM mismatches WHERE is_open"
_POSITIONS = (
    """SELECT party_a, symbol, position_type, open_quantity, opened_price, cva, lf, party_b_mm FROM positions"""
)
_ALLOCATIONS = "SELECT party_a, allocated FROM accounts"
_TRANSACTIONS = "SELECT request_id, requested_at, sent_state FROM transactions WHERE state = 'requested'"
_REJECTED = "SELECT origin, field FROM inputs_rejected WHERE recorded_at_ms > %s ORDER BY position DESC LIMIT %s"
_PROJECTIONS = "SELECT name, position, error FROM projection_positions"


class QueriedLevels:
    """Levels in the tables of one database, at the prices and the block of the board."""

    def __init__(
        self, pool: Pool, board: Board, head: Callable[[], Awaitable[int]], *, clock_ms: Callable[[], int]
    ) -> None:
        self._pool, self._board, self._head, self._clock_ms = pool, board, head, clock_ms
        self._residual_since_ms: dict[str, int] = {}

    async def exposure(self) -> Look:
        """What chain and venue differ by, in collateral at the mark, by symbol."""
        marks = self._marks()
        return {
            symbol: _exposure(int(required), int(hedged), marks.get(symbol))
            for symbol, required, hedged in await self._rows(_EXPOSURE)
        }

    async def residual_age(self) -> Look:
        """Seconds for which chain and venue have differed with no order under way, by symbol.

        It counts from the first look that saw it. That look tells nothing: it may have been there before we were.
        """
        look: dict[str, Reading] = {}
        since: dict[str, int] = {}
        for symbol, residual, unsettled in await self._rows(_RESIDUALS):
            if not residual:
                look[symbol] = Reading(value=Decimal(0))
                continue
            first = self._residual_since_ms.get(symbol)
            since[symbol] = self._clock_ms() if first is None else first
            known = first is not None and not unsettled
            age = Decimal(self._clock_ms() - since[symbol]) / 1000 if known else None
            look[symbol] = Reading(value=age, detail=f"The residual is {to_text(int(residual))}")
        self._residual_since_ms = since
        return look

    async def obligation(self) -> Look | None:
        """Seconds of the chain that are left, by quote. A limit close is owed only once its price is reached."""
        head = self._board.head
        if head is None:
            return None
        look = {}
        for quote_id, duty, due_at, at_stake, *close in await self._rows(_OBLIGATIONS, _MOST_ROWS):
            owed = self._is_reached(*close) if duty == Duty.ANSWER_CLOSE else True
            if owed is False:
                continue
            detail = f"{duty}, with {to_text(int(at_stake))} of notional at stake"
            left = Decimal(due_at) - head.timestamp if owed else None
            look[f"quote {quote_id}"] = Reading(value=left, detail=detail)
        return look

    async def mismatch(self) -> Look:
        return {
            f"{kind} {subject}": Reading(value=Decimal(1), detail=f"Chain: {chain}; venue: {venue or '-'}; log: {log}")
            for kind, subject, chain, venue, log in await self._rows(_MISMATCHES)
        }

    async def liquidation(self) -> Look:
        """How far each pair with an open position is from our liquidation, over its notional."""
        held: dict[str, list[HeldPosition]] = {}
        for party_a, *values in await self._rows(_POSITIONS):
            held.setdefault(party_a, []).append(_position(values))
        allocated = {party_a: int(amount) for party_a, amount in await self._rows(_ALLOCATIONS)}
        marks = self._marks()
        return {
            party_a: Reading(
                value=liquidation_distance(allocated[party_a], positions, marks) if party_a in allocated else None
            )
            for party_a, positions in held.items()
        }

    async def transaction(self) -> Look | None:
        """Seconds of the chain since a transaction was asked for that has no outcome, by request."""
        head = self._board.head
        if head is None:
            return None
        return {
            request_id: Reading(
                value=max(Decimal(0), Decimal(head.timestamp - requested_at)),
                detail=f"It is {sent_state or 'not signed'}",
            )
            for request_id, requested_at, sent_state in await self._rows(_TRANSACTIONS)
        }

    async def rejected_input(self) -> Look:
        rows = await self._rows(_REJECTED, self._clock_ms() - _WINDOW_MS, _MOST_ROWS)
        detail = f"The newest: {rows[0][1]} of {rows[0][0]}" if rows else ""
        return {"inputs": Reading(value=Decimal(len(rows)), detail=detail[:_LONGEST_DETAIL])}

    async def projection_lag(self) -> Look:
        """Events behind the log. One that is parked stands still, which is another watch's."""
        rows = await self._rows(_PROJECTIONS)
        head = await self._head()
        return {
            name: Reading(value=Decimal(max(0, head - position)) if error is None else None)
            for name, position, error in rows
        }

    async def projection_parked(self) -> Look:
        return {
            name: Reading(value=Decimal(error is not None), detail=(error or "")[:_LONGEST_DETAIL])
            for name, _, error in await self._rows(_PROJECTIONS)
        }

    def _is_reached(
        self, position_type: int, price: Decimal | None, requested_at: int | None, symbol: str | None
    ) -> bool | None:
        """Whether a close price was reached since it was asked for; None where no price of the symbol is known."""
        mark = self._marks().get(symbol or "", 0)
        seen = self._board.reached(symbol or "", requested_at or 0)
        prices = [each for each in (mark, seen.high if seen else 0, seen.low if seen else 0) if each]
        if not prices or price is None:
            return None
        if position_type == PositionType.LONG:
            return max(prices) >= price
        return min(prices) <= price

    def _marks(self) -> dict[str, int]:
        return {symbol: market.mark for symbol, market in self._board.markets.items()}

    async def _rows(self, query: str, *parameters: int) -> list[tuple[Any, ...]]:
        async with self._pool.connection() as connection:
            cursor = await connection.execute(query.encode(), parameters or None)
            return await cursor.fetchall()


def _exposure(required: int, hedged: int, mark: int | None) -> Reading:
    difference = abs(required - hedged)
    detail = f"Open on chain {to_text(required)}, held at the venue {to_text(hedged)}"
    if not difference:
        return Reading(value=Decimal(0), detail=detail)
    return Reading(value=to_decimal(difference * mark // WAD) if mark else None, detail=detail)


def _position(values: Sequence[Any]) -> HeldPosition:
    symbol, position_type, open_quantity, opened_price, cva, lf, party_b_mm = values
    return HeldPosition(
        symbol=symbol,
        position_type=PositionType(position_type),
        open_quantity=int(open_quantity),
        opened_price=int(opened_price),
        locked=Locked(cva=int(cva), lf=int(lf), party_b_mm=int(party_b_mm)),
    )
