"""Who asks: API key, HMAC SHA-256 signature and the time window of a request."""

from __future__ import annotations

import hashlib
import hmac
import re
from dataclasses import dataclass, field

from devnet.exchange.errors import VenueError
from devnet.exchange.params import Params, malformed

SIGNATURE = re.compile(r"&?\bsignature=([^&]*)")
DEFAULT_WINDOW_MS = 5_000
MAX_WINDOW_MS = 60_000
MAX_AHEAD_MS = 1_000


@dataclass(frozen=True)
class Credentials:
    """The account's key pair; the secret never shows in a repr."""

    api_key: str
    secret: str = field(repr=False)

    def check_key(self, given: str | None) -> None:
        if not given:
            raise VenueError(-2014)
        if not hmac.compare_digest(given.encode(), self.api_key.encode()):
            raise VenueError(-2015)

    def check_signed(self, given_key: str | None, query: str, body: str, params: Params, now_ms: int) -> None:
        """Key, then signature over query and body as they were sent, then the time window."""
        self.check_key(given_key)
        signature = params.text("signature")
        signed = SIGNATURE.sub("", query) + SIGNATURE.sub("", body)
        expected = hmac.new(self.secret.encode(), signed.encode(), hashlib.sha256).hexdigest()
        if not hmac.compare_digest(expected, signature.lower()):
            raise VenueError(-1022)
        check_window(params, now_ms)


def check_window(params: Params, now_ms: int) -> None:
    """-1021 unless the request was stamped within recvWindow before now, or at most a second after."""
    window = params.optional_integer("recvWindow")
    window = DEFAULT_WINDOW_MS if window is None else window
    if window > MAX_WINDOW_MS:
        raise VenueError(-1131)
    stamped = params.optional_integer("timestamp")
    if stamped is None:
        raise malformed("timestamp")
    if stamped >= now_ms + MAX_AHEAD_MS:
        raise VenueError(-1021, "Timestamp for this request was 1000ms ahead of the server's time.")
    if now_ms - stamped > window:
        raise VenueError(-1021)
