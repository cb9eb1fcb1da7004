# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""Each known way to lose or to miscount regularization has its own headline, and advice.

Facts of a unit's size; `tests/zoo/test_headlines.py` and `test_advice.py` make
the same headlines from programs that ran.
"""

from __future__ import annotations

import pytest

from tb_regloss.analysis import causes, fixes, headlines, verdicts
from tb_regloss.analysis.advice import fix_for
from tb_regloss.analysis.causes import Cause, Diagnosis
from tb_regloss.analysis.facts import ConfiguredRegularizer, Declaration, DeclaredLoss, RunFacts
from tb_regloss.analysis.proofs.proof import GraphProof, LossProof
from tb_regloss.analysis.verdict_types import Coverage, Status

DENSE = ConfiguredRegularizer("dense", "kernel_regularizer", "L2", 0.01)


def loss(status: str, multiplier: float | None = None, number: int = 0, **more) -> LossProof:
    more.setdefault("variables", (f"w{number}",))
    more.setdefault("group", number)
    return LossProof(f"loss_{number}", status=Status(status), multiplier=multiplier, **more)


def two(status: str, multiplier: float | None = None, **more) -> tuple[LossProof, LossProof]:
    return loss(status, multiplier, 0, **more), loss(status, multiplier, 1, **more)


def headline(*losses: LossProof, declarations=(), keras_regularizers=None, **graph) -> str:
    proof = GraphProof("graph", trains=True, losses=losses, **graph)
    facts = RunFacts(
        "train", "logs", declarations=declarations, keras_regularizers=keras_regularizers
    )
    verdict = verdicts.judge(facts, [proof])
    return verdict.headline.removeprefix("2 of 2 regularization losses ")


def test_included() -> None:
    assert headline(*two("included", 1.0)) == "are in the loss that is optimized"
    assert headline(loss("included", 1.0)) == (
        "1 of 1 regularization loss is in the loss that is optimized"
    )


def test_missing() -> None:
    assert headline(*two("missing", 0.0)) == "never reach the loss that is optimized"
    assert headline(*two("missing", 0.0, in_value=True)) == (
        "are added to a loss, but not to the one that trains their variables"
    )
    structural = two("missing", 0.0, source="structure")
    assert headline(*structural, has_collections=True) == (
        "never reach the loss that is optimized and stand in no collection"
    )
    assert headline(*structural) == "never reach the loss that is optimized"


def test_configured_and_not_there() -> None:
    declared = (Declaration("keras", configured=(DENSE,)),)
    assert headline(declarations=declared) == (
        "1 of 1 regularization loss stands in a layer's configuration but yields no loss"
    )
    assert headline(keras_regularizers=(DENSE, DENSE), is_clean=True) == (
        "stand in the model's configuration, but no gradient of the training step holds them"
    )


def test_partial() -> None:
    found = headline(loss("included", 1.0), loss("missing", 0.0, 1))
    assert found == "1 of 2 regularization losses never reaches the loss that is optimized"
    found = headline(loss("included", 1.0), loss("blocked", 0.0, 1, path=("a", "StopGradient")))
    assert found.startswith("1 of 2 regularization losses is in the loss's value but not in its")
    assert headline(loss("partial", 1.0)) == (
        "1 of 1 regularization loss reaches only some of the trained variables"
    )


def test_blocked() -> None:
    value = "are in the loss's value but not in its gradient"
    assert headline(*two("blocked", 0.0, path=("a", "StopGradient"))) == (
        f"{value}, which is cut on the way"
    )
    assert headline(*two("blocked", 0.0)) == (
        f"{value}: computed outside of the tape, or another loss is differentiated"
    )
    detached = DeclaredLoss("loss", multiplier=0.0, detached=True)
    verdict = verdicts.judge(
        RunFacts("train", "logs", declarations=(Declaration("torch", (detached,) * 2),)), []
    )
    assert verdict.headline == f"2 of 2 regularization losses {value}"


def test_counted_more_than_once() -> None:
    assert headline(*two("double_counted", 2.0)) == "count 2 times"
    assert headline(*two("double_counted", 4.0), copies=4) == (
        "count 4 times, as often as there are towers or replicas"
    )
    assert headline(*two("double_counted", 2.0), copies=4) == "count 2 times"
    twins = two("double_counted", 2.0, group=7, variables=("w",))
    same = "are one and the same penalty on 'w', counted 2 times"
    assert headline(*twins) == same
    assert headline(*twins, unpenalized=("v",)) == (
        f"{same}; other variables of its kind have none, as where lambdas in a loop bind late"
    )
    # Twice a pair of twins is not explained by their being two.
    assert headline(*two("double_counted", 4.0, group=7)) == "count 4 times"


def test_scaled() -> None:
    assert headline(*two("scaled", 0.3)) == "count 0.3 times"
    assert headline(*two("scaled", 0.25), copies=4) == (
        "count 0.25 times, as if one of 4 towers or replicas added them"
    )
    assert headline(*two("scaled", 0.25), copies=2) == "count 0.25 times"
    assert headline(*two("scaled", -1.0)) == "count -1 times: subtracted, they make weights grow"
    assert headline(*two("scaled", 1 / 1024)) == (
        "count 1/1024 times, as if left out of a loss scale of 1024"
    )
    assert headline(*two("scaled", 1 / 1000)) == "count 0.001 times"
    assert headline(loss("scaled", 0.3), loss("scaled", 0.6, 1)) == "count other than one times"


@pytest.mark.parametrize("decay", [1e-4, 2e-4])
def test_a_strength_that_is_applied_twice(decay: float) -> None:
    expected = "count 0.0001 times: their strength is applied twice"
    assert headline(*two("scaled", 1e-4, decay=decay)) == expected
    assert headline(*two("scaled", 1e-4, decay=3e-4)) == "count 0.0001 times"


def test_a_half_is_not_taken_for_a_strength_of_a_half() -> None:
    assert headline(*two("scaled", 0.5, decay=0.5)) == "count 0.5 times"


def test_rounding_does_not_make_two_numbers_of_one() -> None:
    pair = loss("scaled", 0.4999999999999999), loss("scaled", 0.5000000000000002, 1)
    assert headline(*pair) == "count 0.5 times"


def test_the_optimizers_own_decay() -> None:
    decays = ("w0",)
    assert headline(decays=decays) == (
        "The optimizer itself decays the weights; there is no regularization loss"
    )
    assert headline(loss("zero"), decays=decays) == (
        "The optimizer itself decays the weights; 1 of 1 regularization loss has strength 0: "
        "it changes nothing"
    )
    assert headline(*two("included", 1.0), decays=decays).endswith(
        "; the optimizer decays weights besides"
    )
    assert headline(*two("missing", 0.0), decays=decays).endswith(
        "; only the optimizer's own decay acts"
    )


def test_nothing_that_could_change_anything() -> None:
    assert headline() == "There is no regularization loss"
    assert headline(*two("frozen")) == "penalize variables that are not trained"
    assert headline(*two("zero")) == "have strength 0: they change nothing"
    assert headline(loss("zero"), loss("frozen", number=1)) == (
        "No regularization loss can change anything: 1 have strength 0, "
        "1 penalize variables that are not trained"
    )


@pytest.mark.parametrize("cause", Cause)
def test_every_cause_has_a_headline_and_advice_without_gaps(cause: Cause) -> None:
    judged = verdicts.judge(
        RunFacts("train", "logs"),
        [GraphProof("graph", trains=True, losses=two("missing", 0.0))],
    ).regularization_losses
    diagnosis = Diagnosis(cause, judged, 0.125, 8)
    said = headlines.headline(Status.MISSING, judged, Coverage(total=2), diagnosis)
    fix = fix_for(diagnosis, "tf1")
    for text in (said, fix.text):
        assert not set("{}[|]") & set(text), text
    assert "{" not in fix.code
    assert fix.text


def test_headlines_differ_from_cause_to_cause() -> None:
    judged = (loss("missing", 0.0),)
    said = {
        headlines.headline(Status.MISSING, (), Coverage(total=1), Diagnosis(cause, judged, 2.0))
        for cause in Cause
    }
    # A factor and a whole number of times read alike, by design.
    assert len(said) == len(Cause) - 1


def test_the_framework_chooses_the_code() -> None:
    def code(cause: Cause, framework: str, copies: int = 1) -> str:
        return fix_for(Diagnosis(cause, (), 1.0, copies), framework).code

    assert "create_train_op" in code(Cause.NOT_ADDED, "tf1-slim")
    assert "minimize(loss, global_step" in code(Cause.NOT_ADDED, "tf1-estimator")
    assert "get_regularization_loss" in code(Cause.NOT_ADDED, "tf1")
    assert "tf.add_n(model.losses)" in code(Cause.NOT_ADDED, "tf2")
    assert "tf.add_n(self.losses)" in code(Cause.NOT_ADDED, "tf-keras")
    assert "scale_regularization_loss(tf.add_n(model" in code(Cause.NOT_ADDED, "tf2", 2)
    # A framework without code of its own takes that of its next relative.
    assert code(Cause.CUT, "tf1-slim") == code(Cause.CUT, "tf1") == code(Cause.CUT, "keras")
    assert code(Cause.CUT, "torch") != code(Cause.CUT, "tf1")
    assert code(Cause.NOT_ADDED, "nobody knows") == code(Cause.NOT_ADDED, "torch")


def test_a_part_that_is_missing_is_not_fixed_by_adding_all_on_top() -> None:
    found = causes.diagnose(
        Status.PARTIAL,
        verdicts.judge(
            RunFacts("train", "logs"),
            [
                GraphProof(
                    "graph", trains=True, losses=(loss("included", 1.0), loss("missing", 0.0, 1))
                )
            ],
        ).regularization_losses,
        None,
    )
    assert found is not None
    assert fix_for(found, "tf1").text.startswith("Only a part")


def test_every_code_says_what_goes_and_what_comes() -> None:
    for codes in fixes.CODE.values():
        for code in codes.values():
            signs = {line[:2] for line in code.splitlines()}
            assert signs <= {"+ ", "- ", "  "}
            assert signs & {"+ ", "- "}
