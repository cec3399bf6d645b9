"""What liquidators, other hedgers and administrators of the contract do to us in the model."""

from dataclasses import dataclass

from hedger.domain.terms import BalanceChange, PositionType, QuoteStatus
from tests.simulation import model_contract as contract
from tests.simulation.model_contract import Logs, put
from tests.simulation.model_logs import told, twice
from tests.simulation.model_state import NOBODY, US, WAD, Revert, State

SWITCHES = {
    "party_b_actions": ("PausePartyBActions", "UnpausePartyBActions"),
    "emergency": ("ActiveEmergencyMode", "DeactiveEmergencyMode"),
}


@dataclass(frozen=True)
class LiquidatePartyA:
    """All steps of it in one go, except the last, which ends it."""

    party_a: str

    def run(self, state: State, now: int) -> Logs:
        if state.liquidated.get(self.party_a):
            raise Revert("LiquidationFacet: already")
        mine = [each for each in state.quotes.values() if each.party_a == self.party_a]
        waiting = (QuoteStatus.PENDING, QuoteStatus.LOCKED, QuoteStatus.CANCEL_PENDING)
        pending = [each for each in mine if each.status in waiting]
        opened = [each for each in mine if each.status.is_position]
        logs = twice("LiquidatePartyA", NOBODY, self.party_a, 0, -1, -1, b"id")
        amounts = [each.quantity for each in pending]
        logs.append(
            told("LiquidatePendingPositionsPartyA", NOBODY, self.party_a, [each.id for each in pending], amounts, b"id")
        )
        amounts = [each.open_quantity for each in opened]
        ids, close_ids = [each.id for each in opened], [each.close_id for each in opened]
        logs.append(told("LiquidatePositionsPartyA", NOBODY, self.party_a, ids, amounts, close_ids, b"id"))
        for each in pending:
            put(state, each.but(status=QuoteStatus.LIQUIDATED_PENDING, since=now))
        for each in opened:
            put(state, each.but(status=QuoteStatus.LIQUIDATED, since=now, closed=each.quantity))
            if each.party_b == US:
                state.nonces_b[self.party_a] = state.nonces_b.get(self.party_a, 0) + 1
        state.liquidated[self.party_a] = True
        return logs


@dataclass(frozen=True)
class EndLiquidation:
    party_a: str

    def run(self, state: State, now: int) -> Logs:
        if not state.liquidated.get(self.party_a):
            raise Revert("LiquidationFacet: not liquidated")
        state.liquidated[self.party_a] = False
        state.nonces_a[self.party_a] = state.nonces_a.get(self.party_a, 0) + 1
        return twice("FullyLiquidatedPartyA", self.party_a, b"id")


@dataclass(frozen=True)
class LiquidatePartyB:
    """Its first step: what is locked ends without an event, the allocation goes to PartyA."""

    party_a: str

    def run(self, state: State, now: int) -> Logs:
        if state.liquidated.get(self.party_a) or state.liquidated_b.get(self.party_a):
            raise Revert("LiquidationFacet: already")
        allocated = state.allocated.get(self.party_a, 0)
        logs = [told("LiquidatePartyB", NOBODY, US, self.party_a, allocated, -1)]
        logs.append(told("BalanceChangePartyB", US, self.party_a, allocated, int(BalanceChange.REALIZED_PNL_OUT)))
        for each in state.of_pair(self.party_a):
            if each.status in (QuoteStatus.LOCKED, QuoteStatus.CANCEL_PENDING):
                put(state, each.but(status=QuoteStatus.LIQUIDATED_PENDING, since=now))
        state.allocated[self.party_a] = 0
        state.liquidated_b[self.party_a] = True
        state.nonces_a[self.party_a] = state.nonces_a.get(self.party_a, 0) + 1
        return logs


