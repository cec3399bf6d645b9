"""What the parts tell one another over the streams, besides the chain's facts (`adapters.chain.messages`)."""

import msgspec

from hedger.domain.events import Event, Recorded


class Reported(msgspec.Struct, frozen=True, kw_only=True, tag="Reported"):
    """Facts about one quote's orders or transactions, on `venue.executions`, keyed by PartyA. May be told twice.

    Instead of `quote_id`: `party_a`, whose account asked for the transaction, or `symbol_id`, whose residual book asked
    for the order.
    """

    quote_id: int
    facts: tuple[Event, ...]
    causation_id: str
    party_a: str = ""
    symbol_id: int = 0


class Logged(msgspec.Struct, frozen=True, kw_only=True, tag="Logged"):
    """One recorded event on `hedger.log`, keyed by PartyA where it concerns one.

    `redelivered`: it may have been carried out before (told again by the healer, or after a restart); whoever carries
    effects out looks the outcome up before acting.
    """

    recorded: Recorded
    quote_id: int  # 0 where it is no quote's event
    party_a: str = ""  # whose account asked, where no quote did
    symbol_id: int = 0  # whose residual book asked
    redelivered: bool = False
