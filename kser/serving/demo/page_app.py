"""The page on a web server: beside a model that it asks, or as a site that needs none."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response
from fastapi.staticfiles import StaticFiles

from kser.serving.demo.page_files import FACTS_FILE, PAGE

# What index.html says for hosts without headers. Workers obey only these.
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; connect-src 'self'; "
    "worker-src 'self'; img-src data:; media-src blob:; base-uri 'none'; form-action 'none'"
)
_HEADERS = {
    "Content-Security-Policy": f"{CONTENT_SECURITY_POLICY}; frame-ancestors 'none'",
    "Permissions-Policy": "microphone=(self)",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-cache",
}
# The tables of types of some systems are wrong, and browsers refuse modules of another type.
_TYPES = {".js": "text/javascript", ".mjs": "text/javascript", ".wasm": "application/wasm"}


def add_page(app: FastAPI, facts: Mapping[str, Any]) -> None:
    """Add the page to a server that answers at `/predict` and `/health`.

    Args:
        app: whose other routes are there already: the page takes what they leave.
        facts: what the page knows of the model, see `page_facts`.
    """

    async def model_facts(request: Request) -> Response:
        return JSONResponse(facts, headers=_HEADERS)

    app.add_route(f"/{FACTS_FILE}", model_facts)
    app.mount("/", _PageFiles(directory=PAGE, html=True))


def site_app(folder: Path) -> FastAPI:
    """A server of nothing but a site.

    Args:
        folder: that `kser.serving.demo.site.write_site` wrote.
    """
    app = FastAPI(openapi_url=None)
    app.mount("/", _PageFiles(directory=folder, html=True))
    return app


class _PageFiles(StaticFiles):
    def file_response(self, full_path: Any, *arguments: Any, **options: Any) -> Response:
        response = super().file_response(full_path, *arguments, **options)
        response.headers.update(_HEADERS)
        if media_type := _TYPES.get(Path(full_path).suffix):
            response.headers["Content-Type"] = media_type
        return response
