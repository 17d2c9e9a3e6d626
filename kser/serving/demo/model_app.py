"""The page beside a model that answers it."""

from fastapi import FastAPI

from kser.serving.demo.page_app import add_page
from kser.serving.demo.page_facts import page_facts
from kser.serving.export.exporting import export_facts
from kser.serving.http.app import create_app
from kser.serving.http.limits import Limits
from kser.serving.http.service import Progress
from kser.serving.predictor import Predictor

# Few visitors come at the same moment, and what is compiled for batches of theirs keeps the first waiting.
PAGE_LIMITS = Limits(max_batch=1)


def model_app(
    predictor: Predictor,
    limits: Limits = PAGE_LIMITS,
    progress: Progress = lambda compiled, to_compile: None,
) -> FastAPI:
    """The page beside `kser serve`, whose `/predict` it asks.

    Args:
        predictor: the models.
        limits: what the server takes on.
        progress: see `create_app`.
    """
    app = create_app(predictor, limits, progress)
    ensemble = predictor.ensemble
    facts = page_facts(
        export_facts(ensemble.first),
        "server",
        threshold=predictor.threshold,
        models=len(ensemble.folders),
        longest_s=limits.max_seconds,
    )
    add_page(app, facts)
    return app
