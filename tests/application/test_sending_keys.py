"""The signing key signs, and shows itself nowhere."""

import copy
import pickle
import traceback

import pytest
import structlog
from eth_account import Account
from pydantic import SecretStr
from sending_world import ALLOCATION, LOSE, OPERATOR_KEY, Fault, node_with, sending_world

from hedger.adapters.chain.gas import Fees
from hedger.adapters.chain.signer import BadKey, LocalSigner, Unsigned, unsigned_of
from hedger.domain.terms import CallKind
from hedger.domain.transactions import Call

KEY = "0x" + "ab" * 32
DYNAMIC = Fees(100, 3)
LEGACY = Fees(100, 100, dynamic=False)


def unsigned(fees: Fees) -> Unsigned:
    return Unsigned(31337, 7, "0x" + "11" * 20, b"\x01\x02", 21_000, fees, value_wei=5)


def by_eth_account(fees: Fees) -> tuple[str, str]:
    fields = {"chainId": 31337, "nonce": 7, "to": "0x" + "11" * 20, "data": b"\x01\x02", "gas": 21_000, "value": 5}
    dynamic = {"maxFeePerGas": fees.max_fee_wei, "maxPriorityFeePerGas": fees.priority_fee_wei, "type": 2}
    signed = Account.from_key(KEY).sign_transaction(
        fields | (dynamic if fees.dynamic else {"gasPrice": fees.max_fee_wei})
    )
    return "0x" + bytes(signed.raw_transaction).hex(), "0x" + bytes(signed.hash).hex()


@pytest.mark.parametrize("fees", [DYNAMIC, LEGACY])
def test_a_signed_transaction_is_byte_for_byte_that_of_the_reference_library(fees: Fees) -> None:
    signer = LocalSigner(SecretStr(KEY))
    signed = signer.sign(unsigned(fees))
    assert signer.address == Account.from_key(KEY).address.lower()
    assert (signed.raw, signed.hash) == by_eth_account(fees)


@pytest.mark.parametrize("fees", [DYNAMIC, LEGACY])
def test_what_was_signed_can_be_read_back_and_signed_again(fees: Fees) -> None:
    assert unsigned_of(LocalSigner(SecretStr(KEY)).sign(unsigned(fees)).raw) == unsigned(fees)


def test_a_signer_shows_its_address_alone_and_cannot_be_copied() -> None:
    signer = LocalSigner(SecretStr(KEY))
    assert repr(signer) == str(signer) == f"LocalSigner({signer.address})"
    for copied in (copy.copy, copy.deepcopy, pickle.dumps):
        with pytest.raises(TypeError, match="stays where it is"):
            copied(signer)


@pytest.mark.parametrize("text", ["0x" + "fe" * 31, "0x" + "ff" * 32, "secret words, not a key", ""])
def test_a_bad_key_is_refused_without_being_repeated(text: str) -> None:
    with pytest.raises(BadKey) as caught:
        LocalSigner(SecretStr(text))
    told = "".join(traceback.format_exception(caught.value))
    assert not text or text.removeprefix("0x") not in told


async def test_neither_logs_nor_records_nor_errors_hold_the_key() -> None:
    key = OPERATOR_KEY.removeprefix("0x")
    async with sending_world() as world, node_with(world, _flaky()) as url:
        with structlog.testing.capture_logs() as logs:
            hedger = world.hedger(urls=[url])
            await world.locked(hedger)
            trader = await world.trader()
            lock = Call(kind=CallKind.LOCK, allocate=ALLOCATION * 1_000)
            await hedger.outcome(await hedger.requested(await world.intent(trader), trader.party_a, lock))
        assert {entry["event"] for entry in logs} >= {"broadcast", "withheld"}
        shown = [logs, await hedger.wallet_events(), hedger.reported, hedger.sender, vars(hedger.sender)]
        assert not any(key in repr(each) for each in shown)


def _flaky() -> Fault:
    lost = iter([LOSE])
    return lambda method: next(lost, None) if method == "eth_sendRawTransaction" else None
