"""How far kser's own functionals and openSMILE's eGeMAPS say the same of a corpus.

    kser features --data data/emodb/metadata.csv --output features/functionals
    kser features --data data/emodb/metadata.csv --output features/egemaps --set egemaps --accept_licence
    python eval/benchmarks/expert_features.py features/functionals features/egemaps

Spearman's correlation over the recordings that both have a number for, and the median of each.
"""

import argparse
from pathlib import Path

from scipy.stats import spearmanr

from kser.markdown import markdown_table
from kser.representations.expert_features.table import FeatureTable

_PITCH, _LOUDNESS = "F0semitoneFrom27.5Hz_sma3nz", "loudness_sma3"
COUNTERPARTS = {
    "pitch_mean": f"{_PITCH}_amean",
    "pitch_p20": f"{_PITCH}_percentile20.0",
    "pitch_p50": f"{_PITCH}_percentile50.0",
    "pitch_p80": f"{_PITCH}_percentile80.0",
    "pitch_range": f"{_PITCH}_pctlrange0-2",
    "pitch_rising_slope_mean": f"{_PITCH}_meanRisingSlope",
    "pitch_falling_slope_mean": f"{_PITCH}_meanFallingSlope",
    "loudness_mean": f"{_LOUDNESS}_amean",
    "loudness_variation": f"{_LOUDNESS}_stddevNorm",
    "loudness_p20": f"{_LOUDNESS}_percentile20.0",
    "loudness_p50": f"{_LOUDNESS}_percentile50.0",
    "loudness_p80": f"{_LOUDNESS}_percentile80.0",
    "loudness_range": f"{_LOUDNESS}_pctlrange0-2",
    "loudness_rising_slope_mean": f"{_LOUDNESS}_meanRisingSlope",
    "loudness_falling_slope_mean": f"{_LOUDNESS}_meanFallingSlope",
    "level": "equivalentSoundLevel_dBp",
    "alpha_ratio_voiced_mean": "alphaRatioV_sma3nz_amean",
    "hammarberg_index_voiced_mean": "hammarbergIndexV_sma3nz_amean",
    "slope_0_500_voiced_mean": "slopeV0-500_sma3nz_amean",
    "slope_500_1500_voiced_mean": "slopeV500-1500_sma3nz_amean",
    "flux_voiced_mean": "spectralFluxV_sma3nz_amean",
    "mfcc_1_voiced_mean": "mfcc1V_sma3nz_amean",
    "mfcc_2_voiced_mean": "mfcc2V_sma3nz_amean",
    "mfcc_3_voiced_mean": "mfcc3V_sma3nz_amean",
    "mfcc_4_voiced_mean": "mfcc4V_sma3nz_amean",
    "alpha_ratio_unvoiced_mean": "alphaRatioUV_sma3nz_amean",
    "hammarberg_index_unvoiced_mean": "hammarbergIndexUV_sma3nz_amean",
    "slope_0_500_unvoiced_mean": "slopeUV0-500_sma3nz_amean",
    "slope_500_1500_unvoiced_mean": "slopeUV500-1500_sma3nz_amean",
    "jitter_local": "jitterLocal_sma3nz_amean",
    "shimmer_local": "shimmerLocaldB_sma3nz_amean",
    "hnr_mean": "HNRdBACF_sma3nz_amean",
    "voiced_segments_rate": "VoicedSegmentsPerSec",
    "voiced_length_mean": "MeanVoicedSegmentLengthSec",
    "unvoiced_length_mean": "MeanUnvoicedSegmentLength",
    "loudness_peaks_rate": "loudnessPeaksPerSec",
}
"""By functional, what eGeMAPS has of the same name or meaning."""


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("functionals", type=Path)
    parser.add_argument("egemaps", type=Path)
    arguments = parser.parse_args()
    own, other = FeatureTable.at(arguments.functionals), FeatureTable.at(arguments.egemaps)
    rows = other.rows_of(list(own.table["path"]))
    mine, theirs = (
        own.table[rows >= 0],
        other.table.iloc[rows[rows >= 0]].set_index(own.table.index[rows >= 0]),
    )
    print(f"{own.facts['version']}; {other.facts['version']}; {len(mine)} recordings\n")
    table = []
    for name, counterpart in COUNTERPARTS.items():
        both = mine[name].notna() & theirs[counterpart].notna()
        values = mine.loc[both, name], theirs.loc[both, counterpart]
        correlation = spearmanr(*values).statistic
        medians = (f"{each.median():.4g}" for each in values)
        table.append((name, counterpart, int(both.sum()), f"{correlation:.3f}", *medians))
    header = ("kser", "eGeMAPS", "recordings", "Spearman", "median, kser", "median, eGeMAPS")
    print(markdown_table(header, table, text_columns=2), end="")


if __name__ == "__main__":
    main()
