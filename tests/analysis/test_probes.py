"""Probes read what was planted, and nothing that only shared speakers would tell."""

import numpy as np
import pytest
from sklearn.linear_model import Ridge
from sklearn.metrics import balanced_accuracy_score, r2_score
from sklearn.model_selection import GroupKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from kser.analysis.folds import grouped_folds
from kser.analysis.probes import ProbeSettings, control_scores, probe, score_interval
from kser.analysis.targets import ClassTarget, NumberTarget
from kser.errors import UserError
from kser.evaluation.class_measures import class_outcome
from kser.evaluation.labels import encode
from kser.evaluation.over_speakers import outcome_intervals

SPEAKERS, SENTENCES, EMOTIONS, CHANNELS = 12, 6, 3, 40
QUICK = ProbeSettings(folds=4, inner_folds=2, penalties=(1.0, 100.0))


class Corpus:
    """Every speaker says every sentence with every emotion; 40 channels of noise to plant something in."""

    def __init__(self, seed=0):
        self.rng = np.random.default_rng(seed)
        every = np.indices((SPEAKERS, SENTENCES, EMOTIONS)).reshape(3, -1)
        self.speaker, self.sentence, self.emotion = every
        self.noise = self.rng.normal(size=(every.shape[1], CHANNELS))

    def codes(self, values):
        """A random vector for each value."""
        values = np.asarray(values)
        return self.rng.normal(size=(values.max() + 1, CHANNELS))[values]

    @property
    def emotions(self):
        return np.array(["anger", "joy", "sadness"])[self.emotion]


def read_emotion(corpus, vectors, groups, **options):
    return probe(vectors, ClassTarget.of(corpus.emotions), groups, QUICK, **options)


def test_a_planted_emotion_is_read():
    corpus = Corpus()
    found = read_emotion(corpus, corpus.noise + 2 * corpus.codes(corpus.emotion), corpus.speaker)
    assert found.measure == "uar"
    assert found.score > 0.95
    assert found.chance == pytest.approx(1 / 3)
    assert np.mean(found.predicted == corpus.emotions) == pytest.approx(found.score)
    assert len(found.penalties) == 4
    assert found.unfinished == 0


def test_noise_is_read_at_chance():
    scores = [read_emotion(corpus, corpus.noise, corpus.speaker).score for corpus in map(Corpus, range(5))]
    assert np.mean(scores) == pytest.approx(1 / 3, abs=0.04)


def test_each_speaker_s_own_way_of_showing_emotions_is_a_leak_that_only_shared_speakers_have():
    corpus = Corpus()
    vectors = corpus.noise + 3 * corpus.codes(corpus.speaker * EMOTIONS + corpus.emotion)
    own_fold_per_utterance = read_emotion(corpus, vectors, None)
    assert own_fold_per_utterance.score > 0.7
    assert read_emotion(corpus, vectors, corpus.speaker).score < 0.45


def test_speakers_are_read_where_they_are_and_at_chance_where_they_are_not():
    corpus = Corpus()
    target = ClassTarget.of([f"speaker {number}" for number in corpus.speaker])
    with_voices = corpus.noise + 2 * corpus.codes(corpus.speaker)
    assert probe(with_voices, target, corpus.sentence, QUICK).score > 0.9
    without = probe(corpus.noise + 2 * corpus.codes(corpus.emotion), target, corpus.sentence, QUICK)
    assert without.score == pytest.approx(1 / SPEAKERS, abs=0.07)


def test_speakers_are_not_read_off_their_sentences():
    """Where each speaker says some sentences in a way of his own, only new sentences show the voice."""
    corpus = Corpus()
    target = ClassTarget.of(corpus.speaker)
    vectors = corpus.noise + 3 * corpus.codes(corpus.speaker * SENTENCES + corpus.sentence)
    assert probe(vectors, target, None, QUICK).score > 0.6
    assert probe(vectors, target, corpus.sentence, QUICK).score < 0.2


def test_a_number_is_read():
    corpus = Corpus()
    direction = corpus.rng.normal(size=CHANNELS)
    arousal = corpus.noise @ direction + corpus.rng.normal(size=len(corpus.noise))
    found = probe(corpus.noise, NumberTarget.of(arousal), corpus.speaker)
    assert (found.measure, found.chance) == ("r2", 0.0)
    assert found.score > 0.85
    assert found.predicted.shape == (len(arousal), 1)
    several = probe(
        corpus.noise,
        NumberTarget.of(np.column_stack([arousal, corpus.rng.normal(size=len(arousal))])),
        corpus.speaker,
    )
    assert 0.3 < several.score < 0.55
    assert probe(corpus.codes(corpus.speaker), NumberTarget.of(arousal), corpus.speaker).score < 0.05


