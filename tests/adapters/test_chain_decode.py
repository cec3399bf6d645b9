"""From raw logs to facts: one fact for a twin, one a quote for a list, and what cannot be read stops nothing else."""

from typing import Any

import msgspec
import pytest
from chain_samples import (
    CHAIN_ID,
    NOBODY,
    OTHER_A,
    PARTY_A,
    PARTY_B,
    block,
    declaration,
    log,
    opened,
    renumbered,
    sent,
)

from hedger.adapters.chain.abi import interface
from hedger.adapters.chain.blocks import RawLog
from hedger.adapters.chain.decode import BlockDecoder, DecodedBlock, old_forms
from hedger.domain import chain_facts as told
from hedger.domain.events import ChainFact
from hedger.domain.terms import BalanceChange, OrderType, PositionType, QuoteStatus

NEW = BlockDecoder(CHAIN_ID)
OLD = BlockDecoder(CHAIN_ID, legacy=True)


def facts_of(*logs: RawLog, decoder: BlockDecoder = NEW) -> list[ChainFact]:
    decoded = decoder.decode(block(*logs))
    assert decoded.rejected == ()
    return list(decoded.facts)


def only(*logs: RawLog, decoder: BlockDecoder = NEW) -> Any:
    (fact,) = facts_of(*logs, decoder=decoder)
    return fact


def test_a_sent_quote_carries_every_field_of_its_log() -> None:
    fact = only(sent(5))
    assert fact == told.QuoteSent(
        source=fact.source,
        quote_id=5,
        party_a=PARTY_A,
        party_bs_whitelist=(PARTY_B,),
        symbol_id=1,
        position_type=PositionType.LONG,
        order_type=OrderType.LIMIT,
        price=50_000,
        market_price=49_000,
        quantity=10,
        cva=1,
        lf=2,
        party_a_mm=3,
        party_b_mm=4,
        trading_fee=5,
        deadline=1_800_000_000,
    )


def test_a_fact_says_where_it_was_told() -> None:
    source = only(sent(5, index=3, transaction="0xt9")).source
    assert (source.chain_id, source.block_number, source.block_hash) == (CHAIN_ID, 7, "0xb1")
    assert (source.transaction_hash, source.log_index, source.block_timestamp) == ("0xt9", 3, 1_700_000_007)


def fields_of(fact: ChainFact) -> dict[str, Any]:
    """The fact's fields by name, whatever its kind."""
    return msgspec.structs.asdict(fact)


CASES: list[tuple[RawLog, type[ChainFact], dict[str, Any]]] = [
    (log("LockQuote", PARTY_B, 5), told.QuoteLocked, {"party_b": PARTY_B}),
    (log("UnlockQuote", NOBODY, 5, 0), told.QuoteUnlocked, {"party_b": NOBODY}),
    (opened(5), told.PositionOpened, {"party_a": PARTY_A, "party_b": PARTY_B, "quantity": 4, "price": 49_500}),
    (
        log("RequestToCancelQuote", PARTY_A, PARTY_B, 2, 5),
        told.CancelRequested,
        {"status": QuoteStatus.CANCEL_PENDING, "party_b": PARTY_B},
    ),
    (log("AcceptCancelRequest", 5, 3), told.CancelAccepted, {"parent_id": 0}),
    (log("ForceCancelQuote", 5, 3), told.CancelForced, {}),
    (log("ExpireQuoteOpen", 9, 5), told.OpenExpired, {}),
    (log("ExpireQuoteClose", 4, 5, 77), told.CloseExpired, {"close_id": 77}),
    (
        log("RequestToClosePosition", PARTY_A, PARTY_B, 5, 51_000, 4, 1, 1_800_000_001, 5, 77),
        told.CloseRequested,
        {"price": 51_000, "quantity": 4, "order_type": OrderType.MARKET, "deadline": 1_800_000_001, "close_id": 77},
    ),
    (
        log("RequestToCancelCloseRequest", PARTY_A, PARTY_B, 5, 6, 77),
        told.CloseCancelRequested,
        {"party_a": PARTY_A, "close_id": 77},
    ),
    (log("AcceptCancelCloseRequest", 5, 4, 77), told.CloseCancelAccepted, {"close_id": 77}),
    (log("ForceCancelCloseRequest", 5, 4, 77), told.CloseCancelForced, {"close_id": 77}),
    (
        log("FillCloseRequest", 5, PARTY_A, PARTY_B, 4, 51_000, 7, 77),
        told.CloseFilled,
        {"quantity": 4, "price": 51_000, "status": QuoteStatus.CLOSED, "close_id": 77},
    ),
    (
        log("ForceClosePosition", 5, PARTY_A, PARTY_B, 4, 51_000, 4, 77),
        told.ForceClosed,
        {"quantity": 4, "status": QuoteStatus.OPENED},
    ),
    (
        log("EmergencyClosePosition", 5, PARTY_A, PARTY_B, 4, 51_000, 7, 0),
        told.EmergencyClosed,
        {"quantity": 4, "price": 51_000, "close_id": 0},
    ),
    (log("ChargeFundingRate", PARTY_B, PARTY_A, [5], [-3]), told.FundingCharged, {"rate": -3, "party_b": PARTY_B}),
    (log("SettleUpnl", [(5, 1, 0)], [49_900], PARTY_A, 1, [1]), told.PriceSettled, {"price": 49_900}),
    (
        log("LiquidatePendingPositionsPartyA", NOBODY, PARTY_A, [5], [1], b"id"),
        told.PendingLiquidated,
        {"party_a": PARTY_A},
    ),
    (
        log("LiquidatePositionsPartyA", NOBODY, PARTY_A, [5], [4], [77], b"id"),
        told.PositionLiquidated,
        {"party_a": PARTY_A, "quantity": 4},
    ),
    (
        log("LiquidatePositionsPartyB", NOBODY, PARTY_B, PARTY_A, [5], [4], [77]),
        told.PositionLiquidated,
        {"party_a": PARTY_A, "quantity": 4},
    ),
]


