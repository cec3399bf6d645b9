"""What is looked at while the world runs: after every block, and after every step of the market."""

from collections import Counter
from dataclasses import dataclass, field

from hedger.domain.terms import OrderType, PositionType, QuoteStatus, Side
from tests.simulation.faults import Weather
from tests.simulation.model_chain import EPOCH_S, Block, ModelChain
from tests.simulation.model_forcing import ForceClose
from tests.simulation.model_logs import told
from tests.simulation.model_moves import FORCE_CANCEL_CLOSE_S, FORCE_CANCEL_S
from tests.simulation.model_state import NOBODY, US, WAD, ModelQuote
from tests.simulation.model_venue import MIN_NOTIONAL, STEP, SYMBOLS, ModelVenue

SPREAD = 5 * 10**14
DUST = MIN_NOTIONAL * WAD


class Broken(AssertionError):
    """An invariant does not hold."""


@dataclass
class Watch:
    """Steps of the chain and of the venue, checked as they happen."""

    chain: ModelChain
    venue: ModelVenue
    weather: Weather
    tag: str
    looked: set[str] = field(default_factory=set)
    included: set[int] = field(default_factory=set)  # nonces of ours that stood in some block before
    largest: Counter[int] = field(default_factory=Counter)  # quantity that was ever asked for under an id
    directions: dict[int, set[PositionType]] = field(default_factory=dict)
    unreachable: set[int] = field(default_factory=set)  # close ids whose price the market left
    crashed_s: list[float] = field(default_factory=list)
    hindered_s: list[int] = field(default_factory=list)  # block times at which the contract refused calls of ours

    def held(self, quote_id: int, symbol: str = "") -> int:
        """Signed quantity (long positive) that the venue has filled for a quote, in one symbol or in all."""
        prefix, held = f"{self.tag}-{quote_id}-", 0
        for name, order in self.venue.orders.items():
            if name.startswith(prefix) and symbol in ("", order.request.symbol):
                held += order.executed if order.request.side is Side.BUY else -order.executed
        return held

    def hedge(self, quote: ModelQuote) -> int:
        """In the position's direction."""
        held = self.held(quote.id)
        return held if quote.position is PositionType.LONG else -held

    def look_at_chain(self) -> None:
        for block in self.chain.blocks[-12:]:
            if block.hash not in self.looked:
                self.looked.add(block.hash)
                self._look_at_block(block)

    def _look_at_block(self, block: Block) -> None:
        before = self.chain.by_hash[block.parent_hash].state.quotes if block.parent_hash in self.chain.by_hash else {}
        if block.state.switched_on or block.state.liquidated_b or block.state.delisted or block.state.suspended:
            self.hindered_s.append(block.timestamp)
        for _, move in block.moves:
            if isinstance(move, ForceClose) and before[move.quote_id].party_b == US:
                self._never_forced(before[move.quote_id], block)
        for quote in block.state.quotes.values():
            self.largest[quote.id] = max(self.largest[quote.id], quote.quantity)
            self.directions.setdefault(quote.id, set()).add(quote.position)
            if quote.party_b == US and len(self.directions[quote.id]) == 1:
                if block.sent and not any(sent.unsigned.nonce in self.included for sent in block.sent):
                    self._broker_first(before.get(quote.id), quote, block)
                self._in_time(quote, block)
        self.included.update(sent.unsigned.nonce for sent in block.sent)

    def _broker_first(self, before: ModelQuote | None, quote: ModelQuote, block: Block) -> None:
        """Nothing is opened or filled on chain beyond what the venue has filled.

        A transaction that a fork puts into a block again may find the venue further on already: it is not judged.
        """
        if before is None:
            return
        hedge = self.hedge(quote)
        opened = not before.status.is_position and quote.status.is_position
        if opened and hedge < quote.quantity:
            raise Broken(f"I5: quote {quote.id} opened {quote.quantity} with {hedge} filled at the venue")
        filled = quote.closed > before.closed and quote.status is not QuoteStatus.LIQUIDATED
        crumb = DUST // self.venue.mids[SYMBOLS[quote.symbol_id]] * 11 // 10  # the market moves after the decision
        if filled and _closes_in_emergency(block, quote) and hedge > crumb:
            raise Broken(f"I5: quote {quote.id} was closed in an emergency while the venue still holds {hedge}")
        by_us = filled and before.status in (QuoteStatus.CLOSE_PENDING, QuoteStatus.CANCEL_CLOSE_PENDING)
        forced = any(getattr(move, "quote_id", 0) == quote.id for _, move in self._moves_of(quote))
        if by_us and not forced and hedge > quote.quantity - quote.closed + crumb:
            raise Broken(f"I5: quote {quote.id} closed to {quote.quantity - quote.closed}, venue still holds {hedge}")

    def _never_forced(self, quote: ModelQuote, block: Block) -> None:
        """No close of ours is forced while the process runs, and venue and chain answer."""
        if self._was_well(quote.since, block.timestamp):
            raise Broken(
                f"obligation: the close of quote {quote.id} was forced after {block.timestamp - quote.since} s"
            )

    def _moves_of(self, quote: ModelQuote) -> list[tuple[str, object]]:
        return [each for block in self.chain.blocks[-2:] for each in block.moves]

    def _in_time(self, quote: ModelQuote, block: Block) -> None:
        """What is owed is done in time, while venue and chain could be reached."""
        now = block.timestamp
        if not self._was_well(quote.since, now):
            return
        waited = now - quote.since
        if quote.status is QuoteStatus.CANCEL_PENDING and waited > FORCE_CANCEL_S:
            raise Broken(f"obligation: cancel of quote {quote.id} waits for {waited} s")
        if quote.status is QuoteStatus.CANCEL_CLOSE_PENDING and waited > FORCE_CANCEL_CLOSE_S:
            raise Broken(f"obligation: cancel of the close of quote {quote.id} waits for {waited} s")
        if quote.status is QuoteStatus.LOCKED and now > quote.deadline + 60:
            raise Broken(f"obligation: quote {quote.id} is locked {now - quote.deadline} s past its deadline")
        if quote.status is not QuoteStatus.CLOSE_PENDING or quote.order_type is not OrderType.MARKET:
            return
        lasts = quote.deadline - quote.since
        if now > quote.deadline and lasts >= 90 and quote.close_id not in self.unreachable:
            raise Broken(f"obligation: market close of quote {quote.id} was not filled in {lasts} s")

    def _was_well(self, begin_s: int, end_s: int) -> bool:
        first, last = begin_s - EPOCH_S - 10, end_s - EPOCH_S
        if not self.weather.is_mild or self.weather.away_within(first, last):
            return False
        if any(begin_s - 10 <= at <= end_s for at in self.hindered_s):
            return False
        return not any(first - 20 <= crashed <= last for crashed in self.crashed_s)

    def look_at_market(self) -> None:
        """Nothing is hedged beyond what was asked for, nothing reduced beyond what was held; prices out of reach."""
        for quote in self.chain.state.quotes.values():
            if quote.status is QuoteStatus.CLOSE_PENDING and not self._is_reachable(quote):
                self.unreachable.add(quote.close_id)
        touched = {int(name.split("-")[1]) for name in self.venue.orders}
        for quote_id in touched:
            directions = self.directions.get(quote_id, set())
            if len(directions) != 1:
                continue
            hedge = self.held(quote_id) * (1 if PositionType.LONG in directions else -1)
            if hedge < 0:
                raise Broken(f"I5: quote {quote_id} was reduced below nothing: {hedge}")
            if hedge > self.largest[quote_id] + STEP:
                raise Broken(f"I5: quote {quote_id} is hedged {hedge}, asked for was {self.largest[quote_id]}")
        for name, count in self.venue.arrivals.items():
            if count > 1:
                raise Broken(f"I4: order {name} came {count} times")

    def _is_reachable(self, quote: ModelQuote) -> bool:
        market = self.venue.market(SYMBOLS[quote.symbol_id])
        if quote.position is PositionType.LONG:
            return market.bid * (WAD - SPREAD) >= quote.close_price * WAD
        return market.ask * (WAD + SPREAD) <= quote.close_price * WAD


def _closes_in_emergency(block: Block, quote: ModelQuote) -> bool:
    topic = told("EmergencyClosePosition", quote.id, NOBODY, NOBODY, 0, 0, 0).topics[0]
    return any(log.topics[0] == topic and log.data.startswith(f"0x{quote.id:064x}") for _, log in block.logs)
