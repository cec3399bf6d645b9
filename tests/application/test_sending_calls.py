"""Requests become transactions: every kind of call on the real contracts, through the proxy and with a plain key."""

from collections.abc import AsyncIterator

import pytest
from sending_world import ALLOCATION, PRICE, QUANTITY, SendingWorld, node_with, sending_world

from devnet.traders import CloseTerms
from hedger.domain.reverts import RevertAction
from hedger.domain.terms import CallKind, OrderType, QuoteStatus
from hedger.domain.transactions import Call, TransactionFailed, TransactionSucceeded
from hedger.domain.wallet import TransactionBroadcast, TransactionMined, TransactionSigned


@pytest.fixture(scope="module")
async def world() -> AsyncIterator[SendingWorld]:
    async with sending_world() as world:
        yield world


LOCK = Call(kind=CallKind.LOCK, allocate=ALLOCATION)
OPEN = Call(kind=CallKind.OPEN, quantity=QUANTITY, price=PRICE)


async def test_allocating_and_locking_is_one_transaction_through_the_proxy(world: SendingWorld) -> None:
    hedger, trader = world.hedger(), await world.trader()
    quote_id, before = await world.intent(trader), await hedger.used_nonces()
    outcome = await hedger.outcome(await hedger.requested(quote_id, trader.party_a, LOCK))
    assert isinstance(outcome, TransactionSucceeded)
    assert (await trader.quote(quote_id)).status is QuoteStatus.LOCKED
    assert await world.allocated(hedger, trader) == ALLOCATION
    assert await hedger.used_nonces() == before + 1


async def test_what_is_reported_is_what_the_receipt_says(world: SendingWorld) -> None:
    hedger, trader = world.hedger(), await world.trader()
    message = await hedger.requested(await world.intent(trader), trader.party_a, LOCK)
    outcome = await hedger.outcome(message)
    receipt = await world.chain.request("eth_getTransactionReceipt", outcome.transaction_hash)
    assert [outcome.request_id] == list((await hedger.wallet()).sent)
    assert outcome.block_hash == receipt["blockHash"]
    assert [outcome.block_number, outcome.gas_used, outcome.gas_price_wei] == [
        int(receipt[name], 16) for name in ("blockNumber", "gasUsed", "effectiveGasPrice")
    ]
    events = await hedger.wallet_events()
    assert [type(event) for event in events] == [TransactionSigned, TransactionBroadcast, TransactionMined]
    assert getattr(events[1], "endpoint", "") == world.chain.rpc_url


async def test_a_locked_quote_is_opened_and_its_close_filled(world: SendingWorld) -> None:
    hedger = world.hedger()
    trader, quote_id = await world.locked(hedger)
    await hedger.outcome(await hedger.requested(quote_id, trader.party_a, OPEN))
    assert (await trader.quote(quote_id)).status is QuoteStatus.OPENED
    await trader.request_close(quote_id, CloseTerms(PRICE, QUANTITY, OrderType.LIMIT))
    fill = Call(kind=CallKind.FILL_CLOSE, quantity=QUANTITY, price=PRICE)
    await hedger.outcome(await hedger.requested(quote_id, trader.party_a, fill))
    assert (await trader.quote(quote_id)).status is QuoteStatus.CLOSED
    assert [type(fact) for fact in hedger.reported] == [TransactionSucceeded] * 3


async def test_locking_and_opening_at_once_carries_both_signatures(world: SendingWorld) -> None:
    hedger, trader = world.hedger(), await world.trader()
    quote_id = await world.intent(trader)
    call = Call(kind=CallKind.LOCK_AND_OPEN, quantity=QUANTITY, price=PRICE, allocate=ALLOCATION)
    await hedger.outcome(await hedger.requested(quote_id, trader.party_a, call))
    assert (await trader.quote(quote_id)).status is QuoteStatus.OPENED


async def test_what_needs_no_signature_asks_muon_for_none(world: SendingWorld) -> None:
    hedger = world.hedger()
    trader, quote_id = await world.locked(hedger)
    asked = dict(world.oracle.asked)
    await hedger.outcome(await hedger.requested(quote_id, trader.party_a, Call(kind=CallKind.UNLOCK)))
    assert (await trader.quote(quote_id)).status is QuoteStatus.PENDING
    assert dict(world.oracle.asked) == asked


async def test_cancels_are_accepted(world: SendingWorld) -> None:
    hedger = world.hedger()
    trader, quote_id = await world.locked(hedger)
    await trader.cancel(quote_id)
    await hedger.outcome(await hedger.requested(quote_id, trader.party_a, Call(kind=CallKind.ACCEPT_CANCEL)))
    assert (await trader.quote(quote_id)).status is QuoteStatus.CANCELED


async def test_the_cancel_of_a_close_is_accepted(world: SendingWorld) -> None:
    hedger = world.hedger()
    trader, quote_id = await world.locked(hedger)
    await hedger.outcome(await hedger.requested(quote_id, trader.party_a, OPEN))
    await trader.request_close(quote_id, CloseTerms(PRICE, QUANTITY, OrderType.LIMIT))
    await trader.cancel_close(quote_id)
    await hedger.outcome(await hedger.requested(quote_id, trader.party_a, Call(kind=CallKind.ACCEPT_CANCEL_CLOSE)))
    assert (await trader.quote(quote_id)).status is QuoteStatus.OPENED