@pytest.mark.parametrize(("raw", "kind", "fields"), CASES, ids=lambda case: getattr(case, "__name__", ""))
def test_each_log_of_a_quote_becomes_its_fact(raw: RawLog, kind: type[told.QuoteFact], fields: dict[str, Any]) -> None:
    fact = only(raw)
    assert type(fact) is kind
    assert fields.items() | {("quote_id", 5)} <= fields_of(fact).items()


ACCOUNT_CASES: list[tuple[RawLog, type[ChainFact], dict[str, Any]]] = [
    (
        log("BalanceChangePartyB", PARTY_B, PARTY_A, 9, 5),
        told.AllocationChanged,
        {"party_b": PARTY_B, "amount": 9, "kind": BalanceChange.REALIZED_PNL_OUT},
    ),
    (log("LiquidatePartyB", NOBODY, PARTY_B, PARTY_A, 1, -9), told.PartyBLiquidationStarted, {"upnl": -9}),
    (log("FullyLiquidatedPartyB", PARTY_B, PARTY_A), told.PartyBLiquidationEnded, {"party_b": PARTY_B}),
    (log("LiquidatePartyA", NOBODY, PARTY_A, 1, -9, -9, b"id"), told.PartyALiquidationStarted, {"upnl": -9}),
    (
        log("DeferredLiquidatePartyA", NOBODY, PARTY_A, 1, -8, -9, b"id", 1, 2, 3),
        told.PartyALiquidationStarted,
        {"upnl": -8},
    ),
    (log("FullyLiquidatedPartyA", PARTY_A, b"id"), told.PartyALiquidationEnded, {}),
    (log("SetSuspendedAddress", PARTY_A, True), told.SuspensionChanged, {"suspended": True}),
]


@pytest.mark.parametrize(("raw", "kind", "fields"), ACCOUNT_CASES, ids=lambda case: getattr(case, "__name__", ""))
def test_each_log_of_an_account_becomes_its_fact(raw: RawLog, kind: type[ChainFact], fields: dict[str, Any]) -> None:
    fact = only(raw)
    assert type(fact) is kind
    assert fields.items() | {("party_a", PARTY_A)} <= fields_of(fact).items()


def test_twins_become_one_fact() -> None:
    new = log("FillCloseRequest", 5, PARTY_A, PARTY_B, 4, 51_000, 7, 77)
    old = log("FillCloseRequest", 5, PARTY_A, PARTY_B, 4, 51_000, 7)
    fact = only(new, old)
    assert fact.close_id == 77


def test_two_equal_fills_stay_two() -> None:
    fill = log("FillCloseRequest", 5, PARTY_A, PARTY_B, 1, 51_000, 5, 77)
    twin = log("FillCloseRequest", 5, PARTY_A, PARTY_B, 1, 51_000, 5)
    first, second = facts_of(fill, twin, fill, twin)
    assert first.fact_id != second.fact_id


def test_an_expired_request_and_its_twin_are_one_fact() -> None:
    fact = only(log("ExpireQuoteOpen", 9, 5), log("ExpireQuote", 9, 5))
    assert type(fact) is told.OpenExpired


