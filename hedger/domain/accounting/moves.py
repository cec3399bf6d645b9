"""What of an event moves money or risk, in a small form of its own: it is kept for as long as a book is.

Quantities are wads, signed (bought positive) where the move is of the venue's side.
"""

import msgspec

from hedger.domain.terms import PositionType


class Move(msgspec.Struct, frozen=True, kw_only=True, tag=True, array_like=True):
    """One step of a book."""


# --- a position on chain


class Sent(Move, frozen=True, kw_only=True):
    """The intent: what the position will be of."""

    position_type: PositionType


class Carried(Move, frozen=True, kw_only=True):
    """The position was open already when counting began."""

    position_type: PositionType
    quantity: int
    opened_price: int


class Opened(Move, frozen=True, kw_only=True):
    quantity: int
    price: int


class Closed(Move, frozen=True, kw_only=True):
    quantity: int
    price: int
    forced: bool


class Funded(Move, frozen=True, kw_only=True):
    rate: int


class Settled(Move, frozen=True, kw_only=True):
    """The opened price became another, and the difference was paid."""

    price: int


class Liquidated(Move, frozen=True, kw_only=True):
    """The position is gone; what is paid for it is told of the pair, later."""


# --- the venue's side


class Filled(Move, frozen=True, kw_only=True):
    """`decision_price` is the market when the order was decided, 0 where that is not known."""

    quantity: int
    price: int
    decision_price: int
    fee: int
    fee_asset: str
    trade_id: str
    at_ms: int


class Held(Move, frozen=True, kw_only=True):
    """So much was held already on either side when counting began, valued at a price; nothing was earned by it yet."""

    quantity: int
    price: int


# --- a pair's allocation, and the treasury


class AllocationMoved(Move, frozen=True, kw_only=True):
    """`amount` signed; `kind` is the contract's number."""

    amount: int
    kind: int
    transaction_hash: str


class AllocationHeld(Move, frozen=True, kw_only=True):
    """What the allocation was when counting began, by the contract's own word."""

    amount: int


class LiquidationMoved(Move, frozen=True, kw_only=True):
    """A liquidation of one side of the pair began or ended."""

    of_party_b: bool
    began: bool
    transaction_hash: str


class FlowMoved(Move, frozen=True, kw_only=True):
    """Money came in or went out; signed."""

    amount: int
    note: str


PositionMove = Sent | Carried | Opened | Closed | Funded | Settled | Liquidated | Filled | Held
AnyMove = PositionMove | AllocationMoved | AllocationHeld | LiquidationMoved | FlowMoved


class Entry(msgspec.Struct, kw_only=True, array_like=True):
    """A move with its place: in the log, and on the chain (block number 0 at the venue).

    `counts` is False for what the opening state holds already; `holds` while its block is of the chain. `slot` is the
    number of its first line among those of the same event.
    """

    position: int
    at_ms: int
    move: AnyMove
    block_number: int = 0
    log_index: int = 0
    block_hash: str = ""
    counts: bool = True
    holds: bool = True
    slot: int = 0

    @property
    def is_of_chain(self) -> bool:
        return self.block_number > 0

    @property
    def place(self) -> tuple[int, int]:
        return self.block_number, self.log_index


def in_order(entries: list[Entry]) -> list[Entry]:
    """Those that hold, in the order of the log; facts of the chain among themselves in the order of the chain, since
    one that was missed at first is told late."""
    held = [entry for entry in entries if entry.holds]
    of_chain = iter(sorted((entry for entry in held if entry.is_of_chain), key=lambda entry: entry.place))
    return [next(of_chain) if entry.is_of_chain else entry for entry in held]
