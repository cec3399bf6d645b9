"""The interface files are the contract with the chain: each declaration is held against a recorded table.

`tests/data/abi_signatures.json` maps, per interface, every four-byte selector and every topic to the declaration it
stands for, names and return layout included. A changed argument, order, index flag or output fails here.
"""

import json
from pathlib import Path
from typing import Any

import pytest
from eth_utils.crypto import keccak

ROOT = Path(__file__).parent.parent
TABLE: dict[str, dict[str, str]] = json.loads((ROOT / "tests/data/abi_signatures.json").read_text())
INTERFACES = sorted(TABLE)


def abi_of(interface: str) -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = json.loads((ROOT / f"abis/{interface}.json").read_text())
    return entries


def canonical(parameter: dict[str, Any]) -> str:
    kind = str(parameter["type"])
    if not kind.startswith("tuple"):
        return kind
    return "(" + ",".join(canonical(part) for part in parameter["components"]) + ")" + kind[len("tuple") :]


def written(parameter: dict[str, Any]) -> str:
    kind = str(parameter["type"])
    if kind.startswith("tuple"):
        kind = "(" + ", ".join(written(part) for part in parameter["components"]) + ")" + kind[len("tuple") :]
    indexed = " indexed" if parameter.get("indexed") else ""
    return f"{kind}{indexed} {parameter['name']}".strip()


def identifier(entry: dict[str, Any]) -> str:
    """Selector of a function, topic of an event, both from the canonical signature."""
    signature = f"{entry['name']}({','.join(canonical(part) for part in entry['inputs'])})"
    digest = "0x" + keccak(text=signature).hex()
    return digest if entry["type"] == "event" else digest[:10]


def declaration(entry: dict[str, Any]) -> str:
    text = f"{entry['type']} {entry['name']}({', '.join(written(part) for part in entry['inputs'])})"
    if entry["type"] == "event":
        return text
    if entry["stateMutability"] != "nonpayable":
        text += f" {entry['stateMutability']}"
    return text + (f" returns ({', '.join(written(part) for part in entry['outputs'])})" if entry["outputs"] else "")


@pytest.mark.parametrize("interface", INTERFACES)
def test_each_selector_and_topic_stands_for_the_recorded_declaration(interface: str) -> None:
    declared = {identifier(entry): declaration(entry) for entry in abi_of(interface)}
    assert declared == TABLE[interface]


@pytest.mark.parametrize("interface", INTERFACES)
def test_no_two_entries_share_an_identifier(interface: str) -> None:
    identifiers = [identifier(entry) for entry in abi_of(interface)]
    assert len(identifiers) == len(set(identifiers))


def test_only_balance_changes_and_ownership_have_indexed_parameters() -> None:
    indexed = {entry["name"] for entry in abi_of("symmio") if any(part.get("indexed") for part in entry["inputs"])}
    assert indexed == {"BalanceChangePartyA", "BalanceChangePartyB", "OwnershipTransferred"}


def test_every_interface_file_has_a_table() -> None:
    assert {path.stem for path in (ROOT / "abis").glob("*.json")} == set(INTERFACES)
