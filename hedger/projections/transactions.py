"""The read model of transactions: what was asked of the contract, every version signed for it, and what came of it.

Two aggregates tell of one transaction: the quote or account that asked for it and the wallet that signed it. Each side
is folded by its own aggregate, holding this one request alone, so that a reorganisation undoes just what that one says.
"""

from collections.abc import Sequence
from uuid import UUID

import msgspec

from hedger.domain.events import Event, Recorded
from hedger.domain.feed import BlocksOrphaned
from hedger.domain.quote.quote import Quote
from hedger.domain.transactions import (
    RequestState,
    TransactionFailed,
    TransactionRequest,
    TransactionRequested,
    TransactionSucceeded,
)
from hedger.domain.wallet import (
    NonceLost,
    Sent,
    SentState,
    SignedBytes,
    TransactionBroadcast,
    TransactionMined,
    TransactionSigned,
    TransactionWithheld,
    Wallet,
)
from hedger.projections.states import shape_of
from hedger.projections.tables import Seconds, Sheet, Table, Wad, Wei
from hedger.projections.tracked import Tracked

NOBODY = UUID(int=0)
QUOTE_SIDE = (TransactionRequested, TransactionSucceeded, TransactionFailed)
WALLET_SIDE = (TransactionSigned, TransactionBroadcast, TransactionMined, NonceLost, TransactionWithheld)


class Transaction(msgspec.Struct, kw_only=True):
    """One transaction as both sides tell it."""

    request_id: str
    first_position: int
    last_position: int = 0
    asker: UUID = NOBODY  # the quote or account
    wallet_aggregate: UUID = NOBODY
    quote_id: int = 0
    party_a: str = ""
    symbol_id: int = 0
    request: TransactionRequest | None = None
    sent: Sent | None = None
    endpoints: list[str] = []
    nonces_lost: int = 0
    withheld: str = ""
    gas_used: int = 0
    gas_price_wei: int = 0

    @property
    def is_mined(self) -> bool:
        """True while either side holds it to stand in a block."""
        if self.sent is not None and self.sent.state is SentState.MINED:
            return True
        return self.request is not None and self.request.state is RequestState.SUCCEEDED


class TransactionRow(msgspec.Struct, frozen=True, kw_only=True):
    """One transaction; `quote_id` is 0 where an account asked for it. `state` is what the asker knows (requested,
    succeeded, failed), `sent_state` what the wallet knows (signed, broadcast, mined; empty before it is signed).
    `transaction_hash` is the mined version's, else the newest; `fee_wei` = gas used times price, 0 unless mined;
    `nonces_lost` counts nonces that somebody else used; `withheld` says why nothing was signed. Times are seconds of
    the chain."""

    request_id: str
    quote_id: int
    party_a: str
    symbol_id: int
    kind: str
    quantity: Wad
    price: Wad
    allocate: Wad
    amount: Wad
    close_id: int
    requested_at: int
    valid_until: Seconds
    state: str
    sent_state: str
    nonce: int | None
    versions: int
    hashes: tuple[str, ...]
    endpoints: tuple[str, ...]
    transaction_hash: str
    gas_limit: Wei
    max_fee_wei: Wei
    priority_fee_wei: Wei
    gas_used: Wei
    gas_price_wei: Wei
    fee_wei: Wei
    block_number: int
    quote_block_hash: str
    wallet_block_hash: str
    nonces_lost: int
    withheld: str
    reason: str
    action: str
    failed_at: int
    first_position: int
    last_position: int
    cell: bytes


def note(sheet: Sheet[Transaction], recorded: Recorded, tracked: Tracked | None) -> None:
    """Take in an event of a quote (`tracked`), an account or a wallet that speaks of transactions."""
    event = recorded.event
    match event:
        case TransactionRequested() | TransactionSucceeded() | TransactionFailed():
            transaction = _of(sheet, event.request_id, recorded)
            transaction.asker = recorded.aggregate_id
            transaction.quote_id = tracked.quote.quote_id if tracked is not None else 0
            _take_quote_side(transaction, event)
        case TransactionSigned() | TransactionBroadcast() | TransactionMined() | NonceLost() | TransactionWithheld():
            transaction = _of(sheet, event.request_id, recorded)
            transaction.wallet_aggregate = recorded.aggregate_id
            _take_wallet_side(transaction, event)
        case BlocksOrphaned():
            _orphan(sheet, recorded, event)
            return
        case _:
            return
    transaction.last_position = recorded.position
    sheet.put(transaction, transaction.request_id)


def _of(sheet: Sheet[Transaction], request_id: str, recorded: Recorded) -> Transaction:
    known = sheet.get(request_id)
    return known or Transaction(request_id=request_id, first_position=recorded.position)


def _take_quote_side(transaction: Transaction, event: Event) -> None:
    known = {transaction.request_id: transaction.request} if transaction.request is not None else {}
    quote = Quote(id=NOBODY, chain_id=0, diamond="", quote_id=0, requests=known)
    quote.apply(event)
    transaction.request = quote.requests.get(transaction.request_id)
    if isinstance(event, TransactionRequested):
        transaction.party_a, transaction.symbol_id = event.party_a, event.symbol_id
    if isinstance(event, TransactionSucceeded):
        transaction.gas_used, transaction.gas_price_wei = event.gas_used, event.gas_price_wei