def test_an_allocation_told_three_ways_is_one_fact_of_the_pair_and_one_of_the_free_balance() -> None:
    free, pair = facts_of(
        log("AllocateForPartyB", PARTY_B, PARTY_A, 9, 9),
        log("AllocateForPartyB", PARTY_B, PARTY_A, 9),
        log("BalanceChangePartyB", PARTY_B, PARTY_A, 9, 0),
    )
    assert free == told.FreeAllocated(source=free.source, holder=PARTY_B, party_a=PARTY_A, amount=9)
    assert isinstance(pair, told.AllocationChanged)
    assert pair.kind is BalanceChange.ALLOCATE


def test_funding_of_several_quotes_is_one_fact_each_with_ids_of_their_own() -> None:
    first, second = facts_of(log("ChargeFundingRate", PARTY_B, PARTY_A, [5, 6], [1, -2]))
    assert isinstance(first, told.FundingCharged)
    assert isinstance(second, told.FundingCharged)
    assert [(each.quote_id, each.rate) for each in (first, second)] == [(5, 1), (6, -2)]
    assert first.fact_id != second.fact_id


def test_a_settlement_that_settled_nothing_is_no_fact() -> None:
    assert facts_of(log("SettleUpnl", [(5, 1, 0)], [], PARTY_A, 0, [1])) == []


def test_a_quote_settled_twice_in_one_log_ends_at_the_last_price() -> None:
    fact = only(log("SettleUpnl", [(5, 1, 0), (5, 1, 0)], [49_900, 49_800], PARTY_A, 1, [1]))
    assert fact.price == 49_800


# --- children of partial opens


def test_a_quote_sent_right_after_an_opening_is_its_child() -> None:
    _, child = facts_of(opened(5), sent(6))
    assert isinstance(child, told.QuoteSent)
    assert child.parent_id == 5


def test_a_child_born_cancelled_names_its_parent() -> None:
    _, child = facts_of(opened(5), log("AcceptCancelRequest", 6, 3))
    assert isinstance(child, told.CancelAccepted)
    assert child.parent_id == 5


@pytest.mark.parametrize(
    "logs",
    [
        pytest.param([opened(5), sent(6, transaction="0xt2")], id="another transaction"),
        pytest.param([opened(5), sent(6, OTHER_A)], id="another account"),
        pytest.param([opened(5), log("BalanceChangePartyA", PARTY_A, 1, 3), sent(6)], id="a fee was charged between"),
        pytest.param([opened(5), sent(4)], id="an older id"),
        pytest.param([renumbered(opened(5), 0), renumbered(sent(6), 2)], id="a log of another contract between"),
        pytest.param(
            [opened(5), log("BalanceChangePartyA", PARTY_A, 1, 2), log("AcceptCancelRequest", 6, 3)], id="cancel"
        ),
    ],
)
def test_what_only_looks_like_a_child_has_no_parent(logs: list[RawLog]) -> None:
    fact = facts_of(*logs)[-1]
    assert isinstance(fact, told.QuoteSent | told.CancelAccepted)
    assert fact.parent_id == 0


# --- the protocol


def test_configuration_becomes_a_change_with_its_arguments_as_text() -> None:
    fact = only(log("SetPartyBEmergencyStatus", PARTY_B, True))
    assert fact == told.ProtocolChanged(
        source=fact.source, name="SetPartyBEmergencyStatus", arguments={"partyB": PARTY_B, "status": "true"}
    )
    assert only(log("PauseGlobal")).name == "PauseGlobal"
    assert only(log("RoleGranted", bytes(32), PARTY_B)).arguments["role"] == "0x" + "00" * 32


def test_an_upgrade_is_told_with_all_its_cuts() -> None:
    fact = only(log("DiamondCut", [(PARTY_B, 0, [b"\x01\x02\x03\x04"])], NOBODY, b""))
    assert fact.name == "DiamondCut"
    assert "0x01020304" in fact.arguments["_diamondCut"]


def test_every_event_of_the_interface_is_a_fact_a_change_or_ignored_on_purpose() -> None:
    for event in interface("symmio").events.values():
        values = [_sample(each) for each in declaration(event.name, len(event.parameters))["inputs"]]
        decoded = NEW.decode(block(log(event.name, *values)))
        assert decoded.rejected == (), event.signature
        form = (event.name, len(event.parameters))
        if form in old_forms(interface("symmio")):
            assert decoded.facts == (), event.signature


