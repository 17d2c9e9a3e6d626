"""From utterances to batches of few static shapes, as Grain data sets. Knows no Keras."""
