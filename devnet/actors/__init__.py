"""Third parties of the local world: who liquidates, who enforces what is overdue, who administers the contract."""

from devnet.actors.administrator import Administrator, Pause
from devnet.actors.deeds import Deed, DeedKind
from devnet.actors.enforcer import Enforcer
from devnet.actors.liquidator import Liquidator
from devnet.actors.oracle_client import OracleClient

__all__ = ["Administrator", "Deed", "DeedKind", "Enforcer", "Liquidator", "OracleClient", "Pause"]
