"""Hyper-parameter search of a run: candidates by KerasTuner, each trained on a share of the training part.

Every run searches by itself, because every seed has a split of its own: a search that seeds shared would see
test speakers of other seeds. Nothing here is given the test part.

- `space`: what is searched, and what may not be.
- `candidates`: every candidate is a valid model, told before anything is trained.
- `share_of_speakers`: the part of the training part that trials learn from.
- `oracles`: KerasTuner's oracles, which draw the candidates.
- `trials`: what came of each trial, kept so that an interrupted search continues.
- `searching`: the search itself.
- `plot`: the objective by trial and by searched value.
"""
