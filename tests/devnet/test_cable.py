"""A cable that is cut breaks what goes through it, lets nothing new through, and keeps its port."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from devnet.cable import HOST, Cable


@asynccontextmanager
async def echo() -> AsyncIterator[int]:
    """The port of a server that says again what it hears."""

    async def say_again(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while heard := await reader.read(100):
            writer.write(heard)
        writer.close()

    server = await asyncio.start_server(say_again, HOST, 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


async def said(port: int, text: bytes) -> bytes:
    """What comes back; nothing where the connection breaks."""
    reader, writer = await asyncio.open_connection(HOST, port)
    try:
        writer.write(text)
        return await reader.read(100)
    except ConnectionError:
        return b""
    finally:
        writer.close()


async def test_what_is_said_through_a_cable_arrives_while_it_is_not_cut() -> None:
    async with echo() as port, Cable(port) as cable:
        assert await said(cable.port, b"one") == b"one"
        await cable.cut()
        assert await said(cable.port, b"two") == b""
        with pytest.raises(OSError, match="in use"):
            await asyncio.start_server(lambda reader, writer: None, HOST, cable.port)
        await cable.mend()
        assert await said(cable.port, b"three") == b"three"


async def test_a_connection_breaks_when_its_cable_is_cut() -> None:
    async with echo() as port, Cable(port) as cable:
        reader, writer = await asyncio.open_connection(HOST, cable.port)
        writer.write(b"hello")
        assert await reader.read(100) == b"hello"
        await cable.cut()
        with contextlib.suppress(ConnectionError):
            assert await reader.read(100) == b""
        assert reader.at_eof() or reader.exception() is not None
        writer.close()
