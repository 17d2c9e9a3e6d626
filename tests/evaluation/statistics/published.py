"""The published table that kser.evaluation.statistics reproduces.

UAR of Wav2vec 2.0 and HuBERT, with and without pre-fine-tuning on Italian, on two Italian corpora: means and
standard deviations over 110 seeds a cell, with the F and t values that were printed with them.

The standard deviations are those of a population (ddof = 0): so taken, the F of the largest effect, which the
rounding of the table hardly touches, is 15003.3 where 15002.58 was printed; with ddof = 1 it would be
15140.9. The t-tests compare all 440 runs of a level with all 440 of the other, Student's test with pooled
variance: what the other two factors do is part of the spread.
"""

import pandas as pd

FACTORS = ["architecture", "pre-fine-tuning", "test set"]
SEEDS = 110
SD_DDOF = 0

CELLS = pd.DataFrame(
    [
        ("Wav2vec 2.0", "yes", "Emozionalmente", 0.7825, 0.0166),
        ("Wav2vec 2.0", "yes", "EMOVO", 0.5855, 0.0341),
        ("Wav2vec 2.0", "no", "Emozionalmente", 0.7810, 0.0195),
        ("Wav2vec 2.0", "no", "EMOVO", 0.5675, 0.0338),
        ("HuBERT", "yes", "Emozionalmente", 0.7604, 0.0170),
        ("HuBERT", "yes", "EMOVO", 0.5227, 0.0347),
        ("HuBERT", "no", "Emozionalmente", 0.7615, 0.0181),
        ("HuBERT", "no", "EMOVO", 0.5211, 0.0309),
    ],
    columns=[*FACTORS, "mean", "sd"],
).assign(n=SEEDS)

F_VALUES = {
    "architecture": 431.28,
    "pre-fine-tuning": 7.59,
    "test set": 15002.58,
    "architecture × pre-fine-tuning": 6.78,
    "architecture × test set": 86.85,
    "pre-fine-tuning × test set": 6.91,
    "architecture × pre-fine-tuning × test set": 3.55,
}
RESIDUAL_DF = 872

T_VALUES = {
    ("test set", "Emozionalmente", "EMOVO"): 96.48,
    ("architecture", "HuBERT", "Wav2vec 2.0"): -4.87,
    ("pre-fine-tuning", "no", "yes"): -0.64,
}
