"""Judges that do not believe the hedger: what the exchange and the chain themselves have on record."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from typing import Any
from uuid import UUID

from eth_abi.abi import decode
from eth_account import Account

from devnet.contract_abi import Abi
from devnet.exchange.orders import Order
from devnet.rpc import bytes_of
from devnet.traders import QuoteOnChain
from devnet.world import LocalHedger, World
from hedger.domain.chain_facts import QuoteFact
from hedger.domain.events import Recorded
from hedger.domain.money import WAD
from hedger.domain.quote.quote import Quote, Verdict
from hedger.domain.request_ids import quote_of_order
from hedger.domain.terms import CallKind, OrderType, PositionType, QuoteStatus
from hedger.domain.transactions import Call, TransactionRequested
from hedger.domain.wallet import Wallet

SYMMIO, PARTY_B = Abi.load("symmio"), Abi.load("party_b")
OF_ONE_QUOTE = (
    "lockQuote",
    "unlockQuote",
    "openPosition",
    "acceptCancelRequest",
    "fillCloseRequest",
    "lockAndOpenQuote",
)
GROWING = ("o", "r")
INITIAL_OPENED_PRICE, AVERAGE_CLOSED_PRICE = 6, 17  # their places in the contract's Quote


@dataclass(frozen=True)
class Mined:
    """One transaction of the hedger's key in a block, with the calls in its batch as (name, quote id or 0)."""

    transaction_hash: str
    nonce: int
    succeeded: bool
    calls: tuple[tuple[str, int], ...]


def signer_of(hedger: LocalHedger) -> str:
    """Address of the key that the hedger signs with."""
    return str(Account.from_key(hedger.process.environment["HEDGER_SENDER__KEY"]).address).lower()


async def mined_by(world: World, address: str) -> list[Mined]:
    """Every transaction of a key that the chain holds now, in order."""
    head = int(await world.rpc.call("eth_blockNumber"), 16)
    blocks = await world.rpc.batch([("eth_getBlockByNumber", (hex(number), True)) for number in range(head + 1)])
    sent = [each for block in blocks for each in block["transactions"] if each["from"].lower() == address.lower()]
    receipts = await world.rpc.batch([("eth_getTransactionReceipt", (each["hash"],)) for each in sent])
    return [
        Mined(each["hash"], int(each["nonce"], 16), receipt["status"] == "0x1", _calls(each))
        for each, receipt in zip(sent, receipts, strict=True)
    ]


def doubled_transactions(mined: list[Mined], wallet: Wallet) -> list[str]:
    """What the chain did for the hedger, from its first nonce on, that its record does not ask for exactly once."""
    first = min((sent.nonce for sent in wallet.sent.values()), default=0)
    mined = [each for each in mined if each.nonce >= first]
    requests = {version.transaction_hash: sent.request_id for sent in wallet.sent.values() for version in sent.versions}
    wrong = [f"{each.transaction_hash} is not on record" for each in mined if each.transaction_hash not in requests]
    times = Counter(requests[each.transaction_hash] for each in mined if each.transaction_hash in requests)
    wrong += [f"{request} was mined {count} times" for request, count in times.items() if count > 1]
    done = Counter(call for each in mined if each.succeeded for call in each.calls)
    for (name, quote_id), count in done.items():
        most = 1 + done["unlockQuote", quote_id] if name == "lockQuote" else 1
        if name in ("lockQuote", "openPosition", "acceptCancelRequest") and count > most:
            wrong.append(f"{name} of quote {quote_id} succeeded {count} times")
    return wrong


def doubled_orders(hedger: LocalHedger) -> list[str]:
    """Orders that came twice of one client order id, or while another one of the same quote still worked."""
    executed = Counter(order.client_order_id for order in hedger.exchange.engine.orders)
    wrong = [f"{name} became {count} orders" for name, count in executed.items() if count > 1]
    for quote_id, orders in orders_of_quotes(hedger).items():
        for earlier, later in pairwise(sorted(orders, key=lambda order: order.order_id)):
            if earlier.is_open or earlier.updated_ms > later.created_ms:
                wrong.append(f"quote {quote_id}: {later.client_order_id} beside {earlier.client_order_id}")
    return wrong


