"""What several fine-tuning seeds say together."""

from collections.abc import Hashable, Mapping
from typing import Any

import pandas as pd

from kser.analysis.uncertainty import seed_band

# By table, the columns that a number belongs to beside model, stage and layer; and the columns with numbers.
_QUANTITIES = {
    "features": (("features", "measure"), ("value",)),
    "drift": ((), ("rearranged", "turned", "moved")),
    "probes": (("target", "measure"), ("score", "selectivity")),
}
_PLACE = ["model", "stage", "layer"]
_SILHOUETTE = "silhouette_"
_COLUMNS = ["table", *_PLACE, "of", "measure", "mean", "low", "high", "seeds"]


def seed_summary(tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Mean over seeds of all numbers of layers, and its 95% interval by Student's t.

    Args:
        tables: by name, see `kser.representations.analysing.jobs`.

    Returns:
        One row a number: `table`, `model`, `stage`, `layer`, `of` (features or target), `measure`, `mean`,
        `low`, `high` (NaN for one seed) and how many `seeds`. Several probes of a seed count as their mean.
    """
    rows: list[dict[str, Any]] = []
    for name, table in tables.items():
        beside, columns = _quantities(name, table)
        for column in columns:
            for place, values in table.groupby([*_PLACE, *beside], sort=False):
                of_seed = values.groupby("seed", sort=False)[column].mean().dropna()
                if not len(of_seed):
                    continue
                mean, low, high = (float(value) for value in seed_band(of_seed.to_numpy()))
                of: Hashable = place[3] if beside else ""
                measure: Hashable = column
                if "measure" in beside:
                    measure = place[-1] if column in ("value", "score") else column
                rows.append(
                    {
                        "table": name,
                        **dict(zip(_PLACE, place[:3], strict=True)),
                        **{"of": of, "measure": measure, "mean": mean, "low": low, "high": high},
                        "seeds": len(of_seed),
                    }
                )
    return pd.DataFrame(rows, columns=_COLUMNS)


def _quantities(name: str, table: pd.DataFrame) -> tuple[tuple[str, ...], tuple[Any, ...]]:
    if name == "geometry":
        ranks = ("participation_ratio", "effective_rank", "rankme")
        return (), (*ranks, *(column for column in table if str(column).startswith(_SILHOUETTE)))
    beside, columns = _QUANTITIES.get(name, ((), ()))
    return beside, tuple(column for column in columns if column in table)
