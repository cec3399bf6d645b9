"""The typed views and the encoded calls against the contract itself."""

from collections.abc import AsyncIterator

import pytest
from chain_world import (
    ALLOCATED_A,
    ALLOCATED_B,
    BTC,
    LOCKED,
    PRICE,
    QUANTITY,
    STRANGER,
    WAD,
    ChainWorld,
    chain_world,
)

from devnet.deployment import DEFAULT_SYMBOLS
from hedger.adapters.chain import calls
from hedger.adapters.chain.decode import BlockDecoder
from hedger.adapters.chain.rpc import RpcError
from hedger.adapters.chain.rpc_errors import MalformedAnswer
from hedger.adapters.chain.view_reader import ViewUnreadable
from hedger.adapters.chain.view_structs import PAUSES, QuoteView, locked_of
from hedger.adapters.chain.views import ChainViews
from hedger.domain import chain_facts as told
from hedger.domain.events import ChainFact
from hedger.domain.feed import BlockRef
from hedger.domain.margins import Locked
from hedger.domain.terms import OrderType, PositionType, QuoteStatus


@pytest.fixture(scope="module")
async def funded() -> AsyncIterator[ChainWorld]:
    async with chain_world() as world:
        yield world


@pytest.fixture
async def world(funded: ChainWorld) -> AsyncIterator[ChainWorld]:
    """What the test does is undone."""
    snapshot = await funded.chain.snapshot()
    yield funded
    await funded.chain.revert(snapshot)


async def told_last(world: ChainWorld) -> list[ChainFact]:
    """The facts of the newest block; none of its logs may be unreadable."""
    decoded = BlockDecoder(world.deployment.chain_id).decode(await world.block())
    assert decoded.rejected == ()
    return list(decoded.facts)


# --- accounts


async def test_an_account_is_read_at_one_block_with_both_sides_of_it(world: ChainWorld) -> None:
    quote_id = await world.send_quote()
    await world.hedge(calls.lock_quote(quote_id, await world.upnl_sig()))
    account = await world.views.account(world.party_b, world.trader)
    locked = Locked(cva=LOCKED[0], lf=LOCKED[1], party_a_mm=LOCKED[2], party_b_mm=LOCKED[3])
    assert account.block == await world.views.head()
    assert account.balance_b.allocated == ALLOCATED_B
    assert account.balance_b.pending == account.balance_a.pending == locked
    assert account.balance_b.locked == account.balance_a.locked == Locked()
    assert ALLOCATED_A - account.balance_a.allocated == QUANTITY * PRICE * DEFAULT_SYMBOLS[0].trading_fee // 10**36
    assert account.free_b == 1_000_000 * WAD - ALLOCATED_B
    assert account.pending_a == account.pending_b == (quote_id,)
    assert (account.nonce_a, account.nonce_b) == (0, 0)
    assert not any((account.liquidated_a, account.liquidated_b, account.suspended_a, account.suspended_b))


async def test_an_account_is_read_at_the_block_asked_for(world: ChainWorld) -> None:
    before = await world.views.head()
    quote_id = await world.opened()
    now = await world.views.account(world.party_b, world.trader)
    assert (now.nonce_a, now.nonce_b) == (1, 1)
    for block in (before, before.number, before.hash):
        then = await world.views.account(world.party_b, world.trader, block)
        assert then.block == before
        assert (then.nonce_a, then.nonce_b) == (0, 0)
    assert (await world.views.quote(quote_id, before)) is None


async def test_a_decision_sees_the_account_as_the_contract_has_it(world: ChainWorld) -> None:
    await world.call(world.admin, "suspendedAddress", world.trader)
    view = await world.views.account_view(world.party_b, world.trader)
    assert view.party_a_suspended
    assert view.party_b_allocated == ALLOCATED_B
    assert view.party_a_allocated == ALLOCATED_A


async def test_allocations_are_read_for_many_accounts_at_once(world: ChainWorld) -> None:
    found = await world.views.allocations(world.party_b, [world.trader, STRANGER])
    assert found == {world.trader: ALLOCATED_B, STRANGER: 0}


async def test_a_block_the_feed_already_knows_saves_asking_for_it(world: ChainWorld) -> None:
    known = await world.views.head()
    views = ChainViews(world.rpc, world.diamond, chain_id=1, known_head=lambda: known)
    await world.chain.mine()
    requests = world.rpc.health[0].requests
    account = await views.account(world.party_b, world.trader)
    assert world.rpc.health[0].requests == requests + 1
    assert account.block == known


async def test_a_known_block_that_the_node_lacks_is_replaced_by_the_nodes_own(world: ChainWorld) -> None:
    gone = BlockRef(number=5, hash="0x" + "12" * 32, parent_hash="0x" + "11" * 32, timestamp=1)
    views = ChainViews(world.rpc, world.diamond, chain_id=1, known_head=lambda: gone)
    assert (await views.account(world.party_b, world.trader)).block == await world.views.head()


