"""A way to the database that can lose answers and be cut, on a Unix socket of its own."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from psycopg.conninfo import conninfo_to_dict, make_conninfo


class Proxy:
    """Hands bytes on both ways. `lose_answer_to(text)`: the next request that contains the text reaches the server and
    is carried out, but its answer is lost and the connection broken."""

    def __init__(self, server_url: str, folder: Path) -> None:
        self.url = make_conninfo(server_url, host=str(folder), port="5432", sslmode="disable", gssencmode="disable")
        self.answers_lost = 0
        self._upstream = conninfo_to_dict(server_url)
        self._path = folder / ".s.PGSQL.5432"
        self._losing: bytes | None = None
        self._links: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None

    def lose_answer_to(self, text: str) -> None:
        self._losing = text.encode()

    async def start(self) -> None:
        self._server = await asyncio.start_unix_server(self._serve, self._path)

    async def cut(self) -> None:
        """The database is away: no new connections, and the present ones break."""
        if self._server is not None:
            self._server.close()
            self._server = None
        for link in list(self._links):
            link.close()
        self._path.unlink(missing_ok=True)

    async def _dial(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        host, port = str(self._upstream.get("host") or "localhost"), int(self._upstream.get("port") or 5432)
        if host.startswith("/"):
            return await asyncio.open_unix_connection(f"{host}/.s.PGSQL.{port}")
        return await asyncio.open_connection(host, port)

    async def _serve(self, client_in: asyncio.StreamReader, client_out: asyncio.StreamWriter) -> None:
        server_in, server_out = await self._dial()
        self._links |= {client_out, server_out}
        deaf = asyncio.Event()  # from now on the client hears nothing more

        async def requests() -> None:
            while part := await client_in.read(65536):
                if self._losing is not None and self._losing in part:
                    self._losing = None
                    deaf.set()
                server_out.write(part)

        async def answers() -> None:
            while part := await server_in.read(65536):
                if deaf.is_set():
                    self.answers_lost += 1
                    return
                client_out.write(part)

        tasks = [asyncio.create_task(requests()), asyncio.create_task(answers())]
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in tasks:
            task.cancel()
            with suppress(asyncio.CancelledError, ConnectionError):
                await task
        for link in (client_out, server_out):
            link.close()
            self._links.discard(link)


@asynccontextmanager
async def proxy_to(server_url: str, folder: Path) -> AsyncIterator[Proxy]:
    proxy = Proxy(server_url, folder)
    await proxy.start()
    yield proxy
    await proxy.cut()
