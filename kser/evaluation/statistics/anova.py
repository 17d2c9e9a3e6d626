"""Factorial analysis of variance, from the runs or from a published table of means and standard deviations.

Both ways use type III sums of squares with sum-to-zero coding. Seeds are lost by accident (a run that was
killed, a model added later), and how many a cell has says nothing about the world: so the hypotheses are
about the plain means of the cells, which is what type III tests (Searle, "Linear Models for Unbalanced Data",
1987). With equal numbers of runs the types agree and give the classic table. Where cells are empty, such
hypotheses do not exist; then type II is used on the terms that can still be estimated.
"""

from collections.abc import Iterator, Sequence
from functools import reduce
from itertools import combinations

import numpy as np
import pandas as pd
from scipy import stats

from kser.errors import UserError
from kser.evaluation.statistics.descriptive import within_squares
from kser.words import listed

SMALLEST_P = float(np.finfo(float).tiny)
"""What a p-value is given as when it is too small for a float: 2.2e-308, for no p-value is zero."""

Term = tuple[str, ...]
"""Factors of an effect: one of a main effect, several of an interaction."""

RESIDUAL = "residual"


def anova(
    results: pd.DataFrame,
    factors: Sequence[str],
    metric: str = "uar",
    terms: Sequence[Term] | None = None,
) -> pd.DataFrame:
    """Analysis of variance of a measure over factors between runs, by statsmodels.

    Args:
        results: one row a run, with the columns of `factors` and the measure; runs without a value are left
            out. The numbers of runs in the cells may differ.
        factors: columns of the factors, one or more, each with two levels or more.
        metric: column of the measure.
        terms: main effects and interactions to test; all (the full factorial) when `None`. With fewer, as
            `factorial_terms` gives them for tables with empty cells, sums of squares are of type II.

    Returns:
        One row an effect and a last one `residual`, with `source` (`a × b` for an interaction),
        `sum_of_squares`, `df`, `mean_square`, `f`, `p` (never below `SMALLEST_P`), `eta_squared`,
        `partial_eta_squared`, `omega_squared`.

    Raises:
        UserError: the data cannot answer: a factor with one level, empty cells without `terms`, no cell with
            two runs, no spread.
    """
    from statsmodels.formula.api import ols
    from statsmodels.stats.anova import anova_lm

    table = results.dropna(subset=[metric])
    if terms is None:
        terms, missing = factorial_terms(table, factors)
        if missing:
            raise UserError("\n".join(missing))
        sums = 3
    else:
        sums = 3 if len(terms) == 2 ** len(factors) - 1 else 2
    # Names of factors are the user's ("pre-fine-tuning"); formulas need identifiers.
    coded = {factor: f"factor_{position}" for position, factor in enumerate(factors)}
    data = pd.DataFrame({coded[factor]: table[factor].astype(str) for factor in factors})
    data["value"] = table[metric].astype(float)
    formula = " + ".join(":".join(f"C({coded[factor]}, Sum)" for factor in term) for term in terms)
    fit = ols(f"value ~ {formula}", data).fit()
    if fit.df_resid < 1:
        raise UserError(_NO_RESIDUAL)
    ss_total = float(((data["value"] - data["value"].mean()) ** 2).sum())
    _check_spread(float(fit.ssr), ss_total)
    effects = anova_lm(fit, typ=sums).drop(index="Intercept", errors="ignore")
    return _anova_table(
        [" × ".join(term) for term in terms],
        effects["sum_sq"].to_numpy()[:-1],
        effects["df"].to_numpy()[:-1],
        (float(fit.ssr), int(fit.df_resid), ss_total),
    )