def _take_wallet_side(transaction: Transaction, event: Event) -> None:
    known = {transaction.request_id: transaction.sent} if transaction.sent is not None else {}
    wallet = Wallet(id=NOBODY, chain_id=0, address="", sent=known)
    wallet.apply(event)
    transaction.sent = wallet.sent.get(transaction.request_id)
    match event:
        case TransactionBroadcast():
            transaction.endpoints.append(event.endpoint)
        case TransactionMined():
            transaction.gas_used, transaction.gas_price_wei = event.gas_used, event.gas_price_wei
        case NonceLost():
            transaction.nonces_lost += 1
        case TransactionWithheld():
            transaction.withheld = f"{event.stage}: {event.reason}"
        case _:
            pass


def _orphan(sheet: Sheet[Transaction], recorded: Recorded, event: BlocksOrphaned) -> None:
    """Undo what the aggregate that recorded the reorganisation had in the blocks that are gone."""
    gone = set(event.block_hashes)
    for transaction in list(sheet.cells.values()):
        request, sent = transaction.request, transaction.sent
        if transaction.asker == recorded.aggregate_id and request is not None and request.block_hash in gone:
            _take_quote_side(transaction, event)
        elif (
            transaction.wallet_aggregate == recorded.aggregate_id and sent is not None and sent.mined_block_hash in gone
        ):
            _take_wallet_side(transaction, event)
        else:
            continue
        transaction.last_position = recorded.position
        sheet.put(transaction, transaction.request_id)


def request_ids(batch: Sequence[Recorded]) -> list[str]:
    return sorted({r.event.request_id for r in batch if isinstance(r.event, QUOTE_SIDE + WALLET_SIDE)})


def _row_of(transaction: Transaction) -> TransactionRow:
    request, sent = transaction.request, transaction.sent
    call = request.call if request is not None else None
    newest = sent.versions[-1] if sent is not None and sent.versions else None
    in_wallet = sent if sent is not None and sent.state is SentState.MINED else None
    in_quote = request if request is not None and request.state is RequestState.SUCCEEDED else None
    gas_used = transaction.gas_used if transaction.is_mined else 0
    gas_price_wei = transaction.gas_price_wei if transaction.is_mined else 0
    return TransactionRow(
        request_id=transaction.request_id,
        quote_id=transaction.quote_id,
        party_a=transaction.party_a,
        symbol_id=transaction.symbol_id,
        kind=call.kind.value if call else "",
        quantity=call.quantity if call else 0,
        price=call.price if call else 0,
        allocate=call.allocate if call else 0,
        amount=call.amount if call else 0,
        close_id=call.close_id if call else 0,
        requested_at=request.requested_at if request else 0,
        valid_until=request.valid_until if request else 0,
        state=request.state.value if request else "",
        sent_state=sent.state.value if sent else "",
        nonce=sent.nonce if sent else None,
        versions=len(sent.versions) if sent else 0,
        hashes=tuple(version.transaction_hash for version in sent.versions) if sent else (),
        endpoints=tuple(transaction.endpoints),
        transaction_hash=_hash(in_wallet, in_quote, newest),
        gas_limit=newest.gas_limit if newest else 0,
        max_fee_wei=newest.max_fee_wei if newest else 0,
        priority_fee_wei=newest.priority_fee_wei if newest else 0,
        gas_used=gas_used,
        gas_price_wei=gas_price_wei,
        fee_wei=gas_used * gas_price_wei,
        block_number=in_wallet.mined_block if in_wallet else in_quote.block_number if in_quote else 0,
        quote_block_hash=in_quote.block_hash if in_quote else "",
        wallet_block_hash=in_wallet.mined_block_hash if in_wallet else "",
        nonces_lost=transaction.nonces_lost,
        withheld=transaction.withheld,
        reason=request.reason if request else "",
        action=request.action.value if request and request.action else "",
        failed_at=request.failed_at if request else 0,
        first_position=transaction.first_position,
        last_position=transaction.last_position,
        cell=msgspec.json.encode(transaction),
    )


def _hash(in_wallet: Sent | None, in_quote: TransactionRequest | None, newest: SignedBytes | None) -> str:
    if in_wallet is not None:
        return in_wallet.mined_hash
    if in_quote is not None:
        return in_quote.transaction_hash
    return newest.transaction_hash if newest is not None else ""


TRANSACTIONS: Table[Transaction] = Table(
    "transactions",
    TransactionRow,
    ("request_id",),
    row_of=_row_of,
    cell_of=lambda row: msgspec.json.decode(row.cell, type=Transaction),
    shape=shape_of(Transaction),
    indexes=(
        "(first_position)",
        "(quote_id, first_position)",
        "(quote_block_hash) WHERE quote_block_hash <> ''",
        "(wallet_block_hash) WHERE wallet_block_hash <> ''",
    ),
)
