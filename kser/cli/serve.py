"""`kser serve`: a trained model behind HTTP."""

from typing import Annotated

from kser.cli.options import FurtherModels, ModelOrStudy, Threshold, option
from kser.cli.serving_progress import compiling, loading
from kser.startup import check_backend, check_extra, import_keras


def serve(
    model: ModelOrStudy,
    also: FurtherModels = None,
    host: Annotated[
        str, option("host", "Address to listen at; 0.0.0.0 for all of this machine.")
    ] = "127.0.0.1",
    port: Annotated[int, option("port", "Port to listen at; 0 for any that is free.")] = 8000,
    threshold: Threshold = None,
    max_megabytes: Annotated[float, option("max_megabytes", "Largest upload.")] = 25.0,
    max_seconds: Annotated[float, option("max_seconds", "Longest recording.")] = 300.0,
    max_waiting: Annotated[
        float, option("max_waiting", "Seconds that an upload may take, and then wait for the model.")
    ] = 30.0,
    max_requests: Annotated[
        int, option("max_requests", "Recordings that are received, waiting or computed at once.")
    ] = 64,
    max_batch: Annotated[
        int | None,
        option("max_batch", "Recordings that are computed together (default: 8 where that is faster)."),
    ] = None,
) -> None:
    """Serve a trained model over HTTP.

    POST an audio file to /predict to get its prediction. /health shows whether the server is ready, /model
    describes the model, /metrics has counters, /openapi.json describes the interface. Uploads are never
    written to disk. On SIGTERM or Ctrl-C, pending requests are answered before the server ends.
    """
    check_extra("serve", "fastapi", "uvicorn", "prometheus_client", "python_multipart")
    check_backend()
    from kser.serving.http.limits import Limits
    from kser.serving.http.server import bound, run, url_of

    limits = Limits(max_megabytes, max_seconds, max_waiting, max_requests, max_batch)
    with bound(host, port) as listening:
        import_keras()
        from kser.serving.http.app import create_app
        from kser.serving.predictor import load_model

        with loading(model):
            predictor = load_model(model, *(also or ()), threshold=threshold)
        with compiling(f"ready at {url_of(listening)}; POST an audio file to /predict") as progress:
            run(create_app(predictor, limits, progress), listening)
