"""What was earned and lost is explained: the lines add up to the change of what contract and venue hold."""

from hedger.domain.accounting.equity import Measured, OpenPosition, prove
from hedger.domain.accounting.lines import exact_text
from hedger.domain.treasury import Treasury
from hedger.domain.venue_cash import VenueCash
from hedger.projections.pnl import PnlModel
from hedger.projections.pnl_sums import booked_of
from tests.simulation.kept_log import KeptLog
from tests.simulation.model_chain import ModelChain
from tests.simulation.model_state import CHAIN_ID, DIAMOND, US
from tests.simulation.model_venue import SYMBOLS, ModelVenue
from tests.simulation.watching import Broken


def check_profit(chain: ModelChain, venue: ModelVenue, kept: KeptLog) -> None:
    """Raises Broken."""
    treasury = Treasury(id=Treasury.create_id(CHAIN_ID, DIAMOND, US))
    treasury.advance(each.event for each in kept.by_aggregate.get(treasury.id, ()))
    if treasury.free != chain.state.free:
        raise Broken(f"I2: the free balance is {chain.state.free}, in the log {treasury.free}")
    cash = VenueCash(id=VenueCash.create_id(CHAIN_ID, DIAMOND, US, "model"))
    cash.advance(each.event for each in kept.by_aggregate.get(cash.id, ()))
    if cash.wallet != venue.wallet.balance:
        raise Broken(f"I2: the wallet holds {venue.wallet.balance}, in the log {cash.wallet}")
    model = PnlModel(US)
    for recorded in kept.recorded:
        model.apply(recorded)
    booked = booked_of(model, len(kept.recorded))
    if booked is None:
        raise Broken("there is no opening state")
    unexplained = prove(measured(chain, venue), booked).unexplained
    if unexplained:
        raise Broken(f"profit and loss: {exact_text(unexplained)} is not explained")


def measured(chain: ModelChain, venue: ModelVenue) -> Measured:
    state, marks = chain.state, dict(venue.mids)
    return Measured(
        block_number=chain.head.number,
        free=state.free,
        vault=0,
        allocated=sum(state.allocated.values()),
        open_positions=tuple(
            OpenPosition(
                symbol=SYMBOLS[quote.symbol_id],
                position_type=quote.position,
                quantity=quote.open_quantity,
                opened_price=quote.opened_price,
            )
            for quote in state.quotes.values()
            if quote.party_b == US and quote.open_quantity
        ),
        wallet=venue.wallet.balance,
        venue_positions=tuple(venue.wallet.valued(marks)),
        marks=marks,
    )
