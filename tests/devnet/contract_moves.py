"""The usual moves on the local contracts, with defaults, so that a test names only what it is about."""

from typing import Any

from contract_world import BTC, LIMIT, LOCKED, LONG, PRICE, QUANTITY, Event, World

DAY = 86_400


async def send_quote(world: World, **changes: Any) -> list[Event]:
    """A long limit quote of the trader, open to all hedgers; `changes` by the names of the contract's arguments."""
    terms: dict[str, Any] = {
        "sender": world.trader,
        "whitelist": [],
        "symbol": BTC,
        "side": LONG,
        "kind": LIMIT,
        "price": PRICE,
        "quantity": QUANTITY,
        "locked": LOCKED,
        "max_funding": 10**16,
        "deadline": await world.now() + DAY,
        "affiliate": None,
        "market_price": PRICE,
        "upnl": 0,
        **changes,
    }
    sender = terms["sender"]
    signature = terms.get("signature") or await world.upnl_a_with_price(
        sender, terms["symbol"], terms["market_price"], terms["upnl"]
    )
    arguments = [terms["whitelist"], terms["symbol"], terms["side"], terms["kind"], terms["price"], terms["quantity"]]
    arguments += [*terms["locked"], terms["max_funding"], terms["deadline"]]
    if terms["affiliate"] is None:
        return await world.call(sender, "sendQuote", *arguments, signature)
    return await world.call(sender, "sendQuoteWithAffiliate", *arguments, terms["affiliate"], signature)


async def sent(world: World, **changes: Any) -> int:
    """Send a quote; returns its id."""
    await send_quote(world, **changes)
    return int(await world.read("getNextQuoteId"))


async def lock(world: World, quote_id: int, *, by: str | None = None, upnl: int = 0) -> list[Event]:
    party_b = by or world.hedger
    party_a = (await world.quote(quote_id))["partyA"]
    return await world.call(party_b, "lockQuote", quote_id, await world.upnl_b(party_b, party_a, upnl))


async def open_position(
    world: World,
    quote_id: int,
    filled: int = QUANTITY,
    price: int = PRICE,
    *,
    market_price: int = PRICE,
    upnl_a: int = 0,
    upnl_b: int = 0,
) -> list[Event]:
    signature = await world.pair(world.hedger, world.trader, market_price, upnl_a=upnl_a, upnl_b=upnl_b)
    return await world.call(world.hedger, "openPosition", quote_id, filled, price, signature)


async def locked(world: World, **changes: Any) -> int:
    quote_id = await sent(world, **changes)
    await lock(world, quote_id)
    return quote_id


async def opened(world: World, **changes: Any) -> int:
    quote_id = await locked(world, **changes)
    await open_position(world, quote_id, changes.get("quantity", QUANTITY), changes.get("price", PRICE))
    return quote_id


async def request_close(
    world: World, quote_id: int, quantity: int = QUANTITY, price: int = PRICE, *, kind: int = LIMIT, ttl_s: int = DAY
) -> list[Event]:
    deadline = await world.now() + ttl_s
    return await world.call(world.trader, "requestToClosePosition", quote_id, price, quantity, kind, deadline)


async def fill_close(
    world: World,
    quote_id: int,
    filled: int = QUANTITY,
    price: int = PRICE,
    *,
    market_price: int | None = None,
    upnl_a: int = 0,
    upnl_b: int = 0,
) -> list[Event]:
    signature = await world.pair(world.hedger, world.trader, market_price or price, upnl_a=upnl_a, upnl_b=upnl_b)
    return await world.call(world.hedger, "fillCloseRequest", quote_id, filled, price, signature)
