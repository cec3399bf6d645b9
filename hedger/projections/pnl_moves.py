"""From a recorded event to the move it is in a book of profit and loss."""

from hedger.domain import chain_facts as facts
from hedger.domain.accounting import moves
from hedger.domain.accounting.moves import AnyMove
from hedger.domain.events import ChainFact, Event
from hedger.domain.treasury import to_wad


def position_move(event: Event, party_b: str) -> AnyMove | None:
    """What a fact of a quote does to PartyB's position, None where it does nothing to it."""
    if getattr(event, "party_b", party_b) != party_b:
        return None
    match event:
        case facts.QuoteSent():
            return moves.Sent(position_type=event.position_type)
        case facts.PositionOpened():
            return moves.Opened(quantity=event.quantity, price=event.price)
        case facts.CloseFilled() | facts.EmergencyClosed():
            return moves.Closed(quantity=event.quantity, price=event.price, forced=False)
        case facts.ForceClosed():
            return moves.Closed(quantity=event.quantity, price=event.price, forced=True)
        case facts.FundingCharged():
            return moves.Funded(rate=event.rate)
        case facts.PriceSettled():
            return moves.Settled(price=event.price)
        case facts.PositionLiquidated():
            return moves.Liquidated()
        case _:
            return None


def account_move(event: Event, party_b: str) -> AnyMove | None:
    """What a fact of a pair does to its allocation."""
    if getattr(event, "party_b", party_b) != party_b:
        return None
    match event:
        case facts.AllocationChanged():
            return moves.AllocationMoved(
                amount=event.kind.sign * event.amount,
                kind=int(event.kind),
                transaction_hash=event.source.transaction_hash,
            )
        case facts.PartyALiquidationStarted() | facts.PartyALiquidationEnded():
            return _liquidation(event, of_party_b=False, began=isinstance(event, facts.PartyALiquidationStarted))
        case facts.PartyBLiquidationStarted() | facts.PartyBLiquidationEnded():
            return _liquidation(event, of_party_b=True, began=isinstance(event, facts.PartyBLiquidationStarted))
        case _:
            return None


def treasury_move(event: Event, party_b: str, decimals: int) -> AnyMove | None:
    """Money that came in or went out; what moves between PartyB's own balances is none."""
    match event:
        case facts.Deposited():
            return moves.FlowMoved(amount=to_wad(event.token_amount, decimals), note="deposit")
        case facts.Withdrawn():
            return moves.FlowMoved(amount=-to_wad(event.token_amount, decimals), note="withdrawal")
        case facts.FreeGiven():
            return moves.FlowMoved(amount=-event.amount, note="given away")
        case facts.VaultFilled() if event.sender != party_b:
            return moves.FlowMoved(amount=event.amount, note="given to the vault")
        case _:
            return None


def _liquidation(event: ChainFact, *, of_party_b: bool, began: bool) -> AnyMove:
    return moves.LiquidationMoved(of_party_b=of_party_b, began=began, transaction_hash=event.source.transaction_hash)
