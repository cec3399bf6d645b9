"""The local world as its users meet it: contracts, traders, a rival, and hedgers that are processes."""

import sys
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from devnet.contract_abi import Abi
from devnet.hedger_process import HedgerFailed, HedgerProcess, to_toml
from devnet.traders import QuoteTerms
from devnet.world import World
from hedger.config import load
from hedger.domain.money import WAD
from hedger.domain.terms import MarketMode, OrderType, PositionType, QuoteStatus

# Stands in for a hedger: tells its API, judges as its configuration says, and ends when it is asked to.
OBEDIENT = """
import json, os, signal, sys, tomllib
command, config = sys.argv[1], tomllib.load(open(sys.argv[3], "rb"))
if command == "validate":
    print(json.dumps({"agrees": os.environ["HEDGER_VENUE__SECRET"] == "paper-secret", "mismatches": []}))
elif config["test"]["starts"]:
    print(json.dumps({"api": "http://127.0.0.1:1"}))
    signal.sigwait([signal.SIGTERM])
else:
    sys.exit("no such chain")
"""


@pytest.fixture(scope="module")
async def local_world(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    async with World(tmp_path_factory.mktemp("world")) as world:
        yield world


def _process(folder: Path, *, starts: bool = True) -> HedgerProcess:
    script = folder / "obedient.py"
    script.write_text(OBEDIENT)
    return HedgerProcess(
        "obedient",
        folder / "obedient",
        folder,
        settings={"test": {"starts": starts}},
        secrets={"HEDGER_VENUE__SECRET": "paper-secret"},
        program=(sys.executable, str(script)),
    )


async def test_the_hedger_accepts_the_configuration_written_for_it(
    local_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    for hedger in local_world.hedgers.values():
        for name, value in hedger.process.environment.items():
            monkeypatch.setenv(name, value)
        settings = load(hedger.process.config)
        assert settings.chain.party_b == hedger.party_b.lower()
        assert settings.chain.through_proxy is hedger.setup.through_proxy
        assert settings.venue.base_url == hedger.exchange.url
        assert settings.tag == hedger.tag
        assert settings.state_dir == hedger.process.state_dir
    assert load(local_world.hedgers["proxy"].process.config).policy.market_mode is MarketMode.LOCK_FIRST
    assert load(local_world.hedgers["key"].process.config).policy.market_mode is MarketMode.HEDGE_FIRST


async def test_no_secret_is_written_to_the_configuration(local_world: World) -> None:
    for hedger in local_world.hedgers.values():
        text = hedger.process.config.read_text()
        assert hedger.process.environment
        assert not any(secret in text for secret in hedger.process.environment.values())


async def test_every_hedger_and_the_rival_have_free_funds(local_world: World) -> None:
    symmio = await _free_balance(local_world, *(hedger.party_b for hedger in local_world.hedgers.values()))
    rival = await _free_balance(local_world, local_world.rival.address)
    assert symmio == [2_000_000 * WAD] * 2
    assert rival == [2_000_000 * WAD]


async def test_traders_are_plain_and_behind_sub_accounts_and_can_trade(local_world: World) -> None:
    behind, plain = await local_world.traders(2, sub_accounts=1)
    assert behind.party_a != behind.wallet.address
    assert plain.party_a == plain.wallet.address
    for trader in (behind, plain):
        terms = QuoteTerms(1, PositionType.LONG, OrderType.LIMIT, 60_000 * WAD, WAD // 100)
        quote_id = await trader.send_quote(terms)
        assert (await trader.quote(quote_id)).status is QuoteStatus.PENDING


async def test_each_hedger_has_an_exchange_account_of_its_own(local_world: World) -> None:
    urls = {hedger.exchange.url for hedger in local_world.hedgers.values()}
    assert len(urls) == 2
    async with aiohttp.ClientSession() as session:
        for url in urls:
            async with session.get(f"{url}/fapi/v1/ping") as response:
                assert response.status == 200


def test_tables_within_tables_are_written_as_toml() -> None:
    text = to_toml({"policy": {"tag": "a", "symbols": {"BTCUSDT": {"enabled": False}}, "urls": ["x", "y"]}})
    assert text.splitlines() == [
        "[policy]",
        'tag = "a"',
        'urls = ["x", "y"]',
        "[policy.symbols]",
        "[policy.symbols.BTCUSDT]",
        "enabled = false",
    ]


async def test_a_hedger_is_ready_once_it_tells_its_api_and_ends_when_asked(tmp_path: Path) -> None:
    process = _process(tmp_path)
    await process.start()
    assert await process.wait_ready() == "http://127.0.0.1:1"
    await process.stop()
    assert not process.is_running


async def test_a_killed_hedger_starts_again(tmp_path: Path) -> None:
    process = _process(tmp_path)
    await process.start()
    await process.wait_ready()
    first = process.pid
    await process.kill()
    assert not process.is_running
    await process.start()
    assert await process.wait_ready() == "http://127.0.0.1:1"
    assert process.pid != first
    await process.stop()


async def test_a_hedger_that_does_not_start_tells_why(tmp_path: Path) -> None:
    process = _process(tmp_path, starts=False)
    await process.start()
    with pytest.raises(HedgerFailed, match="no such chain"):
        await process.wait_ready()


async def test_the_verdict_comes_from_the_hedger_with_its_secrets(tmp_path: Path) -> None:
    assert await _process(tmp_path).validate() == {"agrees": True, "mismatches": []}


async def _free_balance(world: World, *users: str) -> list[int]:
    view = Abi.load("symmio")["balanceOf"]
    calls = [(world.deployment.diamond, view.calldata(user)) for user in users]
    return [int.from_bytes(balance, "big") for balance in await world.rpc.eth_calls(calls)]
