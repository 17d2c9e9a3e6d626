"""Groupings of speakers that chance does not find: solved as integer programs, or shown to be impossible.

One binary variable says whether a speaker is in a group; sizes, and the least and most utterances of a class
in a group, are linear. Every number is a whole one, so that the solver's tolerances do not matter, and chance
enters as whole weights that make the best solution a single one: it is the same on every machine.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from kser.corpora.splits.speakers import Groups, Speakers
from kser.errors import UserError

if TYPE_CHECKING:
    from scipy.optimize import LinearConstraint

# Ends a search that a table of many hundred speakers could draw out; nothing that one meets comes near it.
_NODES = 100_000
_WEIGHTS = 2**20
_INFEASIBLE = 2  # scipy's status of a problem that was shown to have no solution


def exact_groups(
    speakers: Speakers,
    sizes: Sequence[int],
    least: np.ndarray,
    rng: np.random.Generator,
    source: str,
    most: np.ndarray | None = None,
) -> Groups | None:
    """A grouping that has what is asked for, with the genders spread as evenly as that lets them.

    Args:
        speakers: those to be grouped.
        sizes: speakers of each group; they add up.
        least: utterances that a group must have of a class, int array (groups, classes).
        rng: draws one of several such groupings.
        source: what to call the corpus in messages.
        most: utterances that a group may have of a class, int array (groups, classes).

    Returns:
        The grouping, `None` when there is none.

    Raises:
        UserError: the search was given up before it was known whether there is one.
    """
    from scipy.optimize import LinearConstraint  # 0.4 s, and chance finds a grouping of most corpora

    problem = _Problem(speakers, sizes, least, source, most)
    unevenness = problem.solve(problem.gender_cost)
    if unevenness is None:
        return None
    weights = np.floor(rng.random(problem.members) * _WEIGHTS)
    even = LinearConstraint(problem.gender_cost, ub=problem.gender_cost @ unevenness + 0.5)
    chosen = problem.solve(np.append(weights, np.zeros(problem.distances)), even)
    return problem.groups(unevenness if chosen is None else chosen)


def conflicting(
    speakers: Speakers, sizes: Sequence[int], least: np.ndarray, source: str
) -> list[tuple[int, int]]:
    """Which demands no grouping meets together: pairs of a group and a class, none of which can be spared.

    Args:
        speakers, sizes, least, source: as for `exact_groups`, which found no grouping.

    Raises:
        UserError: the search was given up.
    """
    asked = least.copy()
    for group, position in zip(*np.nonzero(least), strict=True):
        without = asked.copy()
        without[group, position] = 0
        problem = _Problem(speakers, sizes, without, source)
        if problem.solve(problem.gender_cost) is None:
            asked = without
    return [(int(group), int(position)) for group, position in zip(*np.nonzero(asked), strict=True)]


class _Problem:
    """Variables: whether a speaker is in a group, speaker by speaker; then how far genders are from their
    shares, group by group, in units of one speaker through all speakers."""

    def __init__(
        self,
        speakers: Speakers,
        sizes: Sequence[int],
        least: np.ndarray,
        source: str,
        most: np.ndarray | None = None,
    ) -> None:
        from scipy.optimize import LinearConstraint

        self._speakers, self._sizes, self._source = speakers, sizes, source
        number, groups, genders = len(speakers.names), len(sizes), list(speakers.of_gender)
        self.members, self.distances = number * groups, groups * len(genders)
        self.gender_cost = np.append(np.zeros(self.members), np.ones(self.distances))
        counts = np.array([speakers.counts[name] for name in speakers.names])
        is_of = np.array(
            [[name in speakers.of_gender[gender] for gender in genders] for name in speakers.names]
        )
        in_group = np.tile(np.eye(groups), number)  # (groups, members)
        each_once = np.kron(np.eye(number), np.ones(groups))
        of_class = np.kron(counts.T, np.eye(groups))  # (classes × groups, members)
        of_gender = np.kron(is_of.T, np.eye(groups)) * number  # (genders × groups, members)
        shares = np.kron(is_of.sum(axis=0), sizes)
        distance = np.eye(self.distances)
        upper = np.full(of_class.shape[0], np.inf) if most is None else most.T.ravel()

        def of_members(matrix: np.ndarray) -> np.ndarray:
            return np.hstack([matrix, np.zeros((len(matrix), self.distances))])

        self._constraints = [
            LinearConstraint(of_members(each_once), 1, 1),
            LinearConstraint(of_members(in_group), sizes, sizes),
            LinearConstraint(of_members(of_class), least.T.ravel(), upper),
            LinearConstraint(np.hstack([of_gender, -distance]), ub=shares),
            LinearConstraint(np.hstack([of_gender, distance]), lb=shares),
        ]

    def solve(self, cost: np.ndarray, *further: "LinearConstraint") -> np.ndarray | None:
        """The cheapest solution, whole numbers; `None` when there is none."""
        from scipy.optimize import Bounds, milp

        solved = milp(
            cost,
            integrality=np.append(np.ones(self.members), np.zeros(self.distances)),
            bounds=Bounds(0, np.append(np.ones(self.members), np.full(self.distances, np.inf))),
            constraints=[*self._constraints, *further],
            options={"mip_rel_gap": 0, "node_limit": _NODES},
        )
        if solved.x is None and solved.status != _INFEASIBLE:
            raise UserError(
                f"{self._source}: the search for groups of its {len(self._speakers.names)} speakers was "
                f"given up after {_NODES} steps: there may be a split or none; name the parts in a column "
                "part, or set speaker_independent_scenario to false"
            )
        return None if solved.x is None else np.round(solved.x)

    def groups(self, solution: np.ndarray) -> Groups:
        """The speakers of each group."""
        is_in = solution[: self.members].reshape(-1, len(self._sizes)) > 0
        return [
            [name for name, inside in zip(self._speakers.names, column, strict=True) if inside]
            for column in is_in.T
        ]
