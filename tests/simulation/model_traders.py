"""Traders, a rival hedger and passers-by, who act at random on what the chain says."""

import random

from hedger.domain.terms import OrderType, PositionType, QuoteStatus
from tests.simulation import model_moves as moves
from tests.simulation.model_chain import ModelChain
from tests.simulation.model_state import RIVAL, US, WAD, Locks, ModelQuote
from tests.simulation.model_venue import STEP, SYMBOLS, TICK, ModelVenue

PARTY_AS = tuple("0x" + f"{number:02x}" * 20 for number in (0xA1, 0xA2, 0xA3))


class ModelTraders:
    """One step is one look at the chain by everybody."""

    def __init__(self, chance: random.Random, chain: ModelChain, venue: ModelVenue) -> None:
        self._random, self._chain, self._venue = chance, chain, venue
        self.most_quotes = chance.choice((4, 8, 14))
        self.pace = chance.choice((0.05, 0.15, 0.3))
        self.cancels = chance.choice((0.0, 0.02, 0.08))
        self.rivals = chance.choice((0.0, 0.0, 0.02, 0.1))
        self.forces = chance.choice((0.0, 0.05))
        self.liquidations = chance.choice((0.0, 0.0, 0.002))
        self.is_leaving = False

    def act(self) -> None:
        quotes = self._chain.state.quotes
        if not self.is_leaving and len(quotes) < self.most_quotes and self._random.random() < self.pace:
            self._chain.send_move(self._intent())
        for quote in list(quotes.values()):
            self._look_at(quote)
        if not self.is_leaving and self._random.random() < self.liquidations:
            self._chain.send_move(moves.LiquidatePartyA(self._random.choice(PARTY_AS)))
        for party_a, is_liquidated in self._chain.state.liquidated.items():
            if is_liquidated and self._random.random() < 0.05:
                self._chain.send_move(moves.EndLiquidation(party_a))

    def _intent(self) -> moves.SendQuote:
        chance = self._random
        symbol_id = chance.choice(tuple(SYMBOLS))
        mid = self._venue.mids[SYMBOLS[symbol_id]]
        position = chance.choice(tuple(PositionType))
        order_type = chance.choice(tuple(OrderType))
        sign = 1 if position is PositionType.LONG else -1
        away = chance.randint(2, 30) if order_type is OrderType.MARKET else chance.randint(-12, 12)
        price = (mid + sign * away * TICK) // TICK * TICK
        quantity = chance.randint(150, 6_000) * STEP
        value = quantity * price // WAD
        locks = Locks(cva=value // 100, lf=value // 200, mm_a=value * 85 // 1000, mm_b=value // 100)
        whitelist = chance.choice(((), (), (US,), (US, RIVAL), (RIVAL,)))
        deadline = self._chain.now_s() + chance.choice((15, 40, 90, 200))
        party_a = chance.choice(PARTY_AS)
        return moves.SendQuote(
            party_a, whitelist, symbol_id, position, order_type, price, mid, quantity, locks, deadline
        )

    def _look_at(self, quote: ModelQuote) -> None:
        chance, status = self._random, quote.status
        now = self._chain.now_s()
        if quote.party_b == RIVAL or (status is QuoteStatus.PENDING and chance.random() < self.rivals):
            self._rival(quote)
        if status in (QuoteStatus.PENDING, QuoteStatus.LOCKED) and chance.random() < self.cancels:
            self._chain.send_move(moves.RequestCancel(quote.id))
        elif status is QuoteStatus.OPENED and not self.is_leaving and chance.random() < self.pace / 6:
            self._chain.send_move(self._close(quote))
        elif status is QuoteStatus.CLOSE_PENDING and chance.random() < self.cancels:
            self._chain.send_move(moves.RequestCancelClose(quote.id))
        elif chance.random() < self.forces:
            self._force(quote, now)

    def _close(self, quote: ModelQuote) -> moves.RequestClose:
        chance = self._random
        mid = self._venue.mids[SYMBOLS[quote.symbol_id]]
        sign = -1 if quote.position is PositionType.LONG else 1
        order_type = chance.choice(tuple(OrderType))
        away = chance.randint(2, 40) if order_type is OrderType.MARKET else chance.randint(-10, 15)
        price = (mid + sign * away * TICK) // TICK * TICK
        portion = chance.choice((100, 100, 30, 60, 90))
        deadline = self._chain.now_s() + chance.choice((15, 40, 90, 200))
        return moves.RequestClose(quote.id, price, portion, order_type, deadline)

    def _force(self, quote: ModelQuote, now: int) -> None:
        long = quote.position is PositionType.LONG
        mid = self._venue.mids[SYMBOLS[quote.symbol_id]]
        match quote.status:
            case QuoteStatus.CANCEL_PENDING:
                self._chain.send_move(moves.ForceCancel(quote.id))
            case QuoteStatus.CANCEL_CLOSE_PENDING:
                self._chain.send_move(moves.ForceCancelClose(quote.id))
            case QuoteStatus.CLOSE_PENDING if (mid >= quote.close_price) == long:
                self._chain.send_move(moves.ForceClose(quote.id))
            case _:
                pass
        if now > quote.deadline and not quote.status.is_terminal and quote.status is not QuoteStatus.OPENED:
            self._chain.send_move(moves.Expire(quote.id))

    def _rival(self, quote: ModelQuote) -> None:
        steps = {
            QuoteStatus.PENDING: ("lock",),
            QuoteStatus.LOCKED: ("open", "open", "unlock"),
            QuoteStatus.CLOSE_PENDING: ("close",),
        }
        choices = steps.get(quote.status)
        if choices and self._random.random() < 0.3:
            self._chain.send_move(moves.RivalMove(self._random.choice(choices), quote.id))
