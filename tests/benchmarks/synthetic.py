# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""Serialized training graphs of any size, without TensorFlow.

Written as TensorFlow 1 writes a residual network on several towers: convolution,
batch norm, relu and a shortcut in each layer, an L2 penalty on each kernel, the
gradients of all that, averaged over the towers, and a fused optimizer.
"""

from __future__ import annotations

import random

from tensorboard.compat.proto import graph_pb2, types_pb2

_FLOAT, _INT = types_pb2.DT_FLOAT, types_pb2.DT_INT32
_TOWERS = 4
_CHANNELS = 64
_DEVICE = "/job:localhost/replica:0/task:0/device:GPU:0"
# About this many ops a layer, all towers together.
_OPS_OF_A_LAYER = 107


class Graph:
    """A GraphDef that grows."""

    def __init__(self) -> None:
        self.proto = graph_pb2.GraphDef()
        self.proto.versions.producer = 1882

    def op(self, name: str, kind: str, *inputs: str, shape: tuple[int, ...] | None = None) -> str:
        """Appends an op; returns its name."""
        node = self.proto.node.add(name=name, op=kind, input=inputs, device=_DEVICE)
        node.attr["T"].type = _FLOAT
        found = node.attr["_output_shapes"].list.shape.add()
        if shape is None:
            found.unknown_rank = True
        for size in shape or ():
            found.dim.add(size=size)
        return name

    def constant(self, name: str, value: float | list[int]) -> str:
        """Appends a Const."""
        node = self.proto.node.add(name=name, op="Const")
        tensor = node.attr["value"].tensor
        if isinstance(value, list):
            node.attr["dtype"].type = tensor.dtype = _INT
            tensor.tensor_shape.dim.add(size=len(value))
            tensor.int_val.extend(value)
        else:
            node.attr["dtype"].type = tensor.dtype = _FLOAT
            tensor.tensor_shape.SetInParent()
            tensor.float_val.append(value)
        return name

    def variable(self, name: str, shape: tuple[int, ...]) -> str:
        """Appends a variable with its initial value and its read."""
        node = self.proto.node.add(name=name, op="VariableV2")
        node.attr["dtype"].type = _FLOAT
        for size in shape:
            node.attr["shape"].shape.dim.add(size=size)
        self.op(f"{name}/Assign", "Assign", name, self.constant(f"{name}/zeros", 0.0))
        return self.op(f"{name}/read", "Identity", name, shape=shape)


def training_graph(nodes: int, missing_every: int = 0) -> graph_pb2.GraphDef:
    """Returns a training graph of about so many ops.

    Args:
      nodes: how many.
      missing_every: every so many layers' penalty is left out of the loss.
    """
    graph = Graph()
    layers = max(nodes // _OPS_OF_A_LAYER, 1)
    rate = graph.constant("learning_rate", 0.1)
    momentum = graph.constant("momentum", 0.9)
    kernels, scales, penalties = [], [], []
    for layer in range(layers):
        scope = f"net/block{layer // 16}/unit{layer}"
        kernels.append(graph.variable(f"{scope}/weights", (3, 3, _CHANNELS, _CHANNELS)))
        scales.append(graph.variable(f"{scope}/gamma", (_CHANNELS,)))
        norm = graph.op(f"{scope}/l2/L2Loss", "L2Loss", kernels[-1], shape=())
        strength = graph.constant(f"{scope}/l2/scale", 1e-4)
        penalties.append(graph.op(f"{scope}/l2/penalty", "Mul", strength, norm, shape=()))
    kept = [p for n, p in enumerate(penalties) if not missing_every or n % missing_every]
    towers = [_tower(graph, number, kernels, scales, kept) for number in range(_TOWERS)]
    for place in range(2 * layers):
        read = [*kernels, *scales][place]
        _update(graph, read.removesuffix("/read"), [t[place] for t in towers], rate, momentum)
    order = list(graph.proto.node)
    random.Random(7).shuffle(order)
    return graph_pb2.GraphDef(node=order, versions=graph.proto.versions)


def _tower(
    graph: Graph, number: int, kernels: list[str], scales: list[str], penalties: list[str]
) -> list[str]:
    """Appends one tower; returns the gradients of kernels, then of scales."""
    top, op = f"tower_{number}", graph.op
    image = graph.proto.node.add(name=f"{top}/images", op="Placeholder")
    image.attr["dtype"].type = _FLOAT
    for size in (-1, 32, 32, _CHANNELS):
        image.attr["shape"].shape.dim.add(size=size)
    before, convolved, normed = [image.name], [], []
    for layer, (kernel, scale) in enumerate(zip(kernels, scales, strict=True)):
        scope = f"{top}/net/unit{layer}"
        convolved.append(op(f"{scope}/Conv2D", "Conv2D", before[-1], kernel))
        normed.append(op(f"{scope}/bn", "FusedBatchNormV3", convolved[-1], scale, scale))
        relu = op(f"{scope}/Relu", "Relu", normed[-1])
        before.append(op(f"{scope}/add", "AddV2", relu, before[-1]))
    axes = graph.constant(f"{top}/axes", [0, 1, 2, 3])
    data = op(f"{top}/loss", "Mean", before[-1], axes, shape=())
    op(f"{top}/total", "AddN", data, *penalties, shape=())
    seed = graph.constant(f"{top}/gradients/ones", 1.0)
    size = op(f"{top}/gradients/Shape", "Shape", before[-1])
    back = op(f"{top}/gradients/Tile", "Tile", seed, size)
    wanted = set(penalties)
    of_kernels, of_scales = [], []
    for layer in reversed(range(len(kernels))):
        scope = f"{top}/gradients/unit{layer}"
        group = op(f"{scope}/group_deps", "NoOp", f"^{back}")
        through = op(f"{scope}/control", "Identity", back, f"^{group}")
        relu = op(f"{scope}/ReluGrad", "ReluGrad", through, f"{top}/net/unit{layer}/Relu")
        bn = f"{top}/net/unit{layer}/bn"
        normed_back = op(
            f"{scope}/bn_grad",
            "FusedBatchNormGradV3",
            relu,
            convolved[layer],
            scales[layer],
            f"{bn}:3",
            f"{bn}:4",
            f"{bn}:5",
        )
        size = op(f"{scope}/ShapeN", "Shape", before[layer])
        into = op(f"{scope}/input", "Conv2DBackpropInput", size, kernels[layer], normed_back)
        size = graph.constant(f"{scope}/sizes", [3, 3, _CHANNELS, _CHANNELS])
        kernel = op(f"{scope}/filter", "Conv2DBackpropFilter", before[layer], size, normed_back)
        own = kernels[layer].removesuffix("/weights/read")
        if f"{own}/l2/penalty" in wanted:
            scale = op(f"{scope}/l2/Mul", "Mul", seed, f"{own}/l2/scale", shape=())
            penalty = op(f"{scope}/l2/mul", "Mul", kernels[layer], scale)
            kernel = op(f"{scope}/AddN", "AddN", kernel, penalty)
        of_kernels.append(op(f"{scope}/dep", "Identity", kernel, f"^{group}"))
        of_scales.append(op(f"{scope}/dep_1", "Identity", f"{normed_back}:1", f"^{group}"))
        back = op(f"{scope}/AddN_1", "AddN", through, into)
    return [*of_kernels[::-1], *of_scales[::-1]]


def _update(graph: Graph, variable: str, gradients: list[str], rate: str, momentum: str) -> None:
    rows = []
    for gradient in gradients:
        axis = graph.constant(f"{gradient}/ExpandDims/dim", [0])
        rows.append(graph.op(f"{gradient}/ExpandDims", "ExpandDims", gradient, axis))
    axis = graph.constant(f"{variable}/average/axis", [0])
    joined = graph.op(f"{variable}/average/concat", "ConcatV2", *rows, axis)
    mean = graph.op(f"{variable}/average/Mean", "Mean", joined, axis)
    slot = graph.proto.node.add(name=f"{variable}/Momentum", op="VariableV2")
    slot.attr["dtype"].type = _FLOAT
    slot.attr["shape"].shape.unknown_rank = True
    graph.op(f"{variable}/update", "ApplyMomentum", variable, slot.name, rate, mean, momentum)
