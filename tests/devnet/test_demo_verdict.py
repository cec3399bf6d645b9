"""The verdict, and how it is told: to people, to programs, by the exit code."""

import asyncio
import json
import signal
import sys
from collections import Counter
from dataclasses import replace
from typing import Any

import pytest

from devnet.demo.direction import Outcome
from devnet.demo.figures import Figures
from devnet.demo.show import Show
from devnet.demo.verdict import Verdict, mismatches_of, overdue_of, unexplained_by, unexplained_of
from devnet.hedger_process import PROJECT

ROW = {"symbol": "BTCUSDT", "chain": "0.02", "venue": "0.02", "log": "0.02", "residual": "0"}
GOOD = Verdict(
    quotes=61,
    by_status={"CLOSED": 20, "OPENED": 41},
    orders=80,
    transactions=150,
    events=2_000,
    seconds=61.26,
    mismatches=0,
    problems=[],
    validated={"proxy": {"agrees": True, "mismatches": [], "symbols": [ROW]}},
    proven={
        "proxy": {"pnl_unexplained": "0", "change": "1.5", "unrealised": "0.5", "lines": {"spread": "2", "fee": "-1"}}
    },
    apis={"proxy": "http://127.0.0.1:1"},
    logs={"proxy": "/tmp/proxy.log"},
)


def _told(verdict: Verdict, capsys: pytest.CaptureFixture[str], *, as_json: bool) -> tuple[str, str]:
    with Show(as_json) as show:
        show.tell("the play begins")
        show.update({"proxy": Figures(quotes=Counter(opened=41))}, Outcome())
        show.verdict(verdict)
        show.result(verdict)
    printed = capsys.readouterr()
    return printed.out, printed.err


def test_a_program_reads_the_result_alone(capsys: pytest.CaptureFixture[str]) -> None:
    out, err = _told(GOOD, capsys, as_json=True)
    assert json.loads(out) == {
        "quotes": 61,
        "by_status": {"CLOSED": 20, "OPENED": 41},
        "mismatches": 0,
        "pnl_unexplained": "0",
        "orders": 80,
        "transactions": 150,
        "events": 2_000,
        "seconds": 61.3,
        "problems": [],
    }
    assert "the play begins" in err


def test_money_that_no_line_explains_is_a_problem_and_adds_up_whatever_its_sign() -> None:
    assert unexplained_of("proxy", {"pnl_unexplained": "0"}) == []
    assert unexplained_of("key", {"pnl_unexplained": "-0.01"}) == [
        "hedger key, profit and loss: -0.01 is not explained"
    ]
    assert unexplained_by({"a": {"pnl_unexplained": "0.01"}, "b": {"pnl_unexplained": "-0.01"}}) == "0.02"
    assert unexplained_by({"a": {"pnl_unexplained": None}}) == unexplained_by({}) == "unknown"


def test_people_read_what_was_earned_line_by_line(capsys: pytest.CaptureFixture[str]) -> None:
    out, _ = _told(GOOD, capsys, as_json=False)
    for told in ("spread", "fee", "1.5", "pnl unexplained"):
        assert told in out


def test_people_read_three_sides_and_where_to_look(capsys: pytest.CaptureFixture[str]) -> None:
    out, _ = _told(GOOD, capsys, as_json=False)
    for said in ("BTCUSDT", "0.02", "agree", "61 quotes", "http://127.0.0.1:1/docs", "/tmp/proxy.log"):
        assert said in out


def test_every_problem_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    bad = replace(GOOD, problems=["market open, BTCUSDT long, hedger proxy: quote 3 is LOCKED, expected OPENED"])
    out, _ = _told(bad, capsys, as_json=False)
    assert not bad.is_good
    assert bad.problems[0] in out
    assert "the demo failed" in out


def test_a_mismatch_of_the_validator_is_a_problem() -> None:
    found: dict[str, Any] = {"agrees": False, "mismatches": [{"kind": "exposure", "subject": "BTCUSDT"}]}
    assert mismatches_of("proxy", found) == ["hedger proxy, mismatch: {'kind': 'exposure', 'subject': 'BTCUSDT'}"]
    silent: dict[str, Any] = {"agrees": False, "mismatches": []}
    assert mismatches_of("proxy", silent) == ["hedger proxy: chain, exchange and log do not agree"]
    assert mismatches_of("proxy", {"agrees": True, "mismatches": []}) == []


def test_an_obligation_past_its_time_is_a_problem() -> None:
    figures = {"key": Figures(overdue=[{"duty": "open", "quote_id": 4, "due_at": 100}])}
    assert overdue_of(figures) == ["hedger key, obligation missed: open of quote 4, due at 100"]


async def test_the_world_command_tells_how_to_point_a_hedger_at_it_and_ends_when_asked(tmp_path: Any) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "devnet", "world", "--state-dir", str(tmp_path)),
        stdout=asyncio.subprocess.PIPE,
        cwd=PROJECT,
    )
    assert process.stdout is not None
    lines: list[str] = []
    async with asyncio.timeout(30):
        while not lines or "up until" not in lines[-1]:
            lines.append((await process.stdout.readline()).decode())
            assert lines[-1], "".join(lines)
        process.send_signal(signal.SIGINT)
        assert await process.wait() == 130
    commands = [line for line in lines if " hedger run --config " in line]
    assert len(commands) == 2
    assert all("HEDGER_SENDER__KEY=0x" in command for command in commands)
    assert '"diamond"' in "".join(lines)
    assert '"admin_key"' not in "".join(lines)
