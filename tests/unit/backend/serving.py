# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""The routes as TensorBoard serves them, over both of its readers, without a browser."""

from __future__ import annotations

import argparse
import contextlib
import json
import time
from collections.abc import Iterator
from typing import Any

import werkzeug.test
from tensorboard.backend import application
from tensorboard.plugins import base_plugin

from tb_regloss.backend import loader
from tests import written_logs

PREFIX = "/data/plugin/regloss/"


class Client:
    """A browser without a window."""

    def __init__(self, app: Any, plugin: Any) -> None:
        self._client = werkzeug.test.Client(app)
        self.plugin = plugin

    def get(self, route: str, **query: str) -> werkzeug.test.TestResponse:
        return self._client.get(PREFIX + route, query_string=query)

    def request(self, route: str, **options: Any) -> werkzeug.test.TestResponse:
        return self._client.open(PREFIX + route, **options)

    def json(self, route: str, **query: str) -> Any:
        response = self.get(route, **query)
        assert response.status_code == 200, response.get_data(as_text=True)
        return strict_json(response)

    def post(self, route: str, body: Any) -> Any:
        response = self._client.post(PREFIX + route, json=body)
        assert response.status_code == 200, response.get_data(as_text=True)
        return strict_json(response)

    def settled(self, seconds: float = 20.0) -> dict[str, Any]:
        """Returns the answer of `runs` once no run is pending and at least one is there."""
        deadline = time.monotonic() + seconds
        while True:
            answer: dict[str, Any] = self.json("runs")
            statuses = [run["status"] for run in answer["runs"]]
            if statuses and "pending" not in statuses:
                return answer
            assert time.monotonic() < deadline, f"still pending: {answer}"
            time.sleep(0.02)


def strict_json(response: werkzeug.test.TestResponse) -> Any:
    """Returns the body as a browser would parse it: NaN is no JSON."""
    assert response.content_type == "application/json"
    assert response.headers["X-Content-Type-Options"] == "nosniff"

    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is no JSON")

    return json.loads(response.get_data(), parse_constant=refuse)


@contextlib.contextmanager
def serving(logdir: Any, reader: str = "python", **flags: Any) -> Iterator[Client]:
    """Serves a logdir through TensorBoard's own WSGI application."""
    with written_logs.PROVIDERS[reader](logdir) as provider:
        if reader == "rust":
            await_runs(provider)
        yield client(provider, str(logdir), **flags)


def client(provider: Any, logdir: str, **flags: Any) -> Client:
    """Returns a client of TensorBoard's WSGI application with our plugin alone."""
    given = argparse.Namespace(logdir=logdir, logdir_spec="", samples_per_plugin={}, **flags)
    context = base_plugin.TBContext(data_provider=provider, flags=given, logdir=logdir)
    plugin = loader.RegLossLoader().load(context)
    app = application.TensorBoardWSGI([plugin], data_provider=provider)
    return Client(app, plugin)


def await_runs(provider: Any, seconds: float = 10.0) -> None:
    """Returns once the data server has read to the end: nothing new for 0.3 s."""
    from tensorboard.context import RequestContext

    from tb_regloss.backend.provider import Provider

    source = Provider(provider, RequestContext())
    deadline, before, since = time.monotonic() + seconds, None, time.monotonic()
    while time.monotonic() < deadline:
        now = source.listings(source.runs())
        if now != before:
            before, since = now, time.monotonic()
        elif now and time.monotonic() - since > 0.3:
            return
        time.sleep(0.02)
