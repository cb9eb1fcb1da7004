# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""Roles found by tags, framework by framework, and what stays open."""

from __future__ import annotations

import re

import hypothesis
import pytest
from hypothesis import strategies

from tb_regloss.analysis.facts import DATA_LOSS, OPTIMIZED_LOSS, REGULARIZATION_SUM
from tb_regloss.backend.convention_table import CONVENTIONS
from tb_regloss.backend.conventions import find_roles
from tb_regloss.backend.related import related_runs


def test_the_total_beside_a_normalized_total_is_the_total_loss() -> None:
    tags = ["Loss/total_loss", "Loss/normalized_total_loss", "Loss/x_loss"]
    assert find_roles(tags).total_loss == ("Loss/total_loss",)


def test_own_tags_win_over_everything() -> None:
    tags = ["regloss/data_loss", "regloss/optimized_loss", "total_loss", "regularization_loss"]
    roles = find_roles(tags)
    assert roles.by_role() == {
        DATA_LOSS: ("regloss/data_loss",),
        OPTIMIZED_LOSS: ("regloss/optimized_loss",),
    }
    assert roles.assured


@pytest.mark.parametrize(
    "tag",
    [
        "val_loss",
        "epoch_val_loss",
        "eval_loss",
        "evaluation_loss_vs_iterations",
        "loss/validation",
        "test/loss",
        "Validation/total_loss",
        "loss_test",
        "dev.loss",
    ],
)
def test_evaluation_is_not_training(tag: str) -> None:
    assert find_roles([tag]).by_role() == {}


@pytest.mark.parametrize(
    "tag",
    [
        "learning_rate",
        "weight_decay",
        "l2_norm",
        "wd_decay",
        "accuracy",
        "loss_scale",
        "loss_ratio",
    ],
)
def test_what_is_no_loss(tag: str) -> None:
    assert find_roles([tag]).by_role() == {}


@pytest.mark.parametrize(
    "tag", ["average_loss", "Training_procedure/cost", "running_loss", "loss_1"]
)
def test_a_loss_alone_is_the_optimized_one(tag: str) -> None:
    assert find_roles([tag, "lr"]).by_role() == {OPTIMIZED_LOSS: (tag,)}


def test_twins_without_a_raw_one_stay_open() -> None:
    roles = find_roles(["loss", "loss_1", "cross_entropy", "reg_loss"])
    assert roles.optimized_loss == ()
    assert roles.ambiguities == ('The optimized loss could be any of "loss" and "loss_1"; '
                                 "say which it is.",)  # fmt: skip


def test_two_players_stay_open() -> None:
    roles = find_roles(["generator/total_loss", "discriminator/total_loss", "generator/adv_loss"])
    assert roles.optimized_loss == ()
    assert any("discriminator/total_loss" in text for text in roles.ambiguities)


def test_parts_beside_the_optimized_loss_are_summed_and_said() -> None:
    roles = find_roles(["loss", "mse_loss", "perceptual_loss", "regularization_loss"])
    assert roles.optimized_loss == ("loss",)
    assert roles.data_loss == ("mse_loss", "perceptual_loss")
    assert 'The data loss is the sum of "mse_loss" and "perceptual_loss".' in roles.notes


def test_every_part_of_the_sum_is_seen_whatever_it_measures() -> None:
    parts = ["clip_loss", "gradient_loss", "normal_loss", "reward_loss", "separate_loss"]
    roles = find_roles(["total_loss", *parts, "loss_scale", "grad_norm", "wd_loss"])
    assert roles.data_loss == tuple(parts)


@pytest.mark.parametrize(
    "parts",
    [
        ["d_loss", "g_loss"],
        ["policy_loss_a", "value_loss_b"],
        ["kl_loss", "kl_pt_loss", "kl_tp_loss"],
        ["actor_total_loss", "other_loss"],
    ],
)
def test_what_are_no_parts_of_one_sum_stays_open(parts: list[str]) -> None:
    roles = find_roles(["total_loss", *parts, "regularization_loss"])
    assert roles.data_loss == ()
    assert roles.regularization_sum == ("regularization_loss",)
    assert [doubt.role for doubt in roles.ambiguities] == ([DATA_LOSS] if len(parts) < 3 else [])


def test_one_part_of_a_total_is_not_the_data_loss() -> None:
    roles = find_roles(["total_loss", "perceptual_loss"])
    assert roles.by_role() == {OPTIMIZED_LOSS: ("total_loss",)}
    assert "others that are not logged" in roles.ambiguities[0]


def test_a_loss_beside_a_penalty_alone_may_be_either() -> None:
    roles = find_roles(["loss", "regularization_loss"])
    assert roles.by_role() == {REGULARIZATION_SUM: ("regularization_loss",)}
    assert "no other loss that may be the data loss" in roles.ambiguities[0]


def test_losses_of_several_clones_are_not_summed() -> None:
    tags = ["total_loss", *(f"losses/clone_{i}/softmax/value" for i in range(4))]
    roles = find_roles(tags)
    assert roles.data_loss == ()
    assert len(roles.ambiguities) == 1


def test_what_an_estimator_logs_as_loss_is_what_it_optimizes() -> None:
    roles = find_roles(["loss", "regularization_loss", "global_step/sec"])
    assert roles.optimized_loss == ("loss",)
    assert find_roles(
        ["total_loss", "loss", "regularization_loss", "global_step/sec"]
    ).by_role() == {
        REGULARIZATION_SUM: ("regularization_loss",),
        OPTIMIZED_LOSS: ("total_loss",),
    }


def test_an_l2_loss_alone_may_be_the_data_loss() -> None:
    roles = find_roles(["loss", "l2_loss"])
    assert roles.by_role() == {}
    assert {doubt.role for doubt in roles.ambiguities} == {OPTIMIZED_LOSS, REGULARIZATION_SUM}


