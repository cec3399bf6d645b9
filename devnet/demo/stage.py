"""What a scene plays with: the world, its watchers, and one trader facing one hedger on one symbol and side."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

from devnet.demo.api import HedgerApi
from devnet.demo.broker import Broker
from devnet.demo.expected import Expected
from devnet.demo.rival import Rival
from devnet.demo.third_parties import ThirdParties
from devnet.demo.watch import QuoteWatch, SceneFailed
from devnet.traders import CloseTerms, QuoteOnChain, QuoteTerms, Trader, with_slippage
from devnet.world import LocalHedger, World
from hedger.domain.money import floor_to, from_text
from hedger.domain.terms import OrderType, PositionType, QuoteStatus

LONG, SHORT = PositionType.LONG, PositionType.SHORT
LIMIT, MARKET = OrderType.LIMIT, OrderType.MARKET

SLIPPAGE = Decimal(3)  # per cent that market orders allow
NEAR = Decimal("0.3")  # per cent from the market: what the price reaches when it swings
FAR = Decimal("1.5")  # per cent from the market: what it does not reach
NOTIONAL = Decimal(1200)
LOOK_S, REFUSAL_LOOKS = 0.3, 70


@dataclass
class Stage:
    """The world with everything that scenes share, by the names of the hedgers."""

    world: World
    watch: QuoteWatch
    rival: Rival
    apis: dict[str, HedgerApi]
    brokers: dict[str, Broker] = field(init=False)
    third: ThirdParties = field(init=False)

    def __post_init__(self) -> None:
        self.third = ThirdParties(self.world)
        self.brokers = {name: Broker(hedger) for name, hedger in self.world.hedgers.items()}


@dataclass(frozen=True)
class Play:
    """One performance: a trader, the hedger it turns to, the symbol and the side; more traders where a scene asks,
    and the position it begins with.

    The quantity of every quote is worth about 1200 at the start prices.
    """

    stage: Stage
    trader: Trader
    hedger: LocalHedger
    symbol: str
    side: PositionType
    others: tuple[Trader, ...] = ()
    position: QuoteOnChain | None = None

    @property
    def broker(self) -> Broker:
        return self.stage.brokers[self.hedger.setup.name]

    @property
    def watch(self) -> QuoteWatch:
        return self.stage.watch

    @property
    def symbol_id(self) -> int:
        return self.stage.world.deployment.symbols[self.symbol]

    @property
    def quantity(self) -> int:
        """In whole steps of the exchange, and so that a half is too."""
        spec, step = self._spec, from_text(self._spec.step)
        return floor_to(from_text(NOTIONAL / spec.start_price), 20 * step)

    @property
    def price(self) -> int:
        """The market's price now (wad)."""
        return from_text(self.broker.mid(self.symbol))

    # --- what the trader asks for

    def market(self, **changes: Any) -> QuoteTerms:
        """A market order that accepts some slippage."""
        price = self._rounded(with_slippage(self.price, SLIPPAGE, upward=self.side is LONG))
        return self._terms(MARKET, price, changes)

    def limit(self, away: Decimal = FAR, **changes: Any) -> QuoteTerms:
        """A limit order this many per cent away from the market on the side where it waits; negative: beyond it."""
        price = self._rounded(with_slippage(self.price, away, upward=self.side is SHORT))
        return self._terms(LIMIT, price, changes)

    def market_close(self, quantity: int) -> CloseTerms:
        price = self._rounded(with_slippage(self.price, SLIPPAGE, upward=self.side is SHORT))
        return CloseTerms(price, quantity, MARKET)

    def limit_close(self, quantity: int, away: Decimal = FAR, *, deadline_s: int = 3_600) -> CloseTerms:
        price = self._rounded(with_slippage(self.price, away, upward=self.side is LONG))
        return CloseTerms(price, quantity, LIMIT, deadline_s)

    async def send(self, terms: QuoteTerms) -> int:
        return await self.trader.send_quote(terms)

    async def opened(self) -> QuoteOnChain:
        """The position that was opened before, or one opened at the market now."""
        if self.position is not None:
            return self.position
        quote_id = await self.send(self.market())
        return await self.watch.until_status(quote_id, QuoteStatus.OPENED)

    async def locked(self, terms: QuoteTerms) -> int:
        """A quote that our hedger has locked."""
        quote_id = await self.send(terms)
        await self.watch.until_status(quote_id, QuoteStatus.LOCKED)
        return quote_id

    async def refused(self, quote_id: int, code: int) -> None:
        """Returns once our hedger has refused the quote with this code. Raises SceneFailed."""
        api, row = self.stage.apis[self.hedger.setup.name], None
        for _ in range(REFUSAL_LOOKS):
            row = await api.quote(quote_id)
            if row is not None and row["verdict"] == "rejected":
                break
            await asyncio.sleep(LOOK_S)
        if row is None or row["verdict"] != "rejected" or row["code"] != code:
            told = "nothing" if row is None else f"{row['verdict']} ({row['code']})"
            raise SceneFailed(f"the hedger says {told} of quote {quote_id}, a refusal with {int(code)} was expected")

    def set_price(self, price: Decimal) -> None:
        """The market jumps there and stays. Only for a symbol that the scene has to itself."""
        self.hedger.exchange.set_price(self.symbol, mid=price, pin=True)

    # --- what must come of it

    def ends(self, quote_id: int, *statuses: QuoteStatus, **more: Any) -> Expected:
        return Expected(quote_id, self.hedger.setup.name, statuses, **more)

    def ours(self, quote_id: int, status: QuoteStatus = QuoteStatus.OPENED, **more: Any) -> Expected:
        """An end in which our hedger holds the quote."""
        return self.ends(quote_id, status, party_b=self.hedger.party_b, **more)

    async def pause(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    @property
    def _spec(self) -> Any:
        return self.hedger.exchange.engine.market(self.symbol).spec

    def _rounded(self, price: int) -> int:
        return floor_to(price, from_text(self._spec.tick))

    def _terms(self, order_type: OrderType, price: int, changes: dict[str, Any]) -> QuoteTerms:
        terms = QuoteTerms(
            self.symbol_id,
            self.side,
            order_type,
            price,
            self.quantity,
            white_list=(self.hedger.party_b,),
        )
        return replace(terms, **changes)


Ends = Sequence[Expected]