def anova_from_summary(
    cells: pd.DataFrame,
    factors: Sequence[str],
    sd_ddof: int = 1,
) -> pd.DataFrame:
    """Analysis of variance from the size, mean and standard deviation of every cell.

    These are all that the full factorial needs: a published table can be checked, and extended, without its
    runs. An effect's sum of squares is (Lμ)ᵀ (L N⁻¹ Lᵀ)⁻¹ Lμ for its contrasts L of the cell means μ and
    N = diag(n) (Searle 1987): type III, and the classic one when all n are equal.

    Args:
        cells: one row a cell, with the columns of `factors`, `n`, `mean` and `sd` (ignored where n is 1).
        factors: columns of the factors; each combination of their levels has exactly one row.
        sd_ddof: what the given standard deviations were divided by: n − sd_ddof. 1 is that of a sample, 0
            that of a population (NumPy's default, and what some papers print).

    Returns:
        As `anova`.

    Raises:
        UserError: a combination is missing or repeated, a factor has one level, no cell has two runs, or
            there is no spread.
    """
    levels = [list(dict.fromkeys(cells[factor])) for factor in factors]
    _check_levels(factors, levels)
    grid = pd.MultiIndex.from_product(levels, names=list(factors))
    found = pd.MultiIndex.from_frame(cells[list(factors)])
    if found.has_duplicates:
        raise UserError(f"cells given more than once: {_listing(found[found.duplicated()])}")
    if len(empty := grid.difference(found, sort=False)):
        raise UserError(f"no runs in: {_listing(empty)}")
    # Plain arrays in the order of the grid: a single factor makes an index without tuples.
    order = found.get_indexer(grid)
    n, means = (cells[column].to_numpy(dtype=float)[order] for column in ("n", "mean"))
    df_residual = int(n.sum()) - len(n)
    if df_residual < 1:
        raise UserError(_NO_RESIDUAL)
    ss_residual = within_squares(cells, sd_ddof)
    ss_total = ss_residual + float(n @ (means - np.average(means, weights=n)) ** 2)
    _check_spread(ss_residual, ss_total)
    terms = list(_all_terms(factors))
    squares, degrees = [], []
    for term in terms:
        contrasts = reduce(
            np.kron,
            [
                _differences(len(level)) if factor in term else np.full((1, len(level)), 1 / len(level))
                for factor, level in zip(factors, levels, strict=True)
            ],
        )
        effect = contrasts @ means
        squares.append(float(effect @ np.linalg.solve(contrasts / n @ contrasts.T, effect)))
        degrees.append(len(contrasts))
    names = [" × ".join(term) for term in terms]
    return _anova_table(names, np.array(squares), np.array(degrees), (ss_residual, df_residual, ss_total))


def factorial_terms(results: pd.DataFrame, factors: Sequence[str]) -> tuple[list[Term], list[str]]:
    """The effects that the cells with runs can distinguish.

    Args:
        results: one row a run, with the columns of `factors`; rows without a measure are taken out before.
        factors: columns of the factors.

    Returns:
        The terms, main effects first; and a line for each interaction that cannot be estimated, naming the
        cells that have no runs. An interaction goes with any that it contains.

    Raises:
        UserError: a factor has one level, or two factors cannot be told apart because their levels change
            together.
    """
    cells = results[list(factors)].astype(str).drop_duplicates()
    _check_levels(factors, [list(dict.fromkeys(cells[factor])) for factor in factors])
    columns = {factor: _sum_coded(cells[factor]) for factor in factors}
    terms: list[Term] = []
    lines: list[str] = []
    design = np.ones((len(cells), 1))
    for term in _all_terms(factors):
        block = reduce(_products, [columns[factor] for factor in term])
        wider = np.hstack([design, block])
        if all(part in terms for part in combinations(term, len(term) - 1) if part) and (
            np.linalg.matrix_rank(wider) == wider.shape[1]
        ):
            terms.append(term)
            design = wider
        elif len(term) == 1:
            raise UserError(
                f"{term[0]} cannot be told apart from {', '.join(factors[: factors.index(term[0])])}: "
                "their levels change together over the models at hand"
            )
        else:
            lines.append(f"{' × '.join(term)} cannot be estimated: {_empty_cells(cells, term)}")
    return terms, lines