def _sample(parameter: dict[str, Any]) -> Any:
    written = str(parameter["type"])
    if written.endswith("[]"):
        return []
    if written == "address":
        return PARTY_A
    if written == "string":
        return "BTCUSDT"
    if written.startswith("bytes"):
        return b"" if written == "bytes" else bytes(int(written[5:]))
    return False if written == "bool" else 0


# --- contracts before 0.8.3


OLD_CASES: list[tuple[RawLog, type[ChainFact], dict[str, Any]]] = [
    (log("ExpireQuote", 9, 5), told.OpenExpired, {}),
    (log("ExpireQuote", 4, 5), told.CloseExpired, {"close_id": 0}),
    (log("RequestToClosePosition", PARTY_A, PARTY_B, 5, 1, 2, 0, 3, 5), told.CloseRequested, {"close_id": 0}),
    (log("RequestToCancelCloseRequest", PARTY_A, PARTY_B, 5, 6), told.CloseCancelRequested, {"close_id": 0}),
    (log("AcceptCancelCloseRequest", 5, 4), told.CloseCancelAccepted, {"close_id": 0}),
    (log("ForceCancelCloseRequest", 5, 4), told.CloseCancelForced, {"close_id": 0}),
    (log("FillCloseRequest", 5, PARTY_A, PARTY_B, 4, 1, 7), told.CloseFilled, {"quantity": 4}),
    (log("ForceClosePosition", 5, PARTY_A, PARTY_B, 4, 1, 7), told.ForceClosed, {"quantity": 4}),
    (log("EmergencyClosePosition", 5, PARTY_A, PARTY_B, 4, 1, 7), told.EmergencyClosed, {"quantity": 4}),
    (log("LiquidatePositionsPartyB", NOBODY, PARTY_B, PARTY_A, [5]), told.PositionLiquidated, {"quantity": 0}),
    (log("LiquidatePositionsPartyA", NOBODY, PARTY_A, [5]), told.PositionLiquidated, {"quantity": 0}),
    (log("LiquidatePartyA", NOBODY, PARTY_A, 1, -9, -9), told.PartyALiquidationStarted, {"upnl": -9}),
    (log("FullyLiquidatedPartyA", PARTY_A), told.PartyALiquidationEnded, {}),
    (log("TransferAllocation", 9, PARTY_A, OTHER_A), told.ProtocolChanged, {"name": "TransferAllocation"}),
    (log("LiquidatePendingPositionsPartyA", NOBODY, PARTY_A), told.ProtocolChanged, {}),
]


@pytest.mark.parametrize(("raw", "kind", "fields"), OLD_CASES, ids=lambda case: getattr(case, "__name__", ""))
def test_an_old_contracts_form_is_the_fact_there_and_nothing_elsewhere(
    raw: RawLog, kind: type[ChainFact], fields: dict[str, Any]
) -> None:
    fact = only(raw, decoder=OLD)
    assert type(fact) is kind
    assert fields.items() <= fields_of(fact).items()
    assert facts_of(raw) == []


@pytest.mark.parametrize(
    ("name", "kind", "moved"),
    [
        ("AllocateForPartyB", BalanceChange.ALLOCATE, told.FreeAllocated),
        ("DeallocateForPartyB", BalanceChange.DEALLOCATE, told.FreeDeallocated),
    ],
)
def test_an_old_contracts_allocation_moves_the_pair_and_the_free_balance(
    name: str, kind: BalanceChange, moved: type[ChainFact]
) -> None:
    raw = log(name, PARTY_B, PARTY_A, 9)
    pair, free = facts_of(raw, decoder=OLD)
    assert isinstance(pair, told.AllocationChanged)
    assert (pair.kind, pair.amount) == (kind, 9)
    assert type(free) is moved
    assert pair.fact_id != free.fact_id
    assert facts_of(raw) == []


# --- balances on the contract


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (log("Deposit", NOBODY, PARTY_B, 9), (told.Deposited, {"holder": PARTY_B, "token_amount": 9})),
        (log("Withdraw", PARTY_B, PARTY_A, 9), (told.Withdrawn, {"holder": PARTY_B, "receiver": PARTY_A})),
        (log("TransferToBridge", PARTY_B, 9, NOBODY, 1), (told.Withdrawn, {"holder": PARTY_B, "token_amount": 9})),
        (log("DeallocateForPartyB", PARTY_B, PARTY_A, 9, 0), (told.FreeDeallocated, {"holder": PARTY_B, "amount": 9})),
        (log("DepositToReserveVault", PARTY_B, PARTY_B, 9), (told.VaultFilled, {"holder": PARTY_B, "amount": 9})),
        (log("WithdrawFromReserveVault", PARTY_B, 9), (told.VaultEmptied, {"holder": PARTY_B, "amount": 9})),
    ],
    ids=lambda case: case[0].__name__ if isinstance(case, tuple) else "",
)
def test_a_movement_of_a_balance_is_a_fact_of_its_holder(
    raw: RawLog, expected: tuple[type[ChainFact], dict[str, Any]]
) -> None:
    fact = only(raw)
    assert type(fact) is expected[0]
    assert expected[1].items() <= fields_of(fact).items()


