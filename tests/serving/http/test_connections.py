"""Clients that send nothing, or little, or take nothing, over sockets."""

import socket
import threading
from collections.abc import Callable

import pytest
from fastapi import FastAPI, Request
from fastapi.responses import StreamingResponse

from kser.serving.http.connections import BoundedConnection
from tests.serving.demo.served import served

HEAD = b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
PATIENCE_S = 0.3


@pytest.fixture
def application() -> FastAPI:
    """It answers at once, when `slow` is set, or without end."""
    app = FastAPI()
    app.state.slow, app.state.ended = threading.Event(), threading.Event()
    app.get("/")(lambda: "here")
    app.post("/")(lambda: "early")
    app.get("/slow")(lambda: app.state.slow.wait(30))

    @app.get("/endless")
    async def endless(request: Request) -> StreamingResponse:
        async def parts():
            try:
                while not await request.is_disconnected():
                    yield bytes(1 << 20)
            finally:
                app.state.ended.set()

        return StreamingResponse(parts())

    return app


@pytest.fixture
def connect(application, monkeypatch) -> Callable[[], socket.socket]:
    monkeypatch.setattr(BoundedConnection, "patience_s", PATIENCE_S)
    monkeypatch.setattr(BoundedConnection, "most_idle", 3)
    made: list[socket.socket] = []
    with served(application) as url:
        host, port = url.removeprefix("http://").split(":")

        def connected() -> socket.socket:
            made.append(socket.create_connection((host, int(port)), timeout=20))
            return made[-1]

        yield connected
        for each in made:
            each.close()


def is_closed(connection: socket.socket) -> bool:
    """Wait until the server closes it; what comes before is thrown away."""
    try:
        while connection.recv(1 << 16):
            pass
    except ConnectionResetError:
        pass
    return True


def answer_to(connection: socket.socket, request: bytes) -> bytes:
    connection.sendall(request)
    received = b""
    while not received.endswith((b'"here"', b'"early"', b"true")):
        received += connection.recv(1 << 16)
    return received


def trickle(connection: socket.socket, ended: threading.Event) -> None:
    """Send a byte now and then, as long as they are taken."""
    try:
        while not ended.wait(PATIENCE_S / 5):
            connection.sendall(b"x")
    except OSError:
        pass


@pytest.mark.parametrize("sent", [b"", b"GET / HTT", HEAD[:-2], HEAD + b"GET / "])
def test_who_sends_no_whole_request_is_left(connect, sent):
    connection = connect()
    connection.sendall(sent)
    assert is_closed(connection)


@pytest.mark.parametrize(
    "before", [HEAD[:-2] + b"a: ", b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9999\r\n\r\n"]
)
def test_who_sends_a_byte_now_and_then_is_left(connect, before):
    """Within the head of a request, and as the body of one that was answered without it."""
    connection, ended = connect(), threading.Event()
    connection.sendall(before)
    sender = threading.Thread(target=trickle, args=(connection, ended))
    sender.start()
    try:
        assert is_closed(connection)
    finally:
        ended.set()
        sender.join()


def test_who_does_not_take_the_answer_is_left(connect, application):
    connection = connect()
    connection.sendall(HEAD.replace(b" / ", b" /endless "))
    assert application.state.ended.wait(20)
    assert is_closed(connection)


def test_who_waits_for_an_answer_is_not_left(connect, application):
    connection = connect()
    threading.Timer(3 * PATIENCE_S, application.state.slow.set).start()
    assert answer_to(connection, HEAD.replace(b" / ", b" /slow ")).startswith(b"HTTP/1.1 200")
    assert answer_to(connection, HEAD).startswith(b"HTTP/1.1 200")


def test_of_many_idle_ones_the_oldest_gives_way(connect, monkeypatch):
    monkeypatch.setattr(BoundedConnection, "patience_s", 60.0)
    monkeypatch.setattr(BoundedConnection, "newly_s", 0.0)
    first, *others = [connect() for _ in range(4)]
    assert is_closed(first)
    assert all(answer_to(each, HEAD) for each in (*others, others[0]))
    answer_to(others[0], HEAD)
    connect()  # and now the one that sent nothing since is the oldest
    assert is_closed(others[1]) and answer_to(others[0], HEAD)


def test_all_of_many_that_come_at_once_are_answered(connect, monkeypatch):
    monkeypatch.setattr(BoundedConnection, "patience_s", 60.0)
    monkeypatch.setattr(BoundedConnection, "newly_s", 60.0)
    many = [connect() for _ in range(12)]
    assert all(answer_to(each, HEAD) for each in many)
