"""The configuration: one file and the environment, every mistake named at once, secrets never shown."""

import os
import traceback
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Any

import pytest

from hedger.config import (
    BalanceSection,
    ConfigurationError,
    FundingSection,
    PolicySection,
    Settings,
    SymbolSection,
    load,
)

ADDRESS = "0x" + "ab" * 20
SECRETS = {
    "HEDGER_SENDER__KEY": "0x" + "c0ffee" * 10 + "beef",
    "HEDGER_VENUE__API_KEY": "api-key-of-the-account",
    "HEDGER_VENUE__SECRET": "secret-of-the-api-key",
    "HEDGER_DATABASE__URL": "postgresql://hedger:password-of-the-role@db/hedger",
}
FILE = f"""
state_dir = "/var/lib/hedger"
[chain]
rpc_urls = ["http://127.0.0.1:8545"]
chain_id = 31337
diamond = "{ADDRESS}"
party_b = "0x{"Cd" * 20}"
[muon]
urls = ["http://127.0.0.1:9000/v1/"]
[venue]
[policy]
spread_open = 0.0007
[policy.symbols.BTCUSDT]
max_notional = 2_500.5
[policy.symbols.ETHUSDT]
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
    return str(caught.value)


def test_a_file_of_what_is_required_is_enough_and_the_rest_has_defaults(file: Path) -> None:
    settings = load(file)
    assert settings.chain.party_b == "0x" + "cd" * 20
    assert settings.state_dir == Path("/var/lib/hedger")
    assert settings.policy.symbols["BTCUSDT"].max_notional == Decimal("2500.5")
    assert settings.policy.symbols["ETHUSDT"] == SymbolSection.model_validate({})
    assert (settings.api.host, settings.venue.exchange) == ("127.0.0.1", "binanceusdm")


def test_one_message_names_each_wrong_key(file: Path) -> None:
    text = FILE.replace(f'"{ADDRESS}"', '"0x12"').replace("chain_id = 31337", "").replace("0.0007", "1.5")
    file.write_text(text + "min_notional = -1\ntypo = 3\n[api]\nport = 70000\n")
    message = refused(file)
    assert str(file) in message
    for key in (
        "chain.diamond:",
        "chain.chain_id:",
        "policy.spread_open:",
        "policy.symbols.ETHUSDT.min_notional:",
        "policy.symbols.ETHUSDT.typo:",
        "api.port:",
    ):
        assert key in message
    assert len(message.splitlines()) == 7


@pytest.mark.parametrize("addition", ["[chian]\n", "[api]\nprot = 1\n", "[policy.symbols.SOLUSDT]\nmax = 1\n"])
def test_an_unknown_key_is_refused(file: Path, addition: str) -> None:
    file.write_text(FILE + addition)
    assert "Extra inputs are not permitted" in refused(file)


def test_an_unknown_key_in_the_environment_is_refused(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEDGER_CHAIN__DIAMONT", ADDRESS)
    assert "chain.diamont: Extra inputs are not permitted" in refused(file)


def test_a_missing_table_is_named(file: Path) -> None:
    file.write_text(FILE.split("[policy]")[0])
    assert "policy: Field required" in refused(file)


def test_a_symbol_in_small_letters_is_refused(file: Path) -> None:
    file.write_text(FILE + "[policy.symbols.solusdt]\n")
    assert "policy.symbols:" in refused(file)


def test_a_hedger_without_a_symbol_is_refused(file: Path) -> None:
    file.write_text(FILE.split("[policy.symbols")[0] + "[policy.symbols]\n")
    assert "policy.symbols:" in refused(file)


def test_a_file_that_is_no_toml_is_named(file: Path) -> None:
    file.write_text("[chain\n")
    assert str(file) in refused(file)


def test_a_file_that_is_not_there_is_named_where_it_was_asked_for(tmp_path: Path) -> None:
    assert str(tmp_path / "none.toml") in refused(tmp_path / "none.toml")


def test_the_file_is_found_by_variable_and_else_in_the_working_directory(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(file.parent)
    assert load().chain.chain_id == 31337
    other = file.with_name("other.toml")
    other.write_text(FILE.replace("31337", "42161"))
    monkeypatch.setenv("HEDGER_CONFIG", str(other))
    assert load().chain.chain_id == 42161


def test_the_environment_wins_over_the_file(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEDGER_CHAIN__CHAIN_ID", "42161")
    monkeypatch.setenv("HEDGER_CHAIN__RPC_URLS", '["http://one", "http://two"]')
    monkeypatch.setenv("HEDGER_POLICY__SPREAD_OPEN", "0.002")
    monkeypatch.setenv("HEDGER_STATE_DIR", "/elsewhere")
    settings = load(file)
    assert settings.chain.chain_id == 42161
    assert settings.chain.rpc_urls == ["http://one", "http://two"]
    assert settings.policy.spread_open == Decimal("0.002")
    assert settings.state_dir == Path("/elsewhere")
    assert settings.chain.diamond == ADDRESS  # what the environment does not name stays as in the file


def test_the_environment_alone_is_enough(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name, value in {
        "CHAIN__RPC_URLS": '["http://one"]',
        "CHAIN__CHAIN_ID": "1",
        "CHAIN__DIAMOND": ADDRESS,
        "CHAIN__PARTY_B": ADDRESS,
        "MUON__URLS": '["http://muon/v1/"]',
        "VENUE__SANDBOX": "true",
        "POLICY": '{"symbols": {"BTCUSDT": {"max_notional": 50000}}}',
    }.items():
        monkeypatch.setenv(f"HEDGER_{name}", value)
    settings = load()
    assert settings.venue.sandbox
    assert settings.policy.symbols["BTCUSDT"].max_notional == 50_000


def test_secrets_show_in_no_text_of_the_settings(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    settings = load(file)
    assert settings.sender.key.get_secret_value() == SECRETS["HEDGER_SENDER__KEY"]
    shown = "".join(
        (repr(settings), str(settings), settings.model_dump_json(), str(settings.model_dump()), repr(settings.sender))
    )
    for value in SECRETS.values():
        assert value not in shown


def test_secrets_show_in_no_error_about_their_neighbours(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("HEDGER_SENDER__FEE_MODE", "expensive")
    monkeypatch.setenv("HEDGER_VENUE__TIMEOUT_MS", "soon")
    monkeypatch.setenv("HEDGER_DATABASE__URI", SECRETS["HEDGER_DATABASE__URL"])
    with pytest.raises(ConfigurationError) as caught:
        load(file)
    told = "".join(traceback.format_exception(caught.value))
    assert "sender.fee_mode:" in told
    assert "database.uri:" in told
    for value in SECRETS.values():
        assert value not in told


def test_a_secret_of_the_wrong_kind_is_named_and_not_shown(file: Path) -> None:
    file.write_text(FILE.replace("[venue]", "[venue]\nsecret = 123454321") + "[sender]\nkey = 987656789\n")
    message = refused(file)
    assert "venue.secret:" in message
    assert "sender.key:" in message
    assert "123454321" not in message
    assert "987656789" not in message


def test_settings_cannot_be_changed_once_they_are_read(file: Path) -> None:
    settings = load(file)
    with pytest.raises(ValueError, match="frozen"):
        settings.chain.chain_id = 2
    assert settings.chain.chain_id == 31337


# --- the policy


def other_than(value: Any) -> Any:
    """A value of the same kind that differs."""
    match value:
        case None:
            return Decimal(1)
        case bool():
            return not value
        case Enum():
            return next(each for each in type(value) if each is not value)
        case int():
            return value + 1
        case Decimal():
            return value + Decimal("0.001")
        case str():
            return value + "x"
    raise TypeError(f"nothing is known to differ from {value!r}")


def policy_of(settings: Settings, **changes: Any) -> Any:
    policy = settings.policy.model_copy(update=changes)
    return settings.model_copy(update={"policy": policy}).to_policy()


@pytest.mark.parametrize("name", sorted(PolicySection.model_fields.keys() - {"symbols"}))
def test_the_policys_version_changes_with_any_number(file: Path, name: str) -> None:
    settings = load(file)
    changed = policy_of(settings, **{name: other_than(getattr(settings.policy, name))})
    assert changed.version != settings.to_policy().version


@pytest.mark.parametrize("name", sorted(SymbolSection.model_fields))
def test_the_policys_version_changes_with_any_number_of_a_symbol(file: Path, name: str) -> None:
    settings = load(file)
    symbols = dict(settings.policy.symbols)
    symbols["BTCUSDT"] = symbols["BTCUSDT"].model_copy(update={name: other_than(getattr(symbols["BTCUSDT"], name))})
    assert policy_of(settings, symbols=symbols).version != settings.to_policy().version


@pytest.mark.parametrize("name", sorted(FundingSection.model_fields))
def test_the_policys_version_changes_with_any_number_of_funding(file: Path, name: str) -> None:
    settings = load(file)
    funding = settings.funding.model_copy(update={name: other_than(getattr(settings.funding, name))})
    changed = settings.model_copy(update={"funding": funding}).to_policy()
    assert changed.version != settings.to_policy().version


@pytest.mark.parametrize("name", sorted(BalanceSection.model_fields))
def test_the_policys_version_changes_with_any_number_of_the_balance(file: Path, name: str) -> None:
    settings = load(file)
    balance = settings.balance.model_copy(update={name: other_than(getattr(settings.balance, name))})
    changed = settings.model_copy(update={"balance": balance}).to_policy()
    assert changed.version != settings.to_policy().version


@pytest.mark.parametrize(
    "changes",
    [
        {"HEDGER_BALANCE__HEALTH_LOW": "0.06"},
        {"HEDGER_BALANCE__HEALTH_HIGH": "0.05"},
        {"HEDGER_BALANCE__FREE_LOW": "10"},
        {"HEDGER_BALANCE__MARGIN_LOW": "10", "HEDGER_BALANCE__MARGIN_TARGET": "9"},
        {"HEDGER_BALANCE__MAX_ACCOUNT_SHARE": "0"},
    ],
)
def test_bounds_of_the_balance_that_contradict_each_other_are_refused(
    file: Path, monkeypatch: pytest.MonkeyPatch, changes: dict[str, str]
) -> None:
    for name, value in changes.items():
        monkeypatch.setenv(name, value)
    assert "balance" in refused(file)


def test_equal_numbers_make_one_version_whatever_their_order_and_spelling(file: Path) -> None:
    settings = load(file)
    turned = policy_of(settings, symbols=dict(reversed(settings.policy.symbols.items())))
    respelled = policy_of(settings, spread_open=Decimal("0.00070"))
    assert {turned.version, respelled.version} == {settings.to_policy().version}


def test_what_is_no_policy_leaves_the_version_alone(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    version = load(file).to_policy().version
    monkeypatch.setenv("HEDGER_API__PORT", "9999")
    monkeypatch.setenv("HEDGER_CHAIN__POLL_S", "0.25")
    assert load(file).to_policy().version == version


def test_ratios_and_amounts_reach_the_policy_to_the_last_digit(file: Path) -> None:
    file.write_text(FILE.replace("0.0007", '"0.000700000000000001"'))
    policy = load(file).to_policy()
    assert policy.spread_open == 700_000_000_000_001
    assert policy.symbols["BTCUSDT"].max_notional == 2_500_500_000_000_000_000_000


def test_hedgers_of_different_addresses_mark_their_orders_differently(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = load(file).tag
    monkeypatch.setenv("HEDGER_CHAIN__PARTY_B", ADDRESS)
    assert load(file).tag != one
    monkeypatch.setenv("HEDGER_POLICY__TAG", "mine")
    assert load(file).tag == "mine"


def test_the_example_needs_only_what_is_the_operators_own(monkeypatch: pytest.MonkeyPatch) -> None:
    example = Path(__file__).parent.parent / "hedger.example.toml"
    assert "chain.party_b: Field required" in refused(example)
    monkeypatch.setenv("HEDGER_CHAIN__PARTY_B", ADDRESS)
    monkeypatch.setenv("HEDGER_CHAIN__START_BLOCK", "400000000")
    settings = load(example)
    assert settings.chain.chain_id == 42161
    assert settings.chain.start_block == 400_000_000
    assert set(settings.to_policy().symbols) == {"BTCUSDT", "ETHUSDT"}
    assert not settings.sender.key.get_secret_value()


def test_the_key_in_an_endpoints_path_shows_in_no_text_of_the_settings(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEDGER_CHAIN__RPC_URLS", '["https://user:pass@node.example/v3/project-key?token=t"]')
    monkeypatch.setenv("HEDGER_CHAIN__WS_URL", "wss://node.example/ws/project-key")
    settings = load(file)
    for text in (repr(settings), str(settings), repr(settings.chain)):
        assert "https://node.example/…" in text
        assert not any(secret in text for secret in ("project-key", "pass", "token"))


def test_a_list_in_a_variable_that_is_no_json_is_named_and_not_shown(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEDGER_CHAIN__RPC_URLS", "https://node.example/v3/project-key")
    message = refused(file)
    assert "rpc_urls" in message or "chain" in message
    assert "project-key" not in message
