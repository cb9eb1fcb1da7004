# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""Roles and scalar evidence on public logs, none of which we wrote."""

from __future__ import annotations

import pathlib

import numpy as np
import pytest
from tensorboard.backend.event_processing import plugin_event_accumulator
from tensorboard.util import tensor_util

from tb_regloss.analysis.facts import (
    DATA_LOSS,
    OPTIMIZED_LOSS,
    REGULARIZATION_SUM,
    RunFacts,
    Series,
)
from tb_regloss.analysis.scalars import scalar_reading, scalars
from tb_regloss.analysis.scalars.scalars import ScalarEvidence, scalar_evidence
from tb_regloss.analysis.verdict_types import Status
from tb_regloss.backend.conventions import Roles, find_roles
from tb_regloss.backend.related import related_runs

# Runs that log losses by role: data loss, regularization, optimized loss.
_CIFAR = ("cross_entropy__raw_", "local3/weight_loss__raw_ local4/weight_loss__raw_")
_YOLO1 = "loss/class_loss loss/confs_loss loss/coord_loss loss/sizes_loss"
_YOLO2 = "loss/conf_loss loss/giou_loss loss/prob_loss"
_OBJECTS = "Loss/classification_loss Loss/localization_loss"
_ROLES = {
    "cifar10-junweston/train": (*_CIFAR, "total_loss__raw_"),
    "slim-mobilenet-cookware/model/cookware": (
        "losses/softmax_cross_entropy_loss/value",
        "Losses/regularization_loss",
        "total_loss_1",
    ),
    "tfod2-pins/Tensorflow/workspace/models/my_ssd_mobnet/train": (
        _OBJECTS,
        "Loss/regularization_loss",
        "Loss/total_loss",
    ),
    "vae-shekkizh-2016/logs/MNIST_logs/run2": ("Encoder_loss", "Reg_loss", "Loss"),
    "yolov3-tf1-nan/data/log/train": (_YOLO1, "", "yolov3/total_loss"),
    "yolov3-tf1-nan/data/train": (_YOLO1, "", ""),
    "yolov3-tf2-ashton/log": (_YOLO2, "", "loss/total_loss"),
    "yolov3-tf2-ashton/_blob_fb714791/log": (_YOLO2, "", "loss/total_loss"),
    "albert-adamweightdecay/output": ("", "", "loss_1"),
    "apriltag-l2-data/model": ("", "", "loss_1"),
    "keras-lenet-nin/2_Network_in_Network/nin": ("", "", "loss"),
    "keras-tf20-urop/logs/train": ("", "", "epoch_loss"),
    "pep2peaks-l1/model/logs": ("", "", "loss/loss"),
    "pointnet-alidata/log/train": ("", "", "loss"),
    "tensorboard-functionaltest/log_tayo/train": ("cross_entropy_1", "", ""),
    "tfkeras-emotion/data": ("", "", "epoch_loss"),
    "horovod-mnist/checkpoints": ("", "", ""),
}


def _scalars(folder: pathlib.Path) -> dict[str, Series]:
    everything = {plugin_event_accumulator.TENSORS: 0}
    accumulator = plugin_event_accumulator.EventAccumulator(
        str(folder), size_guidance=everything, tensor_size_guidance={"scalars": 0}
    )
    accumulator.Reload()
    found = {}
    if "scalars" not in accumulator.ActivePlugins():
        return found
    for tag in accumulator.PluginTagToContent("scalars"):
        events = accumulator.Tensors(tag)
        steps = np.array([event.step for event in events], dtype=np.int64)
        times = np.array([event.wall_time for event in events])
        values = [tensor_util.make_ndarray(event.tensor_proto).item() for event in events]
        found[tag] = Series(steps, times, np.array(values), (tag,))
    return found


def _judged(folder: pathlib.Path) -> tuple[Roles, ScalarEvidence | None]:
    series = _scalars(folder)
    roles = find_roles(series)
    chosen = {}
    for role, tags in roles.by_role().items():
        first = series[tags[0]]
        values = sum(series[tag].values for tag in tags)
        chosen[role] = Series(first.steps, first.wall_times, np.asarray(values), tags)
    facts = RunFacts("run", str(folder), chosen, optimized_assured=roles.assured)
    return roles, scalar_evidence(facts)


