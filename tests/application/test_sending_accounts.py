"""What an account asks for becomes transactions on the real contracts: money moved, profit settled, a vault filled."""

from collections.abc import AsyncIterator

import pytest
from sending_world import ALLOCATION, BTC, PRICE, SYMMIO, Hedger, SendingWorld, sending_world

from devnet.traders import CloseTerms, QuoteTerms, Trader, Wallet
from hedger.application.messages import Logged
from hedger.domain.account import Account
from hedger.domain.money import WAD
from hedger.domain.request_ids import account_request_id
from hedger.domain.reverts import PROFIT_FIRST, RevertAction
from hedger.domain.terms import CallKind, OrderType, PositionType, QuoteStatus
from hedger.domain.transactions import Call, TransactionFailed, TransactionRequested, TransactionSucceeded

HALF = WAD // 2
DEAR = 64_000 * WAD


@pytest.fixture(scope="module")
async def world() -> AsyncIterator[SendingWorld]:
    async with sending_world() as world:
        yield world


async def asked(world: SendingWorld, hedger: Hedger, party_a: str, call: Call, attempt: int = 1) -> object:
    """The outcome of what the hedger's account with a PartyA asks for."""
    event = TransactionRequested(
        request_id=account_request_id("h", party_a.lower(), call.kind, attempt),
        party_a=party_a,
        symbol_id=0,
        call=call,
        valid_until=0,
        requested_at=await world.chain.timestamp(),
    )
    ledger = hedger.ledger
    aggregate_id = Account.create_id(ledger.chain_id, ledger.diamond, ledger.party_b, party_a.lower())
    [recorded] = await ledger.change(
        lambda: ledger.account(party_a), aggregate_id, lambda account: [event], correlation_id="", causation_id=""
    )
    return await hedger.outcome(Logged(recorded=recorded, quote_id=0, party_a=party_a.lower()))


async def balance(world: SendingWorld, view: str, owner: str) -> int:
    answer = await world.chain.rpc.eth_call(world.deployment.diamond, SYMMIO[view].calldata(owner))
    return int(SYMMIO[view].decode(answer)[0])


async def test_money_goes_to_an_allocation_on_to_another_and_back(world: SendingWorld) -> None:
    hedger, first, second = world.hedger(), await world.trader(), await world.trader()
    before = await balance(world, "balanceOf", hedger.party_b)
    allocate = Call(kind=CallKind.ALLOCATE, allocate=100 * WAD)
    transfer = Call(kind=CallKind.TRANSFER, amount=30 * WAD, recipient=second.party_a)
    deallocate = Call(kind=CallKind.DEALLOCATE, amount=70 * WAD)
    for call in (allocate, transfer, deallocate):
        assert isinstance(await asked(world, hedger, first.party_a, call), TransactionSucceeded)
    assert await world.allocated(hedger, first) == 0
    assert await world.allocated(hedger, second) == 30 * WAD
    assert await balance(world, "balanceOf", hedger.party_b) == before - 30 * WAD


async def test_more_than_an_allocation_can_spare_is_refused_before_it_is_sent(world: SendingWorld) -> None:
    hedger, trader = world.hedger(), await world.trader()
    outcome = await asked(world, hedger, trader.party_a, Call(kind=CallKind.DEALLOCATE, amount=WAD))
    assert isinstance(outcome, TransactionFailed)
    assert (outcome.stage, outcome.action) == ("simulation", RevertAction.RECOMPUTE)


async def test_the_vault_is_filled_and_emptied_by_partybs_account_with_itself(world: SendingWorld) -> None:
    hedger = world.hedger()
    fill, empty = (Call(kind=kind, amount=50 * WAD) for kind in (CallKind.FILL_VAULT, CallKind.EMPTY_VAULT))
    assert isinstance(await asked(world, hedger, hedger.party_b, fill), TransactionSucceeded)
    assert await balance(world, "balanceOfReserveVault", hedger.party_b) == 50 * WAD
    assert isinstance(await asked(world, hedger, hedger.party_b, empty), TransactionSucceeded)
    assert await balance(world, "balanceOfReserveVault", hedger.party_b) == 0


async def opened(world: SendingWorld, hedger: Hedger, trader: Trader, side: PositionType) -> int:
    """A position of half a bitcoin at a price far above the mark."""
    terms = QuoteTerms(BTC, side, OrderType.LIMIT, price=DEAR, quantity=HALF, leverage=40)
    quote_id = await trader.send_quote(terms)
    call = Call(kind=CallKind.LOCK_AND_OPEN, quantity=HALF, price=DEAR, allocate=ALLOCATION)
    assert isinstance(
        await hedger.outcome(await hedger.requested(quote_id, trader.party_a, call)), TransactionSucceeded
    )
    return quote_id


async def test_a_close_that_partya_cannot_pay_is_filled_once_its_profit_is_settled(world: SendingWorld) -> None:
    """A short and a long of the same size, both opened far above the mark: one wins 2000, the other loses as much."""
    hedger = world.hedger()
    wallet = await Wallet.funded(world.chain.rpc, next(world.keys), world.deployment.chain_id)
    trader = Trader(world.deployment, wallet, world.muon)
    await trader.fund(1_800 * WAD)
    winner = await opened(world, hedger, trader, PositionType.SHORT)
    loser = await opened(world, hedger, trader, PositionType.LONG)
    await trader.request_close(loser, CloseTerms(PRICE, HALF, OrderType.LIMIT))
    fill = Call(kind=CallKind.FILL_CLOSE, quantity=HALF, price=PRICE)
    refused = await hedger.outcome(await hedger.requested(loser, trader.party_a, fill))
    assert isinstance(refused, TransactionFailed)
    assert refused.reason == PROFIT_FIRST

    too_much = await asked(world, hedger, trader.party_a, Call(kind=CallKind.SETTLE, amount=2_100 * WAD))
    assert isinstance(too_much, TransactionFailed)
    assert (too_much.stage, too_much.action) == ("signature", RevertAction.SOLVENCY)

    settle = Call(kind=CallKind.SETTLE, amount=400 * WAD)
    assert isinstance(await asked(world, hedger, trader.party_a, settle, attempt=2), TransactionSucceeded)
    assert (await trader.quote(winner)).opened_price == DEAR - 800 * WAD
    assert (await trader.quote(loser)).opened_price == DEAR - 1
    again = await hedger.outcome(await hedger.requested(loser, trader.party_a, fill, attempt=2))
    assert isinstance(again, TransactionSucceeded)
    assert (await trader.quote(loser)).status is QuoteStatus.CLOSED
