"""Recorded histories for the tests: a builder of single steps, and whole random ones from a seed."""

from random import Random
from uuid import UUID

from hedger.domain import chain_facts as facts
from hedger.domain import transactions
from hedger.domain.account import Account
from hedger.domain.alerts.alerts import Alerts
from hedger.domain.alerts.events import AlertCleared, AlertDelivered, AlertDeliveryFailed, AlertRaised, Level
from hedger.domain.events import ChainSource, Event, Recorded
from hedger.domain.feed import BlocksOrphaned, BlocksReadopted, FeedCheckpointed, InputRejected, ProtocolRead, feed_id
from hedger.domain.foreign import ForeignTradeDisowned, ForeignTradeFound
from hedger.domain.margins import Locked
from hedger.domain.mismatch import Cause
from hedger.domain.money import WAD
from hedger.domain.policies.inputs import AccountView, Inputs, MarketView, SymbolTerms, VenueLimits
from hedger.domain.policies.residual_inputs import ResidualInputs
from hedger.domain.quote import events
from hedger.domain.quote.events import RuleResult
from hedger.domain.quote.quote import Quote
from hedger.domain.reconciliation import MismatchFound, MismatchKind, MismatchResolved, Reconciliation
from hedger.domain.repairs import RepairConfirmed, RepairFailed, RepairKind, RepairPlan, RepairProposed, RepairRun
from hedger.domain.residual import ResidualBook, ResidualDecided
from hedger.domain.reverts import RevertAction
from hedger.domain.terms import (
    BalanceChange,
    CallKind,
    Leg,
    OrderType,
    PositionType,
    QuoteStatus,
    Side,
    TradingState,
    hedge_side,
)
from hedger.domain.trading import Trading, TradingStateChanged
from hedger.domain.transactions import Call
from hedger.domain.venue_cash import FundingPaid, VenueCash
from hedger.domain.wallet import TransactionBroadcast, TransactionMined, TransactionSigned, Wallet

CHAIN, DIAMOND = 31337, "0x" + "d1" * 20
US, OTHER = "0x" + "b0" * 20, "0x" + "b1" * 20
ALICE, BOB = "0x" + "a0" * 20, "0x" + "a1" * 20
KEY = "0x" + "c0" * 20
SYMBOLS = {1: "BTCUSDT", 2: "ETHUSDT"}
EPOCH_S = 60


