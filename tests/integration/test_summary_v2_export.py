# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""The graph of a traced step, exported into the log on request."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.tf

tf = pytest.importorskip("tensorflow")

from tb_regloss import errors
from tb_regloss.summary import v2
from tests import written_logs


class TestExportGraph:
    def test_once_for_each_trace(self, tmp_path):
        @v2.export_graph
        @tf.function(reduce_retracing=False)
        def step(x):
            return x + 1

        with tf.summary.create_file_writer(str(tmp_path)).as_default():
            for size in (2, 2, 3, 3):
                step(tf.zeros([size]))
        assert len(written_logs.read(tmp_path).graph_defs) == 2
        assert step.experimental_get_tracing_count() == 2

    def test_writer_that_comes_later(self, tmp_path):
        step = v2.export_graph(tf.function(lambda x: x + 1))
        step(tf.constant(1.0))
        with (
            tf.summary.create_file_writer(str(tmp_path)).as_default(),
            tf.summary.record_if(False),
        ):
            step(tf.constant(1.0))
        assert len(written_logs.read(tmp_path).graph_defs) == 1

    def test_methods(self, tmp_path):
        class Model(tf.Module):
            @v2.export_graph
            @tf.function
            def step(self, x):
                return x + 1

        with tf.summary.create_file_writer(str(tmp_path)).as_default():
            assert Model().step(tf.constant(1.0)).numpy() == 2.0
        assert len(written_logs.read(tmp_path).graph_defs) == 1

    def test_plain_function(self):
        with pytest.raises(errors.DeclarationError, match=r"got a function.*above @tf.function"):
            v2.export_graph(lambda: None)
