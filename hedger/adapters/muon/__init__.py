"""Muon signatures: the port, its errors, the typed signatures, and the HTTP client."""

from hedger.adapters.muon.client import MuonClient
from hedger.adapters.muon.port import Muon, MuonAnswerInvalid, MuonError, MuonUnavailable
from hedger.adapters.muon.signatures import (
    PairUpnlAndPriceSig,
    PairUpnlSig,
    QuoteSettlement,
    SchnorrSign,
    SettlementSig,
    SingleUpnlAndPriceSig,
    SingleUpnlSig,
)

__all__ = [
    "Muon",
    "MuonAnswerInvalid",
    "MuonClient",
    "MuonError",
    "MuonUnavailable",
    "PairUpnlAndPriceSig",
    "PairUpnlSig",
    "QuoteSettlement",
    "SchnorrSign",
    "SettlementSig",
    "SingleUpnlAndPriceSig",
    "SingleUpnlSig",
]
