"""Builds a hedger from its settings, and runs it: the one place where everything is wired."""

from hedger.bootstrap.connections import ledger_of, opened_log, projector_of
from hedger.bootstrap.proving import pnl_sums, proven
from hedger.bootstrap.running import ROLES, run_all, serving, stopped_by_signal
from hedger.bootstrap.tools import examined, validating
from hedger.bootstrap.wiring import built

__all__ = [
    "ROLES",
    "built",
    "examined",
    "ledger_of",
    "opened_log",
    "pnl_sums",
    "projector_of",
    "proven",
    "run_all",
    "serving",
    "stopped_by_signal",
    "validating",
]
