"""A socket on loopback for commands that serve HTTP."""

import socket

from schemas.catalogue import message
from schemas.failures import Broken


def loopback(port: int) -> socket.socket:
    """Bound here so that the port is known, also where any free one was asked for; raises Broken."""
    listening = socket.socket()
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind(("127.0.0.1", port))
    except OSError as error:
        listening.close()
        raise Broken(message("serving.port_in_use", port=port), code="serving.port_in_use") from error
    return listening