def orders_of_quotes(hedger: LocalHedger) -> dict[int, list[Order]]:
    """The exchange's orders by the quote that their client order id names."""
    found: dict[int, list[Order]] = defaultdict(list)
    for order in hedger.exchange.engine.orders:
        quote_id = quote_of_order(hedger.tag, order.client_order_id)
        if quote_id is not None:
            found[quote_id].append(order)
    return found


def held_for(orders: list[Order]) -> int:
    """What these orders of one quote hold at the exchange, in the position's direction (wad)."""
    return sum(_executed(order) if leg_of(order) in GROWING else -_executed(order) for order in orders)


def filled_of(orders: list[Order], *legs: str) -> int:
    return sum(_executed(order) for order in orders if leg_of(order) in legs)


def leg_of(order: Order) -> str:
    return order.client_order_id.split("-")[2][0]


def _executed(order: Order) -> int:
    return int(order.executed * WAD)


async def all_quotes(world: World) -> dict[int, QuoteOnChain]:
    """Every quote of the contract by id."""
    found: dict[int, QuoteOnChain] = {}
    view = SYMMIO["getQuote"]
    while True:
        numbers = range(len(found) + 1, len(found) + 51)
        calls = [(world.deployment.diamond, view.calldata(number)) for number in numbers]
        answers = await world.rpc.eth_calls(calls)
        quotes = [QuoteOnChain.from_struct(view.decode(answer)[0]) for answer in answers]
        known = [quote for quote in quotes if quote.quote_id]
        found |= {quote.quote_id: quote for quote in known}
        if len(known) < len(quotes):
            return found


def is_open_with(quote: QuoteOnChain, hedger: LocalHedger) -> bool:
    """True where the quote is an open position towards this hedger."""
    return quote.status.is_position and quote.party_b.lower() == hedger.party_b.lower()


def unequal(quotes: dict[int, QuoteOnChain], hedger: LocalHedger) -> list[str]:
    """Symbols, then quotes, whose chain side and exchange side differ by more than one step."""
    listed = {market.spec.name: market for market in hedger.exchange.engine.markets.values()}
    orders = orders_of_quotes(hedger)
    chain: dict[int, int] = defaultdict(int)
    wrong = []
    steps = {number: int(market.spec.step * WAD) for number, market in enumerate(listed.values(), start=1)}
    for quote in quotes.values():
        required = quote.open_amount if is_open_with(quote, hedger) else 0
        chain[quote.symbol_id] += required if quote.position_type is PositionType.LONG else -required
        held = held_for(orders.get(quote.quote_id, []))
        if abs(held - required) > steps[quote.symbol_id]:
            wrong.append(f"quote {quote.quote_id} ({quote.status.name}): open {required / WAD}, held {held / WAD}")
    for number, name in enumerate(listed, start=1):
        venue = int(hedger.exchange.engine.account.positions[name].quantity * WAD)
        if abs(chain[number] - venue) > steps[number]:
            wrong.append(f"{name}: chain {chain[number] / WAD}, exchange {venue / WAD}")
    return wrong


async def mispriced(world: World, quotes: dict[int, QuoteOnChain], hedger: LocalHedger, spread: Decimal) -> list[str]:
    """Positions that were opened, or closed at the market, at another price than the exchange's average with the
    spread, an opening bounded by what the user asked; two units of the last decimal are rounding."""
    orders, wrong = orders_of_quotes(hedger), []
    for number, quote in quotes.items():
        if not quote.opened_price or quote.party_b.lower() != hedger.party_b.lower():
            continue
        is_long = quote.position_type is PositionType.LONG
        opened = _with_spread(orders[number], "o", spread if is_long else -spread)
        bound = min if is_long else max
        # Funding and settlements move the opened price afterwards.
        price = await _told(world, number, INITIAL_OPENED_PRICE)
        if abs(price - bound(opened, quote.requested_open_price)) > 2:
            wrong.append(f"quote {number} was opened at {price}, the exchange gave {opened}")
        if quote.status is QuoteStatus.CLOSED and filled_of(orders[number], "c") == quote.quantity:
            average = await _told(world, number, AVERAGE_CLOSED_PRICE)
            closed = _with_spread(orders[number], "c", -spread if is_long else spread)
            if quote.order_type is OrderType.MARKET and abs(average - closed) > 2:
                wrong.append(f"quote {number} was closed at {average}, the exchange gave {closed}")
    return wrong