class History:
    """Events with their places in a log, one block a step."""

    def __init__(self) -> None:
        self.recorded: list[Recorded] = []
        self.block = 100
        self._versions: dict[UUID, int] = {}
        self._log_index = 0
        self.residual_orders = 0
        self._payments = 0

    @property
    def now(self) -> int:
        """Time of the newest block, seconds."""
        return 1_760_000_000 + self.block * 2

    @property
    def block_hash(self) -> str:
        return f"0x{self.block:064x}"

    def add(self, aggregate_id: UUID, *told: Event, correlation_id: str = "", causation_id: str = "heal") -> None:
        for event in told:
            version = self._versions[aggregate_id] = self._versions.get(aggregate_id, 0) + 1
            position = len(self.recorded) + 1
            self.recorded.append(
                Recorded(
                    position=position,
                    aggregate_id=aggregate_id,
                    version=version,
                    recorded_at_ms=self.now * 1000 + position * 7,
                    correlation_id=correlation_id or str(aggregate_id),
                    causation_id=causation_id,
                    event=event,
                )
            )

    def mine(self, blocks: int = 1) -> None:
        self.block += blocks

    def source(self) -> ChainSource:
        self._log_index += 1
        return ChainSource(
            chain_id=CHAIN,
            block_number=self.block,
            block_hash=self.block_hash,
            block_timestamp=self.now,
            transaction_hash=f"0x{self._log_index:064x}",
            log_index=self._log_index,
        )

    # --- what is not of a quote

    def protocol(self, *, cooldown_s: int = 120) -> None:
        read = ProtocolRead(
            chain_id=CHAIN,
            block_number=self.block,
            upnl_valid_s=30,
            force_cancel_cooldown_s=cooldown_s,
            force_cancel_close_cooldown_s=cooldown_s,
            force_close_first_cooldown_s=cooldown_s,
            force_close_second_cooldown_s=60,
            paused=(),
        )
        self.add(feed_id(CHAIN, DIAMOND), read)

    def checkpoint(self) -> None:
        told = FeedCheckpointed(chain_id=CHAIN, block_number=self.block, block_hash=self.block_hash)
        self.add(feed_id(CHAIN, DIAMOND), told)

    def rejected_input(self, raw: str) -> None:
        told = InputRejected(
            origin=f"chain {CHAIN} log {len(self.recorded)}", field="price", reason="not a number", raw=raw
        )
        self.add(feed_id(CHAIN, DIAMOND), told)

    def allocated(self, party_a: str, amount: int, kind: BalanceChange = BalanceChange.ALLOCATE) -> None:
        told = facts.AllocationChanged(source=self.source(), party_b=US, party_a=party_a, amount=amount, kind=kind)
        self.account(party_a, told)

    def account(self, party_a: str, *told: Event) -> None:
        self.add(Account.create_id(CHAIN, DIAMOND, US, party_a), *told, correlation_id=f"account:{party_a}")

    def mismatch(self, subject: str, *, resolved: bool = False) -> None:
        told: Event = MismatchFound(
            kind=MismatchKind.EXPOSURE,
            subject=subject,
            chain="1",
            venue="0.5",
            log="1",
            block_number=self.block,
            log_position=len(self.recorded),
        )
        if resolved:
            told = MismatchResolved(
                kind=MismatchKind.EXPOSURE, subject=subject, block_number=self.block, log_position=len(self.recorded)
            )
        self.add(Reconciliation.create_id(CHAIN, DIAMOND, US), told)

    def alert(self, subject: str, *, cleared: bool = False) -> None:
        named = {"watch": "venue", "subject": subject, "level": Level.CRITICAL, "observed_at_ms": self.now * 1000}
        told: Event = AlertCleared(value="0", text=f"{subject} is well", **named)
        if not cleared:
            told = AlertRaised(value="31", limit="30", unit="s", text=f"{subject} is silent", **named)
        self.add(Alerts.create_id(CHAIN, DIAMOND, US), told)

    def alert_told(self, *, delivered: bool) -> None:
        told: Event = AlertDelivered(target="ops", notice_numbers=(1, 2), upto_number=2)
        if not delivered:
            told = AlertDeliveryFailed(target="ops", notice_numbers=(1, 2), reason="not reached")
        self.add(Alerts.create_id(CHAIN, DIAMOND, US), told)

    def foreign_trade(self, number: int, side: Side = Side.BUY) -> ForeignTradeFound:
        told = ForeignTradeFound(
            venue="paper",
            trade_id=f"BTCUSDT:{number}",
            venue_order_id=f"v{number}",
            symbol="BTCUSDT",
            side=side,
            quantity=number * WAD,
            price=100 * WAD,
            fee=WAD // 100,
            fee_asset="USDT",
            traded_at_ms=self.now * 1000,
        )
        self.reconciled(told)
        return told

    def repair(self, number: int, *outcome: Event, mismatch: MismatchKind = MismatchKind.EXPOSURE) -> None:
        plan = RepairPlan(kind=RepairKind.FILLS, subject="BTCUSDT", notional=number * WAD)
        proposed = RepairProposed(
            repair_id=f"r{number}",
            plan=plan,
            mismatch=mismatch,
            cause=Cause.LATE_FILL,
            reason="why",
            max_notional=5 * WAD,
        )
        self.reconciled(proposed, *outcome)

    def reconciled(self, *told: Event) -> None:
        self.add(Reconciliation.create_id(CHAIN, DIAMOND, US), *told)

    def trading(self, state: TradingState, scope: str = "*") -> None:
        told = TradingStateChanged(scope=scope, state=state, reason="maintenance", by="operator")
        self.add(Trading.create_id(CHAIN, DIAMOND, US), told)

    def orphan(self, *block_hashes: str, aggregates: list[UUID]) -> None:
        for aggregate_id in aggregates:
            told = BlocksOrphaned(chain_id=CHAIN, block_hashes=block_hashes, common_ancestor=self.block - 1)
            self.add(aggregate_id, told)

    def wallet(self, *told: Event) -> None:
        self.add(wallet_id(), *told, correlation_id="wallet")

    # --- one quote

    def quote(self, quote_id: int, *told: Event) -> None:
        self.add(
            quote_aggregate(quote_id), *told, correlation_id=f"quote:{quote_id}", causation_id=f"block:{self.block}"
        )

    def sent(
        self,
        quote_id: int,
        *,
        quantity: int = 2 * WAD,
        price: int = 100 * WAD,
        position_type: PositionType = PositionType.LONG,
        order_type: OrderType = OrderType.LIMIT,
        party_a: str = ALICE,
        symbol_id: int = 1,
        whitelist: tuple[str, ...] = (),
        deadline: int | None = None,
    ) -> None:
        fact = facts.QuoteSent(
            source=self.source(),
            quote_id=quote_id,
            party_a=party_a,
            party_bs_whitelist=whitelist,
            symbol_id=symbol_id,
            position_type=position_type,
            order_type=order_type,
            price=price,
            market_price=price,
            quantity=quantity,
            cva=3 * WAD,
            lf=2 * WAD,
            party_a_mm=5 * WAD,
            party_b_mm=5 * WAD,
            trading_fee=WAD // 10,
            deadline=deadline if deadline is not None else self.now + 3600,
        )
        self.quote(quote_id, fact)

    def inputs(self, symbol_id: int = 1, mark: int = 100 * WAD) -> Inputs:
        return Inputs(
            block_number=self.block,
            block_timestamp=self.now,
            venue_time_ms=self.now * 1000,
            trading_state=TradingState.ACTIVE,
            symbol=SymbolTerms(
                symbol_id=symbol_id,
                name=SYMBOLS[symbol_id],
                is_valid=True,
                min_quote_value=10 * WAD,
                min_lf_portion=WAD // 100,
                max_leverage=100 * WAD,
                funding_epoch_s=EPOCH_S,
                funding_window_s=EPOCH_S // 6,
            ),
            market=MarketView(bid=mark - 1, ask=mark + 1, mark=mark, funding_rate=0, at_ms=self.now * 1000),
            account=AccountView(
                party_a_allocated=1000 * WAD,
                party_a_locked=Locked(),
                party_a_pending=Locked(),
                party_a_liquidated=False,
                party_a_suspended=False,
                party_b_free=5000 * WAD,
                party_b_allocated=0,
                party_b_locked=Locked(),
                party_b_pending=Locked(),
                party_b_liquidated=False,
            ),
        )

    def judged(self, quote_id: int, *, code: int = 0, symbol_id: int = 1) -> None:
        rules = (
            RuleResult(rule="symbol enabled", passed=True, code=0, seen="enabled", limit="enabled"),
            RuleResult(
                rule="smallest notional", passed=not code, code=code, seen="200", limit="10" if not code else "500"
            ),
        )
        inputs = self.inputs(symbol_id)
        if code:
            self.quote(quote_id, events.QuoteRejected(policy="v1", inputs=inputs, rules=rules, code=code))
        else:
            self.quote(quote_id, events.QuoteAccepted(policy="v1", inputs=inputs, rules=rules))

    def transacts(self, quote_id: int, call: Call, attempt: int = 1, *, failed: str = "") -> str:
        """Ask for a transaction, sign, send and mine it; tell the quote. Returns the block hash it stands in."""
        request_id = f"h-{quote_id}-{call.kind.value}-{attempt}"
        self.quote(
            quote_id,
            events.Decided(policy="v1", rule=f"{call.kind.value} it", inputs=self.inputs()),
            transactions.TransactionRequested(
                request_id=request_id,
                party_a=ALICE,
                symbol_id=1,
                call=call,
                valid_until=self.now + 60,
                requested_at=self.now,
            ),
        )
        transaction_hash = f"0x{quote_id:032x}{attempt:032x}"
        self.wallet(
            TransactionSigned(
                request_id=request_id,
                purpose="call",
                nonce=len(self.recorded),
                transaction_hash=transaction_hash,
                raw="0x02",
                gas_limit=1_000_000,
                max_fee_wei=30 * 10**9,
                priority_fee_wei=10**9,
                signed_at=self.now,
            ),
            TransactionBroadcast(request_id=request_id, transaction_hash=transaction_hash, endpoint="node"),
        )
        self.mine()
        mined = TransactionMined(
            request_id=request_id,
            transaction_hash=transaction_hash,
            block_number=self.block,
            block_hash=self.block_hash,
            succeeded=not failed,
            gas_used=210_000,
            gas_price_wei=20 * 10**9,
        )
        self.wallet(mined)
        if failed:
            self.quote(
                quote_id,
                transactions.TransactionFailed(
                    request_id=request_id,
                    stage="mined",
                    reason=failed,
                    action=RevertAction.STATE_MOVED,
                    block_timestamp=self.now,
                ),
            )
        else:
            self.quote(
                quote_id,
                transactions.TransactionSucceeded(
                    request_id=request_id,
                    transaction_hash=transaction_hash,
                    block_number=self.block,
                    block_hash=self.block_hash,
                    gas_used=210_000,
                    gas_price_wei=20 * 10**9,
                ),
            )
        return self.block_hash

    def locked(self, quote_id: int, party_b: str = US) -> None:
        if party_b == US:
            self.transacts(quote_id, Call(kind=CallKind.LOCK, allocate=20 * WAD))
        self.quote(quote_id, facts.QuoteLocked(source=self.source(), quote_id=quote_id, party_b=party_b))

    def ordered(
        self,
        quote_id: int,
        leg: Leg,
        quantity: int,
        fills: list[tuple[int, int]],
        *,
        position_type: PositionType = PositionType.LONG,
        symbol_id: int = 1,
        close_id: int = 0,
        ends: bool = True,
    ) -> str:
        """Ask for an order, have it accepted, filled by (quantity, price), and ended. Returns its client order id."""
        order_id = f"h-{quote_id}-{leg.value}1"
        opened_by: Side = hedge_side(position_type)
        self.quote(
            quote_id,
            events.Decided(policy="v1", rule=f"{leg.name.lower()} the hedge", inputs=self.inputs(symbol_id)),
            events.OrderRequested(
                client_order_id=order_id,
                leg=leg,
                symbol=SYMBOLS[symbol_id],
                side=opened_by if leg.grows else opened_by.opposite,
                order_type=OrderType.MARKET,
                quantity=quantity,
                limit_price=0,
                reduce_only=not leg.grows,
                close_id=close_id,
                decision_price=100 * WAD,
                requested_at=self.now,
            ),
            events.OrderAccepted(client_order_id=order_id, venue_order_id=f"v{order_id}", at_ms=self.now * 1000 + 40),
        )
        for number, (part, price) in enumerate(fills):
            self.quote(
                quote_id,
                events.OrderFilled(
                    venue="paper",
                    trade_id=f"{order_id}-{number}",
                    client_order_id=order_id,
                    quantity=part,
                    price=price,
                    fee=part // 1000,
                    fee_asset="USDT",
                    traded_at_ms=self.now * 1000 + 50 + number,
                ),
            )
        if ends:
            executed = sum(part for part, _ in fills)
            self.quote(
                quote_id,
                events.OrderEnded(
                    client_order_id=order_id,
                    venue_order_id=f"v{order_id}",
                    status="filled" if executed == quantity else "canceled",
                    executed_quantity=executed,
                    at_ms=self.now * 1000 + 90,
                ),
            )
        return order_id

    def residual_hedged(self, quantity: int, *, symbol_id: int = 1) -> str:
        """The residual book of a symbol buys (sells, where negative) so much. Returns the client order id."""
        seen = self.inputs(symbol_id)
        assert seen.symbol is not None
        assert seen.market is not None
        self.residual_orders += 1
        order_id = f"h-s{symbol_id}-{self.residual_orders}"
        inputs = ResidualInputs(
            block_timestamp=self.now,
            venue_time_ms=self.now * 1000,
            trading_state=TradingState.ACTIVE,
            symbol=seen.symbol,
            residual=quantity,
            account_hedge=0,
            limits=VenueLimits(tick=1, step=1, min_quantity=1, max_quantity=1000 * WAD, min_notional=0),
            market=seen.market,
        )
        self.add(
            ResidualBook.create_id(CHAIN, DIAMOND, US, symbol_id),
            ResidualDecided(policy="v1", rule="the residual is beyond its bound", inputs=inputs),
            events.OrderRequested(
                client_order_id=order_id,
                leg=Leg.REHEDGE,
                symbol=SYMBOLS[symbol_id],
                side=Side.BUY if quantity > 0 else Side.SELL,
                order_type=OrderType.MARKET,
                quantity=abs(quantity),
                limit_price=0,
                reduce_only=False,
                close_id=0,
                decision_price=100 * WAD,
                requested_at=self.now,
            ),
            events.OrderFilled(
                venue="paper",
                trade_id=order_id,
                client_order_id=order_id,
                quantity=abs(quantity),
                price=100 * WAD,
                fee=abs(quantity) // 1000,
                fee_asset="USDT",
                traded_at_ms=self.now * 1000,
            ),
        )
        return order_id

    def opened(self, quote_id: int, quantity: int, price: int, *, party_a: str = ALICE) -> str:
        block_hash = self.transacts(quote_id, Call(kind=CallKind.OPEN, quantity=quantity, price=price))
        fact = facts.PositionOpened(
            source=self.source(), quote_id=quote_id, party_a=party_a, party_b=US, quantity=quantity, price=price
        )
        self.quote(quote_id, fact)
        return block_hash

    def close_asked(
        self, quote_id: int, quantity: int, *, order_type: OrderType = OrderType.MARKET, price: int = 90 * WAD
    ) -> None:
        fact = facts.CloseRequested(
            source=self.source(),
            quote_id=quote_id,
            party_a=ALICE,
            party_b=US,
            price=price,
            quantity=quantity,
            order_type=order_type,
            deadline=self.now + 600,
            close_id=quote_id * 10,
        )
        self.quote(quote_id, fact)

    def close_filled(self, quote_id: int, quantity: int, price: int, status: QuoteStatus) -> None:
        self.transacts(quote_id, Call(kind=CallKind.FILL_CLOSE, quantity=quantity, price=price, close_id=quote_id * 10))
        fact = facts.CloseFilled(
            source=self.source(),
            quote_id=quote_id,
            party_a=ALICE,
            party_b=US,
            quantity=quantity,
            price=price,
            status=status,
            close_id=quote_id * 10,
        )
        self.quote(quote_id, fact)

    def funded(self, quote_id: int, rate: int, *, party_b: str = US) -> str:
        """The quote is charged. Returns the block hash it stands in."""
        self.mine()
        fact = facts.FundingCharged(source=self.source(), quote_id=quote_id, party_a=ALICE, party_b=party_b, rate=rate)
        self.quote(quote_id, fact)
        return self.block_hash

    def venue_funding(self, symbol: str, amount: int) -> None:
        """The venue pays, or takes where the amount is negative."""
        self._payments += 1
        told = FundingPaid(
            venue="paper",
            symbol=symbol,
            amount=amount,
            asset="USDT",
            name="FUNDING_FEE",
            tran_id=str(self._payments),
            at_ms=self.now * 1000 + 40,
        )
        self.add(VenueCash.create_id(CHAIN, DIAMOND, US, "paper"), told)

    def cancel_asked(self, quote_id: int, status: QuoteStatus = QuoteStatus.CANCEL_PENDING) -> None:
        fact = facts.CancelRequested(source=self.source(), quote_id=quote_id, party_a=ALICE, party_b=US, status=status)
        self.quote(quote_id, fact)