def equal_spread_p(results: pd.DataFrame, factors: Sequence[str], metric: str = "uar") -> float:
    """The p-value of the Brown–Forsythe test that all cells have the same spread.

    Levene's test about the medians (Brown & Forsythe, "Robust tests for the equality of variances", 1974).

    Cells of fewer than three runs do not take part: two runs always deviate equally from their median.

    Returns:
        NaN where fewer than two cells take part, or none has any spread.
    """
    table = results.dropna(subset=[metric])
    groups = [
        values.to_numpy(dtype=float) for _, values in table.groupby(list(factors), observed=True)[metric]
    ]
    groups = [values for values in groups if len(values) > 2]
    deviations = [np.abs(values - np.median(values)) for values in groups]
    if len(groups) < 2 or all(np.ptp(values) == 0.0 for values in deviations):
        return float("nan")
    return max(float(stats.levene(*groups, center="median").pvalue), SMALLEST_P)


_NO_RESIDUAL = (
    "no cell has two runs: without the spread between seeds nothing can be tested; train more seeds"
)


def _check_levels(factors: Sequence[str], levels: Sequence[list]) -> None:
    for factor, names in zip(factors, levels, strict=True):
        if len(names) < 2:
            raise UserError(
                f"{factor} has one level ({', '.join(map(str, names))}); a factor has two or more"
            )


def _check_spread(ss_residual: float, ss_total: float) -> None:
    # Squares of equal numbers leave rounding of the order of 1e-32.
    if ss_residual <= 1e-24 * ss_total or ss_total == 0.0:
        raise UserError("all runs of a condition have the same value: without spread nothing can be tested")


def _anova_table(
    sources: Sequence[str],
    squares: np.ndarray,
    degrees: np.ndarray,
    residual_and_total: tuple[float, int, float],
) -> pd.DataFrame:
    ss_residual, df_residual, ss_total = residual_and_total
    ms_residual = ss_residual / df_residual
    f = squares / degrees / ms_residual
    effects = pd.DataFrame(
        {
            "source": sources,
            "sum_of_squares": squares,
            "df": degrees.astype(int),
            "mean_square": squares / degrees,
            "f": f,
            "p": np.maximum(stats.f.sf(f, degrees, df_residual), SMALLEST_P),
            "eta_squared": squares / ss_total,
            "partial_eta_squared": squares / (squares + ss_residual),
            "omega_squared": (squares - degrees * ms_residual) / (ss_total + ms_residual),
        }
    )
    last = {
        "source": RESIDUAL,
        "sum_of_squares": ss_residual,
        "df": df_residual,
        "mean_square": ms_residual,
    }
    return pd.concat([effects, pd.DataFrame([last])], ignore_index=True)


def _all_terms(factors: Sequence[str]) -> Iterator[Term]:
    """Main effects, then interactions of two factors, of three …"""
    for order in range(1, len(factors) + 1):
        yield from combinations(factors, order)


def _differences(levels: int) -> np.ndarray:
    """Contrasts (levels − 1, levels): each level but the last against the last."""
    return np.hstack([np.eye(levels - 1), -np.ones((levels - 1, 1))])


def _sum_coded(values: pd.Series) -> np.ndarray:
    """Sum-to-zero coding (rows, levels − 1)."""
    codes, names = pd.factorize(values)
    return _differences(len(names)).T[codes]


def _products(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """All products of a column of `left` and one of `right`: (rows, left columns · right columns)."""
    return (left[:, :, None] * right[:, None, :]).reshape(len(left), -1)


def _empty_cells(cells: pd.DataFrame, term: Term) -> str:
    found = pd.MultiIndex.from_frame(cells[list(term)].drop_duplicates())
    grid = pd.MultiIndex.from_product([list(dict.fromkeys(cells[factor])) for factor in term])
    empty = grid.difference(found, sort=False)
    return f"no runs in {_listing(empty)}" if len(empty) else "an interaction that it contains is missing"


def _listing(cells: pd.MultiIndex) -> str:
    return listed([" / ".join(map(str, cell)) for cell in cells])
