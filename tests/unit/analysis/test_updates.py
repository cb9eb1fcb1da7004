# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""Through which input the gradient enters each of TensorFlow's optimizer ops."""

from __future__ import annotations

import pytest

from tb_regloss.analysis.graph.flow import Flow
from tb_regloss.analysis.training import updates
from tests.helpers.graphs import Graph

# Inputs by name, as in tensorflow/core/ops/training_ops.cc at 2.21.
_ARGUMENTS = {
    "GradientDescent": "var alpha delta",
    "ProximalGradientDescent": "var alpha l1 l2 delta",
    "Momentum": "var accum lr grad momentum",
    "Adam": "var m v beta1_power beta2_power lr beta1 beta2 epsilon grad",
    "AdaMax": "var m v beta1_power lr beta1 beta2 epsilon grad",
    "Adadelta": "var accum accum_update lr rho epsilon grad",
    "Adagrad": "var accum lr grad",
    "AdagradV2": "var accum lr epsilon grad",
    "AdagradDA": "var gradient_accumulator squared_accumulator grad lr l1 l2 global_step",
    "ProximalAdagrad": "var accum lr l1 l2 grad",
    "RMSProp": "var ms mom lr rho momentum epsilon grad",
    "CenteredRMSProp": "var mg ms mom lr rho momentum epsilon grad",
    "Ftrl": "var accum linear grad lr l1 l2 lr_power",
    "FtrlV2": "var accum linear grad lr l1 l2 l2_shrinkage lr_power",
    "AddSign": "var m lr alpha sign_decay beta grad",
    "PowerSign": "var m lr logbase sign_decay beta grad",
}
_SPARSE = {
    "ProximalGradientDescent": "var alpha l1 l2 grad indices",
    "Momentum": "var accum lr grad indices momentum",
    "Adadelta": "var accum accum_update lr rho epsilon grad indices",
    "Adagrad": "var accum lr grad indices",
    "AdagradV2": "var accum lr epsilon grad indices",
    "AdagradDA": "var gradient_accumulator squared_accumulator grad indices lr l1 l2 global_step",
    "ProximalAdagrad": "var accum lr l1 l2 grad indices",
    "RMSProp": "var ms mom lr rho momentum epsilon grad indices",
    "CenteredRMSProp": "var mg ms mom lr rho momentum epsilon grad indices",
    "Ftrl": "var accum linear grad indices lr l1 l2 lr_power",
    "FtrlV2": "var accum linear grad indices lr l1 l2 l2_shrinkage lr_power",
}
_OPS = [(f"Apply{rule}", arguments) for rule, arguments in _ARGUMENTS.items()]
_OPS += [(f"ResourceApply{rule}", arguments) for rule, arguments in _ARGUMENTS.items()]
_OPS += [(f"SparseApply{rule}", arguments) for rule, arguments in _SPARSE.items()]
_OPS += [(f"ResourceSparseApply{rule}", arguments) for rule, arguments in _SPARSE.items()]
_OPS += [
    ("ResourceApplyKerasMomentum", "var accum lr grad momentum"),
    ("ResourceSparseApplyKerasMomentum", "var accum lr grad indices momentum"),
    (
        "ResourceApplyAdamWithAmsgrad",
        "var m v vhat beta1_power beta2_power lr beta1 beta2 epsilon grad",
    ),
]


@pytest.mark.parametrize(("op", "arguments"), _OPS, ids=[op for op, _ in _OPS])
def test_the_gradient_port(op: str, arguments: str) -> None:
    graph = Graph()
    names = arguments.split()
    graph.resource("var", (3, 2)) if op.startswith("Resource") else graph.variable("var", (3, 2))
    for name in names[1:]:
        graph.placeholder(name, (3, 2))
    graph.op(op, *names, name="update")
    flow = Flow(graph.parse().graph)
    training = updates.find_training(flow, None)
    ((variable, (update,)),) = training.updates.items()
    assert flow.graph.names[variable] == "var"
    (port,) = update.ports
    assert flow.graph.value_name(port) in ("grad:0", "delta:0")
    assert update.sparse == ("Sparse" in op)


@pytest.mark.parametrize("op", ["ApplyAdam", "ResourceApplyMomentum", "SparseApplyFtrl"])
def test_an_optimizer_op_without_its_inputs_is_no_update(op: str) -> None:
    graph = Graph()
    graph.variable("var", (3,))
    graph.op(op, "var", "var/read")
    assert updates.find_training(Flow(graph.parse().graph), None).updates == {}


def no_training(graph: Graph) -> bool:
    return not updates.find_training(Flow(graph.parse().graph), None).updates


def test_moving_averages_of_weights_are_no_training() -> None:
    graph = Graph()
    weights = graph.variable("w", (3,))
    average = graph.variable("w/average", (3,))
    step = graph.op("Mul", graph.op("Sub", average, weights), graph.const("rate", 0.1))
    graph.op("AssignSub", "w/average", step)
    assert no_training(graph)


def test_running_statistics_are_no_training() -> None:
    graph = Graph()
    images = graph.placeholder("images", (None, 3))
    mean = graph.variable("mean", (3,))
    batch = graph.op("Mean", images, graph.const("axes", [0]))
    step = graph.op("Mul", graph.op("Sub", mean, batch), graph.const("rate", 0.1))
    graph.op("AssignSub", "mean", step)
    assert no_training(graph)


def test_initializers_restores_and_counters_are_no_training() -> None:
    graph = Graph()
    graph.variable("w", (3,))
    graph.variable("steps", ())
    graph.op("Assign", "w", graph.op("RandomUniform", graph.const("shape", [3])))
    graph.op("Assign", "w", graph.op("RestoreV2", "shape", "shape", "shape"))
    graph.op("AssignAdd", "steps", graph.const("one", 1.0))
    assert no_training(graph)


def test_a_target_network_that_is_copied_is_no_training() -> None:
    graph = Graph()
    graph.variable("w", (3,))
    graph.variable("target", (3,))
    graph.op("Assign", "target", "w/read")
    assert no_training(graph)
