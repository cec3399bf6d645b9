"""A short chaos run with the real hedgers, from the empty folder to the verdict."""

import json
from pathlib import Path

import pytest

from devnet.chaos.run import chaos

MINUTES = 0.3
ZEROES = ("mismatches", "missed", "force_closes_while_up")


async def test_a_short_run_ends_with_nothing_wrong_and_tells_what_happened(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good = await chaos(seed=5, minutes=MINUTES, as_json=True, state_dir=tmp_path / "run")
    told = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert told["problems"] == []
    assert good
    assert {name: told[name] for name in ZEROES} == dict.fromkeys(ZEROES, 0)
    assert (told["seed"], told["good"], told["pnl_unexplained"]) == (5, True, "0")
    assert told["troubles"]
    assert told["intents"] == told["traders"]["Send"] > 0
    assert told["chain_events"]["SendQuote"] > 0
    assert set(told["hedgers"]) == {"proxy", "key"}
    assert all(hedger["events"]["QuoteSent.1"] > 0 for hedger in told["hedgers"].values())


async def test_a_run_that_breaks_off_fails_and_says_why(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "proxy" / "state").mkdir(parents=True)
    assert not await chaos(seed=9, minutes=MINUTES, as_json=True, state_dir=tmp_path)
    told = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (told["seed"], told["good"], told["folder"]) == (9, False, str(tmp_path))
    [problem] = told["problems"]
    assert "choose an empty folder" in problem
    assert "choose an empty folder" in (tmp_path / "logs" / "chaos.log").read_text()
