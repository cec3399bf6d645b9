"""The wallet: nonces, and which of them must be looked at."""

from hedger.domain.wallet import SentState, TransactionMined, TransactionSigned, Wallet


def signed(nonce: int) -> TransactionSigned:
    return TransactionSigned(
        request_id=f"t-{nonce}-lock-1",
        purpose="call",
        nonce=nonce,
        transaction_hash=f"0x{nonce}",
        raw="0x",
        gas_limit=1,
        max_fee_wei=1,
        priority_fee_wei=1,
        signed_at=0,
    )


def mined(nonce: int) -> TransactionMined:
    return TransactionMined(
        request_id=f"t-{nonce}-lock-1",
        transaction_hash=f"0x{nonce}",
        block_number=nonce,
        block_hash=f"0xb{nonce}",
        succeeded=True,
        gas_used=1,
        gas_price_wei=1,
    )


def wallet(*events: TransactionSigned | TransactionMined) -> Wallet:
    kept = Wallet.new(31337, "0x" + "0b" * 20)
    kept.advance(events)
    return kept


def test_with_every_receipt_at_hand_nothing_is_looked_at() -> None:
    assert wallet(signed(0), mined(0), signed(1), mined(1)).unmined == []


def test_where_a_transaction_waits_those_mined_before_it_are_looked_at_again_first() -> None:
    """Their blocks may have left the chain unread; a nonce left unused holds up all behind it."""
    kept = wallet(signed(0), mined(0), signed(1), mined(1), signed(2))
    assert [(sent.nonce, sent.state) for sent in kept.unmined] == [
        (0, SentState.MINED),
        (1, SentState.MINED),
        (2, SentState.SIGNED),
    ]


def test_only_the_last_ones_before_it_are_looked_at_and_none_mined_after_all_that_wait() -> None:
    events = [event for nonce in range(100) for event in (signed(nonce), mined(nonce))]
    kept = wallet(*events[:-3], *events[-2:])
    assert [sent.nonce for sent in kept.unmined] == list(range(66, 99))