def quote_aggregate(quote_id: int) -> UUID:
    return Quote.create_id(CHAIN, DIAMOND, quote_id)


def wallet_id() -> UUID:
    return Wallet.create_id(CHAIN, KEY)


def random_history(seed: int, quotes: int = 12) -> list[Recorded]:
    """A log in which many quotes of several kinds live side by side, with a reorganisation now and then."""
    random, alarms, history = Random(seed), Random(f"alarms {seed}"), History()
    repairs = Random(f"repairs {seed}")
    funding = Random(f"funding {seed}")
    history.protocol()
    scenes = [_scene(history, quote_id, random) for quote_id in range(1, quotes + 1)]
    while scenes:
        scene = random.choice(scenes)
        if next(scene, None) is None:
            scenes.remove(scene)
        _noise(history, random)
        _alarm(history, alarms)
        _repair(history, repairs)
        _funding(history, funding, quotes)
    return history.recorded


def _noise(history: History, random: Random) -> None:
    history.mine(random.randint(0, 2))
    match random.randint(0, 11):
        case 0:
            history.protocol(cooldown_s=random.randint(60, 300))
        case 1:
            history.checkpoint()
        case 2:
            history.allocated(random.choice((ALICE, BOB)), random.randint(1, 50) * WAD)
        case 3:
            history.rejected_input(f"raw \x00 {random.random()}")
        case 4:
            history.mismatch(random.choice(("BTCUSDT", "ETHUSDT")), resolved=random.random() < 0.5)
        case 5:
            history.trading(random.choice(list(TradingState)), random.choice(("*", "BTCUSDT")))
        case 6:
            history.residual_hedged(random.choice((-1, 1)) * random.randint(1, 9), symbol_id=random.choice((1, 2)))
        case _:
            pass


