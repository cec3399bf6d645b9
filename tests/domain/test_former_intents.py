"""A reorganisation may give a quote's id to another intent: nothing judged or hedged for the first holds for it."""

from collections.abc import Iterable

import msgspec

from hedger.domain.chain_facts import QuoteSent
from hedger.domain.events import Event
from hedger.domain.feed import BlocksOrphaned, BlocksReadopted
from hedger.domain.policies.decide import needs_attention
from hedger.domain.quote.quote import Quote, Verdict
from hedger.domain.terms import PositionType
from tests.domain.given import (
    HEDGE_FIRST,
    INPUTS,
    POLICY,
    SYMBOL,
    Chain,
    accepted_order,
    ended,
    failed,
    filled,
    given,
    inputs,
    later,
    refused_order,
    summary,
    when_decided,
)

O1, U1 = "t-7-o1", "t-7-u1"
OTHER_SYMBOL = msgspec.structs.replace(SYMBOL, symbol_id=2, name="ETHUSDT")


def orphaned(sent: QuoteSent) -> BlocksOrphaned:
    return BlocksOrphaned(chain_id=31337, block_hashes=(sent.source.block_hash,), common_ancestor=1)


def hedged_first(chain: Chain, *told: Event) -> tuple[Quote, QuoteSent]:
    """A market intent that is hedged before it is locked, and what the venue told of the order."""
    sent = chain.sent()
    quote = given(sent)
    when_decided(quote, policy=HEDGE_FIRST)
    quote.advance(told)
    return quote, sent


def decided(quote: Quote, told: Iterable[Event] = ()) -> list[str]:
    quote.advance(told)
    return summary(when_decided(quote, policy=HEDGE_FIRST))


def test_the_same_intent_in_another_block_keeps_its_judgement() -> None:
    chain = Chain()
    sent = chain.sent()
    quote = given(sent)
    when_decided(quote)
    quote.advance([orphaned(sent), chain.sent()])
    assert quote.verdict is Verdict.ACCEPTED


def test_another_intent_under_the_same_id_is_judged_anew() -> None:
    chain = Chain()
    sent = chain.sent()
    quote = given(sent)
    when_decided(quote)
    quote.advance([orphaned(sent), chain.sent(quantity="100000", price="101")])
    assert quote.verdict is Verdict.NONE
    when_decided(quote)
    assert quote.in_flight is not None, "the first intent's lock is still under way: nothing is decided meanwhile"


def test_what_was_hedged_for_the_first_is_undone_before_the_second_is_judged() -> None:
    chain = Chain()
    quote, sent = hedged_first(chain, filled(O1, "10"), ended(O1, "10"))
    when_decided(quote, policy=HEDGE_FIRST)
    request = quote.in_flight
    assert request is not None
    quote.advance([orphaned(sent), chain.sent(position=PositionType.SHORT, price="99")])
    quote.advance([failed(request.request_id, "PartyBFacet: Invalid state")])
    assert decided(quote) == ["order u1 sell 10"]
    assert quote.verdict is Verdict.NONE
    assert decided(quote, [filled(U1, "10"), ended(U1, "10")]) == ["order o2 sell 10"]
    assert quote.verdict is Verdict.ACCEPTED
    assert quote.hedge.quantity == 0


def test_an_order_of_the_first_that_still_works_is_cancelled_and_its_late_fills_are_undone() -> None:
    chain = Chain()
    quote, sent = hedged_first(chain, accepted_order(O1))
    quote.advance([orphaned(sent), chain.sent(position=PositionType.SHORT, price="99")])
    assert decided(quote) == ["cancel o1"]
    assert decided(quote, [filled(O1, "3"), ended(O1, "3", "canceled")]) == ["order u1 sell 3"]


def test_while_more_of_it_is_held_than_the_venue_refuses_the_quote_needs_attention() -> None:
    chain = Chain()
    quote, sent = hedged_first(chain, filled(O1, "10"), ended(O1, "10"))
    quote.advance([orphaned(sent), chain.sent(whitelist=("0x" + "ee" * 20,))])
    assert needs_attention(quote, POLICY)


def test_a_refused_undoing_is_asked_again_after_a_wait() -> None:
    chain = Chain()
    quote, sent = hedged_first(chain, accepted_order(O1), filled(O1, "10"), ended(O1, "10"))
    quote.advance([orphaned(sent), chain.sent(position=PositionType.SHORT, price="99")])
    assert decided(quote) == ["order u1 sell 10"]
    quote.advance([refused_order(U1)])
    assert when_decided(quote, policy=HEDGE_FIRST) == []
    assert summary(when_decided(quote, later(60), HEDGE_FIRST)) == ["order u2 sell 10"]


def test_with_inputs_of_the_first_intents_symbol_nothing_of_the_second_is_decided() -> None:
    chain = Chain()
    quote, sent = hedged_first(chain, accepted_order(O1), filled(O1, "10"), ended(O1, "10"))
    second = msgspec.structs.replace(chain.sent(), symbol_id=2)
    quote.advance([orphaned(sent), second])
    assert when_decided(quote, inputs(limits=None), HEDGE_FIRST) == []
    assert summary(when_decided(quote, INPUTS, HEDGE_FIRST)) == ["order u1 sell 10"]
    quote.advance([filled(U1, "10"), ended(U1, "10")])
    when_decided(quote, inputs(symbol=OTHER_SYMBOL), HEDGE_FIRST)
    assert quote.verdict is Verdict.REJECTED


def test_the_first_intent_come_back_is_judged_again_too() -> None:
    chain = Chain()
    quote, sent = hedged_first(chain, filled(O1, "10"), ended(O1, "10"))
    second = chain.sent(position=PositionType.SHORT, price="99")
    quote.advance([orphaned(sent), second, orphaned(second)])
    quote.advance([BlocksReadopted(chain_id=31337, block_hashes=(sent.source.block_hash,))])
    assert quote.chain is not None
    assert quote.chain.position_type is PositionType.LONG
    assert quote.verdict is Verdict.NONE
    assert quote.hedge.left_behind == {"BTCUSDT": 10 * 10**18}
