"""The documents: what they name exists, and what is written from code is current."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest
import typer
from prometheus_client import CollectorRegistry
from psycopg_pool import AsyncConnectionPool
from typer.testing import CliRunner

from hedger.adapters.log.codec import EventCodec
from hedger.adapters.log.postgres_log import PostgresEventLog
from hedger.api.app import create_app
from hedger.api.deps import ApiDeps, Pool
from hedger.cli import app
from hedger.config import Settings
from hedger.domain.alerts.watch import plain
from hedger.domain.alerts.watches import WATCHES
from hedger.domain.catalogue import ALL_EVENTS
from hedger.domain.events import Recorded
from scripts.configuration_reference import REFERENCE, render

PROJECT = Path(__file__).resolve().parent.parent
PAGES = sorted([PROJECT / "README.md", PROJECT / "CHANGELOG.md", *(PROJECT / "docs").rglob("*.md")])
GUARANTEES = PROJECT / "docs" / "guarantees.md"
REQUESTS = PROJECT / "docs" / "requests.md"
OPERATING = PROJECT / "docs" / "operating.md"
SAMPLES = [*PAGES, PROJECT / "hedger.example.toml", PROJECT / "docker-compose.yml"]

_CODE = re.compile(r"```.*?\n(.*?)```|`([^`\n]+)`", re.DOTALL)


def code_of(page: Path) -> Iterator[str]:
    """Lines of code blocks without comments, and every inline code."""
    for block, inline in _CODE.findall(page.read_text()):
        yield from (line.split("#")[0].strip() for line in (block or inline).splitlines())


def mentioned(pattern: str, pages: list[Path] = PAGES) -> list[tuple[str, str]]:
    """Every piece of code in the pages that the pattern matches from its start, with the page's name."""
    return sorted({(page.name, text) for page in pages for text in code_of(page) if re.match(pattern, text)})


class NoLog:
    """A log that is never asked."""

    async def events_of(self, aggregate_id: UUID, *, after_version: int = 0, upto: int | None = None) -> list[Recorded]:
        raise AssertionError("the documents need no events")


@cache
def functions_of(path: str) -> frozenset[str]:
    """Names of the test functions and methods of one file."""
    tree = ast.parse((PROJECT / path).read_text())
    functions = (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
    return frozenset(function.name for function in functions if function.name.startswith("test_"))


def subcommands(command: Any) -> dict[str, Any]:
    """The commands of a group by name; none of a command that is no group."""
    return getattr(command, "commands", {})


def command_problem(text: str) -> str:
    """What is wrong with a `hedger …` command line; empty where every word of it is known."""
    command: Any = typer.main.get_command(app)
    words = text.split()[1:]
    while words and subcommands(command) and not words[0].startswith("-"):
        if words[0] not in subcommands(command):
            return f"{words[0]} is no command"
        command, words = subcommands(command)[words[0]], words[1:]
    if command.context_settings.get("ignore_unknown_options"):
        return ""
    known = {option for parameter in command.params for option in parameter.opts} | {"--help"}
    unknown = [word for word in words if word.startswith("-") and word.split("=")[0] not in known]
    return f"{unknown[0]} is no option of {command.name}" if unknown else ""


@pytest.mark.parametrize(("page", "text"), mentioned(r"hedger [a-z]"))
def test_every_command_in_the_documents_exists(page: str, text: str) -> None:
    assert not command_problem(text)


def test_every_command_is_told_in_the_readme() -> None:
    told = {text.split()[1] for page, text in mentioned(r"hedger [a-z]") if page == "README.md"}
    assert told >= set(subcommands(typer.main.get_command(app)))


def test_a_command_that_does_not_exist_is_noticed() -> None:
    assert command_problem("hedger frobnicate") == "frobnicate is no command"
    assert command_problem("hedger log frobnicate") == "frobnicate is no command"
    assert command_problem("hedger replay --sideways") == "--sideways is no option of replay"


@pytest.mark.parametrize("command", ["run", "doctor", "audit quote", "projections rebuild"])
def test_a_command_tells_what_it_does(command: str) -> None:
    answer = CliRunner().invoke(app, [*command.split(), "--help"])
    assert answer.exit_code == 0
    assert "--config" in re.sub(r"\x1b\[[0-9;]*m", "", answer.output)


@pytest.mark.parametrize(("page", "text"), mentioned(r"make [a-z]"))
def test_every_make_target_in_the_documents_exists(page: str, text: str) -> None:
    targets = set(re.findall(r"^([a-z]+):", (PROJECT / "Makefile").read_text(), re.MULTILINE))
    assert text.split()[1] in targets


def test_the_configuration_reference_is_what_the_settings_say() -> None:
    assert REFERENCE.read_text() == render(), "write it again: make docs"


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda path: path.name)
def test_every_variable_named_is_a_setting(sample: Path) -> None:
    for section, key in re.findall(r"HEDGER_([A-Z]+)__([A-Z_]+[A-Z])", sample.read_text()):
        annotation = Settings.model_fields[section.lower()].annotation
        assert key.lower().split("__")[0] in annotation.model_fields  # type: ignore[union-attr]


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_every_link_within_the_documents_leads_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text()):
        assert (page.parent / target).exists(), target


