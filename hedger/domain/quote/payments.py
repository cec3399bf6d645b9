"""What the contract pays PartyB when a position is closed or settled, and how funding moves a price, to the last unit
(protocol: PnL, settlement, funding)."""

from hedger.domain import chain_facts as facts
from hedger.domain.events import ChainFact
from hedger.domain.money import WAD, mul, trunc_div
from hedger.domain.quote.onchain import OnChain
from hedger.domain.terms import PositionType


def paid_to_party_b(before: OnChain, fact: ChainFact) -> int:
    """What the pair's allocation of PartyB moves by (wad), positive when PartyB gains; `before` is the quote right
    before the fact."""
    match fact:
        case facts.CloseFilled() | facts.ForceClosed() | facts.EmergencyClosed():
            return payment(before.position_type, before.opened_price, fact.quantity, fact.price)
        case facts.PriceSettled():
            return payment(before.position_type, before.opened_price, before.open_quantity, fact.price)
        case _:
            return 0


def payment(position_type: PositionType, opened_price: int, quantity: int, price: int) -> int:
    """PartyB's gain (wad) when so much goes from its opened price to another. The amount without its sign is rounded
    down, so what the winner gets is what the loser pays."""
    gain_of_a = trunc_div(quantity * (price - opened_price), WAD)
    return -gain_of_a if position_type is PositionType.LONG else gain_of_a


def funded_price(position_type: PositionType, opened_price: int, rate: int) -> int:
    """The opened price after funding at a rate (wad): a positive one is paid by PartyA, on either side."""
    move = mul(opened_price, abs(rate))
    raised = (position_type is PositionType.LONG) == (rate >= 0)
    return opened_price + move if raised else opened_price - move
