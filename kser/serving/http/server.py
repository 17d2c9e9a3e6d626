"""An application at an address, until it is told to stop."""

import ipaddress
import logging
import signal
import socket

import uvicorn
from fastapi import FastAPI
from starlette.middleware.trustedhost import TrustedHostMiddleware

from kser.errors import UserError
from kser.serving.http.connections import BoundedConnection

_BACKLOG = 1024
_HIGHEST_PORT = 65535


def bound(host: str, port: int) -> socket.socket:
    """A socket at an address, before anything that takes long: it may be in use.

    Args:
        host: a name or an IP address.
        port: 0 for any that is free.

    Raises:
        UserError: it cannot be had.
    """
    if not 0 <= port <= _HIGHEST_PORT:  # the system would take what is left of it
        raise UserError(f"--port {port}: must be from 0 to {_HIGHEST_PORT}")
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        taken = socket.socket(family, kind, protocol)
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    except OSError as error:
        raise _not_to_be_had(host, port, error) from None
    try:
        taken.bind(address)
    except OSError as error:
        taken.close()
        raise _not_to_be_had(host, port, error) from None
    return taken


def _not_to_be_had(host: str, port: int, error: OSError) -> UserError:
    return UserError(f"--host {host} --port {port}: cannot be served at: {error.strerror or error}")


def url_of(bound_to: socket.socket) -> str:
    """The address of a server for a browser."""
    host, port = bound_to.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def add_host_check(app: FastAPI, bound_to: socket.socket) -> None:
    """Refuse requests by another name than this machine's, of a server that is for this machine alone.

    A page of a stranger can give its own name the address 127.0.0.1 (DNS rebinding), and would then be let to
    read the answers.
    """
    address = bound_to.getsockname()[0]
    if ipaddress.ip_address(address).is_loopback:
        names = ["localhost", address, f"[{address}]"]
        app.add_middleware(TrustedHostMiddleware, allowed_hosts=names, www_redirect=False)


def server_of(app: FastAPI) -> uvicorn.Server:
    """What answers requests to an application, to be run on a socket."""
    # Only h11 is relied upon: with a refusal it takes what a client still sends, which then reads the answer.
    return uvicorn.Server(
        uvicorn.Config(
            app,
            http=BoundedConnection,
            ws="none",
            lifespan="on",
            access_log=False,
            log_level="warning",
            backlog=_BACKLOG,
        )
    )


def run(app: FastAPI, bound_to: socket.socket) -> None:
    """Answer requests until SIGTERM or Ctrl-C, and whoever waits then; a second Ctrl-C ends it at once."""
    add_host_check(app, bound_to)
    # What is wrong with a form is told to its sender.
    logging.getLogger("python_multipart").setLevel(logging.ERROR)
    # uvicorn raises the signal again that has stopped it, which is no failure here.
    before = {number: signal.signal(number, _ended) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        server_of(app).run(sockets=[bound_to])
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _ended(number: int, frame: object) -> None:
    pass
