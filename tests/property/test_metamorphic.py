# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""Changes that do not touch the training never change a verdict."""

from __future__ import annotations

import warnings
from collections.abc import Iterator

import pytest

pytestmark = pytest.mark.tf
pytest.importorskip("tensorflow")

from tb_regloss.analysis.verdict_types import RunVerdict
from tests.zoo import catalog, judging, transforms
from tests.zoo.case import BuiltCase, Case

# Families whose structure differs; of each, every mutation that is listed.
CHOSEN = (
    "tf1/l2_collected_resource",
    "tf1/l2_raw_ref",
    "tf1/penalty_kinds_ref",
    "tf1/losses_collection_ref",
    "tf1/slim_ref",
    "tf1/get_variable_resource",
    "tf1/frozen",
    "tf1/adam_resource",
    "tf1/ftrl_ref",
    "tf1/by_hand_ref",
    "tf1/adam_by_hand_resource",
    "tf1/decoupled_alone_ref",
    "tf1/decoupled_before_resource",
    "tf1/accumulated_resource",
    "tf1/towers_resource",
    "tf1/clones_ref",
    "tf1/clip_global_norm_resource",
    "tf1/gan_ref",
    "tf1/rerun_cell",
    "tf1/stale_copy_resource",
    "tf1/evaluation_ref",
    "tf1/rnn_switch",
    "tf1/rnn_if",
    "tf1/batch_norm_ref",
    "tf1/from_dataset",
    "tf1/embedding_adagrad_resource",
    "tf1/word2vec_ref",
    "tf1/weight_summaries_resource",
    "tf1/spectral_norm_ref",
    "tf1/lars_resource",
    "tf2/plain",
    "tf2/nested_deep",
    "tf2/jit_step",
    "tf2/steps_in_loop",
    "tf2/model_in_loop",
    "tf2/embedding",
    "tf2/decoys",
    "keras/loop_adam",
    "keras/loop_adamw",
    "keras/train_step",
    "tf-keras/loop_old",
)
TF1_CHANGES = tuple(transforms.CHANGES)
TF2_CHANGES = (*TF1_CHANGES, "wrapped")


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@pytest.fixture(scope="module")
def families() -> dict[str, list[Case]]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found: dict[str, list[Case]] = {}
        for case in catalog.cases():
            found.setdefault(case.name.rsplit("/", 1)[0], []).append(case)
    return found


def _said(verdict: RunVerdict) -> tuple[str, list[tuple[str, float | None, int]]]:
    """What of a verdict is free of names."""
    losses = [
        (t.status.value, None if t.multiplier is None else round(t.multiplier, 4), len(t.variables))
        for t in verdict.regularization_losses
    ]
    return verdict.status.value, sorted(losses, key=repr)


def _may_differ(built: BuiltCase, change: str, mode: str) -> bool:
    if change == "renamed" and "rerun_cell" in built.name:
        # Which train op is the newer one stands in the names alone: `unknown` is right.
        return True
    # Without collections a name may tell which tensor is the loss, or that a norm is a penalty.
    dead = {t.status for t in built.truth.losses} & {"blocked", "missing", "zero", "frozen"}
    return change in ("renamed", "summaries") and mode == "graph_def" and bool(dead)


@pytest.mark.parametrize("family", CHOSEN)
def test_the_verdict_stays(families: dict[str, list[Case]], family: str) -> None:
    changes = TF1_CHANGES if family.startswith("tf1") else TF2_CHANGES
    wrong = []
    for case in families[family]:
        built = case.build({})
        mode = "graph_def" if built.meta_graph is None else "meta_graph"
        data, kind = judging.serialized(built, mode)
        before = _said(judging.answer(data, kind))
        for seed, change in enumerate(changes):
            after_verdict = judging.answer(transforms.changed(data, kind, change, seed), kind)
            after = _said(after_verdict)
            if after == before:
                continue
            if _may_differ(built, change, mode):
                # Never a status that is wrong: `unknown`, or what is right without names.
                allowed = judging.right_runs(built, informed=False) | {"unknown"}
                if after[0] in allowed:
                    continue
            wrong.append(f"{case.name} {change}: {before} became {after}")
    assert not wrong, "\n".join(wrong)
