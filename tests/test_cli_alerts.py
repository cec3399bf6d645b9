"""`hedger alerts`: what it lists, what it sends, and what it says of an address that is none."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from hedger.adapters.log.port import Change
from hedger.bootstrap import ledger_of, opened_log
from hedger.bootstrap.alerting import address_fault, notifiers_of
from hedger.cli.app import app
from hedger.cli.output import run_async
from hedger.config import ConfigurationError, Settings, load
from hedger.domain.alerts.alerts import Alerts
from hedger.domain.alerts.events import AlertCleared, AlertDelivered, AlertRaised, Level

SECRET = "s3cr3t-t0ken"
FILE = f"""
[chain]
rpc_urls = ["http://127.0.0.1:8545"]
chain_id = 31337
diamond = "0x{"ab" * 20}"
party_b = "0x{"cd" * 20}"
[muon]
urls = ["http://127.0.0.1:9000/v1/"]
[venue]
[policy.symbols.BTCUSDT]
"""


@pytest.fixture(autouse=True)
def _no_variables_of_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("HEDGER_")]:
        monkeypatch.delenv(name)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "hedger.toml"
    path.write_text(FILE)
    return path


def called(file: Path, *words: str) -> Result:
    return CliRunner().invoke(app, ["alerts", *words, "--config", str(file)])


def told(subject: str, *, cleared: bool = False) -> AlertRaised | AlertCleared:
    named: dict[str, Any] = {"watch": "venue", "subject": subject, "level": Level.CRITICAL, "observed_at_ms": 60_000}
    if cleared:
        return AlertCleared(value="0", text=f"{subject}: well", **named)
    return AlertRaised(value="31", limit="30", unit="s", text=f"{subject}: silent", **named)


async def record(settings: Settings) -> None:
    async with opened_log(settings) as (log, _):
        ledger = ledger_of(settings, log)
        events = (
            told("requests"),
            told("prices"),
            told("requests", cleared=True),
            AlertDelivered(target="ops", notice_numbers=(1, 2, 3), upto_number=3),
        )
        alerts_id = Alerts.create_id(ledger.chain_id, ledger.diamond, ledger.party_b)
        await log.append(
            [Change(aggregate_id=alerts_id, expected_version=0, events=events)],
            correlation_id="alerts",
            causation_id="test",
        )


def test_open_alerts_are_listed_and_with_all_what_was_and_who_was_told(
    file: Path, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEDGER_DATABASE__URL", postgres_url)
    monkeypatch.setenv("COLUMNS", "160")
    assert "no alert is open" in called(file).stdout
    run_async(record(load(file)))
    listed = called(file)
    assert listed.exit_code == 0
    assert "prices: silent" in listed.stdout
    assert "requests" not in listed.stdout
    everything = called(file, "--all")
    assert "requests: silent" in everything.stdout
    assert "delivered" in everything.stdout
    document = json.loads(called(file, "--all", "--json").stdout)
    assert [(row["subject"], row["is_open"]) for row in document["alerts"]] == [("prices", True), ("requests", False)]
    assert [(row["target"], row["notices"]) for row in document["deliveries"]] == [("ops", 3)]


def test_a_test_message_that_is_not_taken_ends_in_exit_code_1_without_naming_the_address(file: Path) -> None:
    file.write_text(FILE + f'[alerts.targets.ops]\nurl = "json://user:{SECRET}@127.0.0.1:1/x"\n')
    sent = called(file, "test", "ops", "--json")
    assert sent.exit_code == 1
    assert json.loads(sent.stdout) == {"ops": {"delivered": False, "reason": "not reached, or refused"}}
    assert SECRET not in sent.output
    shown = called(file, "test")
    assert "ops: not delivered: not reached, or refused" in shown.stdout


def test_a_target_that_is_not_there_is_said_so(file: Path) -> None:
    unknown = called(file, "test", "pager")
    assert unknown.exit_code == 2
    assert "there are: none" in " ".join(unknown.output.replace("│", " ").split())
    none = called(file, "test")
    assert none.exit_code == 1
    assert "no target is configured: [alerts.targets.NAME]" in none.output


@pytest.mark.parametrize("address", [f"nonsense-{SECRET}", f"no-such-service://{SECRET}/x", f"tgram://{SECRET}"])
def test_an_address_that_is_none_is_told_at_the_start_with_its_key_and_without_itself(file: Path, address: str) -> None:
    file.write_text(FILE + f'[alerts.targets.ops]\nurl = "{address}"\n')
    settings = load(file)
    with pytest.raises(ConfigurationError) as caught:
        notifiers_of(settings)
    assert str(caught.value) == "alerts.targets.ops.url: not a URL that Apprise knows"
    assert address_fault(settings.alerts.targets["ops"]) == "not a URL that Apprise knows"
    refused = called(file, "test")
    assert isinstance(refused.exception, ConfigurationError)
    assert SECRET not in refused.output
