"""Hyper-parameter search of a run: candidates by KerasTuner, each trained on a share of the training part.

Every run searches by itself, because every seed has a split of its own: a search that seeds shared would see
test speakers of other seeds. Nothing here is given the test part. What is searched is in
`kser.experiment.config.search_space`.

- `share_of_speakers`: the part of the training part that trials learn from.
- `oracles`: KerasTuner's oracles, which draw the candidates, and their state on disk.
- `trial_runner`: training a trial, and its result.
- `trials`: the trials as a table.
- `searching`: the search itself.
- `plot`: the objective by trial and by searched value.
"""
