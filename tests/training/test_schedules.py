"""The learning rate of each update, as transformers' schedules have it."""

import keras
import numpy as np
import pytest

from kser.training.schedules import SCHEDULES, WarmupSchedule, warmup_updates

UPDATES, WARM = 20, 5


def expected(schedule: str, update: int) -> float:
    """The formulas of `get_*_schedule_with_warmup`, written out."""
    if update < WARM:
        return update / WARM
    passed = (update - WARM) / (UPDATES - WARM)
    return {
        "linear": max(1 - passed, 0.0),
        "cosine": 0.5 * (1 + np.cos(np.pi * min(passed, 1.0))),
        "constant": 1.0,
    }[schedule]


@pytest.mark.parametrize("name", SCHEDULES)
def test_every_update_has_its_rate_whatever_the_accumulation(name):
    schedule = WarmupSchedule(name, 1e-3, UPDATES, WARM, batches_per_update=3)
    rates = [float(schedule(batch)) for batch in range(3 * (UPDATES + 2))]
    wanted = [1e-3 * expected(name, batch // 3) for batch in range(3 * (UPDATES + 2))]
    assert rates == pytest.approx(wanted, rel=1e-5, abs=1e-9)


def test_is_the_schedule_of_transformers():
    torch = pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    for name in SCHEDULES:
        optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
        theirs = transformers.get_scheduler(
            name if name != "constant" else "constant_with_warmup", optimizer, WARM, UPDATES
        )
        ours = WarmupSchedule(name, 1.0, UPDATES, WARM)
        for update in range(UPDATES):
            assert float(ours(update)) == pytest.approx(optimizer.param_groups[0]["lr"], abs=1e-6)
            optimizer.step()
            theirs.step()


def test_without_a_warmup_the_first_update_has_the_full_rate():
    for name in SCHEDULES:
        assert float(WarmupSchedule(name, 0.5, 10)(0)) == 0.5


@pytest.mark.parametrize(
    ("updates", "ratio", "warm"), [(100, 0.0, 0), (100, 0.1, 10), (7, 0.5, 4), (1, 0.9, 1)]
)
def test_the_share_of_the_warmup_is_rounded_up(updates, ratio, warm):
    assert warmup_updates(updates, ratio) == warm


def test_a_warmup_over_the_whole_run_divides_by_nothing():
    schedule = WarmupSchedule("linear", 1.0, 2, warmup_updates=2)
    assert [float(schedule(update)) for update in range(3)] == [0.0, 0.5, 1.0]


def test_survives_its_config():
    schedule = WarmupSchedule("cosine", 1e-3, 20, 5, 3)
    restored = keras.optimizers.schedules.deserialize(keras.optimizers.schedules.serialize(schedule))
    assert restored.get_config() == schedule.get_config()


@pytest.mark.thorough
def test_an_unknown_schedule_is_refused():
    with pytest.raises(ValueError, match="schedule='steps'"):
        WarmupSchedule("steps", 1.0, 10)
