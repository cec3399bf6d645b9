"""The last part of a settlement: which prices to settle at, by what Muon signs and the contract holds now."""

from hedger.adapters.chain.abi_codec import Malformed
from hedger.adapters.muon import SettlementSig
from hedger.application.sending.chain import Chain
from hedger.application.sending.encoding import Settlement
from hedger.application.sending.settings import Refused
from hedger.domain.reverts import RevertAction
from hedger.domain.settlement import Settleable, settle
from hedger.domain.transactions import Call

_ENOUGH_PERCENT = 98  # of what was asked for; the price may have moved since


async def settlement_of(call: Call, party_a: str, signature: SettlementSig, chain: Chain) -> Settlement:
    """The signature with a new opened price for each of its quotes. Raises Refused where too little would be gained."""
    try:
        quotes = await chain.quotes([entry.quote_id for entry in signature.quotes])
        allocations = await chain.allocations(sorted({quote.party_b for quote in quotes}), party_a)
    except Malformed as error:
        raise Refused("signature", f"what is to be settled cannot be read: {error}", RevertAction.WAIT) from None
    # What goes ahead in the same batch is not on chain yet.
    allocations[chain.party_b] = allocations.get(chain.party_b, 0) + call.allocate
    settleable = [
        Settleable(
            quote_id=quote.quote_id,
            party_b=quote.party_b,
            position_type=quote.position_type,
            open_quantity=quote.open_quantity,
            opened_price=quote.opened_price,
            current_price=entry.current_price,
        )
        for quote, entry in zip(quotes, signature.quotes, strict=True)
    ]
    settled = settle(settleable, allocations, call.amount)
    if settled is None:
        raise Refused("signature", "a price is where its quote was opened: nothing can be settled", RevertAction.WAIT)
    if 100 * settled.gained < _ENOUGH_PERCENT * call.amount:
        raise Refused("signature", "PartyA's profit does not pay what it lacks", RevertAction.SOLVENCY)
    return Settlement(signature, settled.prices)
