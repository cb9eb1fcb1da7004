# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""Long series are thinned by step alone: the same whoever reads them, and in how many goes."""

from __future__ import annotations

import itertools
import math
import pathlib

import numpy as np
import pytest
from tensorboard.compat.proto import event_pb2, summary_pb2, tensor_pb2, types_pb2

from tb_regloss import errors
from tb_regloss.formats.scalar_points import Point, Points, PointsFile, merged
from tests.event_logs import EventLog


def series(steps: list[int]) -> Points:
    points = Points()
    for step in steps:
        points.add(Point(step, 0.0, float(step)))
    return points


def steps_of(points: Points) -> list[int]:
    return [point.step for point in points.points()]


def test_short_series_are_kept_whole() -> None:
    assert steps_of(series(list(range(2000)))) == list(range(2000))


@pytest.mark.parametrize("stride", [1, 7, 100, 1024])
@pytest.mark.parametrize("count", [2001, 50_000, 300_000])
def test_long_series_are_thinned_evenly(stride: int, count: int) -> None:
    kept = steps_of(series([stride * i for i in range(count)]))
    assert 700 <= len(kept) <= 2001
    assert kept[-1] == stride * (count - 1)
    assert kept == sorted(set(kept))
    gaps = [b - a for a, b in itertools.pairwise(kept)]
    assert max(gaps) <= 20 * stride * count / len(kept)


def test_series_of_one_run_keep_the_same_steps() -> None:
    every = steps_of(series(list(range(30_000))))
    tenth = steps_of(series(list(range(0, 30_000, 10))))
    common = set(every) & set(tenth)
    assert len(common) > 100
    assert set(steps_of(series(list(range(30_000))))) == set(every)


def test_a_restart_voids_what_it_writes_again() -> None:
    assert steps_of(series([0, 10, 20, 30, 20, 25])) == [0, 10, 20, 25]
    assert steps_of(series([0] * 11_000)) == [0]
    long = series([*range(50_000), *range(40_000, 45_000)])
    assert steps_of(long)[-1] == 44_999
    assert steps_of(long) == sorted(set(steps_of(long)))


def test_files_of_one_run_come_one_after_the_other() -> None:
    found = merged([series(list(range(5000))), series(list(range(4000, 4100)))])
    assert found[-1].step == 4099
    assert [point.step for point in found] == sorted({point.step for point in found})
    assert merged([]) == ()


def test_all_forms_of_scalars_and_nothing_else(tmp_path: pathlib.Path) -> None:
    with EventLog(tmp_path) as log:
        log.simple(1, {"loss": 1.5, "loss/other": 7.0, "other": 2.0})
        log.ours(2, data_loss=2.5)
        log.simple(3, {"loss": math.nan})
        log.simple(4, {"loss": math.inf})
        log.add(event_pb2.Event(step=5))
        log._records.write(b"\xffloss")
        content = event_pb2.Event().summary.value.add().metadata
        log.tensor(6, "loss", [1.0, 2.0], content)
        log.tensor(7, "loss", "text", content)
        log.tensor(8, "loss", 0.25, content)
        log.tensor(9, "loss", np.float64(0.5), content)
        log.tensor(10, "loss", np.int64(3), content)
        packed = tensor_pb2.TensorProto(dtype=types_pb2.DT_FLOAT, tensor_content=b"\0\0\0\x40")
        value = summary_pb2.Summary.Value(tag="loss", tensor=packed)
        log.add(event_pb2.Event(step=11, summary=summary_pb2.Summary(value=[value])))
    file = PointsFile(str(log.path), ["loss", "regloss/data_loss"])
    file.scan()
    loss = [(point.step, point.value) for point in file.series["loss"].points()]
    assert [step for step, _ in loss] == [1, 3, 4, 8, 9, 10, 11]
    assert loss[0][1] == 1.5
    assert math.isnan(loss[1][1])
    assert [value for _, value in loss[2:]] == [math.inf, 0.25, 0.5, 3.0, 2.0]
    (own,) = file.series["regloss/data_loss"].points()
    assert (own.step, own.value) == (2, 2.5)
    assert own.wall_time > 1.6e9


def test_in_one_go_or_in_many(tmp_path: pathlib.Path) -> None:
    with EventLog(tmp_path) as log:
        live = PointsFile(str(log.path), ["loss"])
        for step in range(6000):
            log.simple(step, {"loss": float(step), "b": 0.0})
            if step % 701 == 0:
                log.flush()
                live.scan()
    live.scan()
    once = PointsFile(str(log.path), ["loss"])
    once.scan()
    assert live.series["loss"].points() == once.series["loss"].points()
    assert len(once.series["loss"].points()) > 700


def test_a_file_that_vanished_is_told(tmp_path: pathlib.Path) -> None:
    with pytest.raises(errors.UnreadableError, match="No such file"):
        PointsFile(str(tmp_path / "nope"), ["a"]).scan()
