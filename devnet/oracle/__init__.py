"""A local Muon network: one process that answers and signs as the public one does."""

from devnet.oracle.faults import Fault, FaultKind
from devnet.oracle.server import MuonOracle, dev_signer

__all__ = ["Fault", "FaultKind", "MuonOracle", "dev_signer"]
