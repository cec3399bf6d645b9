"""Writes `docs/configuration.md` from the settings themselves: every key with its meaning, unit and default."""

from collections.abc import Iterator
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Any

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

from hedger.config import Settings, SymbolSection, TargetSection, WatchSection

REFERENCE = Path(__file__).resolve().parent.parent / "docs" / "configuration.md"

_HEAD = """\
# Configuration

*Written by `make docs` from `hedger/config.py`; a test keeps the two in step.*

One TOML file and the environment. The file is the one that `--config` names, else the one in `HEDGER_CONFIG`, else
`hedger.toml` in the working directory; it may be missing altogether. The environment wins over the file.

* A variable is `HEDGER_`, the table, two underscores and the key: `HEDGER_CHAIN__DIAMOND` is `diamond` of `[chain]`.
* A list or a table in a variable is written as JSON: `HEDGER_CHAIN__RPC_URLS='["https://one", "https://two"]'`,
  `HEDGER_POLICY='{"symbols": {"BTCUSDT": {"max_notional": 50000}}}'`. The tables of symbols are best kept in the file.
* A key that does not exist is an error, and one message names every key that is missing, unknown or wrong.
* Keys marked *secret* show in no log, no error and no `repr`. Keep them in the environment.
* Amounts are in the collateral's unit, ratios are fractions (0.001 is 10 basis points). Both may have 18 decimals.
* Decisions name the version of the policy that they were made under, a digest of all its numbers: any number of
  `[policy]` that changes makes another version.

`hedger doctor` checks what is configured against the live chain, oracle, exchange and database.
"""

# Tables by names of one's own, below the table of a section: an example of a name, what one holds, and a note.
_NAMED: dict[str, tuple[str, type[BaseModel], str]] = {
    "symbols": ("BTCUSDT", SymbolSection, "One table for each symbol, named as on the contract; at least one."),
    "targets": (
        "ops",
        TargetSection,
        "One table for each, by a name in small letters; its address is best kept in HEDGER_ALERTS__TARGETS__OPS__URL.",
    ),
    "watches": ("exposure", WatchSection, "One table for each watch that is to differ."),
}


def render() -> str:
    """The whole document."""
    plain = {name: info for name, info in Settings.model_fields.items() if _section_of(info) is None}
    parts = [_HEAD, _chapter("Outside the tables", "Written above the first table of the file.", plain)]
    for name, info in Settings.model_fields.items():
        section = _section_of(info)
        if section is None:
            continue
        fields = {key: field for key, field in section.model_fields.items() if key not in _NAMED}
        parts.append(_chapter(f"`[{name}]`", _doc(section), fields, table=name))
        for key in section.model_fields:
            if key in _NAMED:
                example, table, note = _NAMED[key]
                parts.append(_chapter(f"`[{name}.{key}.{example}]`", f"{_doc(table)} {note}", table.model_fields))
    return "\n".join(parts)


def _chapter(title: str, note: str, fields: dict[str, FieldInfo], *, table: str = "") -> str:
    rows = "\n".join(_rows(fields))
    variables = f" Variables begin with `HEDGER_{table.upper()}__`." if table else ""
    return f"## {title}\n\n{note}{variables}\n\n| key | meaning | default |\n| --- | --- | --- |\n{rows}\n"


def _rows(fields: dict[str, FieldInfo]) -> Iterator[str]:
    for key, info in fields.items():
        yield f"| `{key}` | {info.description} | {_default(info)} |"


def _default(info: FieldInfo) -> str:
    if info.is_required():
        return "**required**; *secret*" if info.annotation is SecretStr else "**required**"
    value = info.get_default(call_default_factory=True, validated_data={})
    if value is None:
        return ""
    if isinstance(value, SecretStr):
        return "empty; *secret*"
    return f"`{_text(value)}`" if _text(value) else "empty"


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Enum):
        return str(value.value)
    if isinstance(value, Decimal):
        return f"{value:f}"
    return str(value)


def _section_of(info: FieldInfo) -> type[BaseModel] | None:
    annotation = info.annotation
    return annotation if isinstance(annotation, type) and issubclass(annotation, BaseModel) else None


def _doc(section: type[BaseModel]) -> str:
    return " ".join((section.__doc__ or "").split())


if __name__ == "__main__":
    REFERENCE.write_text(render())