def test_predictions_are_those_of_models_trained_without_the_group():
    corpus = Corpus()
    values = corpus.noise[:, :2] + corpus.rng.normal(size=(len(corpus.noise), 2))
    settings = ProbeSettings(folds=SPEAKERS, penalties=(10.0,))
    found = probe(corpus.noise, NumberTarget.of(values), corpus.speaker, settings)
    for train, test in GroupKFold(SPEAKERS).split(values, groups=corpus.speaker):
        model = make_pipeline(StandardScaler(), Ridge(alpha=10.0)).fit(corpus.noise[train], values[train])
        assert found.predicted[test] == pytest.approx(model.predict(corpus.noise[test]))


def test_scores_are_scikit_learn_s():
    corpus = Corpus()
    values = corpus.noise[:, :2] + corpus.rng.normal(size=(len(corpus.noise), 2)) + 1000
    found = probe(corpus.noise, NumberTarget.of(values), corpus.speaker, QUICK)
    assert found.score == pytest.approx(r2_score(values, found.predicted))
    found = read_emotion(corpus, corpus.noise, corpus.speaker)
    assert found.score == pytest.approx(balanced_accuracy_score(corpus.emotions, found.predicted))


def test_intervals_draw_speakers():
    corpus = Corpus()
    strength = np.linspace(0, 2, SPEAKERS)[corpus.speaker][:, None]
    vectors = corpus.noise + strength * corpus.codes(corpus.emotion)
    found = read_emotion(corpus, vectors, corpus.speaker)
    target = ClassTarget.of(corpus.emotions)
    low, high = score_interval(found, target, corpus.speaker)
    outcome = class_outcome(encode(target.truth, found.predicted, target.classes))
    assert [low, high] == outcome_intervals(outcome, corpus.speaker)["uar"]
    assert low < found.score < high
    assert np.isnan(score_interval(found, target, ["one"] * len(vectors))).all()
    numbers = NumberTarget.of(corpus.noise[:, :3] + corpus.rng.normal(size=(len(vectors), 3)))
    read = probe(corpus.noise, numbers, corpus.speaker, QUICK)
    low, high = score_interval(read, numbers, corpus.speaker)
    assert low < read.score < high < 1


def test_the_penalty_suits_the_data():
    corpus = Corpus()
    noisy = np.column_stack([corpus.noise, corpus.rng.normal(size=(len(corpus.noise), 150))])
    settings = ProbeSettings(penalties=(1e-6, 1e6))
    plain = corpus.noise @ corpus.rng.normal(size=CHANNELS)
    assert set(probe(noisy, NumberTarget.of(plain), corpus.speaker, settings).penalties) == {1e-6}
    nothing = corpus.rng.normal(size=len(plain))
    assert set(probe(noisy, NumberTarget.of(nothing), corpus.speaker, settings).penalties) == {1e6}


def test_a_seed_repeats_and_the_order_of_rows_does_not_matter():
    corpus = Corpus()
    vectors = corpus.noise + 0.5 * corpus.codes(corpus.emotion)
    one, other = (read_emotion(corpus, vectors, corpus.speaker) for _ in range(2))
    assert (one.score, one.penalties) == (other.score, other.penalties)
    assert np.array_equal(one.predicted, other.predicted)
    order = corpus.rng.permutation(len(vectors))
    shuffled = probe(vectors[order], ClassTarget.of(corpus.emotions[order]), corpus.speaker[order], QUICK)
    assert np.mean(shuffled.predicted == one.predicted[order]) > 0.99


def test_what_is_read_off_the_sentence_is_not_selective():
    corpus = Corpus()
    by_sentence, by_emotion = (
        corpus.noise + 3 * corpus.codes(values) for values in (corpus.sentence, corpus.emotion)
    )
    target, units = ClassTarget.of(corpus.emotions), corpus.sentence
    controls = control_scores(by_sentence, target, corpus.speaker, units, settings=QUICK)
    assert controls.min() > 0.9
    controls = control_scores(by_emotion, target, corpus.speaker, units, settings=QUICK)
    assert controls.max() < 0.5
    assert read_emotion(corpus, by_emotion, corpus.speaker).score - controls.mean() > 0.5


