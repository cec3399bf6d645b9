"""Request parameters: read from query and form body, told apart from what is missing or malformed."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from enum import Enum
from typing import TypeVar
from urllib.parse import parse_qsl

from devnet.exchange.errors import VenueError

Choice = TypeVar("Choice", bound=Enum)
MAX_ROWS = 1000


class Params:
    """Parameters of one request; each reader refuses with -1102 what is mandatory and absent or malformed."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = dict(values)

    @classmethod
    def parse(cls, query: str, body: str) -> Params:
        pairs = parse_qsl(query, keep_blank_values=True) + parse_qsl(body, keep_blank_values=True)
        return cls(dict(pairs))

    def __contains__(self, name: object) -> bool:
        return bool(self._values.get(str(name)))

    def optional(self, name: str) -> str | None:
        return self._values.get(name) or None

    def text(self, name: str) -> str:
        value = self.optional(name)
        if value is None:
            raise malformed(name)
        return value

    def optional_integer(self, name: str) -> int | None:
        value = self.optional(name)
        if value is None:
            return None
        try:
            return int(value)
        except ValueError:
            raise malformed(name) from None

    def integer(self, name: str) -> int:
        self.text(name)
        return self.optional_integer(name) or 0

    def limit(self, default: int = 500, most: int = MAX_ROWS) -> int:
        """The page size asked for, within what the exchange allows."""
        wanted = self.optional_integer("limit")
        return default if wanted is None else max(1, min(wanted, most))

    def decimal(self, name: str) -> Decimal:
        try:
            value = Decimal(self.text(name))
        except InvalidOperation:
            raise malformed(name) from None
        if not value.is_finite() or abs(value.adjusted()) > 20:
            raise malformed(name)
        return value

    def flag(self, name: str) -> bool:
        value = (self.optional(name) or "false").lower()
        if value not in ("true", "false"):
            raise malformed(name)
        return value == "true"

    def choice(self, name: str, kind: type[Choice], code: int, default: Choice | None = None) -> Choice:
        """One of an enum's values; `code` refuses any other."""
        if default is not None and name not in self:
            return default
        try:
            return kind(self.text(name).upper())
        except ValueError:
            raise VenueError(code) from None


def malformed(name: str) -> VenueError:
    return VenueError(-1102, f"Mandatory parameter '{name}' was not sent, was empty/null, or malformed.")
