"""What holds once the world has come to rest: chain, venue and log agree, and the log gives the same again."""

import msgspec

from hedger.application.book import Book
from hedger.domain import transactions
from hedger.domain.account import Account, AccountDecided
from hedger.domain.chain_facts import AccountFact
from hedger.domain.events import Event
from hedger.domain.policies.accounts import decide_account
from hedger.domain.policies.decide import decide
from hedger.domain.policies.policy import Policy
from hedger.domain.quote import events
from hedger.domain.quote.quote import Quote
from hedger.domain.terms import QuoteStatus
from hedger.projections.memory import fold
from tests.simulation.kept_log import KeptLog
from tests.simulation.model_chain import ModelChain
from tests.simulation.model_state import CHAIN_ID, DIAMOND, US, WAD, ModelQuote
from tests.simulation.model_venue import MIN_NOTIONAL, STEP, SYMBOLS, ModelVenue
from tests.simulation.process import Process, quotes_of
from tests.simulation.profit import check_profit
from tests.simulation.watching import Broken, Watch

_DECISIONS = events.QuoteAccepted | events.QuoteRejected | events.GaveUp | events.Decided | events.CloseRejected
_ACCOUNT_PATIENCE_S = 60
_ASKED = events.OrderRequested | events.OrderCancelRequested | transactions.TransactionRequested
_WAITING = (
    QuoteStatus.LOCKED,
    QuoteStatus.CANCEL_PENDING,
    QuoteStatus.CLOSE_PENDING,
    QuoteStatus.CANCEL_CLOSE_PENDING,
)


def check_rest(
    chain: ModelChain, venue: ModelVenue, kept: KeptLog, process: Process, watch: Watch, policy: Policy
) -> None:
    """Raises Broken."""
    quotes = quotes_of(kept)
    accounts = _accounts_of(kept)
    _nothing_outstanding(quotes, accounts, chain.head.timestamp)
    _log_is_as_chain(chain, quotes)
    _accounts_are_as_chain(chain, kept)
    _log_is_as_venue(venue, quotes)
    _hedged(chain, venue, quotes, watch)
    _memory_is_as_log(process, quotes, accounts, policy)
    for quote in quotes.values():
        _decides_the_same(quote, kept, policy)
    for account in accounts:
        _account_decides_the_same(account, kept, policy)
    fold(kept.recorded, US)
    check_profit(chain, venue, kept)


def _accounts_of(kept: KeptLog) -> list[Account]:
    """Every account with us, as the log has it."""
    told = (recorded.event for recorded in kept.recorded)
    party_as = {event.party_a for event in told if isinstance(event, AccountFact) and event.party_b == US}
    accounts = [Account.new(CHAIN_ID, DIAMOND, US, party_a) for party_a in sorted(party_as)]
    for account in accounts:
        account.advance(each.event for each in kept.by_aggregate.get(account.id, ()))
    return accounts


def _nothing_outstanding(quotes: dict[int, Quote], accounts: list[Account], now: int) -> None:
    for account in accounts:
        # The market never rests, so an account may have asked for something just now.
        request = account.in_flight
        if request is not None and now - request.requested_at > _ACCOUNT_PATIENCE_S:
            raise Broken(f"I4: request {request.request_id} has no outcome")
    for quote in quotes.values():
        if quote.in_flight is not None:
            raise Broken(f"I4: request {quote.in_flight.request_id} has no outcome")
        for order in quote.hedge.unsettled:
            raise Broken(f"I4: order {order.client_order_id} is {order.state.value}, not settled")


def _log_is_as_chain(chain: ModelChain, quotes: dict[int, Quote]) -> None:
    for quote_id, quote in quotes.items():
        there = chain.state.quotes.get(quote_id)
        if (quote.chain is None) != (there is None):
            raise Broken(
                f"I2: quote {quote_id} is on chain: {there is not None}, in the log: {quote.chain is not None}"
            )
        if quote.chain is None or there is None:
            continue
        mine, theirs = _facet_of(quote), _row_of(there)
        if quote.chain.quantity == 0:  # a child born cancelled, whose numbers nothing tells
            mine, theirs = mine[:1], theirs[:1]
        if mine != theirs:
            raise Broken(f"I2: quote {quote_id} in the log {mine}, on chain {theirs}")
        if there.party_b == US and there.status in _WAITING:
            raise Broken(f"I11: quote {quote_id} still {there.status.name}, its deadline is long past")
    if missing := set(chain.state.quotes) - set(quotes):
        raise Broken(f"I2: quotes {missing} are not in the log")


def _facet_of(quote: Quote) -> tuple[object, ...]:
    facet = quote.chain
    assert facet is not None
    owner = facet.party_b or "0x" + "00" * 20
    closed = facet.closed_quantity
    return facet.status, facet.party_a, owner, facet.quantity, closed, facet.opened_price, facet.locked.total_a


def _row_of(quote: ModelQuote) -> tuple[object, ...]:
    locked = quote.locks.total_a
    return quote.status, quote.party_a, quote.party_b, quote.quantity, quote.closed, quote.opened_price, locked


def _accounts_are_as_chain(chain: ModelChain, kept: KeptLog) -> None:
    for party_a, allocated in chain.state.allocated.items():
        account = Account.new(CHAIN_ID, DIAMOND, US, party_a)
        account.advance(each.event for each in kept.by_aggregate.get(account.id, ()))
        if account.allocated != allocated:
            raise Broken(f"I2: allocated to {party_a} is {allocated}, in the log {account.allocated}")
        if account.is_party_a_liquidated != chain.state.liquidated.get(party_a, False):
            raise Broken(f"I2: liquidation of {party_a} is not as in the log")


