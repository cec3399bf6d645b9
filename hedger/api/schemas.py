"""The shapes of the answers. A listing selects exactly the fields of its model, so what is documented is what is sent.

Amounts, prices and ratios are plain decimal text; counts, ids and times are numbers; times are seconds, or milliseconds
where the name ends in `_ms`. `position_type` is 0 for long and 1 for short, `order_type` 0 for limit and 1 for market.
"""

from typing import Annotated, Any, Generic, TypeVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

Amount = Annotated[str, Field(pattern=r"^-?\d+(\.\d+)?$", examples=["1.5"])]
Wei = Annotated[str, Field(pattern=r"^\d+$", examples=["21000000000"])]
T = TypeVar("T")


class Out(BaseModel):
    """An answer; nothing in it that is not documented."""

    model_config = ConfigDict(extra="forbid", from_attributes=True)


class Page(Out, Generic[T]):
    """Rows as of one log position; `next_cursor` asks for those behind them, null on the last page."""

    as_of: int = Field(description="Log position up to which the answer takes every event into account.")
    items: list[T]
    next_cursor: str | None


class Single(Out, Generic[T]):
    """One row as of one log position."""

    as_of: int
    item: T


class QuoteOut(Out):
    """A quote: the chain's facet, the hedge at the venue, and the verdict."""

    quote_id: int
    chain_id: int
    parent_id: int
    party_a: str
    party_b: str
    party_bs_whitelist: list[str]
    symbol_id: int
    symbol: str
    position_type: int
    order_type: int
    status: str | None = Field(description="Null while no block of the chain holds the quote.")
    status_since: int
    status_block: int
    sent_at: int
    deadline: int
    requested_price: Amount
    market_price: Amount
    quantity: Amount
    open_quantity: Amount
    closed_quantity: Amount
    liquidated_quantity: Amount
    opened_price: Amount
    initial_opened_price: Amount
    average_closed_price: Amount
    notional: Amount
    trading_fee: Amount
    cva: Amount
    lf: Amount
    party_a_mm: Amount
    party_b_mm: Amount
    close_id: int | None
    close_price: Amount | None
    close_quantity: Amount | None
    close_filled: Amount | None
    close_order_type: int | None
    close_deadline: int | None
    close_requested_at: int | None
    verdict: str
    code: int
    required: Amount = Field(description="Open on chain and ours, signed, long positive.")
    hedged: Amount = Field(description="Held at the venue, signed, long positive.")
    hedge_open_price: Amount
    hedge_close_price: Amount
    orders_unsettled: int
    request_in_flight: str
    is_ours: bool
    is_position: bool
    is_live: bool
    version: int
    first_position: int
    last_position: int
    first_recorded_at_ms: int
    last_recorded_at_ms: int


class PositionOut(Out):
    """An open position of ours and its hedge."""

    quote_id: int
    party_a: str
    symbol_id: int
    symbol: str
    position_type: int
    status: str
    status_since: int
    quantity: Amount
    open_quantity: Amount
    opened_price: Amount
    notional: Amount
    required: Amount
    hedged: Amount
    residual: Amount
    hedge_open_price: Amount
    cva: Amount
    lf: Amount
    party_a_mm: Amount
    party_b_mm: Amount
    close_id: int | None
    close_quantity: Amount | None
    close_filled: Amount | None


class ExposureOut(Out):
    """One symbol: open on chain against held at the venue; residual = required - hedged."""

    symbol_id: int
    symbol: str
    positions: int
    required: Amount
    hedged: Amount
    by_book: Amount = Field(description="Of `hedged`: what the residual book holds.")
    residual: Amount
    unopened: Amount = Field(description="Held for quotes that are no open position.")
    notional: Amount


class OrderOut(Out):
    """An order at the venue."""

    client_order_id: str
    quote_id: int
    leg: str
    symbol: str
    side: str
    order_type: int
    quantity: Amount
    limit_price: Amount
    reduce_only: bool
    internal: bool = Field(description="Filled against the residual book of a netted symbol, not at the venue.")
    close_id: int
    decision_price: Amount
    requested_at: int
    state: str
    is_settled: bool
    venue_order_id: str
    cancel_requested: bool
    filled: Amount
    average_price: Amount
    fees: dict[str, Amount]
    executed: Amount | None
    end_status: str
    refusal: str
    refusal_reason: str
    accepted_at_ms: int | None
    ended_at_ms: int | None
    first_position: int
    last_position: int


class TransactionOut(Out):
    """A transaction: asked for, signed as often as it took, mined or not."""

    request_id: str
    quote_id: int
    party_a: str
    symbol_id: int
    kind: str
    quantity: Amount
    price: Amount
    allocate: Amount
    amount: Amount = Field(description="What a request of an account moves.")
    close_id: int
    requested_at: int
    valid_until: int
    state: str
    sent_state: str
    nonce: int | None
    versions: int
    hashes: list[str]
    endpoints: list[str]
    transaction_hash: str
    gas_limit: Wei
    max_fee_wei: Wei
    priority_fee_wei: Wei
    gas_used: Wei
    gas_price_wei: Wei
    fee_wei: Wei
    block_number: int
    nonces_lost: int
    withheld: str
    reason: str
    action: str
    failed_at: int
    first_position: int
    last_position: int


class AccountOut(Out):
    """What PartyB has allocated towards one PartyA, and who is in liquidation."""

    chain_id: int
    party_b: str
    party_a: str
    allocated: Amount
    is_party_a_liquidated: bool
    is_party_b_liquidated: bool
    is_suspended: bool
    first_position: int
    last_position: int


