# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""Columns of serialized nodes are what the nodes say, whatever these lack."""

from __future__ import annotations

import pytest
from google.protobuf import message
from tensorboard.compat.proto import node_def_pb2

from tb_regloss.formats import light_graph


def node(name: str, op: str, *inputs: str) -> bytes:
    return bytes(node_def_pb2.NodeDef(name=name, op=op, input=inputs).SerializeToString())


def joined(nodes: list[bytes]) -> list[tuple[str, str, list[str]]]:
    found = []
    for names, ops, inputs in light_graph.columns(nodes):
        parts = "\n".join(inputs).split(light_graph.END)
        texts = [part.strip().split("\n") if part.strip() else [] for part in parts[:-1]]
        found += list(zip(names, ops, texts, strict=True))
    return found


def test_each_node_keeps_its_inputs() -> None:
    nodes = [node("x", "Placeholder"), node("y", "AddN", "x", "^z", "x:1"), node("z", "NoOp")]
    assert joined(nodes) == [
        ("x", "Placeholder", []),
        ("y", "AddN", ["x", "^z", "x:1"]),
        ("z", "NoOp", []),
    ]


def test_no_nodes_have_no_columns() -> None:
    assert joined([]) == []


def test_many_nodes_come_in_parts() -> None:
    nodes = [node(f"n{number}", "Neg", f"n{number + 1}") for number in range(5000)]
    assert len(list(light_graph.columns(nodes))) > 1
    assert joined(nodes) == [(f"n{n}", "Neg", [f"n{n + 1}"]) for n in range(5000)]


def test_a_node_without_name_or_type_does_not_shift_the_others() -> None:
    nodes = [node("", "Neg", "a"), node("b", ""), node("c", "Neg", "b")]
    assert joined(nodes) == [("", "Neg", ["a"]), ("b", "", []), ("c", "Neg", ["b"])]


def test_an_input_that_looks_like_an_end_is_none() -> None:
    nodes = [node("a", "Neg", light_graph.END, "b"), node("b", "Neg", "a")]
    assert joined(nodes) == [("a", "Neg", ["b"]), ("b", "Neg", ["a"])]


def test_a_damaged_node_does_not_take_in_the_next_one() -> None:
    damaged = node("a", "Neg", "b")[:-1]
    with pytest.raises(message.DecodeError):
        joined([damaged, node("b", "Neg", "a")])
