# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""All cases of the zoo."""

from __future__ import annotations

import importlib
import os
import warnings

# Only the legacy Keras has the layers of TF1; it must be chosen before TensorFlow is imported.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")

from tests.zoo.case import Case

TF1_MODULES = (
    "tf1_losses",
    "tf1_optimizers",
    "tf1_layers",
    "tf1_towers",
    "tf1_gan",
    "tf1_control",
    "tf1_embeddings",
    "tf1_decoys",
    "tf1_paths",
    "tf1_raw_updates",
    "tf1_flow",
    "tf1_models",
    "tf1_charts",
    "tf1_distributed",
    "tf1_steps",
    "tf1_forms",
    "tf1_found",
    "tf1_scripts",
    "tf1_numbers",
)
TF2_MODULES = (
    "tf2_tape",
    "tf2_forms",
    "tf2_more",
    "tf2_keras",
    "tf2_legacy",
    "tf2_nets",
    "tf2_mirrored",
    "tf2_fit",
    "tf2_layers",
    "tf2_loops",
    "tf2_strategies",
    "tf2_legacy_fit",
    "tf2_joined",
    "tf2_wholes",
    "tf2_objectives",
    "tf2_steps",
    "tf2_tutorials",
)


def cases(framework: str | None = None) -> list[Case]:
    """Returns all cases, or those of one framework."""
    warnings.filterwarnings("ignore", module="tf_slim|tensorflow|tf_keras")
    from tests.zoo import tf1_program, tf2_program

    for module in TF1_MODULES + TF2_MODULES:
        importlib.import_module(f"tests.zoo.{module}")
    found = tf1_program.cases() + tf2_program.cases()
    names = [case.name for case in found]
    assert len(set(names)) == len(names), sorted(n for n in names if names.count(n) > 1)
    return [case for case in found if framework in (None, case.framework)]
