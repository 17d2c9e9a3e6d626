"""From an upload to a recording that a model can be given, or the refusal that says why not."""

import io

import numpy as np
from fastapi import HTTPException

from kser.audio.containers import kind_of
from kser.audio.decoding import Sound, bytes_decoded_in_blocks
from kser.errors import UserError
from kser.serving.decoding import UsableSound, usable
from kser.serving.http.room import Share
from kser.serving.http.uploads import Upload

# Of all channels: a small file may hold hours of silence in many channels at a high rate.
_MOST_SAMPLES_A_SECOND = 2 * 192_000
# Until it is decoded and looked at: its blocks, the whole, and what finds its faults, in part in float64.
_COPIES = 4


def decoded(upload: Upload, most_seconds: float, share: Share) -> UsableSound:
    """Decode an upload in memory, and no further than a recording may last.

    Args:
        upload: as it was received.
        most_seconds: of a recording.
        share: holds what is decoded, as it grows.

    Raises:
        NoRoom: others leave none.
        HTTPException: 413 for one that is too long, 415 for what is no audio, 422 for what is damaged, silent
            or too short.
    """
    try:
        return usable(upload.name, _decoded(upload, most_seconds, share))
    except UserError as error:
        is_audio = kind_of(io.BytesIO(upload.content))
        raise HTTPException(422 if is_audio else 415, str(error)) from None


def _decoded(upload: Upload, most_seconds: float, share: Share) -> Sound:
    blocks: list[np.ndarray] = []
    samples = values = 0
    with bytes_decoded_in_blocks(upload.content, upload.name) as sound:
        for block in sound.blocks:
            samples += len(block)
            values += block.size
            if samples > most_seconds * sound.sampling_rate:
                raise HTTPException(413, f"{upload.name}: is longer than {most_seconds:g} s")
            if values > most_seconds * _MOST_SAMPLES_A_SECOND:
                raise HTTPException(413, f"{upload.name}: has too many channels at too high a rate")
            share.hold(len(upload.content) + _COPIES * values * block.itemsize)
            blocks.append(block)
        return Sound(np.concatenate(blocks), sound.sampling_rate, sound.unannounced)