async def test_a_quote_past_its_deadline_is_expired(world: SendingWorld) -> None:
    hedger, trader = world.hedger(), await world.trader()
    quote_id = await world.intent(trader, deadline_s=5)
    await world.chain.advance(10)
    await hedger.outcome(await hedger.requested(quote_id, trader.party_a, Call(kind=CallKind.EXPIRE)))
    assert (await trader.quote(quote_id)).status is QuoteStatus.EXPIRED


async def test_a_position_is_closed_whole_in_an_emergency(world: SendingWorld) -> None:
    hedger = world.hedger()
    trader, quote_id = await world.locked(hedger)
    await hedger.outcome(await hedger.requested(quote_id, trader.party_a, OPEN))
    emergency = Call(kind=CallKind.EMERGENCY_CLOSE, quantity=QUANTITY)
    refused = await hedger.outcome(await hedger.requested(quote_id, trader.party_a, emergency))
    assert isinstance(refused, TransactionFailed)
    assert refused.reason.startswith("PartyBFacet: Operation not allowed")
    await world.administer("setPartyBEmergencyStatus", [hedger.party_b], True)
    try:
        closed = await hedger.outcome(await hedger.requested(quote_id, trader.party_a, emergency, attempt=2))
    finally:
        await world.administer("setPartyBEmergencyStatus", [hedger.party_b], False)
    assert isinstance(closed, TransactionSucceeded)
    assert (await trader.quote(quote_id)).status is QuoteStatus.CLOSED


async def test_a_plain_key_allocates_first_and_then_locks(world: SendingWorld) -> None:
    hedger, trader = world.hedger(plain=True), await world.trader()
    quote_id, before = await world.intent(trader), await hedger.used_nonces()
    outcome = await hedger.outcome(await hedger.requested(quote_id, trader.party_a, LOCK))
    assert isinstance(outcome, TransactionSucceeded)
    assert (await trader.quote(quote_id)).status is QuoteStatus.LOCKED
    assert await world.allocated(hedger, trader) == ALLOCATION
    assert await hedger.used_nonces() == before + 2
    sent = (await hedger.wallet()).sent
    assert [each.nonce for each in sent.values()] == [before, before + 1]
    assert list(sent) == [f"{outcome.request_id}#allocate", outcome.request_id]


async def test_the_reason_that_the_proxy_hides_is_found(world: SendingWorld) -> None:
    hedger, trader = world.hedger(), await world.trader()
    message = await hedger.requested(await world.intent(trader), trader.party_a, Call(kind=CallKind.LOCK))
    outcome = await hedger.outcome(message)
    assert isinstance(outcome, TransactionFailed)
    assert outcome.stage == "simulation"
    assert outcome.reason == "PartyBFacet: insufficient available balance"
    assert outcome.action is RevertAction.ADD_FUNDS
    assert (await hedger.wallet()).sent == {}


async def test_the_reason_of_the_second_call_of_a_batch_is_found(world: SendingWorld) -> None:
    hedger = world.hedger()
    trader, quote_id = await world.locked(hedger)
    outcome = await hedger.outcome(await hedger.requested(quote_id, trader.party_a, LOCK, attempt=2))
    assert (outcome.reason, outcome.action) == ("PartyBFacet: Invalid state", RevertAction.STATE_MOVED)


async def test_a_node_that_cannot_simulate_batches_is_asked_call_by_call(world: SendingWorld) -> None:
    def no_simulation(method: str) -> object:
        return {"code": -32601, "message": "Method not found"} if method == "eth_simulateV1" else None

    async with node_with(world, no_simulation) as url:
        hedger = world.hedger(urls=[url])
        trader, quote_id = await world.locked(hedger)
        again = await hedger.outcome(await hedger.requested(quote_id, trader.party_a, LOCK, attempt=2))
        unfunded = await world.intent(await world.trader())
        missing = await hedger.requested(unfunded, trader.party_a, Call(kind=CallKind.EXPIRE))
        assert again.reason == "PartyBFacet: Invalid state"
        assert (await hedger.outcome(missing)).reason == "LibQuote: Quote isn't expired"


async def test_a_plain_keys_refusal_needs_no_second_question(world: SendingWorld) -> None:
    hedger, trader = world.hedger(plain=True), await world.trader()
    quote_id = await world.intent(trader, white_list=(world.deployment.party_b,))
    outcome = await hedger.outcome(await hedger.requested(quote_id, trader.party_a, LOCK))
    assert (outcome.stage, outcome.reason) == ("simulation", "PartyBFacet: Sender isn't whitelisted")


async def test_a_key_without_its_role_is_a_persons_matter(world: SendingWorld) -> None:
    hedger, trader = world.hedger(key="0x" + "0d" * 32), await world.trader()
    message = await hedger.requested(await world.intent(trader), trader.party_a, Call(kind=CallKind.EXPIRE))
    outcome = await hedger.outcome(message)
    assert (outcome.reason, outcome.action) == ("SymmioPartyB: Invalid access", RevertAction.HALT)


async def test_on_a_chain_without_a_base_fee_plain_gas_prices_are_offered() -> None:
    async with sending_world(legacy=True) as world:
        hedger = world.hedger()
        trader, quote_id = await world.locked(hedger)
        assert (await trader.quote(quote_id)).status is QuoteStatus.LOCKED
        [sent] = (await hedger.wallet()).sent.values()
        assert sent.newest.max_fee_wei == sent.newest.priority_fee_wei > 0
