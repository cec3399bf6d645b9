"""What is asked of the contract: requests for transactions, their outcomes, and the fold of both.

A quote asks for what concerns it alone; an account asks for what moves money between PartyB and one PartyA. Each has
at most one transaction under way, and both are sent in order per PartyA.
"""

from collections.abc import Mapping
from enum import StrEnum

import msgspec

from hedger.domain.events import Event
from hedger.domain.reverts import RevertAction
from hedger.domain.terms import CallKind


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """What PartyB asks of the contract. `allocate` is put towards PartyA first, in the same transaction.

    Of a quote: `quantity` and `price` (wads), `close_id`. Of an account: `amount` (wad) for money that moves, to
    `recipient` where it is transferred; `quote_ids` with a rate each (signed ratios, wads) for funding, or with a new
    opened price each (wads) for a settlement.
    """

    kind: CallKind
    quantity: int = 0
    price: int = 0
    allocate: int = 0
    close_id: int = 0
    amount: int = 0
    recipient: str = ""
    quote_ids: tuple[int, ...] = ()
    rates: tuple[int, ...] = ()
    prices: tuple[int, ...] = ()


class TransactionRequested(Event, frozen=True, kw_only=True, tag="TransactionRequested.1"):
    """A transaction to be sent; pointless after `valid_until` (block time, seconds; 0: no bound).

    `symbol_id` is 0 for an account's.
    """

    request_id: str
    party_a: str
    symbol_id: int
    call: Call
    valid_until: int
    requested_at: int


class TransactionSucceeded(Event, frozen=True, kw_only=True, tag="TransactionSucceeded.1"):
    """Mined without revert. The contract's own events tell what it did; until they are read whoever asked waits."""

    request_id: str
    transaction_hash: str
    block_number: int
    block_hash: str
    gas_used: int
    gas_price_wei: int


class TransactionFailed(Event, frozen=True, kw_only=True, tag="TransactionFailed.1"):
    """Never sent, reverted, cancelled or lost: nothing of it happened on chain."""

    request_id: str
    stage: str  # signature, simulation, mined, cancelled
    reason: str
    action: RevertAction
    block_timestamp: int  # when it was known, seconds of the chain


class RequestState(StrEnum):
    REQUESTED = "requested"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


class TransactionRequest(msgspec.Struct, kw_only=True):
    """One transaction asked for, and its outcome."""

    request_id: str
    call: Call
    valid_until: int
    requested_at: int
    state: RequestState = RequestState.REQUESTED
    transaction_hash: str = ""
    block_number: int = 0
    block_hash: str = ""
    reason: str = ""
    action: RevertAction | None = None
    failed_at: int = 0


Requests = dict[str, TransactionRequest]
"""Every transaction an aggregate asked for, by request id, oldest first."""


def in_flight(requests: Mapping[str, TransactionRequest]) -> TransactionRequest | None:
    """The transaction under way, if any."""
    return next((request for request in requests.values() if request.state is RequestState.REQUESTED), None)


def failures_of(
    requests: Mapping[str, TransactionRequest], kind: CallKind, *, since: int = 0
) -> list[TransactionRequest]:
    """Failed requests of one kind since a block time, oldest first."""
    return [
        request
        for request in requests.values()
        if request.state is RequestState.FAILED and request.call.kind is kind and request.failed_at >= since
    ]


def newest_success(requests: Mapping[str, TransactionRequest]) -> TransactionRequest | None:
    """The transaction that was mined last."""
    done = [request for request in requests.values() if request.state is RequestState.SUCCEEDED]
    return done[-1] if done else None


def advance(requests: Requests, event: Event) -> None:
    """Take a request or an outcome in; nothing for any other event."""
    match event:
        case TransactionRequested():
            requests[event.request_id] = TransactionRequest(
                request_id=event.request_id,
                call=event.call,
                valid_until=event.valid_until,
                requested_at=event.requested_at,
            )
        case TransactionSucceeded() if (request := requests.get(event.request_id)) is not None:
            request.state = RequestState.SUCCEEDED
            request.transaction_hash, request.block_number = event.transaction_hash, event.block_number
            request.block_hash = event.block_hash
        case TransactionFailed() if (request := requests.get(event.request_id)) is not None:
            request.state = RequestState.FAILED
            request.reason, request.action = event.reason, event.action
            request.failed_at = event.block_timestamp
        case _:
            pass


def orphan(requests: Requests, block_hashes: tuple[str, ...]) -> None:
    """Blocks left the chain: what was mined in them goes back to the pool, and is under way again."""
    for request in requests.values():
        if request.state is RequestState.SUCCEEDED and request.block_hash in block_hashes:
            request.state = RequestState.REQUESTED
