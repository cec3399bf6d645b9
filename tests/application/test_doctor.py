"""The doctor: each finding names the configuration key it hangs on, and none shows a secret."""

from dataclasses import dataclass, field
from typing import Any, cast

import pytest
from msgspec.structs import replace
from pydantic import SecretStr

from hedger.adapters.chain.rpc import RpcUnavailable
from hedger.adapters.chain.signer import LocalSigner
from hedger.adapters.chain.view_structs import PartyBStatus
from hedger.adapters.muon import MuonUnavailable
from hedger.application.doctor import Advice, ChainDoctor
from hedger.domain.feed import BlockRef
from hedger.domain.money import WAD
from tests.domain.given import SYMBOL

KEY = SecretStr("0x" + "5e" * 32)
SIGNER = LocalSigner(KEY).address
DIAMOND, PROXY = "0x" + "dd" * 20, "0x" + "bb" * 20
CHAIN_ID, NOW_S, VALID_S = 31337, 1_700_000_000, 60
WELL = PartyBStatus(
    is_party_b=True,
    suspended=False,
    emergency=False,
    proxy_serves=DIAMOND,
    proxy_paused=False,
    operator_is_trusted=True,
    operator_is_manager=False,
    reserve_vault=0,
)


@dataclass(frozen=True)
class Outside:
    """Chain, contract and oracle as the doctor finds them; by default everything is well."""

    chain_id: int = CHAIN_ID
    code: str = "0x6080"
    version: str = "0.8.4"
    paused: tuple[str, ...] = ()
    status: PartyBStatus = WELL
    free: int = 1_000 * WAD
    gas: int = WAD
    listed: tuple[str, ...] = ("BTCUSDT", "ETHUSDT")
    head_at_s: int = NOW_S
    signature_age_s: int = 5
    oracle_fails: Exception | None = None
    rpc_fails: Exception | None = None
    asked: list[str] = field(default_factory=list)

    # the node

    async def call(self, method: str, params: Any = ()) -> str:
        self.asked.append(method)
        if self.rpc_fails is not None:
            raise self.rpc_fails
        return {
            "eth_chainId": hex(self.chain_id),
            "eth_getCode": self.code,
            "eth_getBalance": hex(self.gas),
        }[method]

    # the contract's views

    async def head(self) -> BlockRef:
        return BlockRef(number=12, hash="0x12", parent_hash="0x11", timestamp=self.head_at_s)

    async def version_probe(self) -> str:
        return self.version

    async def protocol(self) -> Any:
        @dataclass
        class Read:
            paused: tuple[str, ...]
            upnl_valid_s: int

        @dataclass
        class Protocol:
            read: Read

        return Protocol(Read(self.paused, VALID_S))

    async def party_b_status(self, party_b: str, operator: str) -> PartyBStatus:
        return self.status

    async def account(self, party_b: str, party_a: str) -> Any:
        @dataclass
        class Account:
            free_b: int

        return Account(self.free)

    async def symbols(self) -> list[Any]:
        @dataclass
        class Listed:
            name: str
            is_valid: bool = SYMBOL.is_valid

        return [Listed(name) for name in self.listed]

    # the oracle

    async def upnl_b(self, party_b: str, party_a: str) -> Any:
        @dataclass
        class Signature:
            timestamp: int

        if self.oracle_fails is not None:
            raise self.oracle_fails
        return Signature(self.head_at_s - self.signature_age_s)


async def examined(
    outside: Outside, *, key: SecretStr = KEY, through_proxy: bool = True, party_b: str = PROXY
) -> list[Advice]:
    anything = cast(Any, outside)
    doctor = ChainDoctor(
        anything,
        anything,
        anything,
        chain_id=CHAIN_ID,
        diamond=DIAMOND,
        party_b=party_b,
        through_proxy=through_proxy,
        symbols=["BTCUSDT", "ETHUSDT"],
        clock_s=lambda: float(NOW_S),
    )
    return await doctor.examine(key)


def troubles(found: list[Advice]) -> list[tuple[str, str]]:
    return [(advice.name, advice.key) for advice in found if not advice.ok]


async def test_where_everything_is_well_every_finding_says_so() -> None:
    found = await examined(Outside())
    assert troubles(found) == []
    assert {"chain", "contract", "key", "partyB", "funds", "gas", "symbols", "muon"} <= {each.name for each in found}


