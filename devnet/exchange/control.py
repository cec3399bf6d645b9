"""The test's hand on the exchange: JSON routes under /control, without keys, outside all faults.

POST /control/price       {symbol, mid? | shift?, pin?}
POST /control/fills       {symbol?, fractions? [low, high], paused?, levels?, level_quantity?, partial_then_silent?}
POST /control/release     {client_order_id?}                 let silent orders fill again
POST /control/tick        {count?}                           move time's ticks by hand
POST /control/faults      {kind or preset, method?, path?, client_order_id?, skip?, times?, seconds?, code?, ...}
GET, DELETE /control/faults[?id=]
POST /control/user-stream {action: drop | silence | duplicate | resume | expire, messages?}
POST /control/orders      an order placed by hand on the account: the fields of POST /fapi/v1/order, unsigned
POST /control/funding     {symbol, rate?, settle?}
POST /control/deposit     {amount}
GET  /control/state       everything, for oracles
GET  /control/requests    how often each path was asked
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

import orjson
from aiohttp import web

from devnet.exchange.errors import VenueError
from devnet.exchange.faults import PRESETS, Fault, FaultKind
from devnet.exchange.params import Params
from devnet.exchange.state import dump
from devnet.exchange.trading import order_fields

if TYPE_CHECKING:
    from devnet.exchange.server import PaperExchange

Body = Mapping[str, Any]


class Control:
    def __init__(self, exchange: PaperExchange) -> None:
        self._exchange = exchange
        self._routes: dict[tuple[str, str], Callable[[Body], object]] = {
            ("POST", "price"): self.price,
            ("POST", "fills"): self.fills,
            ("POST", "release"): self.release,
            ("POST", "tick"): self.tick,
            ("POST", "faults"): self.add_fault,
            ("GET", "faults"): self.list_faults,
            ("DELETE", "faults"): self.remove_faults,
            ("POST", "user-stream"): self.user_stream,
            ("POST", "orders"): self.foreign_order,
            ("POST", "funding"): self.funding,
            ("POST", "deposit"): self.deposit,
            ("GET", "state"): lambda body: dump(exchange),
            ("GET", "requests"): lambda body: dict(exchange.rest.requests),
        }

    async def answer(self, request: web.Request) -> web.Response:
        handler = self._routes.get((request.method, request.match_info["name"]))
        if handler is None:
            return respond({"error": "no such control"}, 404)
        raw = await request.read()
        try:
            return respond(handler(orjson.loads(raw) if raw else dict(request.query)))
        except VenueError as error:
            return respond(error.body(), error.status)
        except (KeyError, ValueError, TypeError, InvalidOperation) as error:
            return respond({"error": f"{type(error).__name__}: {error}"}, 400)

    def price(self, body: Body) -> object:
        mid = Decimal(str(body["mid"])) if "mid" in body else None
        shift = Decimal(str(body["shift"])) if "shift" in body else None
        pin = bool(body["pin"]) if "pin" in body else None
        self._exchange.set_price(str(body["symbol"]), mid=mid, shift=shift, pin=pin)
        price = self._exchange.engine.market(str(body["symbol"])).price
        return {"bid": str(price.bid), "mid": str(price.mid), "ask": str(price.ask), "pinned": price.pinned}

    def fills(self, body: Body) -> object:
        """Change how one symbol fills, or all without a symbol."""
        markets = self._exchange.engine.markets
        chosen = [self._exchange.engine.market(body["symbol"])] if "symbol" in body else list(markets.values())
        for rules in [market.fills for market in chosen]:
            if "fractions" in body:
                low, high = (Decimal(str(bound)) for bound in body["fractions"])
                rules.fractions = (low, high)
            if "level_quantity" in body:
                rules.level_quantity = Decimal(str(body["level_quantity"]))
            if "levels" in body:
                rules.levels = None if body["levels"] is None else int(body["levels"])
            if "partial_then_silent" in body:
                rules.partial_then_silent.append(Decimal(str(body["partial_then_silent"])))
            rules.paused = bool(body.get("paused", rules.paused))
        return {"symbols": [market.spec.name for market in chosen]}

    def release(self, body: Body) -> object:
        wanted = body.get("client_order_id")
        silent = [order for order in self._exchange.engine.orders.open() if order.silent]
        chosen = [order for order in silent if wanted in (None, order.client_order_id)]
        for order in chosen:
            order.silent = False
        return {"released": [order.client_order_id for order in chosen]}

    def tick(self, body: Body) -> object:
        self._exchange.tick(int(body.get("count", 1)))
        return {"ticks": self._exchange.engine.ticks}

    def add_fault(self, body: Body) -> object:
        """Arm a fault from a kind, or from a preset with any field replaced."""
        fields = dict(body)
        preset = fields.pop("preset", None)
        base = PRESETS[preset] if preset is not None else Fault(FaultKind(fields["kind"]))
        details = {**base.as_json(), **fields}
        fault = Fault(**{**details, "kind": FaultKind(details["kind"])})
        return self._exchange.faults.add(fault).as_json()

    def list_faults(self, body: Body) -> object:
        return [fault.as_json() for fault in self._exchange.faults.faults]

    def remove_faults(self, body: Body) -> object:
        return {"removed": self._exchange.faults.remove(int(body["id"]) if "id" in body else None)}

    def user_stream(self, body: Body) -> object:
        """Trouble on the user stream; `messages` counts how many to lose or repeat, all without it."""
        hub, action = self._exchange.hub, body["action"]
        messages = int(body["messages"]) if "messages" in body else None
        if action == "drop":
            return {"dropped": hub.drop_user_streams()}
        if action == "expire":
            hub.expire_user_streams(self._exchange.engine.now_ms())
        elif action == "silence":
            hub.user_faults.swallow = messages
        elif action == "duplicate":
            hub.user_faults.duplicate = messages
        elif action == "resume":
            hub.user_faults.swallow = hub.user_faults.duplicate = 0
        else:
            raise ValueError(f"unknown action {action!r}")
        return {"action": action}

    def foreign_order(self, body: Body) -> object:
        """A hand on the account that the hedger knows nothing of."""
        values = {name: str(value).lower() if isinstance(value, bool) else str(value) for name, value in body.items()}
        if values.get("type") == "LIMIT":
            values.setdefault("timeInForce", "GTC")
        request = self._exchange.rest.trading.order_request(Params(values), foreign=True)
        self._exchange.rest.seen_client_ids[request.client_order_id] += 1
        return order_fields(self._exchange.engine.place(request))

    def funding(self, body: Body) -> object:
        market = self._exchange.engine.market(str(body["symbol"]))
        if "rate" in body:
            market.funding_rate = Decimal(str(body["rate"]))
        if body.get("settle"):
            self._exchange.engine.ledger.settle_funding(market)
        return {"rate": str(market.funding_rate)}

    def deposit(self, body: Body) -> object:
        self._exchange.engine.ledger.deposit(Decimal(str(body["amount"])))
        return {"wallet": str(self._exchange.engine.account.wallet)}


def respond(content: object, status: int = 200) -> web.Response:
    return web.Response(body=orjson.dumps(content), status=status, content_type="application/json")
