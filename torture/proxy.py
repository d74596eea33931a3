"""TCP links that can be cut: proxies in front of an address, each for one kind of client."""

import asyncio
import socket
import struct
from collections.abc import Coroutine
from threading import Thread
from typing import Any, Final

from kafkalert.sandbox.ports import HOST

_CHUNK: Final = 1 << 16
_RESET: Final = struct.pack("ii", 1, 0)
"""Linger for no time: a close is a reset."""
_SECONDS: Final = 10.0


class Link:
    """What carries bytes between `port` and `target`, a port of this machine too.

    It is open, cut (connections are reset, new ones refused) or hangs (connections are taken, and nothing is carried).
    """

    def __init__(self, port: int, target: int) -> None:
        self.port = port
        self._target = target
        self._server: asyncio.Server | None = None
        self._carries = asyncio.Event()
        self._writers: set[asyncio.StreamWriter] = set()

    async def open(self) -> None:
        """Carry, also what came while it hung."""
        self._carries.set()
        if self._server is None:
            self._server = await asyncio.start_server(self._accept, HOST, self.port)

    async def cut(self) -> None:
        """Reset all connections and refuse new ones."""
        self._carries.set()  # to nowhere
        if self._server is not None:
            self._server.close()
        self._server = None
        for one in list(self._writers):
            _reset(one)

    async def hang(self) -> None:
        """Carry nothing, without a word."""
        self._carries.clear()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carry one connection until either side ends it."""
        both = [writer]
        self._writers.add(writer)
        try:
            there, to = await asyncio.open_connection(HOST, self._target)
            both.append(to)
            self._writers.add(to)
            ways = [asyncio.ensure_future(self._carry(*way)) for way in ((reader, to), (there, writer))]
            _, other = await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            for one in other:
                one.cancel()
        except OSError:  # the target is away: so is who connects through here
            _reset(writer)
        finally:
            self._writers -= set(both)
            for each in both:
                each.close()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while some := await reader.read(_CHUNK):
                await self._carries.wait()
                writer.write(some)
                await writer.drain()
        except OSError:
            _reset(writer)


class Proxy:
    """Runs links in a thread of its own."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._links: list[Link] = []
        self._thread = Thread(target=self._loop.run_forever, name="proxy", daemon=True)
        self._thread.start()

    def link(self, port: int, target: int) -> Link:
        """A new link, open."""
        one = Link(port, target)
        self.do(one.open())
        self._links.append(one)
        return one

    def do(self, what: Coroutine[Any, Any, None]) -> None:
        """Have something done to a link; returns when it is."""
        asyncio.run_coroutine_threadsafe(what, self._loop).result(_SECONDS)

    def close(self) -> None:
        """Cut all links."""
        self.do(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_SECONDS)
        self._loop.close()

    async def _end(self) -> None:
        for one in self._links:
            await one.cut()
        if ending := asyncio.all_tasks() - {asyncio.current_task()}:
            await asyncio.wait(ending, timeout=_SECONDS / 2)


def _reset(writer: asyncio.StreamWriter) -> None:
    found: socket.socket | None = writer.get_extra_info("socket")
    if found is not None and found.fileno() >= 0:
        found.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    writer.transport.abort()