def test_each_invariant_has_its_tests() -> None:
    chapters = re.split(r"^## ", GUARANTEES.read_text(), flags=re.MULTILINE)[1:]
    assert [chapter.split(".")[0] for chapter in chapters] == [f"I{number}" for number in range(1, 14)]
    for chapter in chapters:
        assert len(re.findall(r"^\* `tests/.*::test_\w+`$", chapter, re.MULTILINE)) >= 2, chapter.splitlines()[0]


@pytest.mark.parametrize(
    ("path", "test"), re.findall(r"`(tests/\S+\.py)::(test_\w+)`", GUARANTEES.read_text() + REQUESTS.read_text())
)
def test_every_test_that_a_guarantee_or_a_request_names_exists(path: str, test: str) -> None:
    assert test in functions_of(path)


def test_every_route_of_the_api_is_told_and_every_route_told_exists() -> None:
    pool: Pool = AsyncConnectionPool("", open=False)
    app = create_app(ApiDeps(pool=pool, log=NoLog(), registry=CollectorRegistry()))
    served = set(app.openapi()["paths"])
    told = set(re.findall(r"`GET (/[a-z_/{}]*)`", (PROJECT / "docs" / "api.md").read_text()))
    assert told == served


def test_every_watch_is_told_with_its_level_and_limits() -> None:
    page = (PROJECT / "docs" / "alerts.md").read_text()
    told = re.findall(r"^\| `(\w+)` \| (\w+) \| (above|below) (\S+)(.*?) \| (\S+) \| (\d+) s \|", page, re.MULTILINE)
    assert told == [
        (
            watch.name,
            watch.level.value,
            watch.direction.value,
            plain(watch.limit),
            f" {watch.unit}".rstrip(),
            plain(watch.clear),
            str(watch.hold_s),
        )
        for watch in WATCHES.values()
    ]


def test_every_log_line_that_the_operating_guide_explains_is_written_somewhere() -> None:
    chapter = OPERATING.read_text().split("## What the log lines mean")[1].split("\n## ")[0]
    explained = [line for row in re.findall(r"^\| (`.*?) \|", chapter, re.MULTILINE) for line in row.split(", ")]
    assert len(explained) > 30
    sources = [path.read_text() for folder in ("hedger", "streams") for path in (PROJECT / folder).rglob("*.py")]
    written = {line for text in sources for line in re.findall(r'log(?:ger)?\.[a-z]+\(\s*"([^"]+)"', text)}
    assert {line.strip("`") for line in explained} <= written


async def test_the_roles_of_the_operating_guide_may_append_through_the_function_alone(postgres_url: str) -> None:
    statements = re.search(r"```sql\n(.*?)```", OPERATING.read_text(), re.DOTALL)
    assert statements is not None
    log = await PostgresEventLog.open(postgres_url, EventCodec(ALL_EVENTS), lambda: 0)
    await log.close()
    with psycopg.connect(postgres_url, autocommit=True) as owner:
        owner.execute(statements[1].encode())
        try:
            for privilege, expected in (("SELECT", True), ("INSERT", False), ("UPDATE", False), ("DELETE", False)):
                row = owner.execute("SELECT has_table_privilege('hedger_app', 'hedger_events', %s)", (privilege,))
                assert row.fetchone() == (expected,), privilege
            owner.execute("SET ROLE hedger_app")
            again = await PostgresEventLog.open(postgres_url, EventCodec(ALL_EVENTS), lambda: 0)
            await again.close()
            row = owner.execute(
                "SELECT has_function_privilege(oid, 'EXECUTE') FROM pg_proc WHERE proname = 'hedger_append'"
            )
            assert row.fetchone() == (True,)
            owner.execute("CREATE TABLE a_read_model (id int)")
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                owner.execute("DELETE FROM hedger_events")
        finally:
            owner.execute("RESET ROLE; DROP OWNED BY hedger_app; DROP ROLE hedger_app")
