# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""The truth table of the joining rules: what graph, declaration, values and configuration give.

One regularization loss; every combination of what the four sources can say is
judged. Declared is `x1` where the training process measured a multiplier of 1,
values are `m=1` where the optimized loss holds the regularization sum once.
`RULES` is read from above: the first row that fits a combination says which
status the run gets. `*` fits everything, `a or b` fits both.
"""

from __future__ import annotations

import functools
import itertools

import numpy as np
import pytest

from tb_regloss.analysis import verdicts
from tb_regloss.analysis.facts import (
    DATA_LOSS,
    OPTIMIZED_LOSS,
    REGULARIZATION_SUM,
    ConfiguredRegularizer,
    Declaration,
    DeclaredLoss,
    RunFacts,
    Series,
)
from tb_regloss.analysis.proofs.proof import GraphProof, LossProof
from tb_regloss.analysis.verdict_types import EvidenceKind, RunVerdict, Status

Combination = tuple[str, str, str, str]

RULES = (
    # graph            declared  values      config      status of the run
    #
    # The graph outweighs everything.
    ("included        | *       | *          | *        ", "included"),
    ("missing         | *       | *          | *        ", "missing"),
    ("blocked         | *       | *          | *        ", "blocked"),
    # What was measured in the training process speaks where the graph does not.
    ("*               | x1      | *          | *        ", "included"),
    ("*               | x0      | m=1 or m=2 | *        ", "blocked"),
    ("*               | x0      | *          | *        ", "missing"),
    # A graph in which nothing is trained.
    ("not training    | *       | *          | *        ", "not_training"),
    # A training graph without any regularization loss.
    ("none            | *       | *          | some     ", "missing"),
    ("none            | *       | *          | *        ", "no_regularization"),
    ("none, not clean | *       | *          | - or none", "no_regularization"),
    # So the training code says.
    ("-               | none    | *          | - or none", "no_regularization"),
    # All else is open: the values decide, if they carry evidence.
    ("*               | *       | m=0        | *        ", "missing"),
    ("*               | *       | m=1        | *        ", "included"),
    ("*               | *       | m=2        | *        ", "double_counted"),
    ("*               | *       | *          | *        ", "unknown"),
)

_LOSS = LossProof("loss", ("w",), Status.UNKNOWN, None, text="Cannot tell: op.", declared=0)
_OBSTACLE = ("the call 'step' was not followed",)
GRAPHS: dict[str, GraphProof | None] = {
    "-": None,
    "not training": GraphProof("g", trains=False),
    "not followed": GraphProof("g", trains=None, losses=(_LOSS,), obstacles=_OBSTACLE),
    "open": GraphProof("g", trains=True, losses=(_LOSS,)),
    "included": GraphProof(
        "g", trains=True, losses=(LossProof("loss", ("w",), Status.INCLUDED, 1.0, declared=0),)
    ),
    "missing": GraphProof(
        "g", trains=True, losses=(LossProof("loss", ("w",), Status.MISSING, 0.0, declared=0),)
    ),
    "blocked": GraphProof(
        "g", trains=True, losses=(LossProof("loss", ("w",), Status.BLOCKED, 0.0, declared=0),)
    ),
    "none": GraphProof("g", trains=True, is_clean=True),
    "none, not clean": GraphProof("g", trains=True),
    "none, obstacles": GraphProof("g", trains=True, obstacles=_OBSTACLE),
}
DECLARED: dict[str, Declaration | None] = {
    "-": None,
    "none": Declaration("tf2"),
    "listed": Declaration("tf2", (DeclaredLoss("loss", variables=("w",)),)),
    "x1": Declaration("tf2", (DeclaredLoss("loss", variables=("w",), multiplier=1.0),)),
    "x0": Declaration("tf2", (DeclaredLoss("loss", variables=("w",), multiplier=0.0),)),
}
VALUES = ("-", "too few", "m=0", "m=1", "m=2")
CONFIGURED = {
    "-": None,
    "none": (),
    "some": (ConfiguredRegularizer("dense", "kernel_regularizer", "L2", 0.01),),
}
_HELD = ("m=1", "m=2")
# What a source says alone; what was measured as 0 and is in the values is blocked.
ALONE = {
    EvidenceKind.GRAPH: {
        "not training": "not_training",
        "not followed": "unknown",
        "open": "unknown",
        "none": "no_regularization",
        "none, not clean": "no_regularization",
        "none, obstacles": "unknown",
    },
    EvidenceKind.DECLARED: {
        "none": "no_regularization",
        "listed": "unknown",
        "x1": "included",
        "x0": "missing",
    },
    EvidenceKind.SCALARS: {
        "too few": "unknown",
        "m=0": "missing",
        "m=1": "included",
        "m=2": "double_counted",
    },
    EvidenceKind.KERAS_CONFIG: {"none": "no_regularization", "some": "unknown"},
}


@functools.cache
def series(values: str) -> dict[str, Series]:
    """Returns what is logged where the optimized loss holds the regularization sum so often."""
    if values == "-":
        return {}
    steps = np.arange(0, 400, 10) if values != "too few" else np.array([0])
    data = 0.2 + 2 * np.exp(-steps / 300) * np.random.default_rng(3).uniform(0.8, 1.2, len(steps))
    penalty = 0.05 + 0.4 * np.exp(-steps / 200)
    times = int(values[-1]) if values != "too few" else 1
    logged = {
        DATA_LOSS: data,
        REGULARIZATION_SUM: penalty,
        OPTIMIZED_LOSS: data + times * penalty,
    }
    return {
        role: Series(steps, steps * 1.0, column.astype(np.float32) + 0.0, (f"regloss/{role}",))
        for role, column in logged.items()
    }


def judge(combination: Combination) -> RunVerdict:
    graph, declared, values, config = combination
    proof, declaration = GRAPHS[graph], DECLARED[declared]
    facts = RunFacts(
        "train",
        "logs",
        series=series(values),
        declarations=(declaration,) if declaration else (),
        keras_regularizers=CONFIGURED[config],
    )
    return verdicts.judge(facts, [proof] if proof else [])


def fits(rule: str, combination: Combination) -> bool:
    return all(
        cell == "*" or said in cell.split(" or ")
        for cell, said in zip((c.strip() for c in rule.split("|")), combination, strict=True)
    )


def is_possible(combination: Combination) -> bool:
    """Whether a run can look so: a declared loss is among those of the graph."""
    graph, declared, _, _ = combination
    return not (graph.startswith("none") and declared in ("listed", "x1", "x0"))


COMBINATIONS = [
    combination
    for combination in itertools.product(GRAPHS, DECLARED, VALUES, CONFIGURED)
    if is_possible(combination)
]


@pytest.mark.parametrize("graph", GRAPHS)
def test_every_combination_by_the_first_rule_that_fits(graph: str) -> None:
    for combination in COMBINATIONS:
        if combination[0] == graph:
            expected = next(status for rule, status in RULES if fits(rule, combination))
            verdict = judge(combination)
            assert verdict.status.value == expected, combination
            assert verdict.severity is verdicts.severity_of(verdict.status)
            assert verdict.headline


def test_every_rule_decides_something() -> None:
    used = {next(r for r, _ in RULES if fits(r, combination)) for combination in COMBINATIONS}
    assert used == {rule for rule, _ in RULES}


def test_every_source_states_what_it_says_alone() -> None:
    for combination in COMBINATIONS:
        found = {one.kind: one.status.value for one in judge(combination).evidence}
        said = dict(zip(ALONE, combination, strict=True))
        for kind, statuses in ALONE.items():
            if said[kind] == "-":
                assert kind not in found, combination
                continue
            expected = statuses.get(said[kind], said[kind])
            if (kind, said[kind]) == (EvidenceKind.DECLARED, "x0") and combination[2] in _HELD:
                expected = "blocked"
            assert found[kind] == expected, (kind, combination)


@pytest.mark.parametrize("combination", [c for c in COMBINATIONS if c[0] in ("-", "open")])
def test_values_never_claim_that_a_gradient_arrives(combination: Combination) -> None:
    verdict = judge(combination)
    by_values = verdict.status is Status.INCLUDED and combination[1] != "x1"
    assert by_values == ("values cannot tell" in verdict.headline)


def codes(combination: Combination) -> set[str]:
    return {finding.code for finding in judge(combination).findings}


@pytest.mark.parametrize(
    ("graph", "agreeing"),
    [
        # graph, and which values it goes with
        ("included", {"m=1"}),
        ("missing", {"m=0"}),
        ("blocked", {"m=1", "m=2"}),
        ("none", {"m=0"}),
        ("open", {"m=0", "m=1", "m=2"}),
    ],
)
def test_values_that_contradict_the_graph_are_shown(graph: str, agreeing: set[str]) -> None:
    for values in VALUES:
        contradict = "scalars_disagree" in codes((graph, "-", values, "-"))
        assert contradict == (values not in {"-", "too few", *agreeing}), values


@pytest.mark.parametrize(
    ("graph", "declared", "contradict"),
    [
        ("included", "x1", False),
        ("included", "x0", True),
        ("missing", "x0", False),
        ("missing", "x1", True),
        ("blocked", "x0", False),
        ("blocked", "x1", True),
        ("open", "x1", False),
        ("included", "listed", False),
    ],
)
def test_measurements_that_contradict_the_graph_are_shown(
    graph: str, declared: str, contradict: bool
) -> None:
    assert ("declared_disagrees" in codes((graph, declared, "-", "-"))) == contradict