class NotificationOut(Out):
    """What a trader is told of a request."""

    id: UUID
    position: int
    create_time: int
    modify_time: int
    quote_id: int
    temp_quote_id: int | None
    counterparty_address: str
    symbol_id: int
    filled_amount_open: Amount | None
    filled_amount_close: Amount | None
    avg_price_open: Amount
    avg_price_close: Amount
    last_seen_action: str
    action_status: str
    failure_type: str | None
    error_code: int
    order_type: int
    state_type: str


class ObligationOut(Out):
    """What is owed on a quote, due at a time of the chain."""

    quote_id: int
    duty: str
    due_at: int
    at_stake: Amount
    party_a: str
    symbol_id: int
    symbol: str
    order_type: int


class FundingChargeOut(Out):
    """One charge of one quote: positive where PartyA paid, by a change of the opened price."""

    quote_id: int
    party_a: str
    symbol_id: int
    symbol: str
    epoch: int = Field(description="Boundary it paid for, seconds; 0 where it is not known.")
    charged_at: int
    rate: Amount
    opened_price: Amount = Field(description="Before the charge.")
    open_quantity: Amount
    amount: Amount
    block_number: int
    block_hash: str
    transaction_hash: str
    position: int


class FundingEpochOut(Out):
    """One symbol's epoch: charged to PartyAs in sum, received from the exchange (negative: paid), and both together."""

    symbol: str
    epoch: int
    charges: int
    charged: Amount
    received: Amount
    net: Amount


class MismatchOut(Out):
    """A difference between chain, venue and log, with the first event on which they part."""

    found_position: int
    kind: str
    subject: str
    chain: str
    venue: str
    log: str
    symbol: str
    cause: str
    since: str
    since_position: int
    since_block: int
    since_log_index: int
    since_trade: str
    at_stake: Amount
    repair: str
    found_block: int
    found_at_ms: int
    is_open: bool
    resolved_position: int | None
    resolved_block: int | None
    resolved_at_ms: int | None


class AlertOut(Out):
    """An alert from its breach to its recovery."""

    raised_position: int
    watch: str
    subject: str
    level: str
    value: str = Field(description="Decimal text in `unit`, as of the breach.")
    threshold: str
    unit: str
    text: str
    raised_at_ms: int
    is_open: bool
    cleared_position: int | None
    cleared_at_ms: int | None
    cleared_text: str


class AlertDeliveryOut(Out):
    """One message to one target."""

    position: int
    recorded_at_ms: int
    target: str
    is_delivered: bool
    notices: int = Field(description="Breaches and recoveries in the message.")
    reason: str = Field(description="Why it was not taken; empty where it was.")


class RepairOut(Out):
    """A repair of a difference, from its proposal to its outcome."""

    repair_id: str
    kind: str
    subject: str
    first_block: int
    last_block: int
    quantity: Amount
    notional: Amount
    max_notional: Amount
    mismatch: str
    cause: str
    reason: str
    command: str
    state: str
    confirmed_by: str
    outcome: str
    proposed_position: int
    proposed_at_ms: int
    last_position: int
    last_at_ms: int


class ForeignTradeOut(Out):
    """A trade on the exchange account that is no hedge."""

    venue: str
    trade_id: str
    symbol: str
    side: str
    quantity: Amount
    price: Amount
    fee: Amount
    fee_asset: str
    traded_at_ms: int
    repair_id: str
    is_foreign: bool
    position: int


class StoryLineOut(Out):
    """One event of a quote's story."""

    position: int
    at_ms: int
    kind: str = Field(description="fact, decision, order or transaction")
    event: str
    headline: str
    source: dict[str, Any]
    details: dict[str, Any]
    latency_ms: int | None
    correlation_id: str
    causation_id: str


class HistoryOut(Out):
    """The whole story of a quote, in log order."""

    as_of: int
    quote_id: int
    lines: list[StoryLineOut]


class CheckOut(Out):
    ok: bool
    detail: str


class ReadyOut(Out):
    """Whether requests can be served, and what each check found."""

    isReady: bool  # noqa: N815 (front ends know it under this name)
    checks: dict[str, CheckOut]


class HealthOut(Out):
    """The process answers."""

    status: str


class PnlSumOut(Out):
    """Sums of one key, in the collateral, exact to 36 decimals. `total` = `realised` + `unrealised`."""

    key: str = Field(description="Quote id, PartyA, symbol, day or kind; empty for what belongs to none.")
    realised: Amount = Field(description="Sum of the kinds.")
    unrealised: Amount | None = Field(description="What is held unmatched, at the newest marks; null without a mark.")
    total: Amount | None
    spread: Amount
    slippage: Amount
    fee: Amount
    funding_chain: Amount
    funding_venue: Amount
    residual: Amount
    penalty: Amount
    liquidation: Amount
    foreign: Amount
    rounding: Amount
    other: Amount
    flow: Amount = Field(description="Deposits less withdrawals; in no total.")
    gas_wei: Wei = Field(description="Paid in the chain's own coin; in no total.")
    gas_cost: Amount | None = Field(description="The same in the collateral, where a price of the coin is configured.")
    other_assets: dict[str, Amount] = Field(description="Commissions and the like in assets besides the collateral.")
    lines: int


class PnlOut(Out):
    """Profit and loss since the opening state."""

    as_of: int
    by: str
    items: list[PnlSumOut]


class PnlLineOut(Out):
    """One line: what an event earned or cost."""

    position: int
    line_no: int
    at_ms: int
    day: str
    kind: str
    quote_id: int = Field(description="0 where it belongs to no quote.")
    symbol: str
    party_a: str
    amount: Amount = Field(description="Exact to 36 decimals; positive when it was earned.")
    asset: str = Field(description="Empty for the collateral.")
    gas_wei: Wei
    sources: list[str] = Field(description="Log positions of the events it was made of.")
    note: str