async def test_a_block_that_does_not_exist_is_an_error_and_not_an_empty_account(world: ChainWorld) -> None:
    with pytest.raises(MalformedAnswer, match="does not have block"):
        await world.views.account(world.party_b, world.trader, 10**9)


# --- quotes


async def test_a_quote_is_read_with_every_field(world: ChainWorld) -> None:
    quote_id = await world.opened()
    quote = await world.views.quote(quote_id)
    assert quote is not None
    now = await world.chain.timestamp()
    assert quote == QuoteView(
        quote_id=quote_id,
        party_bs_whitelist=(world.party_b,),
        symbol_id=BTC,
        position_type=PositionType.LONG,
        order_type=OrderType.LIMIT,
        opened_price=PRICE,
        initial_opened_price=PRICE,
        requested_open_price=PRICE,
        market_price=PRICE,
        quantity=QUANTITY,
        closed_amount=0,
        initial_locked=locked_of(LOCKED),
        locked=locked_of(LOCKED),
        max_funding_rate=WAD // 100,
        party_a=world.trader,
        party_b=world.party_b,
        status=QuoteStatus.OPENED,
        average_closed_price=0,
        requested_close_price=0,
        quantity_to_close=0,
        parent_id=0,
        created_at=quote.created_at,
        status_modified_at=now,
        last_funding_at=0,
        deadline=quote.deadline,
        trading_fee=DEFAULT_SYMBOLS[0].trading_fee,
        affiliate="0x" + "00" * 20,
    )
    assert quote.open_quantity == QUANTITY
    assert 0 < quote.created_at <= now < quote.deadline


async def test_quotes_that_do_not_exist_are_left_out(world: ChainWorld) -> None:
    quote_id = await world.send_quote()
    found = await world.views.quotes([quote_id, quote_id + 1])
    assert list(found) == [quote_id]
    assert await world.views.quote(quote_id + 1) is None
    assert await world.views.quotes([]) == {}
    assert await world.views.owners([quote_id, quote_id + 1]) == {quote_id: world.trader}


async def test_the_funding_rate_a_trader_agreed_to_is_read_from_its_quote(world: ChainWorld) -> None:
    quote_id = await world.send_quote()
    assert await world.views.max_funding_rate(quote_id) == WAD // 100
    assert await world.views.max_funding_rate(quote_id + 1) == 0


async def test_open_positions_are_found_without_the_padding_of_the_view(world: ChainWorld) -> None:
    first = await world.opened()
    pending = await world.send_quote()
    second = await world.opened()
    await world.request_close(second)
    locked = await world.send_quote()
    await world.hedge(calls.lock_quote(locked, await world.upnl_sig()))
    of_all = await world.views.open_positions_of_party_b(world.party_b)
    of_pair = await world.views.party_b_open_positions(world.party_b, world.trader)
    active = await world.views.active_quotes_of_party_b(world.party_b)
    assert [quote.quote_id for quote in of_all] == [first, second]
    assert of_pair == of_all
    assert [quote.quote_id for quote in active] == [first, second, locked]
    assert pending not in [quote.quote_id for quote in active]
    assert await world.views.party_b_open_positions(world.party_b, STRANGER) == []


# --- symbols, parameters, access, version


async def test_symbols_are_read_as_they_were_listed(world: ChainWorld) -> None:
    symbols = await world.views.symbols()
    assert [(each.symbol_id, each.name) for each in symbols] == [(1, "BTCUSDT"), (2, "ETHUSDT"), (3, "SOLUSDT")]
    spec = DEFAULT_SYMBOLS[0]
    terms = symbols[0].as_terms()
    assert (terms.min_quote_value, terms.min_lf_portion) == (spec.min_quote_value, spec.min_portion_lf)
    assert (terms.max_leverage, terms.is_valid) == (spec.max_leverage, True)
    assert (symbols[0].trading_fee, symbols[0].funding_epoch_s) == (spec.trading_fee, spec.funding_epoch_s)


async def test_the_gaps_at_which_closes_can_be_forced_are_read_by_symbol(world: ChainWorld) -> None:
    gaps = await world.views.force_close_gaps([1, 2, 99])
    assert gaps == {1: DEFAULT_SYMBOLS[0].force_close_gap_ratio, 2: DEFAULT_SYMBOLS[1].force_close_gap_ratio, 99: 0}
    assert (await world.views.symbols())[0].as_terms(gaps[1]).force_close_gap == gaps[1]
    assert await world.views.force_close_gaps([]) == {}


