"""A small TCP proxy that misbehaves on request, between a client and a server that both do nothing wrong."""

import socket
import struct
import threading
import time
from collections import Counter
from contextlib import suppress
from enum import StrEnum

_CHUNK = 2048
_SLOW_SECONDS = 0.15
_LOOK_SECONDS = 0.05
_RESET = struct.pack("ii", 1, 0)
"""SO_LINGER that makes close() send RST."""


class Mode(StrEnum):
    """What happens to connections from now on, those that are open too."""

    THROUGH = "through"
    SLOW = "slow"
    """Each chunk of the answer waits."""
    HANG = "hang"
    """The request arrives, the answer does not, the connection stays open."""
    CUT = "cut"
    """Nothing gets through either way, and nobody is told: a partition."""
    HALF_CLOSED = "half_closed"
    """The request arrives; instead of an answer the server's side of the connection ends."""
    DIES = "dies"
    """The server's answer comes after the client's connection was reset."""


class FaultProxy:
    """Listens on loopback, or on a socket that is given, and passes on to one port of loopback."""

    def __init__(self, to_port: int, listener: socket.socket | None = None) -> None:
        self._to_port = to_port
        self._listener = listener or socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self.mode = Mode.THROUGH
        self.met: Counter[str] = Counter()
        self._open: set[socket.socket] = set()
        self._reset: set[socket.socket] = set()
        self._is_closed = False
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Stop listening and end every connection."""
        self._is_closed = True
        self._listener.close()
        for each in list(self._open):
            self._end(each)

    def _accept(self) -> None:
        while not self._is_closed:
            try:
                client, _ = self._listener.accept()
                server = socket.create_connection(("127.0.0.1", self._to_port))
            except OSError:
                time.sleep(_LOOK_SECONDS)  # closed, or the server is away: the next connection may find it
                continue
            for each in (client, server):
                each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # else each exchange takes 40 ms more
            self._open |= {client, server}
            for source, target, answers in ((client, server, False), (server, client, True)):
                threading.Thread(target=self._pump, args=(source, target, answers), daemon=True).start()

    def _pump(self, source: socket.socket, target: socket.socket, answers: bool) -> None:
        with suppress(OSError):
            while chunk := source.recv(_CHUNK):
                if not self._passed(chunk, target, answers):
                    break
        for each in (source, target):
            self._end(each)

    def _passed(self, chunk: bytes, target: socket.socket, answers: bool) -> bool:
        """Pass one chunk on as the mode says; False ends the connection."""
        self._wait_while(Mode.CUT)
        if not answers:
            target.sendall(chunk)
            return True
        self.met[self.mode] += 1
        if self.mode is Mode.SLOW:
            time.sleep(_SLOW_SECONDS)
        if self.mode is Mode.HALF_CLOSED:
            target.shutdown(socket.SHUT_WR)
            return False
        if self.mode is Mode.DIES:
            target.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            self._reset.add(target)
            target.shutdown(socket.SHUT_RD)  # else the other direction waits on it, and close() sends nothing
            return False
        self._wait_while(Mode.HANG)
        target.sendall(chunk)
        return True

    def _wait_while(self, mode: Mode) -> None:
        if self.mode is mode:
            self.met[mode] += mode is Mode.CUT
        while self.mode is mode and not self._is_closed:
            time.sleep(_LOOK_SECONDS)

    def _end(self, connection: socket.socket) -> None:
        self._open.discard(connection)
        if connection not in self._reset:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        connection.close()
