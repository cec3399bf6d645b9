"""Facts that were missed and are told late: folded where they stand on the chain, whenever they are told."""

from itertools import permutations

from hedger.domain.account import Account
from hedger.domain.chain_facts import PartyALiquidationEnded, PartyALiquidationStarted
from hedger.domain.feed import BlocksOrphaned
from hedger.domain.quote.quote import Quote
from hedger.domain.terms import BalanceChange, QuoteStatus
from tests.domain.given import TRADER, US, Chain, given, wad

DIAMOND = "0x" + "dd" * 20


def test_a_lock_told_after_the_opening_leaves_the_position_open() -> None:
    chain = Chain()
    sent, locked, opened = chain.sent(), chain.locked(), chain.opened()
    quote = given(sent, opened, locked)
    assert quote.chain is not None
    assert (quote.chain.status, quote.chain.opened_price) == (QuoteStatus.OPENED, wad("100.5"))
    assert quote.history == [sent, locked, opened]


def test_in_whichever_order_the_facts_of_a_life_are_told_the_quote_is_the_same() -> None:
    chain = Chain()
    life = [chain.sent(), chain.locked(), chain.opened(), chain.close_requested(), chain.close_filled("10")]
    states = {repr((quote.chain, quote.history)) for quote in (given(*told) for told in permutations(life))}
    assert len(states) == 1


def test_an_intent_that_was_missed_is_known_once_it_is_told() -> None:
    chain = Chain()
    sent, locked = chain.sent(), chain.locked()
    quote = given(locked)
    assert quote.chain is None
    quote.advance(quote.news([sent]))
    assert quote.chain is not None
    assert (quote.chain.status, quote.chain.party_b) == (QuoteStatus.LOCKED, US)
    assert quote.intent


def test_a_late_fact_falls_with_its_block_like_any_other() -> None:
    chain = Chain()
    sent, locked, opened = chain.sent(), chain.locked(), chain.opened()
    quote = given(sent, opened, locked)
    gone = BlocksOrphaned(chain_id=31337, block_hashes=(opened.source.block_hash,), common_ancestor=102)
    quote.advance([gone])
    assert quote.chain is not None
    assert quote.chain.status is QuoteStatus.LOCKED


def test_a_liquidation_told_after_its_end_has_ended() -> None:
    chain = Chain()
    started = PartyALiquidationStarted(source=chain.source(), party_a=TRADER, upnl=0)
    ended = PartyALiquidationEnded(source=chain.source(), party_a=TRADER)
    account = Account.new(31337, DIAMOND, US, TRADER)
    account.advance([ended, started])
    assert not account.is_party_a_liquidated


def test_a_missed_allocation_counts_wherever_it_stood() -> None:
    chain = Chain()
    first, second = chain.allocation("100"), chain.allocation("30", BalanceChange.DEALLOCATE)
    account = Account.new(31337, DIAMOND, US, TRADER)
    account.advance([second, first])
    assert account.allocated == wad(70)
    assert account.history == [first, second]


def test_a_late_fact_told_twice_is_news_once() -> None:
    chain = Chain()
    sent, locked, opened = chain.sent(), chain.locked(), chain.opened()
    quote: Quote = given(sent, opened, locked)
    assert quote.news([sent, locked, opened]) == []
