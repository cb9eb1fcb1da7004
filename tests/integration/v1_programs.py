# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""TF1 programs that log their losses, for the tests of the op and of the hook."""

from __future__ import annotations

import inspect
import pathlib

import numpy as np
import pytest

pytestmark = pytest.mark.tf

tf = pytest.importorskip("tensorflow")

from tb_regloss import metadata
from tb_regloss.summary import v1 as regloss_v1
from tests import written_logs

v1 = tf.compat.v1


BATCH = {"x": np.linspace(-1, 1, 24).reshape(8, 3), "y": np.arange(8) % 2}


def penalized(name, value, strength=0.5):
    variable = v1.get_variable(name, initializer=np.float32(value))
    penalty = tf.multiply(strength, tf.nn.l2_loss(variable), name=f"{name}_penalty")
    v1.add_to_collection(v1.GraphKeys.REGULARIZATION_LOSSES, penalty)
    return variable, penalty


def batch():
    return v1.placeholder(tf.float32, [None, 3]), v1.placeholder(tf.int32, [None])


def classifier(x, y, penalties=2):
    for index in range(penalties):
        weights, _ = penalized(f"w{index}", np.eye(3) * (index + 1))
        x = x @ weights
    return v1.losses.sparse_softmax_cross_entropy(y, x)


def evaluated(summary, steps=1, feed=None):
    """The parsed summaries of a few runs of one session."""
    with v1.Session() as session:
        session.run(v1.global_variables_initializer())
        return [v1.Summary.FromString(session.run(summary, feed_dict=feed)) for _ in range(steps)]


def logged(tmp_path, summary, feed=None, steps=1):
    """The log of a plain session loop."""
    with v1.Session() as session, v1.summary.FileWriter(str(tmp_path)) as writer:
        session.run(v1.global_variables_initializer())
        for step in range(steps):
            writer.add_summary(session.run(summary, feed_dict=feed), step)
    return written_logs.read(tmp_path)


def line_above() -> str:
    """The line above the caller's, as our summaries name it."""
    frame = inspect.currentframe().f_back
    return f"{pathlib.Path(frame.f_code.co_filename).name}:{frame.f_lineno - 1}"


def declaration_of(*args, **kwargs):
    """The declaration in the first summary of an op; needs no values of placeholders."""
    regloss_v1.op(*args, **kwargs)
    (select,) = [
        op
        for op in tf.compat.v1.get_default_graph().get_operations()
        if op.name == "regloss/declaration"
    ]
    serialized = tf.make_ndarray(select.inputs[1].op.get_attr("value")).item()
    (value,) = v1.Summary.FromString(serialized).value
    return metadata.decode_declaration(tf.make_ndarray(value.tensor).item())
