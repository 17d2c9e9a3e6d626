"""What a server counts, for Prometheus."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from fastapi import HTTPException
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
_RECORDINGS = (1, 2, 4, 8, 16, 32)


class Metrics:
    """Counters of one server, in a registry of its own.

    Attributes:
        waiting: recordings that wait for the model.
        in_batch: recordings of each batch.
        audio_seconds: of recordings that were answered.
    """

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        self._requests = Counter(
            "kser_requests", "Requests to /predict, by HTTP status", ["status"], registry=self._registry
        )
        self._latency = Histogram(
            "kser_request_seconds",
            "Seconds from a request to its answer, of those with a prediction",
            buckets=_SECONDS,
            registry=self._registry,
        )
        self.waiting = Gauge(
            "kser_waiting_recordings", "Recordings that wait for the model", registry=self._registry
        )
        self.in_batch = Histogram(
            "kser_batch_recordings",
            "Recordings that were computed together",
            buckets=_RECORDINGS,
            registry=self._registry,
        )
        self.audio_seconds = Counter(
            "kser_audio_seconds", "Seconds of audio that were answered", registry=self._registry
        )

    @contextmanager
    def request(self) -> Iterator[None]:
        """Count a request, by how the block ends."""
        started, status = time.perf_counter(), 500
        try:
            yield
            status = 200
            self._latency.observe(time.perf_counter() - started)
        except HTTPException as refusal:
            status = refusal.status_code
            raise
        finally:
            self._requests.labels(status).inc()

    def text(self) -> bytes:
        """All of it in Prometheus' text format."""
        return generate_latest(self._registry)
