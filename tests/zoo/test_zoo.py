# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""The zoo: the analysis is right on every program, and the truth is what programs measure."""

from __future__ import annotations

import collections
import dataclasses
import os
import warnings
from collections.abc import Iterator

import pytest

from tests.zoo import case as zoo
from tests.zoo import judging, oracle, report
from tests.zoo.case import BuiltCase, Case
from tests.zoo.gaps import GAPS

pytestmark = pytest.mark.tf
pytest.importorskip("tensorflow")
keras = pytest.importorskip("keras")

FRAMEWORKS = ("tf1", "tf2", "keras", "tf-keras")
# Every case is measured with REGLOSS_ZOO=full; else one mutation of each family, in turn.
FULL = os.environ.get("REGLOSS_ZOO") == "full"
STATUSES = ("included", "missing", "partial", "scaled", "double_counted", "blocked", "frozen")
# One case for each status, in each world.
FLIPPED = (
    "tf1/l2_collected_resource/included",
    "tf1/l2_collected_ref/missing",
    "tf1/partial_on_variables/partial",
    "tf1/clip_global_norm_ref/half",
    "tf1/adam_resource/twice",
    "tf1/towers_ref/mean_one",
    "tf1/losses_collection/partial",
    "tf1/l2_raw_ref/blocked",
    "tf1/frozen/included",
    "tf1/zero_strength/included",
    "tf1/rnn_if/half",
    "tf2/nested/included",
    "tf2/outside_tape/blocked",
    "tf2/plain/twice",
    "tf2/frozen/included",
    "keras/loop_adam/missing",
    "keras/loop/half",
    "tf-keras/loop_old/partial",
)


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    # What TensorFlow, Keras and tf-slim call on one another is not ours to mend.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


class Zoo:
    """Builds every case once."""

    def __init__(self) -> None:
        from tests.zoo import catalog

        self.cases = {case.name: case for case in catalog.cases()}
        self._built: dict[str, BuiltCase] = {}

    def of(self, framework: str) -> list[Case]:
        found = [case for case in self.cases.values() if case.framework == framework]
        if not found:
            pytest.skip(f"the programs of {framework} need a Keras that is not installed")
        return found

    def built(self, name: str) -> BuiltCase:
        if name not in self._built:
            self._built[name] = self.cases[name].build({})
        return self._built[name]


@pytest.fixture(scope="module")
def the_zoo() -> Zoo:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return Zoo()


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_the_analysis_is_right_on_every_program(the_zoo: Zoo, framework: str) -> None:
    wrong = []
    runs: report.Matrix = collections.Counter()
    answers = unknown = 0
    for case in the_zoo.of(framework):
        built = the_zoo.built(case.name)
        for mode in judging.modes(built):
            verdict = judging.answer_case(built, mode)
            found = judging.compare(built, mode, verdict)
            answer = f"{case.name} [{mode}]"
            if answer in GAPS:
                # GAPS speaks of the graphs of the newest TensorFlow.
                is_newest = hasattr(keras.Model, "stateless_call")
                assert found.wrong or not is_newest, f"{answer} is right now: take it out of GAPS"
            else:
                wrong += [f"{answer}: {text}" for text in found.wrong]
            answers += 1
            unknown += bool(found.unknown)
            runs[built.truth.run, verdict.status.value] += 1
    print(report.table(f"\n{framework}: {answers} answers, {unknown} unknown", runs))
    assert not wrong, "\n".join(wrong)
    assert unknown <= answers / 20, f"{unknown} of {answers} answers hold an unknown"


@pytest.mark.parametrize(
    "family", ["charted", "normalized_by_branch", "projected", "projected_ref", "roll_out"]
)
def test_charts_and_branches_are_followed(the_zoo: Zoo, family: str) -> None:
    names = [name for name in the_zoo.cases if name.startswith(f"tf1/{family}/")]
    assert names
    for name in names:
        verdict = judging.answer_case(the_zoo.built(name), "meta_graph")
        assert not [f.text for f in verdict.findings if f.code == "not_followed"], name