async def test_a_key_that_is_party_b_itself_needs_no_proxy() -> None:
    plain = replace(WELL, proxy_serves="", operator_is_trusted=False)
    assert troubles(await examined(Outside(status=plain), through_proxy=False, party_b=SIGNER)) == []


@pytest.mark.parametrize(
    ("outside", "trouble", "says"),
    [
        (Outside(chain_id=1), ("chain", "chain.rpc_urls"), "serves chain 1, chain.chain_id says 31337"),
        (Outside(rpc_fails=RpcUnavailable("node: ClientError")), ("chain", "chain.rpc_urls"), "node: ClientError"),
        (Outside(code="0x"), ("contract", "chain.diamond"), f"no contract at {DIAMOND}"),
        (Outside(version="0.8.2"), ("contract", "chain.diamond"), "0.8.2"),
        (Outside(head_at_s=NOW_S - 600), ("clock", "chain.rpc_urls"), "600 s away"),
        (Outside(paused=("party_b_actions",)), ("pauses", "chain.diamond"), "party_b_actions"),
        (Outside(free=0), ("funds", "chain.party_b"), "0 free"),
        (Outside(gas=0), ("gas", "sender.key"), SIGNER),
        (Outside(listed=("BTCUSDT",)), ("symbols", "policy.symbols"), "ETHUSDT"),
        (Outside(oracle_fails=MuonUnavailable("oracle: HTTP 502")), ("muon", "muon.urls"), "oracle: HTTP 502"),
        (Outside(signature_age_s=VALID_S + 1), ("muon", "muon.urls"), f"{VALID_S} s are allowed"),
    ],
)
async def test_each_trouble_names_its_key_and_what_was_seen(
    outside: Outside, trouble: tuple[str, str], says: str
) -> None:
    found = await examined(outside)
    assert troubles(found) == [trouble]
    assert says in next(advice.detail for advice in found if not advice.ok)


@pytest.mark.parametrize(
    ("status", "says"),
    [
        (replace(WELL, is_party_b=False), "not registered as PartyB"),
        (replace(WELL, suspended=True), "suspended"),
        (replace(WELL, emergency=True), "emergency"),
        (replace(WELL, proxy_serves="0x" + "ee" * 20), "no SymmioPartyB proxy of this contract"),
        (replace(WELL, proxy_paused=True), "the proxy is paused"),
        (replace(WELL, operator_is_trusted=False), "TRUSTED_ROLE"),
    ],
)
async def test_each_trouble_of_party_b_is_told_under_its_key(status: PartyBStatus, says: str) -> None:
    found = await examined(Outside(status=status))
    assert troubles(found) == [("partyB", "chain.party_b")]
    assert says in next(advice.detail for advice in found if not advice.ok)


async def test_a_manager_of_the_proxy_may_call_too() -> None:
    manager = replace(WELL, operator_is_trusted=False, operator_is_manager=True)
    assert troubles(await examined(Outside(status=manager))) == []


async def test_a_key_of_another_address_than_party_b_is_told_where_there_is_no_proxy() -> None:
    found = await examined(Outside(), through_proxy=False)
    assert ("key", "sender.key") in troubles(found)
    assert SIGNER in next(advice.detail for advice in found if advice.name == "key")


async def test_on_a_wrong_chain_nothing_further_is_concluded() -> None:
    found = await examined(Outside(chain_id=1, code="0x", free=0))
    assert troubles(found) == [("chain", "chain.rpc_urls")]


async def test_without_a_contract_nothing_further_is_concluded() -> None:
    found = await examined(Outside(code="0x", free=0))
    assert [advice.name for advice in found] == ["chain", "contract"]


@pytest.mark.parametrize("written", ["", "not a key", "0x" + "5e" * 31, "5e" * 33])
async def test_a_key_that_is_none_is_told_without_showing_it(written: str) -> None:
    found = await examined(Outside(), key=SecretStr(written))
    assert ("key", "sender.key") in troubles(found)
    assert not written or all(written not in f"{advice.name} {advice.detail}" for advice in found)


async def test_no_finding_shows_the_key() -> None:
    secret = KEY.get_secret_value()
    wells = await examined(Outside())
    ills = await examined(Outside(status=replace(WELL, operator_is_trusted=False), gas=0, free=0))
    assert all(secret[2:] not in repr(advice) for advice in [*wells, *ills])
