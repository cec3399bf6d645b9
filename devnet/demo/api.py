"""What a hedger tells over its HTTP API, read as any front end would read it."""

from collections.abc import Sequence
from typing import Any

import aiohttp

PAGE = 500
TIMEOUT = aiohttp.ClientTimeout(total=10.0)
Row = dict[str, Any]


class ApiSilent(Exception):
    """The API did not answer, or not as documented."""


class HedgerApi:
    """Reads the listings of one hedger. `url` may change when the hedger starts again."""

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self._session, self.url = session, url

    async def all_of(self, listing: str, **filters: str) -> tuple[int, list[Row]]:
        """Every row of a listing, and the log position of the last page. Raises ApiSilent."""
        rows: list[Row] = []
        parameters = {"limit": str(PAGE), **filters}
        while True:
            page = await self._get(listing, parameters)
            rows += page["items"]
            if page["next_cursor"] is None:
                return int(page["as_of"]), rows
            parameters["cursor"] = page["next_cursor"]

    async def quote(self, quote_id: int) -> Row | None:
        """One quote; None where the hedger knows none of this id. Raises ApiSilent."""
        found = await self._get(f"quotes/{quote_id}", {}, missing=(404,))
        row: Row | None = found.get("item")
        return row

    async def _get(self, path: str, parameters: dict[str, str], *, missing: Sequence[int] = ()) -> Row:
        try:
            status, content = await self._answer(path, parameters)
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            raise ApiSilent(f"{path}: {error!r}") from error
        if status != 200 and status not in missing:
            raise ApiSilent(f"{path}: HTTP {status} {content}")
        return content

    async def _answer(self, path: str, parameters: dict[str, str]) -> tuple[int, Row]:
        """Asked once more where a kept connection turned out to be closed: the server ends idle ones."""
        try:
            return await self._ask(path, parameters)
        except aiohttp.ServerDisconnectedError:
            return await self._ask(path, parameters)

    async def _ask(self, path: str, parameters: dict[str, str]) -> tuple[int, Row]:
        async with self._session.get(f"{self.url}/{path}", params=parameters, timeout=TIMEOUT) as response:
            return response.status, await response.json()
