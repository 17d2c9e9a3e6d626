"""What layers of a model hold, and what training changes in them: arrays of vectors in, numbers out.

`cka`, `speaker_cka`, `canonical_correlation`, `procrustes` and `rsa` compare two sets of vectors of the same
utterances;
`uncertainty` says what such a number is by chance, for other speakers and over seeds. `probes` read `targets`
from vectors, in `folds` that leak nothing. `geometry` and `maps` describe one set, `drift` how far it moved.
`grid` lays all of it out over layers, checkpoints and feature groups, and `plots` draws it.
"""
