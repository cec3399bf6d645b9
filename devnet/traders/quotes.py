"""A quote as its trader sees it on chain."""

from dataclasses import dataclass
from typing import Any

from hedger.domain.terms import OrderType, PositionType, QuoteStatus


@dataclass(frozen=True, slots=True)
class QuoteOnChain:
    """The fields of a quote a trader acts upon; prices and amounts are wads, times unix seconds."""

    quote_id: int
    symbol_id: int
    position_type: PositionType
    order_type: OrderType
    status: QuoteStatus
    opened_price: int
    requested_open_price: int
    quantity: int
    closed_amount: int
    quantity_to_close: int
    locked_total_a: int
    party_a: str
    party_b: str
    parent_id: int
    status_modified_at: int
    deadline: int
    requested_close_price: int = 0

    @property
    def open_amount(self) -> int:
        return self.quantity - self.closed_amount

    @classmethod
    def from_struct(cls, quote: tuple[Any, ...]) -> "QuoteOnChain":
        """From the contract's `Quote`, decoded."""
        cva, lf, party_a_mm, _ = quote[12]
        return cls(
            quote_id=quote[0],
            symbol_id=quote[2],
            position_type=PositionType(quote[3]),
            order_type=OrderType(quote[4]),
            status=QuoteStatus(quote[16]),
            opened_price=quote[5],
            requested_open_price=quote[7],
            quantity=quote[9],
            closed_amount=quote[10],
            quantity_to_close=quote[19],
            locked_total_a=cva + lf + party_a_mm,
            party_a=quote[14],
            party_b=quote[15],
            parent_id=quote[20],
            status_modified_at=quote[22],
            deadline=quote[24],
            requested_close_price=quote[18],
        )