def test_unweighted_losses_of_several_outputs_are_no_data_loss() -> None:
    roles = find_roles(["epoch_loss", "epoch_head_loss", "epoch_tail_loss"])
    assert roles.optimized_loss == ("epoch_loss",)
    assert roles.data_loss == ()
    assert any("without their weights" in note for note in roles.notes)


@pytest.mark.parametrize("total", ["total_loss", "loss"])
def test_the_regression_of_boxes_is_no_regularization(total: str) -> None:
    tags = [total, "cls_loss", "reg_loss"]
    roles = find_roles(tags)
    assert roles.by_role() == {OPTIMIZED_LOSS: (total,)}
    assert roles.ambiguities == (
        'The regularization sum could be "reg_loss", but beside "cls_loss" that may be a '
        "regression (of boxes, say), a part of the data loss; say which it is.",
    )
    said = find_roles(tags, {REGULARIZATION_SUM: "reg_loss"})
    assert said.data_loss == ("cls_loss",)
    assert said.ambiguities == ()


def test_tags_beyond_all_length_are_left_alone() -> None:
    assert find_roles(["a/" * 50_000 + "total_loss", "loss/" * 50_000 + "total"]).by_role() == {}


def test_without_a_total_components_stay_open() -> None:
    roles = find_roles(["d_loss", "g_loss", "gp_loss"])
    assert roles.by_role() == {}
    assert len(roles.ambiguities) == 1


class TestGiven:
    """What the user says goes before every convention."""

    tags = ("loss", "loss_1", "mse_loss", "perceptual_loss", "reg_loss")

    def test_it_settles_what_was_open(self) -> None:
        roles = find_roles(self.tags, {OPTIMIZED_LOSS: "loss_1", DATA_LOSS: "mse_loss"})
        assert roles.optimized_loss == ("loss_1",)
        assert roles.data_loss == ("mse_loss",)
        assert roles.regularization_sum == ("reg_loss",)
        assert roles.ambiguities == ()
        assert roles.notes[0] == (
            'As given: the optimized loss is "loss_1"; the data loss is "mse_loss".'
        )

    def test_several_are_summed(self) -> None:
        roles = find_roles(self.tags, {DATA_LOSS: ["mse_loss", "perceptual_loss"]})
        assert roles.data_loss == ("mse_loss", "perceptual_loss")

    def test_a_tag_that_is_not_there_leaves_the_role_empty_and_says_so(self) -> None:
        roles = find_roles(["total_loss", "reg_loss", "ce_loss"], {DATA_LOSS: "nll"})
        assert roles.data_loss == ()
        assert any('"nll", which this run does not log' in note for note in roles.notes)

    def test_a_given_tag_has_no_second_role(self) -> None:
        roles = find_roles(["total_loss", "reg_loss", "ce_loss"], {DATA_LOSS: "reg_loss"})
        assert roles.data_loss == ("reg_loss",)
        assert roles.regularization_sum == ()

    def test_it_goes_before_our_own_tags(self) -> None:
        tags = ["regloss/data_loss", "regloss/regularization_sum", "penalty"]
        roles = find_roles(tags, {REGULARIZATION_SUM: "penalty"})
        assert roles.regularization_sum == ("penalty",)
        assert roles.data_loss == ("regloss/data_loss",)

    def test_a_given_optimized_loss_is_not_assured_by_the_framework(self) -> None:
        tags = ["Loss/total_loss", "Loss/localization_loss", "x"]
        assert find_roles(tags).assured
        assert not find_roles(tags, {OPTIMIZED_LOSS: "x"}).assured


def test_a_framework_whose_training_step_is_often_replaced_assures_nothing() -> None:
    assert not find_roles(["epoch_loss", "batch_loss"]).assured


def test_every_row_has_a_source_and_patterns_that_parse() -> None:
    for row in CONVENTIONS:
        assert row.source, row.framework
        assert row.optimized, row.framework
        for pattern in (*row.optimized, *row.data, *row.regularization, *row.total):
            re.compile(pattern.replace("{scope}", ""))


@hypothesis.given(
    strategies.lists(
        strategies.one_of(
            strategies.text(max_size=12),
            strategies.sampled_from(
                ["total_loss", "loss", "losses/a/value", "reg_loss", "x (raw)"]
            ),
        )
    )
)
def test_any_tags_get_an_answer(tags: list[str]) -> None:
    roles = find_roles(tags)
    chosen = [tag for found in roles.by_role().values() for tag in found]
    assert set(chosen) <= set(tags)
    assert len(chosen) == len(set(chosen))


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["train", "eval"], {"eval": "train"}),
        (["a/train", "a/validation", "b/train"], {"a/validation": "a/train"}),
        ([".", "eval"], {"eval": "."}),
        (["model", "model/eval_coco"], {"model/eval_coco": "model"}),
        (["fold/train_1", "fold/train_2", "fold/val_2"], {"fold/val_2": "fold/train_2"}),
        (["run7_train", "run7_val", "run8_train"], {"run7_val": "run7_train"}),
        (["run7", "run7-test"], {"run7-test": "run7"}),
        (["a\\train", "a\\validation"], {"a\\validation": "a\\train"}),
        (["Train", "Test"], {"Test": "Train"}),
        (["eval", "test"], {}),
        (["eval", "eval/test"], {}),
        (["contest", "latest", "evaluator", "."], {}),
        ([], {}),
    ],
)  # fmt: skip
def test_evaluation_runs_belong_to_training_runs(
    names: list[str], expected: dict[str, str]
) -> None:
    assert related_runs(names) == expected
