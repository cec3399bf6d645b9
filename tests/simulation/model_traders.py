"""Traders, a rival hedger and passers-by, who act at random on what the chain says."""

import random

from hedger.domain.terms import OrderType, PositionType, QuoteStatus
from tests.simulation import model_moves as moves
from tests.simulation import model_others as others
from tests.simulation.model_chain import EPOCH_S, ModelChain
from tests.simulation.model_forcing import FIRST_COOLDOWN_S, SECOND_COOLDOWN_S, ForceClose
from tests.simulation.model_state import RIVAL, US, WAD, Locks, ModelQuote
from tests.simulation.model_venue import STEP, SYMBOLS, TICK, ModelVenue

PARTY_AS = tuple("0x" + f"{number:02x}" * 20 for number in (0xA1, 0xA2, 0xA3))


class ModelTraders:
    """One step is one look at the chain by everybody."""

    def __init__(self, chance: random.Random, chain: ModelChain, venue: ModelVenue, *, forcing: bool = False) -> None:
        """`forcing`: they close by limits that last, and force whatever can be forced."""
        self._random, self._chain, self._venue = chance, chain, venue
        self._forcing = forcing
        self.most_quotes = chance.choice((4, 8, 14))
        self.pace = chance.choice((0.05, 0.15, 0.3))
        self.cancels = chance.choice((0.0, 0.02, 0.08))
        self.rivals = chance.choice((0.0, 0.0, 0.02, 0.1))
        self.forces = chance.choice((0.0, 0.05, 0.3))
        self.liquidations = chance.choice((0.0, 0.0, 0.002))
        self.switches = chance.choice((0.0, 0.0, 0.004))
        self.meddlers = chance.choice((0.0, 0.01))  # who charges funding by hand, and settles beside us
        if forcing:
            self.forces, self.pace, self.cancels, self.liquidations = 0.5, 0.3, 0.0, 0.0
            self.switches, self.most_quotes = 0.0, 8
        self.is_leaving = False

    def act(self) -> None:
        quotes = self._chain.state.quotes
        if not self.is_leaving and len(quotes) < self.most_quotes and self._random.random() < self.pace:
            self._chain.send_move(self._intent())
        for quote in list(quotes.values()):
            self._look_at(quote)
        if not self.is_leaving and self._random.random() < self.liquidations:
            ending = self._random.choice((others.LiquidatePartyA, others.LiquidatePartyB))
            self._chain.send_move(ending(self._random.choice(PARTY_AS)))
        self._meddle()
        self._administer()
        for party_a, is_liquidated in self._chain.state.liquidated.items():
            if is_liquidated and self._random.random() < 0.05:
                self._chain.send_move(others.EndLiquidation(party_a))
        for party_a, is_liquidated in self._chain.state.liquidated_b.items():
            if is_liquidated and self._random.random() < 0.05:
                self._chain.send_move(others.LiquidatePositionsPartyB(party_a))

    def _meddle(self) -> None:
        """Funding charged by hand, and settlements by another hedger, of quotes of ours."""
        if self.is_leaving or self._random.random() >= self.meddlers:
            return
        party_a = self._random.choice(PARTY_AS)
        if self._random.random() < 0.5:
            self._chain.send_move(others.ChargeFunding(party_a, self._random.randint(-20, 20) * WAD // 10_000))
            return
        opened = [each for each in self._chain.state.of_pair(party_a) if each.status.is_position]
        if opened:
            quote = self._random.choice(opened)
            mid = self._venue.mids[SYMBOLS[quote.symbol_id]]
            self._chain.send_move(others.SettleByRival(quote.id, (quote.opened_price + mid) // 2))

    def _administer(self) -> None:
        """Pauses, emergencies, suspensions and delistings come and go; all are gone when the world comes to rest."""
        state, chance = self._chain.state, self._random
        ends = 1.0 if self.is_leaving else 0.05
        for name in sorted(state.switched_on):
            if chance.random() < ends:
                self._chain.send_move(others.Switch(name, False))
        for party_a in sorted(state.suspended):
            if chance.random() < ends:
                self._chain.send_move(others.Suspend(party_a, False))
        for symbol_id in sorted(state.delisted):
            if chance.random() < ends:
                self._chain.send_move(others.ListSymbol(symbol_id, True))
        if self.is_leaving or chance.random() >= self.switches:
            return
        match chance.randint(0, 4):
            case 0:
                self._chain.send_move(others.Suspend(chance.choice(PARTY_AS), True))
            case 1:
                self._chain.send_move(others.ListSymbol(chance.choice(tuple(SYMBOLS)), False))
            case _:
                name = chance.choice(("party_b_actions", "emergency", "party_b_emergency"))
                self._chain.send_move(others.Switch(name, True))

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
        elif status is QuoteStatus.OPENED and not self.is_leaving and chance.random() < self.pace / 3:
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
        deadline = self._chain.now_s() + chance.choice((15, 40, 90, 200, 400, 400))
        if self._forcing:
            order_type, deadline = OrderType.LIMIT, self._chain.now_s() + 400
            price = (mid - sign * chance.randint(-2, 20) * TICK) // TICK * TICK
        return moves.RequestClose(quote.id, price, portion, order_type, deadline)

    def _force(self, quote: ModelQuote, now: int) -> None:
        match quote.status:
            case QuoteStatus.CANCEL_PENDING:
                self._chain.send_move(moves.ForceCancel(quote.id))
            case QuoteStatus.CANCEL_CLOSE_PENDING:
                self._chain.send_move(moves.ForceCancelClose(quote.id))
            case QuoteStatus.CLOSE_PENDING if quote.order_type is OrderType.LIMIT:
                self._force_close(quote, now)
            case _:
                pass
        if now > quote.deadline and not quote.status.is_terminal and quote.status is not QuoteStatus.OPENED:
            self._chain.send_move(moves.Expire(quote.id))

    def _force_close(self, quote: ModelQuote, now: int) -> None:
        """With the widest range of prices that counts."""
        start = quote.since + FIRST_COOLDOWN_S
        end = min(now, quote.deadline) - SECOND_COOLDOWN_S
        symbol = SYMBOLS[quote.symbol_id]
        counted = [prices[symbol] for at, prices in self._venue.history if start <= EPOCH_S + at <= end]
        if counted:
            average = sum(counted) // len(counted)
            self._chain.send_move(ForceClose(quote.id, start, end, max(counted), min(counted), average))

    def _rival(self, quote: ModelQuote) -> None:
        steps = {
            QuoteStatus.PENDING: ("lock",),
            QuoteStatus.LOCKED: ("open", "open", "unlock"),
            QuoteStatus.CLOSE_PENDING: ("close",),
        }
        choices = steps.get(quote.status)
        if choices and self._random.random() < 0.3:
            self._chain.send_move(moves.RivalMove(self._random.choice(choices), quote.id))
