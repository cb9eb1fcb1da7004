# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""TensorBoard on a data server of its own: our code never sees an event file."""

from __future__ import annotations

import json
import pathlib
import subprocess
import time
from collections.abc import Iterator

import pytest
from tensorboard.compat.proto import event_pb2
from tensorboard.data import server_ingester

from tb_regloss.analysis.facts import Declaration, DeclaredLoss
from tests.event_logs import START, EventLog, a_graph
from tests.helpers.training import TrainingStep
from tests.integration.tensorboard_process import Board, tensorboard

_ACCURACY = {"accuracy": 0.5}


def _step(included: bool) -> TrainingStep:
    step = TrainingStep()
    data, penalty = step.data_loss(), step.l2("w")
    step.minimize(step.add(data, penalty) if included else data)
    return step


def _make_logs(logdir: pathlib.Path) -> None:
    for name, included in (("plain", True), ("plain_bug", False)):
        with EventLog(logdir / name) as log:
            log.graph(_step(included).graph.proto)
            log.simple(0, _ACCURACY)
    with EventLog(logdir / "meta_graph_only") as log:
        meta = _step(False).graph.meta_graph().SerializeToString()
        log.add(event_pb2.Event(meta_graph_def=meta))
        log.simple(0, _ACCURACY)
    for number, included in enumerate((True, False)):
        with EventLog(logdir / "resumed", f"events.out.tfevents.{number}") as log:
            graph = _step(included).graph.proto.SerializeToString()
            log.add(event_pb2.Event(graph_def=graph), wall_time=START + 100 * number)
            log.simple(number, _ACCURACY)
    with EventLog(logdir / "trains_nothing") as log:
        log.graph(a_graph())
    with EventLog(logdir / "declared") as log:
        loss = DeclaredLoss("w/l2", "w/l2:0", ("w",), "model.py:7", multiplier=0.0)
        log.declare(Declaration(framework="torch", regularization_losses=(loss,)))
        log.ours(0, data_loss=1.0, regularization_sum=0.25, optimized_loss=1.0)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, subprocess.Popen]]:
    logdir = tmp_path_factory.mktemp("logs")
    _make_logs(logdir)
    port_file = tmp_path_factory.mktemp("port") / "port"
    binary = server_ingester.get_server_binary().path
    command = [binary, f"--logdir={logdir}", "--port=0", f"--port-file={port_file}", "--reload=1"]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 20
        while not (port_file.is_file() and port_file.read_text().endswith("\n")):
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.02)
        yield f"localhost:{int(port_file.read_text())}", process
    finally:
        process.terminate()
        process.wait(20)


@pytest.fixture(scope="module")
def board(server: tuple[str, subprocess.Popen]) -> Iterator[Board]:
    with tensorboard(f"--grpc_data_provider={server[0]}") as found:
        found.settled(6)
        yield found


@pytest.mark.parametrize(
    ("run", "status"),
    [
        ("plain", "included"),
        ("plain_bug", "missing"),
        ("resumed", "missing"),
        ("trains_nothing", "not_training"),
        ("declared", "missing"),
        ("meta_graph_only", "unknown"),
    ],
)
def test_a_verdict_from_what_the_provider_hands_out(board: Board, run: str, status: str) -> None:
    found = board.verdict(run)
    assert found["status"] == status
    assert "--grpc_data_provider" in found["notes"][0]


def test_what_is_out_of_reach_is_said(board: Board) -> None:
    assert "hands out no graph" in board.verdict("meta_graph_only")["notes"][0]
    assert "only the one graph" in board.verdict("plain")["notes"][0]


def test_the_tab_is_there(board: Board) -> None:
    assert board.get("plugins_listing")["regloss"]["enabled"]


def test_a_server_that_is_gone_is_no_500(
    board: Board, server: tuple[str, subprocess.Popen]
) -> None:
    server[1].terminate()
    server[1].wait(20)
    for route in ("runs", "verdict", "tags"):
        status, _, body = board.open(f"plugin/regloss/{route}", run="plain")
        assert status == 503
        assert json.loads(body)["error"]["code"]
