"""Lanes: work for one PartyA is done one after the other, whoever does it; different PartyAs side by side."""

import asyncio
from weakref import WeakValueDictionary


class Lanes:
    """One lock a PartyA, for as long as somebody holds or awaits it."""

    def __init__(self) -> None:
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    def of(self, party_a: str) -> asyncio.Lock:
        """The lock of one PartyA, however its address is written."""
        return self._locks.setdefault(party_a.lower(), asyncio.Lock())
