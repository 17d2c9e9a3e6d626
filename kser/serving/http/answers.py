"""What a server answers, as its OpenAPI description says it."""

from typing import Any

from pydantic import BaseModel, Field

from kser.serving.http.uploads import FIELD


class ModelName(BaseModel):
    """Which models an answer comes from."""

    name: str = Field(description="The experiment's, or that of a published model.")
    fingerprints: list[str] = Field(description="Of the runs that trained it; of several, the mean is taken.")


class SaidAnswer(BaseModel):
    """What the model says; what it is not asked for is absent."""

    label: str | None = Field(None, description="The most probable class.")
    probability: float | None = Field(None, description="Of that class, 0 to 1.")
    is_sure: bool | None = Field(None, description="Whether the probability reaches the threshold.")
    labels: list[str] | None = Field(None, description="Those that a tagger gives.")
    probabilities: dict[str, float] | None = Field(None, description="Of all classes or labels.")
    values: dict[str, float] | None = Field(None, description="Numbers of a regressor, arousal say.")
    notes: list[str] | None = Field(None, description="Faults of the sound, and what was not heard.")


class WindowAnswer(SaidAnswer):
    """What the model says of a window; of silence, say, only why it says nothing, in `notes`."""

    start_s: float = Field(description="Seconds from the beginning of the recording.")
    end_s: float


class PredictionAnswer(SaidAnswer):
    """What the model says of a recording."""

    recording: str = Field(description="The file's name, or `recording`.")
    duration_s: float = Field(description="Of the recording, in seconds.")
    windows: list[WindowAnswer] | None = Field(None, description="If window_seconds was given.")
    model: ModelName


class HealthAnswer(BaseModel):
    """Whether recordings are taken."""

    status: str = Field(description="`ready`, `warming up` or `failed`.")
    compiled: int = Field(description="Programs that are compiled.")
    to_compile: int = Field(description="Programs that are compiled before it is ready.")


class ErrorAnswer(BaseModel):
    """Why there is no answer, in one line."""

    detail: str


REFUSALS: dict[int | str, dict[str, Any]] = {
    400: {"model": ErrorAnswer, "description": "Nothing was sent, or the form cannot be read"},
    408: {"model": ErrorAnswer, "description": "The upload took too long"},
    413: {"model": ErrorAnswer, "description": "The upload or the recording is too long"},
    415: {"model": ErrorAnswer, "description": "It is no audio of a known format"},
    422: {"model": ErrorAnswer, "description": "The recording is damaged, silent or too short"},
    429: {"model": ErrorAnswer, "description": "Too many are waiting; Retry-After says for how many seconds"},
    503: {"model": ErrorAnswer, "description": "The model is not ready yet"},
}

_AUDIO = {"type": "string", "format": "binary"}
RECORDING_BODY = {
    "requestBody": {
        "required": True,
        "description": "An audio or video file, alone or in a form.",
        "content": {
            "audio/*": {"schema": _AUDIO},
            "application/octet-stream": {"schema": _AUDIO},
            "multipart/form-data": {
                "schema": {"type": "object", "required": [FIELD], "properties": {FIELD: _AUDIO}}
            },
        },
    }
}
