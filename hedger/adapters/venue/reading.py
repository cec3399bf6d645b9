"""Strict reading of a venue's raw answers: a field is there and right, or the error names it.

Numbers are read from text or whole numbers, never from floats: a float has already lost digits.
"""

from collections.abc import Iterator, Mapping
from typing import TypeVar

from hedger.adapters.venue.port import VenueAnswerInvalid
from hedger.domain import money

T = TypeVar("T")


class Answer:
    """One object of an answer to the question `what`. Every getter raises VenueAnswerInvalid."""

    def __init__(self, what: str, raw: object) -> None:
        if not isinstance(raw, Mapping):
            raise VenueAnswerInvalid(what, "the object", repr(raw))
        self.what, self._raw = what, raw

    def invalid(self, field: str) -> VenueAnswerInvalid:
        return VenueAnswerInvalid(self.what, field, repr(self._raw))

    def has(self, field: str) -> bool:
        return self._raw.get(field) is not None

    def get(self, field: str) -> object:
        return self._raw.get(field)

    def text(self, field: str) -> str:
        """Text that is not empty."""
        value = self._raw.get(field)
        if not isinstance(value, str) or not value:
            raise self.invalid(field)
        return value

    def identifier(self, field: str) -> str:
        """An id, told as text or as a whole number."""
        value = self._raw.get(field)
        if isinstance(value, bool) or not isinstance(value, int | str) or value == "":
            raise self.invalid(field)
        return str(value)

    def same(self, field: str, expected: str) -> None:
        """Refuses an answer that speaks of something else than what was asked."""
        if self._raw.get(field) != expected:
            raise self.invalid(field)

    def wad(self, field: str) -> int:
        """A signed decimal number as wad."""
        value = self._raw.get(field)
        if isinstance(value, bool) or not isinstance(value, int | str):
            raise self.invalid(field)
        try:
            return money.from_text(value)
        except ValueError:
            raise self.invalid(field) from None

    def amount(self, field: str) -> int:
        """A wad that is not negative."""
        value = self.wad(field)
        if value < 0:
            raise self.invalid(field)
        return value

    def positive(self, field: str) -> int:
        """A wad above zero."""
        value = self.wad(field)
        if value <= 0:
            raise self.invalid(field)
        return value

    def integer(self, field: str) -> int:
        """A whole number that is not negative: milliseconds, counts."""
        value = self._raw.get(field)
        if isinstance(value, bool) or not (isinstance(value, int) or (isinstance(value, str) and value.isdecimal())):
            raise self.invalid(field)
        number = int(value)
        if number < 0:
            raise self.invalid(field)
        return number

    def flag(self, field: str) -> bool:
        value = self._raw.get(field)
        if not isinstance(value, bool):
            raise self.invalid(field)
        return value

    def choice(self, field: str, meanings: Mapping[str, T]) -> T:
        """The meaning of a word out of a known set."""
        value = self._raw.get(field)
        if not isinstance(value, str) or value not in meanings:
            raise self.invalid(field)
        return meanings[value]

    def inner(self, field: str) -> "Answer":
        return Answer(f"{self.what}.{field}", self._raw.get(field))

    def each(self, field: str) -> "Iterator[Answer]":
        return rows(f"{self.what}.{field}", self._raw.get(field))


def rows(what: str, raw: object) -> Iterator[Answer]:
    """The objects of a list. Raises VenueAnswerInvalid where it is no list."""
    if not isinstance(raw, list):
        raise VenueAnswerInvalid(what, "the list", repr(raw))
    return (Answer(what, row) for row in raw)