@dataclass(frozen=True)
class LiquidatePositionsPartyB:
    """Its last step: every position of the pair."""

    party_a: str

    def run(self, state: State, now: int) -> Logs:
        if not state.liquidated_b.get(self.party_a):
            raise Revert("LiquidationFacet: PartyB is solvent")
        opened = [each for each in state.of_pair(self.party_a) if each.status.is_position]
        ids, close_ids = [each.id for each in opened], [each.close_id for each in opened]
        amounts = [each.open_quantity for each in opened]
        logs = [told("LiquidatePositionsPartyB", NOBODY, US, self.party_a, ids, amounts, close_ids)]
        for each in opened:
            put(state, each.but(status=QuoteStatus.LIQUIDATED, since=now, closed=each.quantity))
        state.liquidated_b[self.party_a] = False
        state.nonces_b[self.party_a] = state.nonces_b.get(self.party_a, 0) + 1
        return [*logs, told("FullyLiquidatedPartyB", US, self.party_a)]


@dataclass(frozen=True)
class ChargeFunding:
    """The operator charges by hand, beside the hedger."""

    party_a: str
    rate: int

    def run(self, state: State, now: int) -> Logs:
        if state.liquidated.get(self.party_a) or state.liquidated_b.get(self.party_a):
            raise Revert("Accessibility: PartyA isn't solvent")
        opened = [each for each in state.of_pair(self.party_a) if each.status.is_position]
        if not opened:
            raise Revert("ChargeFundingFacet: Invalid state")
        for each in opened:
            moved = each.opened_price * abs(self.rate) // WAD
            up = (each.position is PositionType.LONG) == (self.rate >= 0)
            put(state, each.but(opened_price=each.opened_price + (moved if up else -moved)))
        contract.spend_nonces(state, self.party_a, US)
        ids = [each.id for each in opened]
        return [told("ChargeFundingRate", US, self.party_a, ids, [self.rate] * len(ids))]


@dataclass(frozen=True)
class SettleByRival:
    """Another hedger of the same PartyA turns our unrealised profit and loss with it into allocation."""

    quote_id: int
    price: int

    def run(self, state: State, now: int) -> Logs:
        quote = contract.quote_of(state, self.quote_id)
        contract.check_not_liquidated(state, quote)
        if not quote.status.is_position or quote.party_b != US or self.price == quote.opened_price:
            raise Revert("LibSettlement: Invalid state")
        move = self.price - quote.opened_price
        amount = abs(move) * quote.open_quantity // WAD
        a_gains = (move > 0) == (quote.position is PositionType.LONG)
        held = state.allocated.get(quote.party_a, 0)
        if a_gains and amount > held:
            raise Revert("LibSettlement: PartyB should be solvent")
        state.allocated[quote.party_a] = held - amount if a_gains else held + amount
        put(state, quote.but(opened_price=self.price))
        contract.spend_nonces(state, quote.party_a, US)
        kind = BalanceChange.REALIZED_PNL_OUT if a_gains else BalanceChange.REALIZED_PNL_IN
        allocated = [state.allocated[quote.party_a]]
        return [
            told("BalanceChangePartyB", US, quote.party_a, amount, int(kind)),
            told("SettleUpnl", [(quote.id, self.price, 0)], [self.price], quote.party_a, 0, allocated),
        ]


@dataclass(frozen=True)
class Switch:
    """A pause of PartyB's calls, or the emergency mode of the system or of us, goes on or off."""

    name: str
    is_on: bool

    def run(self, state: State, now: int) -> Logs:
        if (self.name in state.switched_on) == self.is_on:
            raise Revert("nothing changes")
        (state.switched_on.add if self.is_on else state.switched_on.discard)(self.name)
        if self.name == "party_b_emergency":
            return [told("SetPartyBEmergencyStatus", US, self.is_on)]
        return [told(SWITCHES[self.name][0 if self.is_on else 1])]


@dataclass(frozen=True)
class Suspend:
    party_a: str
    is_suspended: bool

    def run(self, state: State, now: int) -> Logs:
        (state.suspended.add if self.is_suspended else state.suspended.discard)(self.party_a)
        return [told("SetSuspendedAddress", self.party_a, self.is_suspended)]


@dataclass(frozen=True)
class ListSymbol:
    symbol_id: int
    is_valid: bool

    def run(self, state: State, now: int) -> Logs:
        (state.delisted.discard if self.is_valid else state.delisted.add)(self.symbol_id)
        return [told("SetSymbolValidationState", self.symbol_id, not self.is_valid, self.is_valid)]
