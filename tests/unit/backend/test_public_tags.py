# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""Roles in the tags of public programs, against what these programs do.

`python -m tests.unit.backend.test_public_tags` prints what is wrong or open.
"""

from __future__ import annotations

import collections
import dataclasses
import pathlib
from collections.abc import Iterator

import pytest

from tb_regloss.analysis.facts import DATA_LOSS, OPTIMIZED_LOSS, REGULARIZATION_SUM
from tb_regloss.backend.conventions import find_roles

_TABLE = pathlib.Path(__file__).with_name("public_tags.md")
_ROLES = (DATA_LOSS, REGULARIZATION_SUM, OPTIMIZED_LOSS)
_RIGHT, _OPEN, _WRONG = "right", "open", "wrong"

# Names cannot tell what these do; each entry must fail to stand here.
_KNOWN_WRONG = {
    ("U-Net with penalty beside the cost", OPTIMIZED_LOSS): "its loss lacks the penalty",
    ("factorization with penalties", OPTIMIZED_LOSS): "its total is called risk",
    ("few-shot confidence", DATA_LOSS): "one loss of two is trained by another optimizer",
    ("estimator with penalty factor", REGULARIZATION_SUM): "a factor is called l2_penalty",
    ("adversarial regularizer", DATA_LOSS): "the data loss of another network",
    ("imitation by one tag", REGULARIZATION_SUM): "the total is called l2_reg_loss",
    ("faces by tensorpack", OPTIMIZED_LOSS): "its cost, which has the penalty, is not logged",
    ("slimmable network", DATA_LOSS): "an L1 penalty is called bn_l1_loss",
}


@dataclasses.dataclass(frozen=True)
class _Program:
    """One row: `truth` has by role the sets of tags that are right."""

    name: str
    tags: tuple[str, ...]
    truth: dict[str, tuple[frozenset[str], ...]]

    def has_all(self) -> bool:
        """Returns whether the program surely logs all three roles."""
        return all(frozenset() not in right for right in self.truth.values())

    def outcomes(self) -> dict[str, str]:
        """Returns by role whether what is found is right, open or wrong."""
        roles = find_roles(self.tags)
        return {
            role: _RIGHT if found in right else _WRONG if found else _OPEN
            for role, right in self.truth.items()
            for found in [frozenset(getattr(roles, role))]
        }


def _programs() -> Iterator[_Program]:
    for line in _TABLE.read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("| ").split(" | ")]
        if line.startswith("| ") and len(cells) == 5 and cells[0] not in ("program", "---"):
            truth = {role: _right(cell) for role, cell in zip(_ROLES, cells[2:], strict=True)}
            yield _Program(cells[0], tuple(cells[1].split(", ")), truth)


def _right(cell: str) -> tuple[frozenset[str], ...]:
    options = cell.split(" or ")
    return tuple(frozenset(() if one == "-" else one.split(" + ")) for one in options)


_PROGRAMS = list(_programs())


def test_the_table_is_well_formed() -> None:
    names = collections.Counter(program.name for program in _PROGRAMS)
    assert len(names) == len(_PROGRAMS) > 350
    for program in _PROGRAMS:
        named = {tag for right in program.truth.values() for tags in right for tag in tags}
        assert named <= set(program.tags), program.name


@pytest.mark.parametrize("program", _PROGRAMS, ids=lambda program: program.name)
def test_no_role_is_wrong(program: _Program) -> None:
    wrong = {role for role, outcome in program.outcomes().items() if outcome == _WRONG}
    assert wrong == {role for name, role in _KNOWN_WRONG if name == program.name}


def test_most_programs_have_all_their_roles_found() -> None:
    whole = [program for program in _PROGRAMS if program.has_all()]
    found = [program for program in whole if set(program.outcomes().values()) == {_RIGHT}]
    assert len(whole) > 150
    assert len(found) / len(whole) >= 0.87


def _report() -> None:
    counts: collections.Counter[str] = collections.Counter()
    for program in _PROGRAMS:
        for role, outcome in program.outcomes().items():
            counts[outcome] += 1
            if outcome != _RIGHT:
                print(f"{outcome:6}{program.name}: {role}")
    print(", ".join(f"{count} {outcome}" for outcome, count in counts.items()))


if __name__ == "__main__":
    _report()
