"""Every read model of the hedger, and the projections that keep them."""

from collections.abc import Callable
from functools import partial

from hedger.projections.accounts import AccountBook
from hedger.projections.alerts import AlertBook
from hedger.projections.inputs_rejected import RejectedInputs
from hedger.projections.mismatches import MismatchBook
from hedger.projections.model import ReadModel, TableProjection
from hedger.projections.pnl import PnlModel
from hedger.projections.port import Projection
from hedger.projections.quote_book import QuoteBook
from hedger.projections.trading_states import TradingStates


def all_models(party_b: str) -> list[Callable[[], ReadModel]]:
    """Makers of empty read models, as one PartyB (address) sees the log."""
    return [
        partial(QuoteBook, party_b),
        partial(AccountBook, party_b),
        MismatchBook,
        RejectedInputs,
        TradingStates,
        AlertBook,
        partial(PnlModel, party_b),
    ]


def all_projections(party_b: str) -> list[Projection]:
    """The projections to run, as one PartyB (address) sees the log."""
    return [TableProjection(make) for make in all_models(party_b)]
