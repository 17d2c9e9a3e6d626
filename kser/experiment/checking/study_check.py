"""Checking an experiment: everything that training would find out, and the plan of what it would do."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import pandas as pd

from kser.corpora.splits import PARTS
from kser.errors import UserError
from kser.experiment.checking.checkpoints import checkpoint_notes
from kser.experiment.checking.input_checks import Inputs, read_inputs
from kser.experiment.checking.model_plans import Lengths, ModelPlan, utterance_lengths
from kser.experiment.checking.obtaining import how_to_obtain
from kser.experiment.checking.recommended_setting import RecommendedSetting, recommended_setting, this_machine
from kser.experiment.checking.refusals import (
    checkpoint_of,
    missing_devices,
    model_facts,
    unshareable,
    unwritable_folders,
)
from kser.experiment.checking.sound_warnings import sound_warnings
from kser.experiment.checking.split_counts import SplitCounts, count_splits
from kser.experiment.config.definition import ExperimentDefinition
from kser.experiment.evaluating.test_sets import TestSet, further_test_sets, read_test_set
from kser.experiment.execution.run_fingerprint import run_settings
from kser.experiment.execution.run_state import RunState, run_state
from kser.experiment.runs.augmenting import augmentation_plan, try_out
from kser.experiment.runs.long_recordings import length_notes
from kser.experiment.runs.planning import Run, first_runs, plan_runs
from kser.experiment.runs.run_data import RunData
from kser.pipeline.reading import LeftOutError, WaveformReader, check_all
from kser.pipeline.waveform_format import WaveformFormat
from kser.training.events import ProgressListener, Working, reading_progress


@dataclass
class CheckResult:
    """What checking an experiment found.

    Attributes:
        experiment: validated.
        runs: of the experiment.
        states: how far each run is, by model and seed.
        splits: their sizes, of the runs whose data are here.
        models: what their runs do, of those models that can be built or are known.
        mistakes: a line each.
        to_obtain: what is not on this machine, and how to come by it, a line each.
        notes: what is worth knowing, a line each.
        warnings: what puts results or memory in question, a line each: leaks, shared speakers, faults of
            recordings, recordings much longer than others, and batches that no memory holds.
        recommended: backend and precision for this machine.
    """

    experiment: ExperimentDefinition
    runs: Sequence[Run]
    states: dict[tuple[str, int], RunState] = field(default_factory=dict)
    splits: list[SplitCounts] = field(default_factory=list)
    models: list[ModelPlan] = field(default_factory=list)
    mistakes: list[str] = field(default_factory=list)
    to_obtain: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    recommended: RecommendedSetting = field(default_factory=lambda: recommended_setting(this_machine()))

    @property
    def ok(self) -> bool:
        """Whether the experiment has no mistake and everything that it needs is here."""
        return not self.mistakes and not self.to_obtain

    @property
    def plan(self) -> pd.DataFrame:
        """A row a run.

        Columns: `model`, `seed`, `state` ("finished", "interrupted" or "to do"; empty where a mistake is in
        its way), and of runs whose data and model are known the fields of `RunPlan`: `training` (utterances
        of the training part), `copies`, `batches_per_epoch`, `updates`, `evaluations`, `saved_states`,
        `lengths`.
        """
        run_plans = {
            (model.run.model.name, seed): vars(plan)
            for model in self.models
            for seed, plan in model.runs.items()
        }
        return pd.DataFrame(
            [
                {
                    "model": run.model.name,
                    "seed": run.seed,
                    "state": state.value if (state := self.state_of(run)) else None,
                    **run_plans.get((run.model.name, run.seed), {}),
                }
                for run in self.runs
            ]
        )

    def state_of(self, run: Run) -> RunState | None:
        """How far a run is; `None` where a mistake is in its way."""
        return self.states.get((run.model.name, run.seed))

    def runs_in(self, state: RunState) -> list[Run]:
        """The runs that are so far."""
        return [run for run in self.runs if self.state_of(run) is state]


def check_study(
    experiment: ExperimentDefinition,
    seeds: Iterable[int] | None = None,
    audio: bool = True,
    progress: ProgressListener | None = None,
) -> CheckResult:
    """Find out what training an experiment would find out, and what it would do.

    Nothing is trained and nothing written, but for the experiment's `audio_cache`, which reading audio fills,
    and what is known of recordings (`kser.audio.sound_store`).
    The hub is asked for configurations, not for weights.

    Args:
        experiment: validated.
        seeds: in place of those that the models and `cross_validation` say.
        audio: whether to read every audio file; without, lengths of batches and mistakes in audio files
            remain unknown.
        progress: gets events as audio is read; `None` for silence.

    Raises:
        UserError: the seeds are wrong, see `plan_runs`.
    """

    def begin(what: str) -> None:
        if progress is not None:
            progress(Working(experiment.config.experiment_name, what))

    begin("reading metadata and splitting")
    runs = plan_runs(experiment, seeds)
    inputs = read_inputs(experiment, runs, audio)
    check = CheckResult(
        experiment,
        runs,
        mistakes=[*inputs.mistakes, *unwritable_folders(runs), *unshareable(runs)],
        to_obtain=[*map(how_to_obtain, inputs.missing), *missing_devices(runs)],
        notes=list(inputs.notes),
    )
    check.splits = count_splits(inputs.data)
    check.warnings += [warning for split in check.splits for warning in split.warnings]
    audio_files = _AudioFiles(experiment, progress) if audio else None
    for run in first_runs(runs).values():
        begin(f"checking the model {run.model.name}")
        _check_model(check, run, inputs, audio_files)
    if audio:
        check.warnings += sound_warnings(
            inputs, runs, reading_progress(progress, experiment.source, "comparing recordings")
        )
    begin("looking for earlier results")
    for run in runs:
        _check_state(check, run, inputs.data.get((run.model.name, run.seed)))
    check.mistakes = list(dict.fromkeys(check.mistakes))
    check.to_obtain = list(dict.fromkeys(check.to_obtain))
    check.notes = list(dict.fromkeys(check.notes))
    check.warnings = list(dict.fromkeys(check.warnings))
    return check


def _check_model(check: CheckResult, run: Run, inputs: Inputs, audio_files: "_AudioFiles | None") -> None:
    """Build the model of a run as far as it is here, read the audio that its runs need, and plan them."""
    of_model = {seed: data for (model, seed), data in inputs.data.items() if model == run.model.name}
    try:
        checkpoint = checkpoint_of(run)
        if checkpoint.to_obtain:
            check.to_obtain.append(checkpoint.to_obtain)
        facts = model_facts(run, checkpoint, of_model.get(run.seed))
        check.notes += checkpoint_notes(run.model, checkpoint)
        lengths = None
        if audio_files is not None and of_model:
            reader = WaveformReader(facts.format, run.audio_cache)
            lengths = audio_files.lengths(reader, next(iter(of_model.values())), run)
            _add_bad_audio(check, lengths, run)
            notes = length_notes(lengths, facts.format.processing)
            check.notes += [f"{run.model_source}: {note}" for note in notes]
            check.warnings += facts.length_warnings(lengths)
            check.mistakes += _lost_to_bad_audio(of_model, lengths, run)
            _try_augmentations(run, reader, lengths)
            check.notes += facts.audio_notes(_lengths_of_parts(run, of_model, lengths, facts.format))
        plan = facts.plan(of_model, lengths)
        check.models.append(plan)
        check.warnings += plan.memory_warnings
        check.mistakes += facts.unfreezing_mistakes(plan.runs)
    except UserError as error:
        check.mistakes += str(error).splitlines()


def _lengths_of_parts(
    run: Run, of_model: Mapping[int, RunData], lengths: Lengths, waveform_format: WaveformFormat
) -> dict[str, Sequence[int]]:
    """Samples of the utterances of a model's first run, by part, and of the further test sets."""
    seed, data = next(iter(of_model.items()))
    paths = {f"{part} part (seed {seed})": data.rows(part)["path"].tolist() for part in PARTS}
    for test_set in further_test_sets(run.experiment):
        if test_set.test_csv.is_file():
            paths[f"test set {test_set.name}"] = _paths_of(test_set, run)
    return {part: utterance_lengths(given, lengths, waveform_format) for part, given in paths.items()}


