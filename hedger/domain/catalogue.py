"""Every event that may stand in the log. A class that is missing here cannot be recorded."""

from hedger.domain import (
    account,
    chain_facts,
    feed,
    foreign,
    funds,
    mismatch,
    repairs,
    residual,
    trading,
    transactions,
    treasury,
    venue_cash,
    wallet,
)
from hedger.domain.alerts import events as alert_events
from hedger.domain.events import ChainFact, Event
from hedger.domain.quote import events as quote_events

_ABSTRACT: frozenset[type[Event]] = frozenset(
    {
        ChainFact,
        chain_facts.QuoteFact,
        chain_facts.AccountFact,
        chain_facts.PartyAFact,
        chain_facts.TreasuryFact,
        chain_facts.ProtocolFact,
    }
)


def _events_in(*modules: object) -> tuple[type[Event], ...]:
    found = {
        value
        for module in modules
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, Event) and value is not Event and value not in _ABSTRACT
    }
    return tuple(sorted(found, key=lambda event: event.__name__))


ALL_EVENTS: tuple[type[Event], ...] = _events_in(
    account,
    alert_events,
    chain_facts,
    feed,
    foreign,
    funds,
    mismatch,
    quote_events,
    repairs,
    residual,
    trading,
    transactions,
    treasury,
    venue_cash,
    wallet,
)


def tag_of(event: Event | type[Event]) -> str:
    """The event's name in the log."""
    return str(event.__struct_config__.tag)
