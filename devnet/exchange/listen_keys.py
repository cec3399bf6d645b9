"""The key of the user data stream: one for the account, valid an hour after the last sign of life."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256

from devnet.exchange.errors import VenueError
from devnet.exchange.params import Params

LIFETIME_MS = 60 * 60 * 1000


class ListenKeys:
    def __init__(self, seed: int, now_ms: Callable[[], int]) -> None:
        self._seed, self._now_ms = seed, now_ms
        self._made = 0
        self._key: str | None = None
        self._expires_ms = 0

    def create(self, params: Params) -> object:
        """A new key, or the present one with its life renewed."""
        if not self.is_valid(self._key):
            self._made += 1
            self._key = sha256(f"{self._seed}:{self._made}".encode()).hexdigest()
        return self._renew()

    def keep_alive(self, params: Params) -> object:
        if not self.is_valid(self._key):
            raise VenueError(-1125)
        return self._renew()

    def close(self, params: Params) -> object:
        self.expire()
        return {}

    def expire(self) -> None:
        self._key = None

    def is_valid(self, key: str | None) -> bool:
        return key is not None and key == self._key and self._now_ms() < self._expires_ms

    def is_stale(self) -> bool:
        """Whether a key was given out and has run out since."""
        return self._key is not None and not self.is_valid(self._key)

    def _renew(self) -> object:
        self._expires_ms = self._now_ms() + LIFETIME_MS
        return {"listenKey": self._key}