def _repair(history: History, random: Random) -> None:
    number = len(history.recorded)
    match random.randint(0, 11):
        case 0:
            found = history.foreign_trade(number, random.choice(list(Side)))
            if random.random() < 0.3:
                disowned = ForeignTradeDisowned(trade_id=found.trade_id, symbol=found.symbol, quantity=found.signed)
                history.reconciled(disowned)
        case 1:
            confirmed = RepairConfirmed(repair_id=f"r{number}", by="operator")
            run = RepairRun(repair_id=f"r{number}", outcome="1 fills told again")
            failed = RepairFailed(repair_id=f"r{number}", reason="no answer")
            history.repair(number, *random.choice(((), (confirmed,), (confirmed, run), (confirmed, failed))))
        case _:
            pass


def _alarm(history: History, random: Random) -> None:
    match random.randint(0, 7):
        case 0:
            history.alert(random.choice(("requests", "prices")), cleared=random.random() < 0.5)
        case 1:
            history.alert_told(delivered=random.random() < 0.5)
        case _:
            pass


def _funding(history: History, random: Random, quotes: int) -> None:
    """A charge of a position, whose block may leave the chain and come back; a payment of the venue."""
    opened = {each.event.quote_id for each in history.recorded if isinstance(each.event, facts.PositionOpened)}
    quote_id = random.randint(1, quotes)
    if random.random() < 0.1:
        history.venue_funding(random.choice(list(SYMBOLS.values())), random.randint(-9, 9) * WAD)
    if quote_id not in opened or random.random() < 0.7:
        return
    block_hash = history.funded(quote_id, random.randint(-5, 5) * 10**14)
    if random.random() < 0.3:
        history.orphan(block_hash, aggregates=[quote_aggregate(quote_id)])
        if random.random() < 0.5:
            back = BlocksReadopted(chain_id=CHAIN, block_hashes=(block_hash,))
            history.add(quote_aggregate(quote_id), back)


