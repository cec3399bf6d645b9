"""What a forced close took from the vault is what of the allocation's changes the close does not explain."""

from hedger.domain import chain_facts as facts
from hedger.domain.events import ChainFact, ChainSource
from hedger.domain.terms import BalanceChange, OrderType, PositionType, QuoteStatus
from hedger.domain.vault_use import may_have_used, vault_uses
from tests.domain.given import TRADER, US, wad

QUOTE = 7


def source(block: int, index: int) -> ChainSource:
    return ChainSource(
        chain_id=31337,
        block_number=block,
        block_hash=f"0xb{block}",
        block_timestamp=1_700_000_000 + block,
        transaction_hash=f"0xt{block}",
        log_index=index,
    )


def position() -> list[ChainFact]:
    """A long of 10, opened at 100."""
    sent = facts.QuoteSent(
        source=source(1, 0),
        quote_id=QUOTE,
        party_a=TRADER,
        party_bs_whitelist=(),
        symbol_id=1,
        position_type=PositionType.LONG,
        order_type=OrderType.LIMIT,
        price=wad(100),
        market_price=wad(100),
        quantity=wad(10),
        cva=wad(10),
        lf=wad(5),
        party_a_mm=wad(85),
        party_b_mm=0,
        trading_fee=0,
        deadline=1_800_000_000,
    )
    opened = facts.PositionOpened(
        source=source(2, 0), quote_id=QUOTE, party_a=TRADER, party_b=US, quantity=wad(10), price=wad(100)
    )
    return [sent, opened]


def changed(index: int, amount: str, kind: BalanceChange) -> facts.AllocationChanged:
    return facts.AllocationChanged(source=source(3, index), party_b=US, party_a=TRADER, amount=wad(amount), kind=kind)


def forced(index: int, price: str) -> facts.ForceClosed:
    return facts.ForceClosed(
        source=source(3, index),
        quote_id=QUOTE,
        party_a=TRADER,
        party_b=US,
        quantity=wad(10),
        price=wad(price),
        status=QuoteStatus.CLOSED,
        close_id=1,
    )


def uses(*told: ChainFact) -> list[facts.VaultUsed]:
    quote_facts = [fact for fact in told if isinstance(fact, facts.QuoteFact)]
    return vault_uses(told, {QUOTE: [*position(), *quote_facts]}, US)


def test_a_forced_close_that_the_allocation_paid_took_nothing() -> None:
    assert uses(changed(0, "30", BalanceChange.REALIZED_PNL_OUT), forced(1, "103")) == []


def test_what_a_forced_close_lacked_came_from_the_vault() -> None:
    (used,) = uses(
        changed(0, "12", BalanceChange.REALIZED_PNL_IN),
        changed(1, "30", BalanceChange.REALIZED_PNL_OUT),
        forced(2, "103"),
    )
    assert (used.amount, used.holder, used.party_a) == (wad(12), US, TRADER)


def test_a_settlement_on_the_way_is_not_taken_for_the_vault() -> None:
    settled = facts.PriceSettled(source=source(3, 3), quote_id=QUOTE, party_a=TRADER, price=wad(101))
    (used,) = uses(
        changed(0, "12", BalanceChange.REALIZED_PNL_IN),
        changed(1, "10", BalanceChange.REALIZED_PNL_OUT),
        changed(2, "20", BalanceChange.REALIZED_PNL_OUT),
        settled,
        forced(4, "103"),
    )
    assert used.amount == wad(12)


def test_a_forced_close_that_liquidates_the_hedger_takes_the_whole_vault() -> None:
    started = facts.PartyBLiquidationStarted(source=source(3, 2), party_b=US, party_a=TRADER, upnl=-1)
    (used,) = uses(
        changed(0, "50", BalanceChange.REALIZED_PNL_IN), changed(1, "80", BalanceChange.REALIZED_PNL_OUT), started
    )
    assert used.amount == wad(50)


def test_an_ordinary_close_is_not_looked_at() -> None:
    assert not may_have_used([changed(0, "30", BalanceChange.REALIZED_PNL_OUT)], US)
