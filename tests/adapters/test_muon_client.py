"""The client of the Muon network, against nodes that answer what the test tells them to."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import orjson
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from hedger.adapters.muon import MuonAnswerInvalid, MuonClient, MuonUnavailable
from hedger.adapters.muon.answers import RAW_KEPT, Question, single_upnl

DIAMOND = "0x00000000000000000000000000000000DeaDBeef"
PARTY_A = "0x" + "00" * 19 + "AA"
PARTY_B = "0x" + "00" * 19 + "bB"
NONCE = "0xAB615A1598370C1f9756290eA874FaA4b2185abD"
REQ_ID = "0x" + "11" * 36
S = 52178431107023791605010056595115699153464686519947362074062206216266281409601
GATEWAY = "0x" + "7a" * 64 + "1c"
UPNLS = {"uPnlA": "2500000000000000000", "uPnlB": "-2500000000000000000"}
QUESTION = Question("uPnl_B", {"partyB": PARTY_B, "partyA": PARTY_A, "chainId": "31337", "symmio": DIAMOND})


def answer(fields: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """A successful answer; `changes` replaces values by their path, dots written as double underscores."""
    body: dict[str, Any] = {
        "success": True,
        "result": {
            "reqId": REQ_ID,
            "data": {"timestamp": 1_700_000_000, "result": dict(fields), "init": {"nonceAddress": NONCE}},
            "signatures": [{"owner": "0x" + "00" * 20, "signature": hex(S)}],
            "nodeSignature": GATEWAY,
        },
    }
    for path, value in changes.items():
        *parents, last = path.split("__")
        place = body
        for parent in parents:
            place = place[parent]
        place[last] = value
    return body


class Node:
    """A node that gives its answers one after the other, the last one again and again."""

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)
        self.queries: list[dict[str, str]] = []

    async def handle(self, request: web.Request) -> web.Response:
        self.queries.append(dict(request.query))
        given = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(given, int):
            return web.Response(status=given, text="<html>Bad Gateway</html>")
        if isinstance(given, float):
            await asyncio.sleep(given)
            return web.Response(status=200)
        return web.Response(body=given if isinstance(given, bytes) else orjson.dumps(given))


class Network:
    """Nodes behind a client whose pauses are recorded instead of waited for."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self.session = session
        self.servers: list[TestServer] = []
        self.pauses: list[float] = []

    async def client(self, *nodes: Node, rounds: int = 2, timeout_s: float = 1.0) -> MuonClient:
        bases = [await self._serve(node) for node in nodes]
        return MuonClient(
            bases,
            diamond=DIAMOND,
            chain_id=31337,
            session=self.session,
            timeout_s=timeout_s,
            rounds=rounds,
            sleep=self._pause,
        )

    async def _serve(self, node: Node) -> str:
        application = web.Application()
        application.router.add_get("/v1/", node.handle)
        server = TestServer(application)
        await server.start_server()
        self.servers.append(server)
        return str(server.make_url("/v1/"))

    async def _pause(self, seconds: float) -> None:
        self.pauses.append(seconds)


@pytest.fixture
async def network() -> AsyncIterator[Network]:
    async with aiohttp.ClientSession() as session:
        network = Network(session)
        yield network
    for server in network.servers:
        await server.close()


async def test_a_lock_signature_is_asked_and_read_in_the_order_the_contract_takes(network: Network) -> None:
    node = Node(answer({"uPnl": "-1234567890123456789"}))
    client = await network.client(node)
    signature = await client.upnl_b(PARTY_B, PARTY_A)
    assert node.queries == [
        {
            "app": "symmio",
            "method": "uPnl_B",
            "params[partyB]": PARTY_B,
            "params[partyA]": PARTY_A,
            "params[chainId]": "31337",
            "params[symmio]": DIAMOND,
        }
    ]
    sigs = (S, "0x" + "00" * 20, NONCE)
    gateway = bytes.fromhex(GATEWAY[2:])
    assert signature.as_abi() == (b"\x11" * 36, 1_700_000_000, -1234567890123456789, gateway, sigs)


async def test_the_opening_signature_names_party_a_before_party_b(network: Network) -> None:
    node = Node(answer({**UPNLS, "price": "27123450000000000000000"}))
    signature = await (await network.client(node)).upnl_with_price(PARTY_B, PARTY_A, 7)
    assert node.queries[0]["params[symbolId]"] == "7"
    assert signature.as_abi()[2:5] == (2_500_000_000_000_000_000, -2_500_000_000_000_000_000, 27123450 * 10**15)


