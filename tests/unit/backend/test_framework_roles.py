# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""Which role a tag has, by the framework that wrote it."""

from __future__ import annotations

import pytest

from tb_regloss.backend.conventions import find_roles

_NOISE = ["learning_rate", "global_step/sec", "accuracy", "batch/fraction_of_160_full"]


@pytest.mark.parametrize(
    ("framework", "tags", "optimized", "data", "regularization"),
    [
        (
            "tf-slim",
            [
                "total_loss_1",
                "Losses/clone_loss",
                "Losses/regularization_loss",
                "losses/softmax_cross_entropy_loss/value",
            ],
            "total_loss_1",
            ["losses/softmax_cross_entropy_loss/value"],
            ["Losses/regularization_loss"],
        ),
        (
            "tf-slim",
            ["total_loss", "losses/aux_loss/value", "losses/main/value", "regularization_loss_1"],
            "total_loss",
            ["losses/aux_loss/value", "losses/main/value"],
            ["regularization_loss_1"],
        ),
        (
            "tf-slim",
            ["total_loss", "clone_loss", "regularization_loss"],
            "total_loss",
            ["clone_loss"],
            ["regularization_loss"],
        ),
        (
            "TF Object Detection API",
            [
                "Loss/total_loss",
                "Loss/normalized_total_loss",
                "Loss/regularization_loss",
                "Loss/localization_loss",
                "Loss/classification_loss",
            ],
            "Loss/normalized_total_loss",
            ["Loss/classification_loss", "Loss/localization_loss"],
            ["Loss/regularization_loss"],
        ),
        (
            "TF Object Detection API",
            [
                "Loss/total_loss",
                "Loss/regularization_loss",
                "Loss/RPNLoss/localization_loss",
                "Loss/BoxClassifierLoss/classification_loss",
            ],
            "Loss/total_loss",
            ["Loss/BoxClassifierLoss/classification_loss", "Loss/RPNLoss/localization_loss"],
            ["Loss/regularization_loss"],
        ),
        (
            "TF Object Detection API",
            [
                "Losses/TotalLoss",
                "Losses/Loss/a",
                "Losses/clone_loss",
                "Losses/regularization_loss",
            ],
            "Losses/TotalLoss",
            ["Losses/Loss/a"],
            ["Losses/regularization_loss"],
        ),
        (
            "EfficientDet",
            [
                "trainloss/loss",
                "trainloss/det_loss",
                "trainloss/cls_loss",
                "trainloss/box_loss",
                "trainloss/reg_l2_loss",
            ],
            "trainloss/loss",
            ["trainloss/det_loss"],
            ["trainloss/reg_l2_loss"],
        ),
        (
            "EfficientDet",
            ["epoch_loss", "epoch_det_loss", "epoch_cls_loss", "epoch_reg_l2_loss"],
            "epoch_loss",
            ["epoch_det_loss"],
            ["epoch_reg_l2_loss"],
        ),
        ("Keras", ["epoch_loss", "epoch_accuracy", "batch_loss"], "epoch_loss", [], []),
        ("Keras", ["loss", "acc", "val_loss", "val_acc"], "loss", [], []),
        (
            "Estimator",
            ["loss", "average_loss", "regularization_loss"],
            "loss",
            ["average_loss"],
            ["regularization_loss"],
        ),
        (
            "tensorpack",
            ["cost", "cross_entropy_loss", "regularize_loss", "train_error"],
            "cost",
            ["cross_entropy_loss"],
            ["regularize_loss"],
        ),
        (
            "tensorpack",
            ["total_cost", "wd_cost", "rpn_losses/label_loss", "fastrcnn_losses/box_loss"],
            "total_cost",
            ["fastrcnn_losses/box_loss", "rpn_losses/label_loss"],
            ["wd_cost"],
        ),
        (
            "cifar10 tutorial",
            [
                "total_loss (raw)",
                "total_loss_1",
                "cross_entropy (raw)",
                "cross_entropy_1",
                "local3/weight_loss (raw)",
                "local3/weight_loss_1",
                "local4/weight_loss (raw)",
                "local4/weight_loss_1",
            ],
            "total_loss (raw)",
            ["cross_entropy (raw)"],
            ["local3/weight_loss (raw)", "local4/weight_loss (raw)"],
        ),
        (
            "YOLOv3",
            [
                "train_batch_statistics/total_loss",
                "train_batch_statistics/loss_xy",
                "train_batch_statistics/loss_wh",
                "train_batch_statistics/loss_conf",
                "train_batch_statistics/loss_class",
                "train_batch_statistics/loss_l2",
                "train_batch_statistics/loss_ratio",
            ],
            "train_batch_statistics/total_loss",
            [f"train_batch_statistics/loss_{part}" for part in ("class", "conf", "wh", "xy")],
            ["train_batch_statistics/loss_l2"],
        ),
        (
            "Lightning",
            ["train_loss_step", "train_loss_epoch", "train_ce_step", "train_reg_step", "val_loss"],
            "train_loss_step",
            ["train_ce_step"],
            ["train_reg_step"],
        ),
        (
            "Lightning",
            ["train/loss", "train/ce_loss", "train/reg_loss", "val/loss", "val/ce_loss", "epoch"],
            "train/loss",
            ["train/ce_loss"],
            ["train/reg_loss"],
        ),
        (
            "names",
            ["loss/total_loss", "loss/giou_loss", "loss/conf_loss", "loss/prob_loss", "lr"],
            "loss/total_loss",
            ["loss/conf_loss", "loss/giou_loss", "loss/prob_loss"],
            [],
        ),
        (
            "names",
            ["total_loss", "class_loss", "regr_loss", "regularization_loss"],
            "total_loss",
            ["class_loss", "regr_loss"],
            ["regularization_loss"],
        ),
        (
            "names",
            ["Loss/total", "Loss/data", "Loss/reg", "Metric/total"],
            "Loss/total",
            ["Loss/data"],
            ["Loss/reg"],
        ),
        (
            "names",
            ["cost", "xent", "l2_cost"],
            "cost",
            ["xent"],
            ["l2_cost"],
        ),
        (
            "names",
            ["Loss", "Encoder_loss", "Reg_loss"],
            "Loss",
            ["Encoder_loss"],
            ["Reg_loss"],
        ),
        (
            "names",
            ["train/loss", "train/cross_entropy", "train/l2_loss", "test/loss"],
            "train/loss",
            ["train/cross_entropy"],
            ["train/l2_loss"],
        ),
        (
            "names",
            ["total_loss", "train_loss", "reg_loss"],
            "total_loss",
            ["train_loss"],
            ["reg_loss"],
        ),
    ],
)
def test_roles_of_a_framework(
    framework: str, tags: list[str], optimized: str, data: list[str], regularization: list[str]
) -> None:
    roles = find_roles(tags + _NOISE)
    assert roles.optimized_loss == (optimized,)
    assert list(roles.data_loss) == data
    assert list(roles.regularization_sum) == regularization
    assert roles.framework == framework
    assert roles.ambiguities == ()
