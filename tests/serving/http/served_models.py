"""Small trained models behind an application, and recordings to send."""

import io
import time
from collections.abc import Iterator
from contextlib import contextmanager

import av
import numpy as np
import soundfile as sf
from starlette.testclient import TestClient

from kser.serving.http.app import create_app
from kser.serving.http.limits import Limits
from kser.serving.predictor import Predictor

RATE = 16000
LIMITS = Limits(max_megabytes=4, max_seconds=1.2, max_batch=1)


def noise(seconds: float, seed: int = 0, rate: int = RATE) -> np.ndarray:
    """A recording of this many seconds, float64 (samples,)."""
    return 0.1 * np.random.default_rng(seed).normal(size=round(rate * seconds))


def encoded(samples: np.ndarray, rate: int = RATE, kind: str = "WAV", **options: str) -> bytes:
    """A file of a format of libsndfile."""
    file = io.BytesIO()
    sf.write(file, samples, rate, format=kind, **options)
    return file.getvalue()


@contextmanager
def served(predictor: Predictor, limits: Limits = LIMITS) -> Iterator[TestClient]:
    """A client of an application that is ready."""
    with TestClient(create_app(predictor, limits), raise_server_exceptions=False) as client:
        while (health := client.get("/health")).status_code != 200:
            assert health.json()["status"] == "warming up"
            time.sleep(0.01)
        yield client


def encoded_with_av(samples: np.ndarray, container: str, codec: str, rate: int = 48_000) -> bytes:
    """A file of a format that only FFmpeg decodes, of mono samples."""
    file = io.BytesIO()
    with av.open(file, "w", format=container) as opened:
        stream = opened.add_stream(codec, rate=rate, layout="mono")
        frame = av.AudioFrame.from_ndarray((samples * 2**15).astype(np.int16)[None], "s16", "mono")
        frame.sample_rate, frame.pts = rate, 0
        stream.codec_context.open()
        size = stream.codec_context.frame_size or None
        resampler = av.AudioResampler(stream.codec_context.format.name, "mono", rate, size)
        for part in [*resampler.resample(frame), *resampler.resample(None)]:
            opened.mux(stream.encode(part))
        opened.mux(stream.encode(None))
    return file.getvalue()
