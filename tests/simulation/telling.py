"""A failure in few lines: the story of the quote it names, its orders at the venue, and the last words of the parts."""

import re
from typing import TYPE_CHECKING, Any

from hedger.domain.chain_facts import QuoteFact
from hedger.domain.events import ChainFact, Event
from hedger.domain.feed import BlocksOrphaned, BlocksReadopted
from hedger.domain.money import to_text
from hedger.domain.quote.quote import Quote
from hedger.domain.request_ids import quote_of_request
from hedger.domain.wallet import TransactionMined, TransactionSigned
from tests.simulation.model_state import CHAIN_ID, DIAMOND

if TYPE_CHECKING:
    from tests.simulation.world import World

_SKIPPED = ("inputs", "rules", "policy", "source", "raw", "party_a", "party_b", "quote_id", "fee", "fee_asset")
_NAMED = re.compile(r"quote (\d+)|s-(\d+)-")


def story(world: "World", trouble: str) -> list[str]:
    found = _NAMED.search(trouble)
    lines = [f"weather {world.weather}".replace("random=<random.Random object at", "<")[:1500]]
    if found is not None:
        lines += _of_quote(world, int(found[1] or found[2]))
    if "no outcome" in trouble and (blocking := _holds_the_nonce(world)):
        lines += [f"nonce {world.chain.state.key_nonce} belongs to quote {blocking}", *_of_quote(world, blocking)]
    return lines + [line[:220] for line in list(world.told.lines)[-12:]]


def _holds_the_nonce(world: "World") -> int:
    """The quote whose transaction the operator's next nonce belongs to, 0 where it is not known."""
    for recorded in world.kept.recorded:
        event = recorded.event
        if isinstance(event, TransactionSigned) and event.nonce == world.chain.state.key_nonce:
            return quote_of_request(event.request_id)
    return 0


def _of_quote(world: "World", quote_id: int) -> list[str]:
    aggregate = Quote.create_id(CHAIN_ID, DIAMOND, quote_id)
    lines = []
    for recorded in world.kept.recorded:
        event = recorded.event
        of_wallet = isinstance(event, TransactionSigned | TransactionMined) and f"-{quote_id}-" in event.request_id
        if recorded.aggregate_id == aggregate or of_wallet:
            lines.append(f"{recorded.position:5} {recorded.recorded_at_ms / 1000:8.2f} {_told(event)}"[:260])
    for name, order in world.venue.orders.items():
        if f"-{quote_id}-" in name:
            fills = ", ".join(f"{to_text(each.quantity)}@{to_text(each.price)}" for each in order.fills)
            lines.append(f"venue {name} {order.request.side.value} {order.status} at {order.arrived_s:.2f}: {fills}")
    lines.append(f"chain {world.chain.state.quotes.get(quote_id)}")
    return lines


def _told(event: Event) -> str:
    words = []
    for name in event.__struct_fields__:
        if name not in _SKIPPED:
            words.append(f"{name}={_text(getattr(event, name))}")
    at = ""
    if isinstance(event, ChainFact):
        at = f" in {event.source.block_number} {event.source.block_hash[2:8]}"
    if isinstance(event, BlocksOrphaned | BlocksReadopted):
        words = [each[2:8] for each in event.block_hashes]
    short = "fact " if isinstance(event, QuoteFact) else ""
    inputs = getattr(event, "inputs", None)
    seen = f" [block {inputs.block_number}, {inputs.block_timestamp % 10_000}]" if inputs is not None else ""
    return f"{short}{type(event).__name__}{at}{seen} {' '.join(words)}"


def _text(value: Any) -> str:
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) >= 10**12:
        return to_text(value)
    return str(value)
