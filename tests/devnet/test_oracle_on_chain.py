"""The oracle on a real chain: each signature kind is accepted by the verifier and by the calls it is made for."""

import asyncio
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import aiohttp
import orjson
import pytest
from eth_utils.crypto import keccak
from trading_world import BTC, ETH, TradingWorld, trading_world

from devnet.contract_abi import Abi
from devnet.oracle import Fault, FaultKind
from devnet.rpc import RpcError
from devnet.signing import (
    Envelope,
    Pair,
    pack_price,
    pack_upnl,
    pack_upnl_a,
    pack_upnl_a_with_price,
    pack_upnl_b,
    pack_upnl_with_price,
)
from devnet.traders import QuoteTerms, Trader, TransactionReverted
from hedger.adapters.muon import MuonAnswerInvalid, MuonUnavailable
from hedger.adapters.muon.answers import Question, single_upnl
from hedger.domain.money import WAD
from hedger.domain.terms import OrderType, PositionType

PRICE = 60_000 * WAD
TERMS = QuoteTerms(BTC, PositionType.LONG, OrderType.LIMIT, PRICE, WAD // 10)
ALLOCATED = 500 * WAD


@pytest.fixture(scope="module")
async def world() -> AsyncIterator[TradingWorld]:
    async with trading_world() as world:
        yield world


@pytest.fixture(scope="module")
async def trader(world: TradingWorld) -> Trader:
    """A trader with one position of 0.1 BTC, long from 60 000, its hedger's allocation being small."""
    trader = await world.trader()
    quote_id = await trader.send_quote(TERMS)
    await world.lock(trader, quote_id, allocate=ALLOCATED + 600 * WAD)
    await world.open(trader, quote_id)
    return trader


@pytest.fixture(autouse=True)
async def calm(world: TradingWorld) -> AsyncIterator[None]:
    yield
    world.oracle.faults.clear()
    world.prices["BTCUSDT"] = PRICE


async def ask(world: TradingWorld, method: str, **params: str) -> Any:
    """The raw answer of the oracle."""
    common = {"chainId": str(world.deployment.chain_id), "symmio": world.deployment.diamond}
    query = {"app": "symmio", "method": method}
    query |= {f"params[{name}]": value for name, value in (params | common).items()}
    async with world.session.get(world.oracle.url, params=query) as response:
        return orjson.loads(await response.read())


def packed(method: str, envelope: Envelope, fields: dict[str, Any], pair: Pair) -> bytes:
    """What the contract would hash: its own nonces, and the numbers of the answer."""
    numbers = {name: int(value) for name, value in fields.items() if isinstance(value, str) and value[:2] != "0x"}
    upnls = numbers.get("uPnlB", 0), numbers.get("uPnlA", 0)
    match method:
        case "uPnl_A":
            return pack_upnl_a(envelope, pair.party_a, pair.nonce_a, numbers["uPnl"])
        case "uPnl_A_withSymbolPrice":
            upnl = numbers["uPnl"]
            return pack_upnl_a_with_price(envelope, pair.party_a, pair.nonce_a, upnl, BTC, numbers["price"])
        case "uPnl_B":
            return pack_upnl_b(envelope, pair.party_b, pair.party_a, pair.nonce_b, numbers["uPnl"])
        case "uPnl":
            return pack_upnl(envelope, pair, *upnls)
        case "uPnlWithSymbolPrice":
            return pack_upnl_with_price(envelope, pair, *upnls, BTC, numbers["price"])
        case _:
            return pack_price(envelope, map(int, fields["quoteIds"]), map(int, fields["prices"]))


@pytest.mark.parametrize(
    "method", ["uPnl_A", "uPnl_A_withSymbolPrice", "uPnl_B", "uPnl", "uPnlWithSymbolPrice", "price"]
)
async def test_the_verifier_accepts_each_kind_of_signature(world: TradingWorld, trader: Trader, method: str) -> None:
    party_b, party_a = world.deployment.party_b, trader.party_a
    answer = await ask(world, method, partyB=party_b, partyA=party_a, symbolId=str(BTC), quoteIds="[1]")
    result = answer["result"]
    told = result["data"]
    envelope = Envelope(
        world.deployment.muon_app_id,
        bytes.fromhex(result["reqId"][2:]),
        world.deployment.diamond,
        told["timestamp"],
        world.deployment.chain_id,
    )
    nonces = await world.read("nonceOfPartyB", party_b, party_a), await world.read("nonceOfPartyA", party_a)
    hash32 = keccak(packed(method, envelope, told["result"], Pair(party_b, party_a, *nonces)))
    signature = result["signatures"][0]
    sigs = int(signature["signature"], 16), signature["owner"], told["init"]["nonceAddress"]
    gateway = bytes.fromhex(result["nodeSignature"][2:])
    await world.read("verifyMuonTSSAndGateway", hash32, sigs, gateway)
    with pytest.raises(RpcError, match="TSS not verified"):
        await world.read("verifyMuonTSSAndGateway", keccak(hash32), sigs, gateway)


async def test_both_profits_follow_the_mark_price_and_the_block(world: TradingWorld, trader: Trader) -> None:
    world.prices["BTCUSDT"] = 63_000 * WAD
    signature = await world.muon.upnl_with_price(world.deployment.party_b, trader.party_a, BTC)
    assert (signature.upnl_party_a, signature.upnl_party_b) == (300 * WAD, -300 * WAD)
    assert (signature.price, signature.timestamp) == (63_000 * WAD, await trader.now())
    assert (await world.muon.upnl_b(world.deployment.party_b, trader.party_a)).upnl == -300 * WAD


async def test_the_profit_of_a_trader_stops_at_its_hedgers_allocation_and_the_hedgers_loss_does_not(
    world: TradingWorld, trader: Trader
) -> None:
    world.prices["BTCUSDT"] = 90_000 * WAD
    allocation = await world.read("allocatedBalanceOfPartyB", world.deployment.party_b, trader.party_a)
    signature = await world.muon.upnl(world.deployment.party_b, trader.party_a)
    assert (signature.upnl_party_a, signature.upnl_party_b) == (allocation, -3_000 * WAD)
    assert (await world.muon.upnl_a_with_price(trader.party_a, BTC)).upnl == allocation
    await world.as_hedger("allocateForPartyB", 100 * WAD, trader.party_a)
    assert (await world.muon.upnl(world.deployment.party_b, trader.party_a)).upnl_party_a == allocation + 100 * WAD


async def test_a_party_without_positions_has_no_profit_and_the_price_is_that_of_the_symbol_asked_for(
    world: TradingWorld,
) -> None:
    newcomer = await world.trader()
    signature = await world.muon.upnl_a_with_price(newcomer.party_a, ETH)
    assert (signature.upnl, signature.price) == (0, 3_000 * WAD)


async def test_money_is_taken_out_with_the_signatures_of_either_side(world: TradingWorld, trader: Trader) -> None:
    answer = orjson.dumps(await ask(world, "uPnl_A", partyA=trader.party_a))
    of_trader = single_upnl(Question("uPnl_A", {"partyA": trader.party_a}), answer)
    before = await world.read("allocatedBalanceOfPartyA", trader.party_a)
    call = Abi.load("symmio")["deallocate"].calldata(WAD, of_trader.as_abi())
    await trader.wallet.send(world.deployment.diamond, call)
    assert await world.read("allocatedBalanceOfPartyA", trader.party_a) == before - WAD
    party_b = world.deployment.party_b
    before = await world.read("allocatedBalanceOfPartyB", party_b, trader.party_a)
    of_hedger = await world.muon.upnl_b(party_b, trader.party_a)
    await world.as_hedger("deallocateForPartyB", WAD, trader.party_a, of_hedger.as_abi())
    assert await world.read("allocatedBalanceOfPartyB", party_b, trader.party_a) == before - WAD


@pytest.mark.parametrize(
    ("method", "params", "text"),
    [
        ("uPnl_Z", {}, "Unknown method: uPnl_Z"),
        ("uPnl_A", {"partyA": "0x12"}, "Invalid partyA"),
        ("uPnl", {"partyA": "0x" + "11" * 20, "partyB": "0x" + "11" * 20}, "Identical Parties Error"),
        ("uPnl_A_withSymbolPrice", {"partyA": "0x" + "11" * 20, "symbolId": "99"}, "Invalid symbol"),
        ("uPnl_A_withSymbolPrice", {"partyA": "0x" + "11" * 20, "symbolId": "x"}, "Invalid symbolId"),
        ("price", {"quoteIds": "[999]"}, "Invalid quoteId"),
        ("price", {"quoteIds": "all"}, "Invalid quoteId"),
    ],
)
async def test_a_question_that_makes_no_sense_is_refused_in_the_networks_shape(
    world: TradingWorld, method: str, params: dict[str, str], text: str
) -> None:
    assert await ask(world, method, **params) == {"success": False, "error": {"message": text}}


async def test_a_symbol_without_a_price_is_refused_until_it_has_one(world: TradingWorld, trader: Trader) -> None:
    del world.prices["BTCUSDT"]
    with pytest.raises(MuonUnavailable, match="PRICE_NOT_FOUND: BTCUSDT"):
        await world.muon.upnl_b(world.deployment.party_b, trader.party_a)


async def test_the_network_refuses_for_a_while_when_told_to(world: TradingWorld, trader: Trader) -> None:
    world.oracle.faults.add(Fault(FaultKind.ERROR))
    with pytest.raises(MuonUnavailable, match="uPnl Tolerance Error"):
        await world.muon.upnl_b(world.deployment.party_b, trader.party_a)
    assert (await world.muon.upnl_b(world.deployment.party_b, trader.party_a)).upnl == 0


async def test_a_failing_node_and_a_garbled_answer_are_told_apart(world: TradingWorld, trader: Trader) -> None:
    world.oracle.faults.add(Fault(FaultKind.HTTP_500))
    world.oracle.faults.add(Fault(FaultKind.GARBAGE))
    with pytest.raises(MuonUnavailable, match="HTTP 500"):
        await world.muon.upnl_b(world.deployment.party_b, trader.party_a)
    with pytest.raises(MuonAnswerInvalid) as caught:
        await world.muon.upnl_b(world.deployment.party_b, trader.party_a)
    assert caught.value.field == "result.data"


async def test_a_late_answer_comes_no_earlier_than_it_was_delayed(world: TradingWorld, trader: Trader) -> None:
    world.oracle.faults.add(Fault(FaultKind.DELAY, delay_s=0.2))
    loop = asyncio.get_running_loop()
    started = loop.time()
    await world.muon.upnl_b(world.deployment.party_b, trader.party_a)
    assert loop.time() - started >= 0.2


@pytest.mark.parametrize(
    ("kind", "reason"),
    [(FaultKind.WRONG_NONCE, "LibMuon: TSS not verified"), (FaultKind.EXPIRED, "LibMuon: Expired signature")],
)
async def test_a_signature_for_another_nonce_or_of_yesterday_is_refused_by_the_contract(
    world: TradingWorld, trader: Trader, kind: FaultKind, reason: str
) -> None:
    world.oracle.faults.add(Fault(kind))
    with pytest.raises(TransactionReverted) as caught:
        await trader.send_quote(replace(TERMS, quantity=WAD // 100))
    assert caught.value.reason == reason


async def test_faults_are_added_told_and_cleared_over_http(world: TradingWorld) -> None:
    url = world.oracle.control_url
    fault = {"kind": "http_500", "times": 2, "method": "uPnl_B"}
    async with world.session.post(url, json=fault) as response:
        assert (await response.json())["waiting"] == [
            {"kind": "http_500", "times": 2, "method": "uPnl_B", "delay_s": 1.0, "message": "uPnl Tolerance Error"}
        ]
    async with world.session.delete(url) as response:
        assert (await response.json())["waiting"] == []
    async with world.session.post(url, json={"kind": "sabotage"}) as response:
        assert response.status == 400
    async with world.session.get(url) as response:
        assert (await response.json())["asked"]["uPnl_B"] > 0


async def test_the_oracle_runs_as_a_process_of_its_own(world: TradingWorld, trader: Trader) -> None:
    arguments = ["--rpc", world.chain.rpc_url, "--exchange", "http://127.0.0.1:1", "--diamond"]
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "devnet.oracle", *arguments, world.deployment.diamond, stdout=asyncio.subprocess.PIPE
    )
    try:
        assert process.stdout is not None
        announced = orjson.loads(await asyncio.wait_for(process.stdout.readline(), 20))
        async with aiohttp.ClientSession() as session, session.get(announced["url"]) as response:
            assert await response.json() == {"success": False, "error": {"message": "Unknown app: None"}}
    finally:
        process.terminate()
        assert await process.wait() == 0
