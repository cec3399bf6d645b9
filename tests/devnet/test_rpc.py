"""Raw JSON-RPC and contract codecs, on a bare chain node."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from eth_abi.abi import encode

from devnet.chain import Anvil
from devnet.contract_abi import Abi, Function
from devnet.rpc import JsonRpc, ReceiptTimeout, RpcError
from devnet.traders import TransactionReverted, Wallet

SINK = "0x" + "51" * 20
# Reverts with Error(string) "no": copies its own tail, which is the encoded reason, and reverts with it.
REASON = bytes.fromhex("08c379a0") + encode(["string"], ["no"])
REFUSER_CODE = bytes.fromhex("6064600c60003960646000fd") + REASON


@pytest.fixture(scope="module")
async def chain() -> AsyncIterator[Anvil]:
    async with Anvil() as chain:
        yield chain


@pytest.fixture(scope="module")
async def refuser(chain: Anvil) -> str:
    """A contract that refuses every call with the reason "no"."""
    address = "0x" + "fe" * 20
    await chain.request("anvil_setCode", address, "0x" + REFUSER_CODE.hex())
    return address


@pytest.fixture
async def wallet(chain: Anvil) -> Wallet:
    return await Wallet.funded(chain.rpc, 0xABCDEF, chain.chain_id)


async def test_results_of_a_batch_come_in_the_order_of_its_requests(chain: Anvil) -> None:
    accounts = [account.address for account in chain.accounts[:3]]
    requests = [("eth_chainId", ()), *(("eth_getBalance", (address, "latest")) for address in accounts)]
    chain_id, *balances = await chain.rpc.batch(requests)
    assert int(chain_id, 16) == chain.chain_id
    assert len(balances) == 3
    assert await chain.rpc.batch([]) == []


async def test_an_error_of_the_node_carries_its_code_and_text(chain: Anvil) -> None:
    with pytest.raises(RpcError, match="eth_noSuchThing") as caught:
        await chain.rpc.call("eth_noSuchThing")
    assert caught.value.code == -32601
    assert caught.value.revert_reason is None


async def test_a_refused_call_tells_the_contracts_reason(chain: Anvil, refuser: str) -> None:
    with pytest.raises(RpcError) as caught:
        await chain.rpc.eth_call(refuser, b"")
    assert caught.value.revert_reason == "no"


async def test_a_session_of_its_own_is_opened_and_closed(chain: Anvil) -> None:
    async with JsonRpc.open(chain.rpc_url) as rpc:
        assert int(await rpc.call("eth_chainId"), 16) == chain.chain_id


async def test_transactions_sent_at_once_are_mined_in_order_under_nonces_of_their_own(
    chain: Anvil, wallet: Wallet
) -> None:
    receipts = await asyncio.gather(*(wallet.send(SINK, bytes([index])) for index in range(5)))
    blocks = [int(receipt["blockNumber"], 16) for receipt in receipts]
    assert blocks == sorted(set(blocks))


async def test_a_refused_transaction_tells_the_contracts_reason(wallet: Wallet, refuser: str) -> None:
    with pytest.raises(TransactionReverted) as caught:
        await wallet.send(refuser, b"")
    assert caught.value.reason == "no"


async def test_the_wallet_goes_on_after_its_transactions_were_reorganised_away(chain: Anvil, wallet: Wallet) -> None:
    await wallet.send(SINK, b"\x01")
    await chain.reorg(1)
    receipt = await wallet.send(SINK, b"\x02")
    assert receipt["status"] == "0x1"


async def test_traders_leave_the_suggested_gas_price_alone(chain: Anvil, wallet: Wallet) -> None:
    before = int(await chain.request("eth_gasPrice"), 16)
    for _ in range(5):
        await wallet.send(SINK, b"")
    assert int(await chain.request("eth_gasPrice"), 16) <= before


async def test_a_chain_without_a_base_fee_is_paid_its_plain_gas_price() -> None:
    async with Anvil(legacy=True) as old:
        wallet = await Wallet.funded(old.rpc, 0xABCDEF, old.chain_id)
        assert (await wallet.send(SINK, b""))["status"] == "0x1"


async def test_waiting_for_a_receipt_has_an_end(chain: Anvil) -> None:
    with pytest.raises(ReceiptTimeout):
        await chain.rpc.wait_receipt("0x" + "00" * 32, timeout_s=0.05)


def test_functions_are_known_by_name_with_the_contracts_selectors() -> None:
    symmio = Abi.load("symmio")
    assert symmio["sendQuoteWithAffiliate"].selector.hex() == "40f1310c"
    assert symmio["getQuote"].calldata(7) == bytes.fromhex("cf39918e") + (7).to_bytes(32, "big")
    assert symmio["nonceOfPartyA"].decode((9).to_bytes(32, "big")) == (9,)
    assert Function("mint", ("address", "uint256")).selector.hex() == "40c10f19"


def test_events_are_known_by_name_unless_several_share_it() -> None:
    symmio = Abi.load("symmio")
    assert symmio.topic("SendQuote") == "0x8a17f103c77224ce4d9bab74dad3bd002cd24cf88d2e191e86d18272c8f135dd"
    with pytest.raises(ValueError, match="too many"):
        symmio.topic("FillCloseRequest")
