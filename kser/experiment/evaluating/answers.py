"""What trained models say of a test set: one of them, or the mean of several."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from kser.errors import UserError
from kser.experiment.evaluating.predicting import predict_outputs
from kser.experiment.runs.cut_recordings import count_cut
from kser.experiment.runs.trained_model import Provenance
from kser.experiment.tasks.agreement import Vocabulary
from kser.pipeline.utterances import Utterances
from kser.training.events import ProgressListener


@dataclass(frozen=True)
class Answers:
    """What a model says of the recordings of a test set.

    Attributes:
        vocabulary: what it can say.
        decoded: by output, as `Evaluation.decode` gives it: float64 (recordings, values).
        recordings: their positions in the table of the test set.
        skipped: audio files that could not be used, with the reason.
        left_out: paths of recordings that are not to be used, by their length.
        cut: how many are longer than the model takes.
    """

    vocabulary: Vocabulary
    decoded: Mapping[str, np.ndarray]
    recordings: Sequence[int]
    skipped: Mapping[str, str] = field(default_factory=dict)
    left_out: frozenset[str] = frozenset()
    cut: int = 0


def answers_of(
    name: str,
    model: Any,
    provenance: Provenance,
    utterances: Utterances,
    calibrated: bool,
    progress: ProgressListener | None = None,
    title: str = "",
) -> Answers:
    """What one model says.

    Args:
        name: of the model.
        model: an `EmotionTask`.
        provenance: its own.
        utterances: of the test set, in the format of the model.
        calibrated: whether probabilities are those at the model's temperature.
        progress: gets the events of predicting.
        title: of the run in these events.

    Raises:
        UserError: the model gives no numbers.
    """
    batch_size = provenance.model_config["batch_size"]
    outputs = predict_outputs(model, utterances, batch_size, provenance.keeps_backbone, progress, title)
    _check_finite(name, outputs)
    head = {argument: getattr(model, argument) for argument in model.new_head_arguments}
    targets = provenance.task.targets
    return Answers(
        Vocabulary(name, {target.output: target.names(head) for target in targets}),
        {
            target.output: target.evaluation.decode(
                outputs[target.output] / (provenance.temperature(target.output) if calibrated else 1.0)
            )
            for target in targets
        },
        utterances.recordings,
        utterances.skipped,
        utterances.left_out,
        count_cut(utterances.lengths, model.backbone),
    )


def mean_of(answers: Sequence[Answers]) -> Answers:
    """What models say on average, of the recordings that all of them can use; names as the first has them.

    Raises:
        UserError: they say different things, or no recording can be used by all.
    """
    first = answers[0]
    if len(answers) == 1:
        return first
    shared = sorted(set(first.recordings).intersection(*(each.recordings for each in answers)))
    if not shared:
        raise UserError("no recording can be used by all models of which a mean is taken")
    return replace(
        first,
        decoded={output: _mean(output, answers, shared) for output in first.vocabulary.names},
        recordings=shared,
        skipped=_joined(each.skipped for each in answers),
        left_out=frozenset().union(*(each.left_out for each in answers)),
        cut=max(each.cut for each in answers),
    )


def _mean(output: str, answers: Sequence[Answers], shared: Sequence[int]) -> np.ndarray:
    found = []
    for each in answers:
        columns = answers[0].vocabulary.order_of(each.vocabulary)[output]
        row_of = {position: row for row, position in enumerate(each.recordings)}
        found.append(each.decoded[output][[row_of[position] for position in shared]][:, columns])
    mean: np.ndarray = np.mean(found, axis=0)
    return mean


def _joined(mappings: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    return {key: value for mapping in mappings for key, value in mapping.items()}


def _check_finite(name: str, outputs: Mapping[str, np.ndarray]) -> None:
    """Every output must be a number: nothing can be judged by NaN or infinity."""
    finite = np.all([np.isfinite(values).all(axis=1) for values in outputs.values()], axis=0)
    if not finite.all():
        raise UserError(
            f"{name}: the model gives no numbers for {(~finite).sum()} of {len(finite)} recordings"
        )
