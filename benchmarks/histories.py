"""Lives of quotes to fill a log with: each event as the hedger would record it, decided by the policy itself."""

from collections.abc import Sequence
from uuid import UUID

from hedger.domain import chain_facts as facts
from hedger.domain import transactions
from hedger.domain.events import ChainSource, Event
from hedger.domain.margins import Locked
from hedger.domain.money import WAD
from hedger.domain.policies.decide import decide
from hedger.domain.policies.inputs import AccountView, BookView, Inputs, MarketView, SymbolTerms, VenueLimits
from hedger.domain.policies.policy import Policy, SymbolPolicy
from hedger.domain.quote import events
from hedger.domain.quote.quote import Quote
from hedger.domain.terms import OrderType, PositionType, TradingState

PARTY_B = "0x" + "bb" * 20
CHAIN_ID, DIAMOND, NOW_S = 31337, "0x" + "dd" * 20, 1_700_000_000
_PRICE, _QUANTITY = 100 * WAD, 10 * WAD
_STEPS = 6
_POLICY = Policy(version="", party_b=PARTY_B, tag="b", symbols={"BTCUSDT": SymbolPolicy()}).versioned()
_SYMBOL = SymbolTerms(
    symbol_id=1,
    name="BTCUSDT",
    is_valid=True,
    min_quote_value=5 * WAD,
    min_lf_portion=WAD // 1_000,
    max_leverage=60 * WAD,
)
_ACCOUNT = AccountView(
    party_a_allocated=10_000 * WAD,
    party_a_locked=Locked(),
    party_a_pending=Locked(cva=10 * WAD, lf=5 * WAD, party_a_mm=85 * WAD),
    party_a_liquidated=False,
    party_a_suspended=False,
    party_b_free=100_000 * WAD,
    party_b_allocated=1_000 * WAD,
    party_b_locked=Locked(),
    party_b_pending=Locked(),
    party_b_liquidated=False,
)
_INPUTS = Inputs(
    block_number=10**9,
    block_timestamp=NOW_S + 1,
    venue_time_ms=1_000,
    trading_state=TradingState.ACTIVE,
    symbol=_SYMBOL,
    limits=VenueLimits(
        tick=WAD // 10, step=WAD // 1_000, min_quantity=WAD // 1_000, max_quantity=1_000 * WAD, min_notional=5 * WAD
    ),
    market=MarketView(bid=_PRICE - WAD // 10, ask=_PRICE, mark=_PRICE, funding_rate=0, at_ms=1_000),
    account=_ACCOUNT,
    book=BookView(
        symbol_notional=0,
        symbol_long_hedge=0,
        symbol_short_hedge=0,
        account_notional=0,
        total_notional=0,
        account_upnl=0,
        promised_allocation=0,
    ),
    venue_margin=100_000 * WAD,
    max_funding_rate=0,
)


class Life:
    """One market long: sent, judged, locked, hedged, opened."""

    def __init__(self, quote_id: int) -> None:
        self.quote = Quote.new(CHAIN_ID, DIAMOND, quote_id)
        self.party_a = f"0x{quote_id % 500:040x}"
        self.events: list[Event] = []
        self._logs = 0

    @property
    def aggregate_id(self) -> UUID:
        return self.quote.id

    def lived(self) -> list[Event]:
        """Every event of it, in order."""
        quote_id, order = self.quote.quote_id, f"b-{self.quote.quote_id}-o1"
        self._told(self._sent())
        self._told(self._succeeded(), facts.QuoteLocked(source=self._source(), quote_id=quote_id, party_b=PARTY_B))
        self._told(
            events.OrderAccepted(client_order_id=order, venue_order_id=f"8389{quote_id}", at_ms=1_000),
            *(self._filled(order, trade) for trade in (1, 2)),
            events.OrderEnded(
                client_order_id=order,
                venue_order_id=f"8389{quote_id}",
                status="filled",
                executed_quantity=_QUANTITY,
                at_ms=1,
            ),
        )
        self._told(self._succeeded(), self._opened())
        return self.events

    def _told(self, *told: Event) -> None:
        self._add(told)
        for _ in range(_STEPS):
            step = decide(self.quote, _INPUTS, _POLICY)
            if not step:
                return
            self._add(step)

    def _add(self, new: Sequence[Event]) -> None:
        self.quote.advance(new)
        self.events.extend(new)

    def _source(self) -> ChainSource:
        self._logs += 1
        return ChainSource(
            chain_id=CHAIN_ID,
            block_number=self.quote.quote_id,
            block_hash=f"0x{self.quote.quote_id:064x}",
            block_timestamp=NOW_S,
            transaction_hash=f"0x{self.quote.quote_id:062x}{self._logs:02x}",
            log_index=self._logs,
        )

    def _sent(self) -> facts.QuoteSent:
        return facts.QuoteSent(
            source=self._source(),
            quote_id=self.quote.quote_id,
            party_a=self.party_a,
            party_bs_whitelist=(PARTY_B,),
            symbol_id=1,
            position_type=PositionType.LONG,
            order_type=OrderType.MARKET,
            price=_PRICE + WAD,
            market_price=_PRICE,
            quantity=_QUANTITY,
            cva=10 * WAD,
            lf=5 * WAD,
            party_a_mm=85 * WAD,
            party_b_mm=0,
            trading_fee=WAD // 2_000,
            deadline=NOW_S + 600,
        )

    def _succeeded(self) -> transactions.TransactionSucceeded:
        request = self.quote.in_flight
        assert request is not None, "the policy asked for no transaction"
        return transactions.TransactionSucceeded(
            request_id=request.request_id,
            transaction_hash=f"0x{self.quote.quote_id:064x}",
            block_number=self.quote.quote_id,
            block_hash=f"0x{self.quote.quote_id:064x}",
            gas_used=300_000,
            gas_price_wei=10**9,
        )

    def _filled(self, order: str, trade: int) -> events.OrderFilled:
        return events.OrderFilled(
            venue="binanceusdm",
            trade_id=f"BTCUSDT:{self.quote.quote_id}{trade}",
            client_order_id=order,
            quantity=_QUANTITY // 2,
            price=_PRICE,
            fee=WAD // 5,
            fee_asset="USDT",
            traded_at_ms=1_000,
        )

    def _ended(self, order: str) -> events.OrderEnded:
        return events.OrderEnded(
            client_order_id=order,
            venue_order_id=f"8389{self.quote.quote_id}",
            status="filled",
            executed_quantity=_QUANTITY,
            at_ms=1_000,
        )

    def _opened(self) -> facts.PositionOpened:
        request = self.quote.in_flight
        assert request is not None, "the policy asked for no opening"
        return facts.PositionOpened(
            source=self._source(),
            quote_id=self.quote.quote_id,
            party_a=self.party_a,
            party_b=PARTY_B,
            quantity=request.call.quantity,
            price=request.call.price,
        )
