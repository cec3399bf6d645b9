"""What the hedger asks of the Muon network, whoever answers, and how it can fail."""

from typing import Protocol

from hedger.adapters.muon.signatures import (
    PairUpnlAndPriceSig,
    PairUpnlSig,
    SettlementSig,
    SingleUpnlAndPriceSig,
    SingleUpnlSig,
)


class MuonError(Exception):
    """No signature was obtained."""


class MuonUnavailable(MuonError):
    """Nobody answered, or the network refused for a reason that passes: ask again later."""


class MuonAnswerInvalid(MuonError):
    """An answer that does not parse, tells of something else than was asked, or refuses the question for good.

    `field` names the offending part of the answer; `raw` is the beginning of the answer as it came.
    """

    def __init__(self, field: str, problem: str, raw: str) -> None:
        super().__init__(f"{field}: {problem}")
        self.field = field
        self.problem = problem
        self.raw = raw


class Muon(Protocol):
    """The signed view of the chain. Every answer is bound to the nonces of the parties at the time it was made."""

    async def upnl_b(self, party_b: str, party_a: str) -> SingleUpnlSig:
        """For lockQuote, deallocateForPartyB and transferAllocation. Raises MuonUnavailable, MuonAnswerInvalid."""
        ...

    async def upnl(self, party_b: str, party_a: str) -> PairUpnlSig:
        """For chargeFundingRate. Raises MuonUnavailable, MuonAnswerInvalid."""
        ...

    async def upnl_with_price(self, party_b: str, party_a: str, symbol_id: int) -> PairUpnlAndPriceSig:
        """For openPosition, fillCloseRequest, emergencyClosePosition. Raises MuonUnavailable, MuonAnswerInvalid."""
        ...

    async def upnl_a_with_price(self, party_a: str, symbol_id: int) -> SingleUpnlAndPriceSig:
        """For sendQuote on a user's behalf. Raises MuonUnavailable, MuonAnswerInvalid."""
        ...

    async def settle_upnl(self, party_a: str) -> SettlementSig:
        """For settleUpnl: every open quote of PartyA. Raises MuonUnavailable, MuonAnswerInvalid."""
        ...
