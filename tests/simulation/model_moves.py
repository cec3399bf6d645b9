"""The contract's rules for the calls of traders, of a rival hedger, and of anybody."""

from dataclasses import dataclass
from typing import Protocol

from hedger.domain.terms import OrderType, PositionType, QuoteStatus
from tests.simulation import model_contract as contract
from tests.simulation.model_contract import Logs, put, quote_of
from tests.simulation.model_logs import told, twice
from tests.simulation.model_state import RIVAL, Locks, ModelQuote, Revert, State

FORCE_CANCEL_S = 120
FORCE_CANCEL_CLOSE_S = 120


class Move(Protocol):
    """A transaction of anybody but us."""

    def run(self, state: State, now: int) -> Logs:
        """Changes the state and gives the logs. Raises Revert."""
        ...


@dataclass(frozen=True)
class SendQuote:
    party_a: str
    whitelist: tuple[str, ...]
    symbol_id: int
    position: PositionType
    order_type: OrderType
    price: int
    market_price: int
    quantity: int
    locks: Locks
    deadline: int

    def run(self, state: State, now: int) -> Logs:
        if state.liquidated.get(self.party_a):
            raise Revert("Accessibility: PartyA isn't solvent")
        if self.party_a in state.suspended:
            raise Revert("Accessibility: Sender is Suspended")
        if self.symbol_id in state.delisted:
            raise Revert("PartyAFacet: Symbol is not valid")
        if self.deadline < now:
            raise Revert("PartyAFacet: Low deadline")
        quote = ModelQuote(
            id=max(state.quotes, default=0) + 1,
            party_a=self.party_a,
            whitelist=self.whitelist,
            symbol_id=self.symbol_id,
            position=self.position,
            order_type=self.order_type,
            price=self.price,
            market_price=self.market_price,
            quantity=self.quantity,
            locks=self.locks,
            deadline=self.deadline,
            since=now,
        )
        put(state, quote)
        return [contract.sent_log(quote)]


@dataclass(frozen=True)
class RequestCancel:
    quote_id: int

    def run(self, state: State, now: int) -> Logs:
        quote = quote_of(state, self.quote_id)
        contract.check_not_liquidated(state, quote)
        if quote.status not in (QuoteStatus.PENDING, QuoteStatus.LOCKED):
            raise Revert("PartyAFacet: Invalid state")
        if now > quote.deadline:
            return contract.expire(state, now, (quote.id,))
        pending = quote.status is QuoteStatus.PENDING
        status = QuoteStatus.CANCELED if pending else QuoteStatus.CANCEL_PENDING
        put(state, quote.but(status=status, since=now))
        return [told("RequestToCancelQuote", quote.party_a, quote.party_b, int(status), quote.id)]


@dataclass(frozen=True)
class RequestClose:
    quote_id: int
    price: int
    portion: int  # hundredths of what is open
    order_type: OrderType
    deadline: int

    def run(self, state: State, now: int) -> Logs:
        quote = quote_of(state, self.quote_id)
        if self.deadline < now:
            raise Revert("PartyAFacet: Low deadline")
        contract.check_not_liquidated(state, quote)
        if quote.status is not QuoteStatus.OPENED:
            raise Revert("PartyAFacet: Invalid state")
        step = 10**15
        quantity = max(step, quote.open_quantity * self.portion // 100 // step * step)
        quantity = quote.open_quantity if self.portion >= 100 else min(quantity, quote.open_quantity)
        rest = quote.locks.total_a * (quote.open_quantity - quantity) // quote.open_quantity
        if rest and rest < contract.MIN_VALUE:
            raise Revert("PartyAFacet: Remaining quote value is low")
        state.last_close_id += 1
        changed = quote.but(
            status=QuoteStatus.CLOSE_PENDING,
            since=now,
            order_type=self.order_type,
            deadline=self.deadline,
            close_price=self.price,
            to_close=quantity,
            close_id=state.last_close_id,
        )
        put(state, changed)
        terms = (self.price, quantity, int(self.order_type), changed.deadline, 5, changed.close_id)
        return twice("RequestToClosePosition", quote.party_a, quote.party_b, quote.id, *terms)


@dataclass(frozen=True)
class RequestCancelClose:
    quote_id: int

    def run(self, state: State, now: int) -> Logs:
        quote = quote_of(state, self.quote_id)
        contract.check_not_liquidated(state, quote)
        if quote.status is not QuoteStatus.CLOSE_PENDING:
            raise Revert("PartyAFacet: Invalid state")
        if now > quote.deadline:
            return contract.expire(state, now, (quote.id,))
        put(state, quote.but(status=QuoteStatus.CANCEL_CLOSE_PENDING, since=now))
        return twice("RequestToCancelCloseRequest", quote.party_a, quote.party_b, quote.id, 6, quote.close_id)


@dataclass(frozen=True)
class ForceCancel:
    quote_id: int

    def run(self, state: State, now: int) -> Logs:
        quote = quote_of(state, self.quote_id)
        contract.check_not_liquidated(state, quote)
        if quote.status is not QuoteStatus.CANCEL_PENDING or now <= quote.since + FORCE_CANCEL_S:
            raise Revert("PartyAFacet: Cooldown not reached")
        put(state, quote.but(status=QuoteStatus.CANCELED, since=now))
        return [told("ForceCancelQuote", quote.id, 3)]


@dataclass(frozen=True)
class ForceCancelClose:
    quote_id: int

    def run(self, state: State, now: int) -> Logs:
        quote = quote_of(state, self.quote_id)
        contract.check_not_liquidated(state, quote)
        if quote.status is not QuoteStatus.CANCEL_CLOSE_PENDING or now <= quote.since + FORCE_CANCEL_CLOSE_S:
            raise Revert("PartyAFacet: Cooldown not reached")
        put(state, quote.but(status=QuoteStatus.OPENED, since=now, close_price=0, to_close=0))
        return twice("ForceCancelCloseRequest", quote.id, 4, quote.close_id)


@dataclass(frozen=True)
class Expire:
    quote_id: int

    def run(self, state: State, now: int) -> Logs:
        return contract.expire(state, now, (self.quote_id,))


@dataclass(frozen=True)
class RivalMove:
    """Another hedger locks, opens, lets go or closes."""

    what: str
    quote_id: int

    def run(self, state: State, now: int) -> Logs:
        quote = quote_of(state, self.quote_id)
        if self.what == "lock":
            return contract.take(state, now, quote, RIVAL)
        if self.what == "open":
            return contract.open_position(state, now, quote.id, quote.quantity, quote.price, None, RIVAL)
        if self.what == "unlock":
            return contract.unlock(state, now, quote.id, RIVAL)
        return contract.fill_close(state, now, quote.id, quote.to_close, quote.close_price, None, RIVAL)