def _scene(history: History, quote_id: int, random: Random):  # type: ignore[no-untyped-def]
    """One quote's life, a step at a time."""
    position_type = random.choice(list(PositionType))
    order_type = random.choice(list(OrderType))
    symbol_id = random.choice((1, 2))
    quantity, price = random.randint(1, 10**6) * 10**13, random.randint(50, 150) * WAD + random.randint(0, 10**9)
    history.sent(
        quote_id,
        quantity=quantity,
        price=price,
        position_type=position_type,
        order_type=order_type,
        symbol_id=symbol_id,
        party_a=random.choice((ALICE, BOB)),
        deadline=random.choice((None, 2**256 - 1)),
    )
    yield True
    ending = random.randint(0, 6)
    if ending == 0:
        history.judged(quote_id, code=4203, symbol_id=symbol_id)
        return
    history.judged(quote_id, symbol_id=symbol_id)
    yield True
    if ending == 1:
        history.locked(quote_id, party_b=OTHER)
        return
    history.locked(quote_id)
    yield True
    filled = quantity if ending != 2 else quantity // 3
    history.ordered(
        quote_id,
        Leg.OPEN,
        quantity,
        [(filled // 2, price - 1), (filled - filled // 2, price)],
        position_type=position_type,
        symbol_id=symbol_id,
    )
    yield True
    if ending == 2:
        history.cancel_asked(quote_id)
        return
    block_hash = history.opened(quote_id, quantity, price)
    yield True
    if ending == 3:
        history.mine()
        history.orphan(block_hash, aggregates=[quote_aggregate(quote_id), wallet_id()])
        return
    if ending == 4:
        return
    history.close_asked(quote_id, quantity // 2, order_type=order_type)
    yield True
    history.ordered(
        quote_id,
        Leg.CLOSE,
        quantity // 2,
        [(quantity // 2, price)],
        position_type=position_type,
        symbol_id=symbol_id,
        close_id=quote_id * 10,
    )
    yield True
    if ending == 5:
        history.quote(
            quote_id,
            facts.PositionLiquidated(source=history.source(), quote_id=quote_id, party_a=ALICE, quantity=quantity),
        )
        return
    history.close_filled(quote_id, quantity // 2, price, QuoteStatus.OPENED)