def test_controls_without_units_are_at_chance():
    corpus = Corpus()
    vectors = corpus.noise + 3 * corpus.codes(corpus.emotion)
    target = ClassTarget.of(corpus.emotions)
    controls = control_scores(vectors, target, corpus.speaker, draws=2, settings=QUICK)
    assert controls.shape == (2,)
    assert controls.mean() == pytest.approx(1 / 3, abs=0.1)
    assert np.array_equal(controls, control_scores(vectors, target, corpus.speaker, draws=2, settings=QUICK))
    of_numbers = control_scores(vectors, NumberTarget.of(corpus.noise[:, 0]), corpus.speaker, settings=QUICK)
    assert of_numbers.max() < 0.05


def test_numbers_are_dealt_to_units():
    corpus = Corpus()
    vectors = corpus.noise + 5 * corpus.codes(corpus.sentence)
    target = NumberTarget.of(corpus.rng.normal(size=len(vectors)))
    assert control_scores(vectors, target, corpus.speaker, corpus.sentence, settings=QUICK).min() > 0.7


def test_a_solver_that_ends_too_early_is_counted(monkeypatch):
    monkeypatch.setattr("kser.analysis.targets.MOST_ITERATIONS", 2)
    monkeypatch.setattr("kser.analysis.probes.MOST_ITERATIONS", 2)
    corpus = Corpus()
    assert read_emotion(corpus, corpus.noise, corpus.speaker).unfinished == 4


def test_folds_keep_groups_whole_and_strata_even():
    corpus = Corpus()
    folds = grouped_folds(corpus.emotion, corpus.speaker, 5, 0)
    tested = np.concatenate([test for _, test in folds])
    assert sorted(tested) == list(range(len(corpus.emotion)))
    for train, test in folds:
        assert not set(corpus.speaker[train]) & set(corpus.speaker[test])
        assert len(set(np.bincount(corpus.emotion[test]))) == 1
    gender = corpus.speaker % 2
    assert all(len(set(gender[test])) == 2 for _, test in grouped_folds(gender, corpus.speaker, 6, 0))
    assert len(grouped_folds(gender, corpus.speaker, 50, 0)) == SPEAKERS


def test_what_cannot_be_probed():
    corpus = Corpus()
    target = ClassTarget.of(corpus.emotions)
    with pytest.raises(UserError, match="only one group of utterances"):
        probe(corpus.noise, target, np.zeros(len(corpus.noise)), QUICK)
    rare = np.where((corpus.speaker == 3) & (corpus.sentence < 2), "disgust", corpus.emotions)
    with pytest.raises(UserError, match="'disgust': all utterances are in too few groups"):
        probe(corpus.noise, ClassTarget.of(rare), corpus.speaker, QUICK)
    with pytest.raises(ValueError, match="target has 5 values but there are 216 utterances"):
        probe(corpus.noise, ClassTarget.of(list("ababa")), corpus.speaker, QUICK)
    with pytest.raises(ValueError, match="groups has 1 values but there are 216 utterances"):
        probe(corpus.noise, target, ["a"], QUICK)
    with pytest.raises(UserError, match="no two utterances have the same label"):
        probe(corpus.noise, ClassTarget.of(range(len(corpus.noise))), corpus.speaker, QUICK)
    with pytest.raises(ValueError, match="inner_folds must be at least 2, got 1"):
        ProbeSettings(inner_folds=1)
    with pytest.raises(ValueError, match=r"penalties must be above 0, got \(1\.0, 0\.0\)"):
        ProbeSettings(penalties=(1.0, 0.0))
    with pytest.raises(UserError, match="units: 2 cannot stand for 3 classes"):
        control_scores(corpus.noise, target, corpus.speaker, corpus.sentence % 2)
    with pytest.raises(UserError, match="labels: a probe needs two or more classes, got 1"):
        ClassTarget.of(["anger", "anger"])
    with pytest.raises(UserError, match="labels: no value in row 1"):
        ClassTarget.of(["anger", None])
    with pytest.raises(UserError, match="values: row 1 has a value that is not finite"):
        NumberTarget.of([1.0, np.nan, 2.0])
    with pytest.raises(UserError, match="values: column 1 has the same value everywhere"):
        NumberTarget.of([[1.0, 2.0], [2.0, 2.0]])
    with pytest.raises(ValueError, match=r"values has the shape \(0,\)"):
        NumberTarget.of([])