def _with_spread(orders: list[Order], leg: str, spread: Decimal) -> int:
    chosen = [order for order in orders if leg_of(order) == leg and order.executed]
    value = sum((order.quote_executed for order in chosen), Decimal(0))
    average = Fraction(value) / Fraction(sum((order.executed for order in chosen), Decimal(0)))
    return int(average * Fraction(1 + spread) * WAD)


async def _told(world: World, quote_id: int, place: int) -> int:
    """One field of a quote on chain."""
    view = SYMMIO["getQuote"]
    [struct] = view.decode(await world.rpc.eth_call(world.deployment.diamond, view.calldata(quote_id)))
    return int(struct[place])


def undone(quotes: dict[int, QuoteOnChain], known: dict[int, Quote], hedger: LocalHedger) -> list[str]:
    """Quotes that stand where only the hedger's next step takes them on: forgotten, if it does not come."""
    orders, wrong = orders_of_quotes(hedger), []
    for number, quote in quotes.items():
        works = quote.order_type is OrderType.LIMIT and any(order.is_open for order in orders.get(number, []))
        match quote.status:
            case QuoteStatus.PENDING:
                verdict = known[number].verdict if number in known else Verdict.NONE
                is_done = verdict in (Verdict.REJECTED, Verdict.GAVE_UP)
            case QuoteStatus.LOCKED | QuoteStatus.CLOSE_PENDING:
                is_done = works
            case QuoteStatus.CANCEL_PENDING | QuoteStatus.CANCEL_CLOSE_PENDING:
                is_done = False
            case _:
                is_done = True
        if not is_done:
            wrong.append(f"quote {number} is {quote.status.name} {quote.order_type.name}")
    return wrong


def chain_first(recorded: Sequence[Recorded]) -> list[str]:
    """Requests that would have put the chain ahead of the exchange, by replaying the log up to each of them."""
    quotes: dict[UUID, Quote] = {}
    wrong = []
    for each in recorded:
        if isinstance(each.event, QuoteFact):
            number = each.event.quote_id
            quotes.setdefault(each.aggregate_id, Quote(id=each.aggregate_id, chain_id=0, diamond="", quote_id=number))
        quote = quotes.get(each.aggregate_id)
        if quote is None:
            continue
        if isinstance(each.event, TransactionRequested) and (problem := _too_early(quote, each.event.call)):
            wrong.append(f"{each.event.request_id}: {problem}")
        quote.advance([each.event])
    return wrong


def _too_early(quote: Quote, call: Call) -> str:
    held, facet = quote.hedge.quantity, quote.chain
    if call.kind in (CallKind.OPEN, CallKind.LOCK_AND_OPEN) and held < call.quantity:
        return f"opens {call.quantity} with {held} held"
    if call.kind is CallKind.FILL_CLOSE and facet is not None and held > facet.open_quantity - call.quantity:
        return f"closes {call.quantity} of {facet.open_quantity} with {held} held"
    return ""


def _calls(transaction: dict[str, Any]) -> tuple[tuple[str, int], ...]:
    payload = bytes_of(transaction["input"])
    batch = _batch(payload) if payload[:4] == PARTY_B["_call"].selector else [payload]
    return tuple(_named(call) for call in batch)


def _batch(payload: bytes) -> list[bytes]:

    [calls] = decode(["bytes[]"], payload[4:])
    return list(calls)


def _named(call: bytes) -> tuple[str, int]:
    for name in OF_ONE_QUOTE:
        if call[:4] == SYMMIO[name].selector:
            return name, int.from_bytes(call[4:36], "big")
    return call[:4].hex(), 0