class _AudioFiles:
    """The lengths of all audio files of an experiment, read once for all models that read them alike."""

    def __init__(self, experiment: ExperimentDefinition, progress: ProgressListener | None):
        self.experiment = experiment
        self.progress = reading_progress(progress, experiment.source)
        self._read: dict[tuple[WaveformReader, frozenset[str]], Lengths] = {}

    def lengths(self, reader: WaveformReader, data: RunData, run: Run) -> Lengths:
        """Of the corpus and of the test sets that are here."""
        paths = dict.fromkeys(data.table["path"])
        for test_set in further_test_sets(self.experiment):
            if test_set.test_csv.is_file():
                paths |= dict.fromkeys(_paths_of(test_set, run))
        key = (reader, frozenset(paths))
        if key not in self._read:
            found = check_all(reader, list(paths), self.progress)
            self._read[key] = dict(zip(paths, found, strict=True))
        return self._read[key]


def _paths_of(test_set: TestSet, run: Run) -> list[str]:
    model = run.model
    try:
        metadata = read_test_set(test_set.test_csv, model.task, model.input_column, test_set.table_format)
    except UserError:  # the check of the test sets finds it
        return []
    return list(metadata.table["path"])


def _add_bad_audio(check: CheckResult, lengths: Lengths, run: Run) -> None:
    bad = [
        str(found)
        for found in lengths.values()
        if isinstance(found, UserError) and not isinstance(found, LeftOutError)
    ]
    if run.config.on_bad_audio == "error":
        check.mistakes += bad
    elif bad:
        check.notes += [f"left out: {line}" for line in bad]


def _lost_to_bad_audio(of_model: Mapping[int, RunData], lengths: Lengths, run: Run) -> list[str]:
    """What no run of a model could learn, or measure, without the files that are left out."""
    bad_audio = {
        path: str(found)
        for path, found in lengths.items()
        if isinstance(found, UserError)
        and (run.config.on_bad_audio == "skip" or isinstance(found, LeftOutError))
    }
    return [
        line for data in of_model.values() for line in data.bad_audio_mistakes(str(run.data_csv), bad_audio)
    ]


def _try_augmentations(run: Run, reader: WaveformReader, lengths: Lengths) -> None:
    """Try the augmentations on the first good recording."""
    good = next((path for path, found in lengths.items() if isinstance(found, int)), None)
    plan = augmentation_plan(run.experiment, run.seed)
    if plan is not None and good is not None:
        try_out(run.experiment, plan, reader(good), reader.format.sampling_rate)


def _check_state(check: CheckResult, run: Run, data: RunData | None) -> None:
    try:
        check.states[run.model.name, run.seed] = run_state(
            run, None if data is None else run_settings(run, data)
        )
    except UserError as error:
        check.mistakes += str(error).splitlines()