async def test_the_emergency_of_one_party_b_is_its_own(world: ChainWorld) -> None:
    party_b = world.party_b
    await world.call(world.admin, "setPartyBEmergencyStatus", [party_b], True)
    assert await world.views.is_party_b_in_emergency(party_b)
    assert not await world.views.is_party_b_in_emergency(world.admin)


async def test_symbols_fill_their_pages_exactly_without_running_past_the_end(world: ChainWorld) -> None:
    listed = [(0, f"S{number}USDT", True, WAD, WAD, WAD, WAD, 28_800, 900) for number in range(97)]
    await world.call(world.admin, "addSymbols", listed)
    symbols = await world.views.symbols()
    assert [each.symbol_id for each in symbols] == list(range(1, 101))


async def test_the_parameters_are_read_with_the_pauses_by_name(world: ChainWorld) -> None:
    await world.call(world.admin, "pausePartyBActions")
    protocol = await world.views.protocol()
    assert protocol.read.paused == ("party_b_actions",)
    assert (protocol.read.upnl_valid_s, protocol.price_valid_s) == (120, 120)
    assert protocol.read.force_cancel_cooldown_s == protocol.read.force_cancel_close_cooldown_s == 300
    assert (protocol.read.force_close_first_cooldown_s, protocol.read.force_close_second_cooldown_s) == (300, 120)
    assert (protocol.deallocate_cooldown_s, protocol.settlement_cooldown_s) == (120, 300)
    assert (protocol.muon_app_id, protocol.muon_key_x) == (world.signer.app_id, world.signer.public_key_x)
    assert protocol.muon_gateway == world.signer.gateway_address.lower()
    assert protocol.collateral == world.deployment.collateral.lower()
    assert protocol.pending_quotes_limit == 50
    assert protocol.read.block_number == (await world.views.head()).number


@pytest.mark.parametrize(
    ("function", "name"),
    [
        ("pauseGlobal", "global"),
        ("pauseLiquidation", "liquidation"),
        ("pauseAccounting", "accounting"),
        ("pausePartyAActions", "party_a_actions"),
        ("pauseInternalTransfer", "internal_transfer"),
        ("activeEmergencyMode", "emergency"),
    ],
)
async def test_each_pause_has_its_name(world: ChainWorld, function: str, name: str) -> None:
    await world.call(world.admin, function)
    assert (await world.views.protocol()).read.paused == (name,)
    assert name in PAUSES


async def test_the_standing_of_a_hedger_and_the_roles_of_its_operator_are_read(world: ChainWorld) -> None:
    status = await world.views.party_b_status(world.party_b, world.operator)
    assert status.is_party_b
    assert not any((status.suspended, status.emergency, status.proxy_paused))
    assert status.proxy_serves == world.diamond
    assert status.operator_is_trusted
    assert not status.operator_is_manager
    assert (await world.views.party_b_status(world.party_b, world.admin)).operator_is_manager


async def test_a_hedger_that_is_a_plain_account_has_no_proxy(world: ChainWorld) -> None:
    status = await world.views.party_b_status(STRANGER, world.operator)
    assert (status.is_party_b, status.proxy_serves, status.operator_is_trusted) == (False, "", False)


async def test_the_version_is_told_by_the_functions_the_contract_has(world: ChainWorld) -> None:
    assert await world.views.version_probe() == "0.8.4"


async def test_a_contract_that_is_none_is_named_by_the_view_that_failed(world: ChainWorld) -> None:
    nowhere = ChainViews(world.rpc, STRANGER, chain_id=1)
    with pytest.raises(ViewUnreadable, match="balanceInfoOfPartyA"):
        await nowhere.account(world.party_b, world.trader)
    with pytest.raises(ViewUnreadable, match="getQuote: 0 bytes"):
        await nowhere.quote(1)


async def test_a_view_that_reverts_tells_why(world: ChainWorld) -> None:
    with pytest.raises(RpcError, match="Panic 0x11"):
        await world.views._reader.read([world.views._call("getSymbols", 10, 1)])


# --- calls, each seen in the facts it causes


async def test_a_lock_that_is_taken_back_is_told_twice(world: ChainWorld) -> None:
    quote_id = await world.send_quote()
    await world.hedge(calls.lock_quote(quote_id, await world.upnl_sig()), calls.unlock_quote(quote_id))
    facts = await told_last(world)
    assert [type(fact) for fact in facts] == [told.QuoteLocked, told.QuoteUnlocked]


