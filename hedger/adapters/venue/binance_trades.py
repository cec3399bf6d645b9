"""The account's trades, page by page, until there are no more."""

from typing import Any

from hedger.adapters.venue import binance_answers as answers
from hedger.adapters.venue.port import Fill, VenueUnavailable

WEEK_MS = 7 * 24 * 3600 * 1000  # the longest span one request may ask for
PAGE = 1_000
MAX_REQUESTS = 200


async def of_order(client: Any, symbol: str, venue_order_id: str) -> list[Fill]:
    """Every trade of one order."""
    found = await _page(client, symbol, {"orderId": venue_order_id})
    if len(found) == PAGE:  # the exchange has no paging within an order: go on through all trades, by id
        found += [fill for fill in await _after(client, symbol, found[-1]) if fill.venue_order_id == venue_order_id]
    strangers = [fill for fill in found if fill.venue_order_id != venue_order_id]
    if strangers:
        raise VenueUnavailable(f"the trades of order {venue_order_id}: the answer tells those of another")
    return found


async def since(client: Any, symbol: str, since_ms: int, now_ms: int) -> list[Fill]:
    """Every trade of a symbol from a time on: weeks until the first trade is found, from there by id."""
    for _ in range(MAX_REQUESTS):
        end = since_ms + WEEK_MS - 1
        found = await _page(client, symbol, {"startTime": since_ms, "endTime": end})
        if found:
            is_last = len(found) < PAGE and end >= now_ms
            return found if is_last else found + await _after(client, symbol, found[-1])
        since_ms = end + 1
        if since_ms > now_ms:
            return []
    raise _too_many(symbol)


async def _after(client: Any, symbol: str, last: Fill) -> list[Fill]:
    """Every trade with an id above that of `last`. Ids count up per symbol."""
    found: list[Fill] = []
    for _ in range(MAX_REQUESTS):
        page = await _page(client, symbol, {"fromId": int(last.trade_id) + 1})
        found += page
        if len(page) < PAGE:
            return found
        last = page[-1]
    raise _too_many(symbol)


async def _page(client: Any, symbol: str, which: dict[str, Any]) -> list[Fill]:
    """One page in order of id."""
    raw = await client.fapiPrivateGetUserTrades({"symbol": symbol, "limit": PAGE, **which})
    return sorted(answers.fills(raw, symbol), key=lambda fill: int(fill.trade_id))


def _too_many(symbol: str) -> VenueUnavailable:
    return VenueUnavailable(f"the trades of {symbol}: more than {MAX_REQUESTS} requests do not reach the end")
