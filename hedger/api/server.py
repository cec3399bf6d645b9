"""Serves an application over HTTP and WebSockets: uvicorn with its fast parts, as a task of the running loop."""

import asyncio
import socket
from contextlib import AbstractContextManager, nullcontext

import uvicorn
from starlette.types import ASGIApp

GRACE_S = 5


class _Server(uvicorn.Server):
    """uvicorn without a hand on the process's signals: whoever runs the process stops the server."""

    def capture_signals(self) -> AbstractContextManager[None]:  # type: ignore[override]
        return nullcontext()


class RunningServer:
    """A server that accepts connections."""

    def __init__(self, server: uvicorn.Server, task: asyncio.Task[None], host: str, port: int) -> None:
        self._server, self._task = server, task
        self.host, self.port = host, port

    @property
    def url(self) -> str:
        return f"http://[{self.host}]:{self.port}" if ":" in self.host else f"http://{self.host}:{self.port}"

    async def wait(self) -> None:
        """Return when the server has stopped; raise what made it fail."""
        await asyncio.shield(self._task)

    async def stop(self) -> None:
        """Accept nothing more, let running requests end (at most GRACE_S seconds), and close."""
        self._server.should_exit = True
        await asyncio.wait({self._task})
        self._task.result()


async def serve(app: ASGIApp, host: str = "127.0.0.1", port: int = 0) -> RunningServer:
    """Start serving and return once connections are accepted. Port 0 takes a free one. Raises OSError."""
    listener = _listen(host, port)
    config = uvicorn.Config(
        app,
        loop="none",
        http="httptools",
        ws="websockets-sansio",
        ws_per_message_deflate=False,
        access_log=False,
        log_config=None,
        lifespan="auto",
        timeout_graceful_shutdown=GRACE_S,
    )
    server = _Server(config)
    task = asyncio.create_task(server.serve(sockets=[listener]), name="http server")
    while not server.started:
        if task.done():
            listener.close()
            task.result()
            raise OSError("the server ended while it started")
        await asyncio.sleep(0.005)
    return RunningServer(server, task, host, listener.getsockname()[1])


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(2048)
    except OSError:
        listener.close()
        raise
    listener.setblocking(False)
    return listener
