"""What tables and figures call measures."""

MEASURE_NAMES = {
    "uar": "UAR",
    "wa": "WA",
    "macro_f1": "macro F1",
    "weighted_f1": "weighted F1",
    "mcc": "MCC",
    "ccc": "CCC",
    "mse": "MSE",
    "pearson": "Pearson's r",
    "micro_f1": "micro F1",
    "macro_auc": "macro AUC",
    "mean_average_precision": "mean average precision",
    "subset_accuracy": "subset accuracy",
    "hamming_loss": "Hamming loss",
}
"""Names of measures by their key in a report."""

_OF_ONE = {"ccc": "CCC", "mse": "MSE", "pearson": "Pearson's r", "f1": "F1", "auc": "AUC"}


def measure_name(key: str) -> str:
    """A measure's name: `uar` is UAR, `ccc_arousal` is CCC of arousal; a key that is none of kser's stays."""
    if key in MEASURE_NAMES:
        return MEASURE_NAMES[key]
    measure, _, part = key.partition("_")
    return f"{_OF_ONE[measure]} of {part}" if part and measure in _OF_ONE else key
