"""`kser demo`: a page on which people classify their own voice."""

import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kser.cli.options import ModelOrStudy, option
from kser.cli.serving_progress import compiling, loading
from kser.cli.terminal import console
from kser.console import print_line, print_note
from kser.startup import check_backend, check_extra, import_keras

if TYPE_CHECKING:
    from socket import socket

    from fastapi import FastAPI

_PACKAGES = ("fastapi", "uvicorn", "prometheus_client", "python_multipart", "tf2onnx", "onnx", "onnxruntime")
_LOOPBACK = ("127.0.0.1", "::1")


def demo(
    model: ModelOrStudy,
    host: Annotated[
        str, option("host", "Address to listen at; browsers record on localhost, or by https.")
    ] = "127.0.0.1",
    port: Annotated[int, option("port", "Port to listen at; 0 for any that is free.")] = 8000,
    in_browser: Annotated[
        bool, typer.Option("--in-browser", help="The browser computes the model; no audio is sent.")
    ] = False,
    export_site: Annotated[
        Path | None,
        option(
            "export_site",
            "Folder for that page as files, for any web host; with --in-browser it is served too.",
        ),
    ] = None,
) -> None:
    """Serve a web page on which people classify their own voice.

    It shows what the model says of a recording from the microphone or a file, also over time. The server
    computes it and stores nothing; or the browser does, with the exported model, and nothing is even sent.
    """
    check_extra("demo", *_PACKAGES)
    check_backend()
    from kser.serving.demo.page_files import checked_site
    from kser.serving.http.server import bound

    site = None if export_site is None else checked_site(export_site)
    with ExitStack() as open_things:
        listening = None
        if in_browser or site is None:
            listening = open_things.enter_context(bound(host, port))
        import_keras()
        if site is None and in_browser:
            site = Path(open_things.enter_context(tempfile.TemporaryDirectory(prefix="kser_demo_"))) / "site"
        if site is None:
            assert listening is not None
            _serve_model(model, listening)
            return
        app = _site_app(model, site)
        if listening is None:
            print_line(console(), f"{site}: the page as files for any web host")
        else:
            _serve(app, listening, say=_how_to_open(listening))


def _serve_model(model: str, listening: "socket") -> None:
    from kser.serving.demo.model_app import model_app
    from kser.serving.predictor import load_model

    with loading(model):
        predictor = load_model(model)
    with compiling(_how_to_open(listening)) as progress:
        _serve(model_app(predictor, progress=progress), listening)


def _site_app(model: str, folder: Path) -> "FastAPI":
    """Write a site; returns what serves it."""
    from kser.experiment.runs.model_folders import model_folder
    from kser.serving.demo.page_app import site_app
    from kser.serving.demo.site import write_site

    shown_on = console()
    write_site(model_folder(model), folder, lambda line: print_line(shown_on, f"{line} …"))
    return site_app(folder)


def _how_to_open(listening: "socket") -> str:
    from kser.serving.http.server import url_of

    return f"open {url_of(listening)} in a browser; Ctrl-C ends it"


def _serve(app: "FastAPI", listening: "socket", say: str = "") -> None:
    from kser.serving.http.server import run

    listening.listen()  # who comes before the application is ready waits
    if say:
        print_note(console(), say, style="")
    if listening.getsockname()[0] not in _LOOPBACK:
        print_line(
            console(), "browsers on other machines record only by https; without it they can choose files"
        )
    run(app, listening)