async def test_lock_and_open_in_one_call_opens_a_part_and_leaves_a_child(world: ChainWorld) -> None:
    quote_id = await world.send_quote()
    part = QUANTITY // 2
    call = calls.lock_and_open_quote(quote_id, part, PRICE, await world.upnl_sig(), await world.pair_sig())
    await world.hedge(call)
    locked, opened, child = await told_last(world)
    assert isinstance(opened, told.PositionOpened)
    assert isinstance(child, told.QuoteSent)
    assert (type(locked), opened.quantity, opened.party_a) == (told.QuoteLocked, part, world.trader)
    assert (child.quote_id, child.parent_id, child.quantity) == (quote_id + 1, quote_id, QUANTITY - part)
    view = await world.views.quote(child.quote_id)
    assert view is not None
    assert view.parent_id == quote_id


async def test_a_part_opened_while_a_cancel_waits_leaves_a_child_born_cancelled(world: ChainWorld) -> None:
    quote_id = await world.send_quote()
    await world.hedge(calls.lock_quote(quote_id, await world.upnl_sig()))
    await world.call(world.trader, "requestToCancelQuote", quote_id)
    (requested,) = await told_last(world)
    assert isinstance(requested, told.CancelRequested)
    assert requested.status is QuoteStatus.CANCEL_PENDING
    await world.hedge(calls.open_position(quote_id, QUANTITY // 2, PRICE, await world.pair_sig()))
    child = (await told_last(world))[-1]
    assert isinstance(child, told.CancelAccepted)
    assert (child.quote_id, child.parent_id) == (quote_id + 1, quote_id)


async def test_an_accepted_cancel_has_no_parent(world: ChainWorld) -> None:
    quote_id = await world.send_quote()
    await world.hedge(calls.lock_quote(quote_id, await world.upnl_sig()))
    await world.call(world.trader, "requestToCancelQuote", quote_id)
    await world.hedge(calls.accept_cancel_request(quote_id))
    (accepted,) = await told_last(world)
    assert isinstance(accepted, told.CancelAccepted)
    assert (accepted.quote_id, accepted.parent_id) == (quote_id, 0)


async def test_a_filled_close_is_one_fact_although_told_twice(world: ChainWorld) -> None:
    quote_id = await world.opened()
    await world.request_close(quote_id)
    (requested,) = await told_last(world)
    assert isinstance(requested, told.CloseRequested)
    await world.hedge(calls.fill_close_request(quote_id, QUANTITY, PRICE, await world.pair_sig()))
    (filled,) = [fact for fact in await told_last(world) if isinstance(fact, told.QuoteFact)]
    assert isinstance(filled, told.CloseFilled)
    assert (filled.status, filled.close_id) == (QuoteStatus.CLOSED, requested.close_id)


async def test_a_cancelled_close_is_accepted(world: ChainWorld) -> None:
    quote_id = await world.opened()
    await world.request_close(quote_id)
    await world.call(world.trader, "requestToCancelCloseRequest", quote_id)
    await world.hedge(calls.accept_cancel_close_request(quote_id))
    (accepted,) = await told_last(world)
    assert type(accepted) is told.CloseCancelAccepted


async def test_what_is_past_its_deadline_is_expired(world: ChainWorld) -> None:
    quote_id = await world.send_quote(ttl_s=100)
    await world.chain.advance(200)
    await world.hedge(calls.expire_quote(quote_id))
    (expired,) = await told_last(world)
    assert type(expired) is told.OpenExpired


async def test_an_emergency_close_ends_a_position(world: ChainWorld) -> None:
    quote_id = await world.opened()
    await world.call(world.admin, "setPartyBEmergencyStatus", [world.party_b], True)
    (changed,) = await told_last(world)
    assert isinstance(changed, told.ProtocolChanged)
    await world.hedge(calls.emergency_close_position(quote_id, await world.pair_sig()))
    assert told.EmergencyClosed in [type(fact) for fact in await told_last(world)]


async def test_allocations_given_and_taken_back_sum_to_the_contracts_own(world: ChainWorld) -> None:
    await world.hedge(
        calls.allocate_for_party_b(5 * WAD, world.trader),
        calls.deallocate_for_party_b(7 * WAD, world.trader, await world.upnl_sig()),
    )
    facts = [fact for fact in await told_last(world) if isinstance(fact, told.AllocationChanged)]
    assert len(facts) == 2
    change = sum(fact.amount * fact.kind.sign for fact in facts)
    found = await world.views.allocations(world.party_b, [world.trader])
    assert found[world.trader] == ALLOCATED_B + change == ALLOCATED_B - 2 * WAD


@pytest.mark.parametrize("batch", [[], [b"\x01\x02\x03\x04"] * 256, [b"\x01\x02"]], ids=["empty", "too long", "short"])
def test_a_batch_the_proxy_would_refuse_is_refused_here(batch: list[bytes]) -> None:
    with pytest.raises(ValueError, match="call"):
        calls.batch_through_proxy(batch)


def test_expiring_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="quotes to expire"):
        calls.expire_quote()
