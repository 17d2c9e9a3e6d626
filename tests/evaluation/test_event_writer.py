"""Event files that kser writes, as TensorBoard and kser itself read them."""

import pytest

from kser.evaluation.event_files import read_scalars
from kser.evaluation.event_writer import Event, EventWriter

EVENTS = [
    Event(1000.5, 0, {"eval/loss": 1.5, "eval/uar": 0.25}),
    Event(1001.5, 10, {"train/loss": 1.25}),
    Event(1002.5, 3_000_000, {"train/loss": 1e-7, "eval/ä": float("inf")}),
]


def write(folder, events=EVENTS, begun_s=1000.0):
    first, *later = events
    writer = EventWriter(folder, begun_s, [first])
    for event in later:
        writer.add(event)
    return writer.path


def test_kser_reads_what_it_writes(tmp_path):
    wanted = [(of.step, tag, pytest.approx(value)) for of in EVENTS for tag, value in of.values.items()]
    assert [tuple(scalar) for scalar in read_scalars(write(tmp_path))] == wanted


def test_tensorboard_reads_what_kser_writes(tmp_path):
    accumulators = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    write(tmp_path)
    found = accumulators.EventAccumulator(str(tmp_path)).Reload()
    assert found.file_version == 2.0
    assert set(found.Tags()["scalars"]) == {"eval/loss", "eval/uar", "train/loss", "eval/ä"}
    for event in EVENTS:
        for tag, value in event.values.items():
            (scalar,) = [of for of in found.Scalars(tag) if of.step == event.step]
            assert scalar.value == pytest.approx(value)
            assert scalar.wall_time == event.wall_time_s


def test_a_file_begun_anew_takes_the_place_of_older_ones(tmp_path):
    write(tmp_path)
    (tmp_path / "log.csv").write_text("stays")
    path = write(tmp_path, EVENTS[:2], begun_s=2000.0)
    assert sorted(file.name for file in tmp_path.iterdir()) == sorted([path.name, "log.csv"])
    assert [scalar.step for scalar in read_scalars(path)] == [0, 0, 10]
