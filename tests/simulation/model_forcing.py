"""Forcing a limit close in the model, by the highest and lowest price since prices count, as an oracle signs them."""

from dataclasses import dataclass

from hedger.domain.terms import OrderType, PositionType, QuoteStatus
from tests.simulation import model_contract as contract
from tests.simulation.model_contract import Logs, quote_of
from tests.simulation.model_logs import twice
from tests.simulation.model_state import WAD, Revert, State

FIRST_COOLDOWN_S = 60
SECOND_COOLDOWN_S = 60
GAP = 3 * WAD // 1000
PENALTY = 5 * WAD // 1000


@dataclass(frozen=True)
class ForceClose:
    """With the prices of a range of seconds."""

    quote_id: int
    start_s: int
    end_s: int
    highest: int
    lowest: int
    average: int

    def run(self, state: State, now: int) -> Logs:
        quote = quote_of(state, self.quote_id)
        contract.check_not_liquidated(state, quote)
        if quote.status is not QuoteStatus.CLOSE_PENDING:
            raise Revert("PartyAFacet: Invalid state")
        if self.end_s + SECOND_COOLDOWN_S > quote.deadline:
            raise Revert("PartyBFacet: Close request is expired")
        if quote.order_type is not OrderType.LIMIT:
            raise Revert("PartyBFacet: Quote's order type should be LIMIT")
        if self.start_s < quote.since + FIRST_COOLDOWN_S or self.end_s > now - SECOND_COOLDOWN_S:
            raise Revert("PartyAFacet: Cooldown not reached")
        asked, long = quote.close_price, quote.position is PositionType.LONG
        gap, penalty = asked * GAP // WAD, asked * PENALTY // WAD
        if self.highest < asked + gap if long else self.lowest > asked - gap:
            raise Revert("PartyAFacet: Requested close price not reached")
        price = max(asked + penalty, self.average) if long else min(asked - penalty, self.average)
        filled = quote.to_close
        logs, closed = contract.close_part(state, now, quote, filled, price)
        contract.spend_nonces(state, quote.party_a, quote.party_b)
        terms = (filled, price, int(closed.status), quote.close_id)
        return logs + twice("ForceClosePosition", quote.id, quote.party_a, quote.party_b, *terms)
