# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""The families' headlines and findings, from programs of the zoo that have the fault."""

from __future__ import annotations

import warnings

import pytest

from tb_regloss.analysis.verdict_types import RunVerdict
from tests.zoo import judging
from tests.zoo.case import Case

pytestmark = pytest.mark.tf
pytest.importorskip("tensorflow")

# Of the case, in its richest form.
HEADLINES = {
    "tf1/slim_ref/missing": "3 of 3 regularization losses never reach the loss that is optimized",
    "tf1/slim_ref/partial": "2 of 3 regularization losses never reach the loss that is optimized",
    "tf1/slim_ref/blocked": "but not in its gradient, which is cut on the way",
    "tf1/slim_ref/half": "3 of 3 regularization losses count 0.5 times",
    "tf1/slim_ref/twice": "3 of 3 regularization losses count 2 times",
    "tf1/gan_ref/swapped": "added to a loss, but not to the one that trains their variables",
    "tf1/gan_ref/one": "1 of 2 regularization losses is added to a loss, but not to the one that",
    "tf1/partial_on_variables/partial": "reaches only some of the trained variables",
    "tf1/late_binding/twice": "one and the same penalty on 'fc2/weights', counted 2 times; other",
    "tf1/towers_ref/mean_one": "count 0.5 times, as if one of 2 towers or replicas added them",
    "tf1/clones_ref/twice": "count 2 times, as often as there are towers or replicas",
    "tf1/strength_twice/scaled": "count 0.01 times: their strength is applied twice",
    "tf1/subtracted/scaled": "count -1 times: subtracted, they make weights grow",
    "tf1/loss_scale_forgotten/scaled": "as if left out of a loss scale of 128",
    "tf1/decoupled_alone_ref/decoupled": "The optimizer itself decays the weights; there is no",
    "tf1/decoupled_beside_ref/included": "is optimized; the optimizer decays weights besides",
    "tf1/decoupled_beside_ref/missing": "optimized; only the optimizer's own decay acts",
    "tf1/zero_strength_ref/included": "have strength 0: they change nothing",
    "tf1/evaluation_ref/not_training": "Nothing is trained in this run's graphs",
    "tf1/no_penalty_ref/no_regularization": "There is no regularization loss",
    "tf2/gan/swapped": "added to a loss, but not to the one that trains their variables",
    "keras/alone_adamw/decoupled": "The optimizer itself decays the weights; there is no",
}
FINDINGS = {
    "tf1/decoupled_beside_ref/included": {"loss_and_decay"},
    "tf1/decoupled_beside_ref/missing": set(),
    "tf1/late_binding/twice": {"unpenalized_variables"},
    "tf1/slim_ref/included": set(),
}


@pytest.fixture(scope="module")
def cases() -> dict[str, Case]:
    from tests.zoo import catalog

    return {case.name: case for case in catalog.cases() if case.name in {*HEADLINES, *FINDINGS}}


def judge(case: Case) -> RunVerdict:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # What layers of TF1 say of themselves.
        built = case.build({})
    return judging.answer_case(built, judging.modes(built)[0])


@pytest.mark.parametrize("name", HEADLINES)
def test_headline(name: str, cases: dict[str, Case]) -> None:
    if name.startswith("keras/"):
        pytest.importorskip("keras", minversion="3.0")
    assert HEADLINES[name] in judge(cases[name]).headline


@pytest.mark.parametrize("name", FINDINGS)
def test_findings(name: str, cases: dict[str, Case]) -> None:
    assert {finding.code for finding in judge(cases[name]).findings} == FINDINGS[name]