def test_an_internal_transfer_is_told_once_although_a_withdrawal_follows_it() -> None:
    given, later = facts_of(
        log("InternalTransfer", PARTY_B, PARTY_A, 100, 9),
        log("Withdraw", PARTY_B, PARTY_A, 0),
        log("AllocatePartyA", PARTY_A, 9, 100),
        log("Withdraw", PARTY_B, PARTY_A, 5),
    )
    assert given == told.FreeGiven(source=given.source, holder=PARTY_B, receiver=PARTY_A, amount=9)
    assert isinstance(later, told.Withdrawn)
    assert later.token_amount == 5


def test_filling_the_vault_of_another_is_a_fact_of_each() -> None:
    filled, given = facts_of(log("DepositToReserveVault", PARTY_A, PARTY_B, 9))
    assert filled == told.VaultFilled(source=filled.source, holder=PARTY_B, sender=PARTY_A, amount=9)
    assert given == told.FreeGiven(source=given.source, holder=PARTY_A, receiver=PARTY_B, amount=9)
    assert filled.fact_id != given.fact_id


def test_a_setting_only_old_contracts_have_is_a_change_there() -> None:
    topic = "0x1f4f7c13b80faf56b46a1466c0135ae093d8b450da53978a2cef8e455afba6da"  # SetForceCloseCooldown
    raw = RawLog(index=0, transaction_hash="0xt", block_hash="0xb1", topics=(topic,), data="0x" + "00" * 64)
    assert only(raw, decoder=OLD).name == "SetForceCloseCooldown"


# --- what cannot be read


def decoded_between(bad: RawLog) -> DecodedBlock:
    """The bad log between two good ones, which must both be told."""
    decoded = NEW.decode(block(renumbered(sent(5), 0), renumbered(bad, 1), renumbered(log("LockQuote", PARTY_B, 5), 2)))
    assert [type(fact) for fact in decoded.facts] == [told.QuoteSent, told.QuoteLocked]
    return decoded


def with_data(raw: RawLog, data: str) -> RawLog:
    return msgspec.structs.replace(raw, data=data)


LOCKED = log("LockQuote", PARTY_B, 5)


@pytest.mark.parametrize(
    ("bad", "field", "reason"),
    [
        pytest.param(msgspec.structs.replace(LOCKED, topics=("0x" + "12" * 32,)), "topic0", "no event", id="topic"),
        pytest.param(msgspec.structs.replace(LOCKED, topics=()), "topic0", "without topics", id="no topics"),
        pytest.param(with_data(LOCKED, "0x" + "01" * 64), "partyB", "not an address", id="dirty address"),
        pytest.param(with_data(LOCKED, "0x00"), "data", "1 bytes where 64", id="too short"),
        pytest.param(with_data(LOCKED, "None"), "data", "not hexadecimal", id="no hex"),
        pytest.param(log("ForceCancelQuote", 5, 11), "quoteStatus", "11 is no QuoteStatus", id="status"),
        pytest.param(log("BalanceChangePartyB", PARTY_B, PARTY_A, 1, 14), "_type", "14 is no BalanceChange", id="type"),
        pytest.param(
            log("SendQuote", PARTY_A, 5, [], 1, 2, 0, *[1] * 9), "positionType", "2 is no PositionType", id="side"
        ),
        pytest.param(
            log("ChargeFundingRate", PARTY_B, PARTY_A, [5, 6], [1]), "rates", "1 entries for 2 quotes", id="lengths"
        ),
    ],
)
def test_a_log_that_cannot_be_read_is_kept_raw_and_stops_no_other(bad: RawLog, field: str, reason: str) -> None:
    (rejected,) = decoded_between(bad).rejected
    assert rejected.origin == f"chain {CHAIN_ID} block 0xb1 log 1"
    assert rejected.field == field
    assert reason in rejected.reason
    assert msgspec.json.decode(rejected.raw, type=RawLog) == renumbered(bad, 1)