@pytest.mark.parametrize("run", sorted(_ROLES))
def test_roles(wild: pathlib.Path, run: str) -> None:
    roles = find_roles(_scalars(wild / run))
    data, regularization, optimized = (tuple(tags.split()) for tags in _ROLES[run])
    assert roles.data_loss == data
    assert roles.regularization_sum == regularization
    assert roles.optimized_loss == optimized
    assert roles.ambiguities == ()


@pytest.mark.parametrize(
    ("run", "steps"),
    [
        ("cifar10-junweston/train", 40),
        ("slim-mobilenet-cookware/model/cookware", 2),
        ("tfod2-pins/Tensorflow/workspace/models/my_ssd_mobnet/train", 20),
    ],
)
def test_regularization_is_in_the_value(wild: pathlib.Path, run: str, steps: int) -> None:
    _, evidence = _judged(wild / run)
    assert evidence is not None
    assert evidence.status is Status.INCLUDED
    assert evidence.multiplier == 1.0
    assert evidence.steps == steps


def test_a_tag_that_was_logged_unscaled(wild: pathlib.Path) -> None:
    _, evidence = _judged(wild / "vae-shekkizh-2016/logs/MNIST_logs/run2")
    assert evidence is not None
    assert evidence.status is Status.UNKNOWN
    assert evidence.multiplier == pytest.approx(0.01, rel=1e-3)
    assert [f.code for f in evidence.findings] == [scalar_reading.LOGGED_UNSCALED]


@pytest.mark.parametrize("run", ["yolov3-tf2-ashton/log", "yolov3-tf1-nan/data/log/train"])
def test_a_total_of_data_losses_alone(wild: pathlib.Path, run: str) -> None:
    _, evidence = _judged(wild / run)
    assert evidence is not None
    assert evidence.status is Status.UNKNOWN
    assert [f.code for f in evidence.findings] == [scalars.OPTIMIZED_EQUALS_DATA]


def test_one_point_of_an_evaluation_is_no_evidence(wild: pathlib.Path) -> None:
    folder = wild / "tfod2-pins/Tensorflow/workspace/models/my_ssd_mobnet/eval"
    roles, evidence = _judged(folder)
    assert set(roles.by_role()) == {DATA_LOSS, REGULARIZATION_SUM, OPTIMIZED_LOSS}
    assert evidence is not None
    assert evidence.status is Status.UNKNOWN


def test_no_run_gets_an_invented_status(wild: pathlib.Path) -> None:
    folders = sorted({path.parent for path in wild.rglob("*tfevents*")})
    assert len(folders) > 40
    decided = {}
    for folder in folders:
        _, evidence = _judged(folder)
        if evidence is not None and evidence.status is not Status.UNKNOWN:
            decided[str(folder.relative_to(wild))] = evidence.status
    assert decided == dict.fromkeys(
        (
            "cifar10-junweston/train",
            "slim-mobilenet-cookware/model/cookware",
            "tfod2-pins/Tensorflow/workspace/models/my_ssd_mobnet/train",
        ),
        Status.INCLUDED,
    )


def test_evaluations_find_their_training(wild: pathlib.Path) -> None:
    folders = {str(p.parent.relative_to(wild)) for p in wild.rglob("*tfevents*")}
    models = "tfod2-pins/Tensorflow/workspace/models/my_ssd_mobnet"
    related = related_runs(folders)
    assert related[f"{models}/eval"] == f"{models}/train"
    assert related["albert-adamweightdecay/output/eval"] == "albert-adamweightdecay/output"
    assert related["pointnet-alidata/log/test"] == "pointnet-alidata/log/train"
    assert related["tfkeras-emotion/data/validation"] == "tfkeras-emotion/data/train"
    assert not any(name.endswith("train") for name in related)
