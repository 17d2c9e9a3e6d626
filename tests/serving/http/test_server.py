"""A server that is for this machine alone answers to this machine's names alone."""

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from kser.serving.http.server import add_host_check, bound


@pytest.mark.parametrize(
    ("host", "named", "status"),
    [
        ("127.0.0.1", "http://127.0.0.1:8000", 200),
        ("127.0.0.1", "http://localhost:8000", 200),
        ("127.0.0.1", "http://stranger.example", 400),
        ("0.0.0.0", "http://stranger.example", 200),
    ],
)
def test_names_of_strangers_are_refused_on_loopback(host, named, status):
    app = FastAPI()
    app.get("/")(lambda: "here")
    with bound(host, 0) as listening:
        add_host_check(app, listening)
        assert TestClient(app, base_url=named).get("/").status_code == status
