# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""A graph that stands beside itself with its collections is proved once."""

from __future__ import annotations

import gc
import pathlib
import threading
from typing import Any

import pytest
from tensorboard.compat.proto import event_pb2, graph_pb2, meta_graph_pb2

from tb_regloss.analysis.graph.logged_graph import LoggedGraph
from tb_regloss.analysis.proofs import proof
from tb_regloss.backend import collector, judging, reader
from tb_regloss.backend.logdir import RunFiles
from tb_regloss.formats import graph_names, graphs
from tests.event_logs import EventLog, a_graph

NAME = "events.out.tfevents.1"


def meta_graph(graph: graph_pb2.GraphDef, collection: str = "losses") -> bytes:
    found = meta_graph_pb2.MetaGraphDef(graph_def=graph)
    if collection:
        found.collection_def[collection].node_list.value.append("loss:0")
    data: bytes = found.SerializeToString()
    return data


def events(folder: pathlib.Path, *found: graph_pb2.GraphDef | bytes) -> list[str]:
    """Writes graphs and MetaGraphDefs; returns the sources of what is proved of them."""
    with EventLog(folder, NAME) as log:
        for one in found:
            if isinstance(one, bytes):
                log.add(event_pb2.Event(meta_graph_def=one))
            else:
                log.graph(one)
    proved: list[str] = []
    with pytest.MonkeyPatch.context() as patch:
        prove = proof.prove

        def proving(logged: LoggedGraph, *rest: Any) -> proof.GraphProof:
            proved.append(logged.source)
            return prove(logged, *rest)

        patch.setattr(proof, "prove", proving)
        source = reader.RunSource("run", str(folder), RunFiles(str(folder)), None, "run")
        report = judging.Judge().report(source, "logs")
    assert report["problems"] == []
    return [source.partition(" of ")[0] for source in proved]


@pytest.mark.parametrize("first", [True, False])
def test_with_collections_it_speaks_for_the_graph_alone(
    tmp_path: pathlib.Path, first: bool
) -> None:
    both = [meta_graph(a_graph()), a_graph()]
    proved = events(tmp_path, *(both if first else both[::-1]))
    assert proved == [f"meta graph, graph event {1 if first else 2}"]


def test_the_newest_with_collections_speaks_for_the_older_ones(tmp_path: pathlib.Path) -> None:
    older, newer = meta_graph(a_graph(), "losses"), meta_graph(a_graph(), "train_op")
    assert events(tmp_path, older, newer) == ["meta graph, graph event 2"]


def test_without_collections_it_speaks_for_none(tmp_path: pathlib.Path) -> None:
    proved = events(tmp_path, meta_graph(a_graph()), meta_graph(a_graph(), ""))
    assert proved == ["meta graph, graph event 2", "meta graph, graph event 1"]


def test_other_names_or_functions_make_another_graph(tmp_path: pathlib.Path) -> None:
    calling = a_graph()
    calling.library.function.add().signature.name = "f"
    assert len(events(tmp_path, meta_graph(a_graph()), a_graph("other"), calling)) == 3


def test_names_alone_give_the_fingerprint_of_the_proof() -> None:
    graph = a_graph()
    graph.node.add(name="read/Ünicode", op="Identity", input=["loss"])
    data = graph.SerializeToString()
    (logged,) = graphs.parse(data, "graph_def", "here")
    assert graph_names.fingerprint(data, "graph_def") == proof.prove(logged).fingerprint
    assert graph_names.fingerprint(b"\xff\xff\xff", "graph_def") is None
    assert graph_names.fingerprint(data, "run_metadata") is None


def test_the_collector_rests_until_the_last_is_done() -> None:
    inside, leave = threading.Event(), threading.Event()

    def work() -> None:
        with collector.paused():
            inside.set()
            leave.wait(10)

    assert gc.isenabled()
    thread = threading.Thread(target=work)
    with collector.paused():
        thread.start()
        assert inside.wait(10)
    assert not gc.isenabled()
    leave.set()
    thread.join()
    assert gc.isenabled()