def _log_is_as_venue(venue: ModelVenue, quotes: dict[int, Quote]) -> None:
    told = {name: order for quote in quotes.values() for name, order in quote.hedge.orders.items()}
    for name, order in venue.orders.items():
        if name not in told:
            raise Broken(f"I4: the venue has order {name}, which the log never asked for")
        if told[name].filled != order.executed:
            raise Broken(f"I2: order {name} filled {order.executed}, in the log {told[name].filled}")
    for name, mine in told.items():
        if mine.filled and name not in venue.orders:
            raise Broken(f"I2: order {name} is filled in the log, unknown at the venue")


def _hedged(chain: ModelChain, venue: ModelVenue, quotes: dict[int, Quote], watch: Watch) -> None:
    sums: dict[str, int] = dict.fromkeys(venue.positions, 0)
    for quote_id in quotes:
        there = chain.state.quotes.get(quote_id)
        symbols = {order.symbol for order in quotes[quote_id].hedge.orders.values()}
        if (
            there is not None
            and there.party_b == US
            and there.open_quantity
            and SYMBOLS[there.symbol_id] not in symbols
        ):
            raise Broken(f"I6: quote {quote_id} is open and was never hedged")
        for symbol in symbols:
            held, needed = watch.held(quote_id, symbol), 0
            if there is not None and there.party_b == US and SYMBOLS[there.symbol_id] == symbol:
                needed = there.open_quantity if there.position.name == "LONG" else -there.open_quantity
            mark = venue.mids[symbol]
            residual = abs(held - needed)
            if residual >= STEP and residual // STEP * STEP * mark // WAD >= MIN_NOTIONAL:
                raise Broken(f"I6: quote {quote_id} needs {needed} at the venue, which holds {held}")
            sums[symbol] += held
    for symbol, held in sums.items():
        if held != venue.positions[symbol]:
            raise Broken(f"I6: {symbol} is held {venue.positions[symbol]}, the sum over quotes is {held}")


def _memory_is_as_log(process: Process, quotes: dict[int, Quote], accounts: list[Account], policy: Policy) -> None:
    parts = process.parts
    if parts is None:
        raise Broken("I6: the process did not come up again")
    cached = parts.ledger._cache
    book = Book(policy)
    for account in accounts:
        book.allocations.note(account)
        kept = cached.get(account.id)
        if kept is not None and msgspec.json.encode(kept) != msgspec.json.encode(account):
            raise Broken(f"I9: the account with {account.party_a} in memory is not as a replay gives it")
    for quote in quotes.values():
        book.note(quote)
        remembered = cached.get(quote.id)
        if remembered is not None and msgspec.json.encode(remembered) != msgspec.json.encode(quote):
            raise Broken(f"I9: quote {quote.quote_id} in memory is not as a replay gives it")
    if book.live.keys() - parts.book.live.keys():
        raise Broken(f"I6: forgotten: {book.live.keys() - parts.book.live.keys()}")
    for quote in quotes.values():
        if book.view(quote, lambda _: 0) != parts.book.view(quote, lambda _: 0):
            raise Broken(f"I9: the book in memory is not that of the log, seen from quote {quote.quote_id}")


def _account_decides_the_same(account: Account, kept: KeptLog, policy: Policy) -> None:
    """Every transaction of an account, asked for again from the recorded inputs."""
    codec = msgspec.json.Encoder(order="deterministic")
    again = Account.new(CHAIN_ID, DIAMOND, US, account.party_a)
    expected: list[Event] = []
    for recorded in kept.by_aggregate.get(account.id, ()):
        event = recorded.event
        if isinstance(event, AccountDecided):
            expected = decide_account(again, event.inputs, policy)
        is_decision = isinstance(event, AccountDecided | transactions.TransactionRequested)
        if is_decision and (not expected or codec.encode(expected.pop(0)) != codec.encode(event)):
            raise Broken(f"I9: the account with {account.party_a} does not decide {event!r} on replay")
        again.advance([event])


def _decides_the_same(quote: Quote, kept: KeptLog, policy: Policy) -> None:
    """Every recorded decision, taken again from its recorded inputs."""
    codec = msgspec.json.Encoder(order="deterministic")
    again = Quote.new(CHAIN_ID, DIAMOND, quote.quote_id)
    history = [each.event for each in kept.by_aggregate.get(quote.id, ())]
    expected: list[Event] = []
    for event in history:
        if expected:
            if codec.encode(expected[0]) != codec.encode(event):
                raise Broken(f"I9: quote {quote.quote_id} decides {expected[0]!r} on replay, recorded is {event!r}")
            expected.pop(0)
        elif isinstance(event, _DECISIONS):
            expected = decide(again, event.inputs, policy)
            if not expected or codec.encode(expected[0]) != codec.encode(event):
                raise Broken(f"I9: quote {quote.quote_id} decides {expected!r} on replay, recorded is {event!r}")
            expected.pop(0)
        elif isinstance(event, _ASKED):
            raise Broken(f"I3: quote {quote.quote_id} asks {event!r} without a reason")
        again.advance([event])
    if expected:
        raise Broken(f"I3: of quote {quote.quote_id} a decision is recorded in part")
