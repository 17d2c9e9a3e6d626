"""The application: what answers at which address."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse

import kser
from kser.serving.http.answers import RECORDING_BODY, REFUSALS, HealthAnswer, PredictionAnswer
from kser.serving.http.limits import USUAL_LIMITS, Limits
from kser.serving.http.service import Progress, Service
from kser.serving.predictor import Predictor


def create_app(
    predictor: Predictor,
    limits: Limits = USUAL_LIMITS,
    progress: Progress = lambda compiled, to_compile: None,
) -> FastAPI:
    """An application that says what recordings express.

    It answers at `/predict`, `/model`, `/health`, `/metrics` and `/openapi.json`; pages can be mounted beside
    them. The model is compiled when the application starts; meanwhile `/health` and `/predict` answer 503.

    Args:
        predictor: the models, used by one thread of the application and by nothing else.
        limits: what it takes on.
        progress: is called with the number of programs that are compiled, and that will be.

    Examples:

        app = create_app(kser.load_model("results/my_study/wavlm/seed_0/model"))
        uvicorn.run(app)
    """
    service = Service(predictor, limits, progress)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        service.start()
        yield
        service.stop()

    # The usual pages of documentation load scripts from elsewhere.
    app = FastAPI(title="kser", version=kser.__version__, lifespan=lifespan, docs_url=None, redoc_url=None)
    app.add_api_route(
        "/predict",
        service.predict,
        methods=["POST"],
        responses={200: {"model": PredictionAnswer}, **REFUSALS},
        openapi_extra=RECORDING_BODY,
    )
    health = {"model": HealthAnswer}
    app.add_api_route("/health", service.health, responses={200: health, 503: health})
    app.add_api_route("/model", service.model)
    app.add_api_route("/metrics", service.metrics, include_in_schema=False)
    app.add_exception_handler(RequestValidationError, _wrong_parameter)
    app.add_exception_handler(Exception, _failed)
    return app


async def _wrong_parameter(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    wrong = error.errors()[0]
    return JSONResponse({"detail": f"{wrong['loc'][-1]}: {wrong['msg']}"}, 422)


async def _failed(request: Request, error: Exception) -> JSONResponse:
    return JSONResponse({"detail": "the server failed; its log says why"}, 500)
