"""Transfers between the contract and the exchange that are proposed to the operator; money moves by his hand alone."""

from enum import StrEnum
from uuid import UUID

import msgspec

from hedger.domain.aggregate import Aggregate
from hedger.domain.events import Event, derived_id


class Place(StrEnum):
    """Where money is, or comes from."""

    CHAIN = "chain"  # PartyB's free balance on the contract
    VENUE = "venue"  # free margin at the exchange
    OUTSIDE = "outside"  # neither has enough: new money


class FundsView(msgspec.Struct, frozen=True, kw_only=True):
    """What a proposal is decided on (wads). `lacking` is what allocations need beyond the free balance."""

    block_number: int
    block_timestamp: int
    free: int
    promised: int
    margin: int
    lacking: int = 0


class FundsTransferProposed(Event, frozen=True, kw_only=True, tag="FundsTransferProposed.1"):
    """Please move `amount` (wad) of collateral; replaces what was proposed between two places before."""

    policy: str
    source: Place
    destination: Place
    amount: int
    reasons: tuple[str, ...]
    inputs: FundsView


class FundsTransferWithdrawn(Event, frozen=True, kw_only=True, tag="FundsTransferWithdrawn.1"):
    """The transfer towards this place is no longer needed."""

    policy: str
    destination: Place
    reason: str
    inputs: FundsView


class Funds(Aggregate, kw_only=True):
    """The proposals that stand, by where the money should go: one for each place at the most."""

    proposed: dict[str, FundsTransferProposed] = {}

    @staticmethod
    def create_id(chain_id: int, diamond: str, party_b: str) -> UUID:
        return derived_id("chains", chain_id, diamond, "funds", party_b)

    @property
    def is_withdrawing(self) -> bool:
        """True while free balance is proposed to leave the contract."""
        return any(proposal.source is Place.CHAIN for proposal in self.proposed.values())

    def apply(self, event: Event) -> None:
        match event:
            case FundsTransferProposed():
                self.proposed[event.destination.value] = event
            case FundsTransferWithdrawn():
                self.proposed.pop(event.destination.value, None)
            case _:
                pass