async def test_the_funding_signature_names_party_a_before_party_b(network: Network) -> None:
    signature = await (await network.client(Node(answer(UPNLS)))).upnl(PARTY_B, PARTY_A)
    assert signature.as_abi()[2:4] == (2_500_000_000_000_000_000, -2_500_000_000_000_000_000)


SETTLEMENT = {
    "uPnlA": "5",
    "upnlPartyBs": ["-2", "3"],
}


async def test_a_settlement_is_read_with_every_quote_and_its_hedger(network: Network) -> None:
    fields = SETTLEMENT | {"quoteSettlementData": [["7", "60000", "1"], [9, "61000", "0"]]}
    node = Node(answer(fields))
    signature = await (await network.client(node)).settle_upnl(PARTY_A)
    assert node.queries[0]["method"] == "settle_upnl"
    assert "params[partyB]" not in node.queries[0]
    assert signature.as_abi()[2:5] == (((7, 60000, 1), (9, 61000, 0)), (-2, 3), 5)


@pytest.mark.parametrize(
    ("entries", "field"),
    [
        ([["7", "-1", "0"]], "result.data.result.quoteSettlementData[0][1]"),
        ([["7", "1", "2"]], "result.data.result.quoteSettlementData[0][2]"),
    ],
)
async def test_a_settlement_that_makes_no_sense_is_no_signature(network: Network, entries: Any, field: str) -> None:
    client = await network.client(Node(answer(SETTLEMENT | {"quoteSettlementData": entries})))
    with pytest.raises(MuonAnswerInvalid) as caught:
        await client.settle_upnl(PARTY_A)
    assert caught.value.field == field


async def test_the_signature_of_a_new_quote_carries_upnl_and_price_of_party_a(network: Network) -> None:
    node = Node(answer({"uPnl": "5", "price": "6"}))
    signature = await (await network.client(node)).upnl_a_with_price(PARTY_A, 7)
    assert node.queries[0]["method"] == "uPnl_A_withSymbolPrice"
    assert signature.as_abi()[2:4] == (5, 6)


@pytest.mark.parametrize("written", [hex(S), str(S)], ids=["hex", "decimal"])
def test_a_schnorr_signature_is_read_in_hex_and_in_decimal(written: str) -> None:
    body = answer({"uPnl": 0}, result__signatures=[{"owner": NONCE, "signature": written}])
    assert single_upnl(QUESTION, orjson.dumps(body)).sigs.signature == S


@pytest.mark.parametrize(
    ("field", "body"),
    [
        ("answer", b"<html>"),
        ("answer", b"\xff\xfe"),
        ("answer", b"[]"),
        ("success", {"success": "yes"}),
        ("answer", {"success": True}),
        ("result.data", {"success": True, "result": {"reqId": "0x", "data": None}}),
        ("result.reqId", answer({"uPnl": "1"}, result__reqId="0xzz")),
        ("result.data.timestamp", answer({"uPnl": "1"}, result__data__timestamp="soon")),
        ("result.data.timestamp", answer({"uPnl": "1"}, result__data__timestamp=-1)),
        ("result.data.result.uPnl", answer({"uPnl": 1.5})),
        ("result.data.result.uPnl", answer({"uPnl": "1.5"})),
        ("result.data.result.uPnl", answer({"uPnl": " 1"})),
        ("result.data.result.uPnl", answer({"uPnl": str(2**255)})),
        ("result.data.result.uPnl", answer({"uPnl": str(-(2**255) - 1)})),
        ("result.data.result", answer({"uPnlA": "1"})),
        ("result.data.init.nonceAddress", answer({"uPnl": "1"}, result__data__init={"nonceAddress": "0x12"})),
        ("result.signatures", answer({"uPnl": "1"}, result__signatures=[])),
        (
            "result.signatures[0].signature",
            answer({"uPnl": "1"}, result__signatures=[{"owner": NONCE, "signature": hex(2**256)}]),
        ),
        ("result.nodeSignature", answer({"uPnl": "1"}, result__nodeSignature="0x1234")),
        ("result.method", answer({"uPnl": "1"}, result__method="uPnl_A")),
        ("result.data.params.partyA", answer({"uPnl": "1"}, result__data__params={"partyA": PARTY_B})),
        ("result.data.params.chainId", answer({"uPnl": "1"}, result__data__params={"chainId": 56})),
    ],
)
def test_an_answer_that_is_not_one_names_the_field_that_is_wrong(field: str, body: Any) -> None:
    with pytest.raises(MuonAnswerInvalid) as caught:
        single_upnl(QUESTION, body if isinstance(body, bytes) else orjson.dumps(body))
    assert caught.value.field == field