@pytest.mark.parametrize(
    "name",
    [
        "tf1/number_old_mean/missing",
        "tf1/number_old_mean/included",
        "tf1/number_squeezed/half",
        "tf1/form_entropy/missing",
        "tf1/form_rows/missing",
        "tf1/form_charted/missing",
        "tf2/form_nuclear/missing",
        "tf2/guarded_finite/partial",
        "tf2/guarded_branched/partial",
        "tf2/objective_turned/missing",
        "tf2/step_restored/included",
        "tf2/step_rms/half",
        "tf2/step_lars_clipped/half",
        "keras/loop_loss_scale_clipped/included",
        "keras/fit_muon/included",
        "keras/fit_adafactor/missing",
        "tf1/clip_norm_of_a_sum/half",
        "tf1/step_clipped_and_noisy/half",
        "tf1/step_centered/half",
        "tf2/tutorial_sparse_features/missing",
        "tf2/joined_array_gathered/half",
    ],
)
def test_nothing_is_left_open(the_zoo: Zoo, name: str) -> None:
    # Elsewhere `unknown` is no wrong answer.
    built = the_zoo.built(name)
    for mode in judging.modes(built):
        found = judging.compare(built, mode, judging.answer_case(built, mode))
        assert (found.wrong, found.unknown, found.unnumbered) == ((), 0, 0), mode


def _measured_cases(cases: list[Case]) -> list[Case]:
    if FULL:
        return cases
    families: dict[str, list[Case]] = {}
    for case in cases:
        families.setdefault(case.name.rsplit("/", 1)[0], []).append(case)
    return [members[i % len(members)] for i, members in enumerate(families.values())]


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_the_truth_is_what_the_programs_measure(the_zoo: Zoo, framework: str) -> None:
    cases = _measured_cases(the_zoo.of(framework))
    assert cases
    found = {c.name: oracle.check(c, the_zoo.built(c.name)) for c in cases}
    assert not any(found.values()), {name: text for name, text in found.items() if text}


@pytest.mark.parametrize("name", FLIPPED)
def test_the_oracle_catches_a_wrong_label(the_zoo: Zoo, name: str) -> None:
    (case,) = (case for case in the_zoo.of(name.partition("/")[0]) if case.name == name)
    built = the_zoo.built(name)
    measured = oracle.measurements(case, built)
    assert oracle.judge(built, *measured) == []
    for index, loss in enumerate(built.truth.losses):
        for wrong in _wrong_labels(loss):
            losses = list(built.truth.losses)
            losses[index] = wrong
            truth = dataclasses.replace(built.truth, losses=tuple(losses))
            lie = dataclasses.replace(built, truth=truth)
            assert oracle.judge(lie, *measured), wrong


def _wrong_labels(loss: zoo.LossTruth) -> Iterator[zoo.LossTruth]:
    for status in (*STATUSES, "zero"):
        if status != loss.status:
            yield dataclasses.replace(loss, status=status, multiplier=None)
    if loss.multiplier is not None:
        for factor in (0.5, 2.0, -1.0, 1.05):
            yield dataclasses.replace(loss, multiplier=loss.multiplier * factor + 0.02)


def test_decoupled_decay_shrinks_weights_without_any_gradient(the_zoo: Zoo) -> None:
    from tests.zoo import oracle_tf1

    built = {case.name: the_zoo.built(case.name) for case in the_zoo.of("tf1")}
    decoupled = {name: b for name, b in built.items() if b.truth.run == "decoupled"}
    assert len(decoupled) >= 8
    for name, each in decoupled.items():
        # Where an optimizer adds its decay to the gradient, there is none without a gradient.
        assert oracle_tf1.shrinks(each) == ("in_gradient" not in name), name
    plain = [the_zoo.built(f"tf1/{name}/included") for name in ("adam_resource", "by_hand_ref")]
    assert not any(oracle_tf1.shrinks(b) for b in plain)


def test_every_status_of_the_contract_occurs(the_zoo: Zoo) -> None:
    built = [the_zoo.built(name) for name in the_zoo.cases]
    losses = collections.Counter(t.status for b in built for t in b.truth.losses)
    assert set(losses) >= {*STATUSES, "zero"}, losses
    runs = collections.Counter(b.truth.run for b in built)
    assert set(runs) >= {"not_training", "decoupled", "no_regularization", *STATUSES[:-1]}, runs
