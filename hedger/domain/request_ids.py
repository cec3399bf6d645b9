"""Client order ids and request ids: derived from whoever asks, so that whoever reads one knows whose it is.

`<tag>-<quote id>-<leg letter><attempt>` for orders, `<tag>-<quote id>-<kind>-<attempt>` for transactions, and
`<tag>-<PartyA>-<kind>-<attempt>` for those of an account, `<tag>-s<symbol id>-<attempt>` for orders of a symbol's
residual book, `<tag>-x<number>` for orders that close what is foreign on the account. The tag tells several hedgers on
one venue account apart.
Order ids have at most 36 characters, the shortest bound among venues.
"""

import re

from hedger.domain.terms import CallKind, Leg

_ADDRESS = "0x"
_ORDER_ID = re.compile(r"(?P<tag>[A-Za-z0-9]{1,8})-(?P<quote>\d{1,16})-[ocur]\d{1,6}")
_RESIDUAL_ID = re.compile(r"(?P<tag>[A-Za-z0-9]{1,8})-s(?P<symbol>\d{1,9})-\d{1,9}")


def client_order_id(tag: str, quote_id: int, leg: Leg, attempt: int) -> str:
    return f"{tag}-{quote_id}-{leg.value}{attempt}"


def residual_order_id(tag: str, symbol_id: int, attempt: int) -> str:
    return f"{tag}-s{symbol_id}-{attempt}"


def repair_order_id(tag: str, number: int) -> str:
    """Of the order that a repair places; `number` is the repair's."""
    return f"{tag}-x{number}"


def symbol_of_order(tag: str, order_id: str) -> int | None:
    """The symbol whose residual book an order id of this hedger names, None where it names none."""
    match = _RESIDUAL_ID.fullmatch(order_id)
    return int(match["symbol"]) if match is not None and match["tag"] == tag else None


def transaction_request_id(tag: str, quote_id: int, kind: CallKind, attempt: int) -> str:
    return f"{tag}-{quote_id}-{kind.value}-{attempt}"


def quote_of_order(tag: str, order_id: str) -> int | None:
    """The quote that an order id of this hedger names, or None where the order is somebody else's."""
    match = _ORDER_ID.fullmatch(order_id)
    return int(match["quote"]) if match is not None and match["tag"] == tag else None


def account_request_id(tag: str, party_a: str, kind: CallKind, attempt: int) -> str:
    return f"{tag}-{party_a}-{kind.value}-{attempt}"


def quote_of_request(request_id: str) -> int:
    """The quote that a transaction request of this hedger names, 0 where an account asked for it."""
    named = request_id.split("-")[1]
    return 0 if named.startswith(_ADDRESS) else int(named)


def account_of_request(request_id: str) -> str:
    """The PartyA whose account asked for a transaction, empty where a quote did."""
    _, _, named = request_id.partition("-")
    return named.partition("-")[0] if named.startswith(_ADDRESS) else ""