def test_an_answer_that_repeats_the_question_in_other_letters_is_accepted() -> None:
    params = {"partyA": PARTY_A.lower(), "partyB": PARTY_B.upper().replace("0X", "0x"), "chainId": 31337}
    body = answer({"uPnl": "-1"}, result__method="uPnl_B", result__data__params=params)
    assert single_upnl(QUESTION, orjson.dumps(body)).upnl == -1


def test_an_invalid_answer_keeps_the_beginning_of_what_came() -> None:
    with pytest.raises(MuonAnswerInvalid) as caught:
        single_upnl(QUESTION, b"<html>" + b"x" * 10_000)
    assert caught.value.raw.startswith("<html>xxx")
    assert len(caught.value.raw) == RAW_KEPT


@pytest.mark.parametrize(
    "broken",
    [502, 2.0, b"<html>", {"success": False, "error": {"message": "uPnl Tolerance Error"}}],
    ids=["server error", "no answer in time", "no JSON", "a passing refusal"],
)
async def test_the_next_base_is_asked_at_once_when_one_fails(network: Network, broken: Any) -> None:
    client = await network.client(Node(broken), Node(answer({"uPnl": "7"})), timeout_s=0.2)
    assert (await client.upnl_b(PARTY_B, PARTY_A)).upnl == 7
    assert network.pauses == [0.0]


async def test_a_base_that_answered_is_asked_first_the_next_time(network: Network) -> None:
    failing = Node(502)
    client = await network.client(failing, Node(answer({"uPnl": "7"})))
    await client.upnl_b(PARTY_B, PARTY_A)
    await client.upnl_b(PARTY_B, PARTY_A)
    assert len(failing.queries) == 1


async def test_a_dead_network_is_asked_a_bounded_number_of_times_with_pauses_between_rounds(network: Network) -> None:
    first, second = Node(500), Node(503)
    client = await network.client(first, second, rounds=3)
    with pytest.raises(MuonUnavailable, match="HTTP 503"):
        await client.upnl_b(PARTY_B, PARTY_A)
    assert (len(first.queries), len(second.queries)) == (3, 3)
    assert network.pauses == [0.0, 1.0, 0.0, 1.0, 0.0]


async def test_an_unreachable_base_is_unavailable(network: Network, unused_tcp_port: int) -> None:
    client = MuonClient(
        [f"http://127.0.0.1:{unused_tcp_port}/v1/"],
        diamond=DIAMOND,
        chain_id=31337,
        session=network.session,
        timeout_s=0.5,
        rounds=1,
    )
    with pytest.raises(MuonUnavailable, match=str(unused_tcp_port)):
        await client.upnl_b(PARTY_B, PARTY_A)


async def test_a_refusal_of_the_question_itself_is_not_asked_again(network: Network) -> None:
    refusing = Node({"success": False, "error": {"message": "Invalid symbol"}})
    other = Node(answer({"uPnl": "7"}))
    client = await network.client(refusing, other)
    with pytest.raises(MuonAnswerInvalid, match="Invalid symbol") as caught:
        await client.upnl_with_price(PARTY_B, PARTY_A, 99)
    assert caught.value.field == "error.message"
    assert other.queries == []


@pytest.mark.parametrize("error", [None, "FAILED_TO_GET_BINANCE_PRICES", {"message": ""}, {}])
async def test_any_other_refusal_is_worth_a_retry(network: Network, error: Any) -> None:
    node = Node({"success": False, "error": error}, answer({"uPnl": "7"}))
    client = await network.client(node)
    assert (await client.upnl_b(PARTY_B, PARTY_A)).upnl == 7


async def test_a_client_without_bases_is_refused(network: Network) -> None:
    with pytest.raises(ValueError, match="no Muon base"):
        MuonClient([], diamond=DIAMOND, chain_id=1, session=network.session, timeout_s=1.0)
