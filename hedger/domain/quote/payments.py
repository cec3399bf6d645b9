"""What the contract pays PartyB when a position is closed or settled, to the last unit (protocol: PnL, settlement)."""

from hedger.domain import chain_facts as facts
from hedger.domain.events import ChainFact
from hedger.domain.money import WAD, trunc_div
from hedger.domain.quote.onchain import OnChain
from hedger.domain.terms import PositionType


def paid_to_party_b(before: OnChain, fact: ChainFact) -> int:
    """What the pair's allocation of PartyB moves by (wad), positive when PartyB gains; `before` is the quote right
    before the fact. The amount without its sign is rounded down, so what the winner gets is what the loser pays."""
    match fact:
        case facts.CloseFilled() | facts.ForceClosed() | facts.EmergencyClosed():
            return _paid(before, fact.quantity, fact.price)
        case facts.PriceSettled():
            return _paid(before, before.open_quantity, fact.price)
        case _:
            return 0


def _paid(before: OnChain, quantity: int, price: int) -> int:
    gain_of_a = trunc_div(quantity * (price - before.opened_price), WAD)
    return -gain_of_a if before.position_type is PositionType.LONG else gain_of_a
