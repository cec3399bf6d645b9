"""The configuration of alerts: who is told, by which limits, and that no address shows."""

import os
import traceback
from datetime import time
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from hedger.config import ConfigurationError, load
from hedger.domain.alerts.events import Level
from hedger.domain.alerts.routing import QuietHours, Target
from hedger.domain.alerts.watches import WATCHES

ADDRESS = "tgram://123456789:s3cr3t-t0ken/987"
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


def refused(path: Path) -> str:
    with pytest.raises(ConfigurationError) as caught:
        load(path)
    told = "".join(traceback.format_exception(caught.value))
    assert ADDRESS not in told
    assert "s3cr3t" not in told
    return str(caught.value)


def test_without_a_word_of_alerts_everything_is_watched_and_nobody_told(file: Path) -> None:
    alerts = load(file).alerts
    assert alerts.to_watches() == WATCHES
    assert alerts.targets == {}


def test_a_target_is_configured_in_the_file_and_its_address_in_the_environment(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file.write_text(
        FILE + '[alerts.targets.ops]\nmin_level = "info"\nquiet_hours = "22:00-07:30"\ntime_zone = "Europe/Zurich"\n'
    )
    monkeypatch.setenv("HEDGER_ALERTS__TARGETS__OPS__URL", ADDRESS)
    monkeypatch.setenv("HEDGER_ALERTS__TARGETS__PAGER__URL", ADDRESS)
    settings = load(file)
    assert settings.alerts.targets["ops"].url.get_secret_value() == ADDRESS
    quiet = QuietHours(start=time(22), end=time(7, 30), zone=ZoneInfo("Europe/Zurich"))
    assert settings.alerts.targets["ops"].to_target("ops") == Target(name="ops", min_level=Level.INFO, quiet=quiet)
    assert settings.alerts.targets["pager"].to_target("pager") == Target(name="pager")
    shown = (repr(settings), settings.model_dump_json(), str(settings.alerts.targets))
    assert not [text for text in shown if "s3cr3t" in text]


def test_a_target_without_an_address_is_named(file: Path) -> None:
    file.write_text(FILE + "[alerts.targets.ops]\n")
    assert "alerts.targets.ops.url: Field required" in refused(file)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('min_level = "loud"', "alerts.targets.ops.min_level:"),
        ('quiet_hours = "at night"', "alerts.targets.ops.quiet_hours: Value error, quiet hours are two times"),
        ('quiet_hours = "25:00-07:00"', "alerts.targets.ops.quiet_hours:"),
        ('time_zone = "Europe/Nowhere"', "alerts.targets.ops.time_zone: Value error, no such time zone"),
        ('time_zone = "../../etc"', "alerts.targets.ops.time_zone: Value error, no such time zone"),
    ],
)
def test_what_is_wrong_of_a_target_is_named_without_its_address(file: Path, line: str, said: str) -> None:
    file.write_text(FILE + f'[alerts.targets.ops]\nurl = "{ADDRESS}"\n{line}\n')
    assert said in refused(file)


def test_a_watch_takes_what_is_given_and_keeps_the_rest(file: Path) -> None:
    file.write_text(
        FILE
        + '[alerts.watches.exposure]\nlimit = 200\n[alerts.watches.venue]\nlevel = "warning"\nlimit = 5.5\nclear = 1\n'
        + "[alerts.watches.rpc]\nenabled = false\n[alerts.watches.mismatch]\nlimit = 2\nhold_s = 7\n"
    )
    watches = load(file).alerts.to_watches()
    assert (watches["exposure"].limit, watches["exposure"].clear) == (200, 100)  # in proportion
    assert (watches["venue"].level, watches["venue"].limit, watches["venue"].clear) == (
        Level.WARNING,
        Decimal("5.5"),
        1,
    )
    assert (watches["mismatch"].limit, watches["mismatch"].clear, watches["mismatch"].hold_s) == (2, 2, 7)
    assert "rpc" not in watches
    assert watches["chain"] == WATCHES["chain"]


def test_a_watch_that_does_not_exist_or_could_not_clear_is_refused(file: Path) -> None:
    file.write_text(FILE + "[alerts.watches.weather]\n")
    assert "there is no watch weather; there are exposure, " in refused(file)
    file.write_text(FILE + "[alerts.watches.venue]\nclear = 60\n")
    assert "venue: clear must not be above limit" in refused(file)
