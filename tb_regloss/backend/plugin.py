# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""The routes: they parse and respond, `panel` thinks."""

from __future__ import annotations

import json
import logging
import mimetypes
import os
import re
from collections.abc import Callable, Collection
from typing import Any

import werkzeug.exceptions
from tensorboard import errors as tensorboard_errors
from tensorboard import plugin_util
from tensorboard.backend import http_util
from tensorboard.plugins import base_plugin
from werkzeug import security, wrappers

from tb_regloss import errors, report
from tb_regloss.backend import explained, given_roles, logdir, panel
from tb_regloss.backend.given_roles import GivenRoles
from tb_regloss.backend.provider import Provider
from tb_regloss.metadata import PLUGIN_NAME

_logger = logging.getLogger(__name__)

_STATIC = os.path.join(os.path.dirname(__file__), "static")
_INDEX = "/index.js"
# 10,000 run names of 100 characters.
_LARGEST_BODY = 1 << 20

_Route = Callable[[wrappers.Request], wrappers.Response]


class _RequestError(Exception):
    """The request cannot be answered; becomes the JSON error of the contract."""

    def __init__(self, status: int, code: str, message: str, **headers: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.headers = list(headers.items())


class RegLossPlugin(base_plugin.TBPlugin):  # type: ignore[misc]  # TensorBoard has no types
    """RegLoss for TensorBoard."""

    plugin_name = PLUGIN_NAME

    def __init__(self, context: base_plugin.TBContext) -> None:
        """Takes TensorBoard's context; no work is done before the first request."""
        self._provider = context.data_provider
        flags = context.flags
        argument = context.logdir or getattr(flags, "logdir_spec", "") or ""
        files = logdir.from_flags(context.logdir, getattr(flags, "logdir_spec", None))
        self._panel = panel.Panel(files, argument)

    def get_plugin_apps(self) -> dict[str, Any]:
        """Returns the routes below `data/plugin/regloss`."""
        return {
            "/runs": _app(self._runs),
            "/verdict": _app(self._verdict),
            "/losses": _app(self._losses, "POST"),
            "/regularization_losses": _app(self._regularization_losses),
            "/tags": _app(self._tags),
            "/export": _app(self._export),
            "/verdicts": _app(self._verdicts),
            _INDEX: _app(self._static),
            "/*": _app(self._static),
        }

    def is_active(self) -> bool:
        """Returns whether there is something to show that `data_plugin_names` does not tell.

        No data provider lists graphs inside of MetaGraphDefs.
        """
        return self._panel.has_graphs()

    def data_plugin_names(self) -> Collection[str]:
        """Returns the plugins with whose data this one is worth opening."""
        return (PLUGIN_NAME, "scalars", "graphs", "graph_run_metadata_graph", "graph_keras_model")

    def frontend_metadata(self) -> base_plugin.FrontendMetadata:
        """Returns how the panel is loaded: a module in an iframe."""
        return base_plugin.FrontendMetadata(es_module_path=_INDEX, tab_name="RegLoss")

    def _source(self, request: wrappers.Request) -> Provider:
        context = plugin_util.context(request.environ)
        return Provider(self._provider, context, plugin_util.experiment_id(request.environ))

    def _runs(self, request: wrappers.Request) -> wrappers.Response:
        return _json(request, self._panel.runs(self._source(request), _roles(request)))

    def _verdict(self, request: wrappers.Request) -> wrappers.Response:
        run = _argument(request, "run")
        return _json(request, self._panel.verdict(self._source(request), run, _roles(request)))

    def _losses(self, request: wrappers.Request) -> wrappers.Response:
        runs, said = _losses_body(request)
        return _json(request, self._panel.losses(self._source(request), runs, said))

    def _tags(self, request: wrappers.Request) -> wrappers.Response:
        run = _argument(request, "run")
        return _json(request, self._panel.tags(self._source(request), run))

    def _regularization_losses(self, request: wrappers.Request) -> wrappers.Response:
        run = _argument(request, "run")
        return _json(request, self._panel.regularization_losses(self._source(request), run))

    def _export(self, request: wrappers.Request) -> wrappers.Response:
        run = _argument(request, "run")
        form = _argument(request, "format")
        if form not in ("csv", "json"):
            raise _RequestError(
                400, "invalid_argument", f"The format is csv or json, not {form!r}."
            )
        exported = self._panel.export(self._source(request), run, _roles(request))
        name = re.sub(r"[^\w.-]+", "_", run, flags=re.ASCII).strip("._") or "run"
        headers = [("Content-Disposition", f'attachment; filename="regloss_{name}.{form}"')]
        if form == "csv":
            return _respond(request, panel.to_csv(exported), "text/csv", headers=headers)
        return _json(request, exported, headers=headers)

    def _verdicts(self, request: wrappers.Request) -> wrappers.Response:
        return _respond(request, explained.page(), "text/html")

    def _static(self, request: wrappers.Request) -> wrappers.Response:
        name = request.path.partition(f"/plugin/{PLUGIN_NAME}/")[2]
        path = security.safe_join(_STATIC, name)
        if path is None or not os.path.isfile(path):
            if name == _INDEX[1:] and not os.path.isdir(_STATIC):
                raise _RequestError(
                    404,
                    "not_built",
                    "The panel is not built: this is a checkout without its frontend. Run "
                    "`pip install .` (or `npm ci && npm run build` in frontend/).",
                )
            raise _RequestError(404, "not_found", "There is no such route and no such file.")
        with open(path, "rb") as file:
            content = file.read()
        kind = mimetypes.guess_type(path)[0] or "application/octet-stream"
        # The table of types is the machine's own, and some call it text/plain.
        if path.endswith((".js", ".mjs")):
            kind = "text/javascript"
        return _respond(request, content, kind)


def _app(route: _Route, method: str = "GET") -> Any:
    """Returns a WSGI app that answers every request with JSON or with what `route` returns."""
    allowed = (method, "HEAD") if method == "GET" else (method,)

    def answer(request: wrappers.Request) -> wrappers.Response:
        try:
            if request.method not in allowed:
                raise _RequestError(
                    405,
                    "method_not_allowed",
                    f"This route answers {' and '.join(allowed)}, not {request.method}.",
                    Allow=", ".join(allowed),
                )
            return route(request)
        except _RequestError as error:
            return _error(request, error.status, error.code, str(error), error.headers)
        except panel.UnknownRunError as error:
            return _error(request, 404, "not_found", str(error))
        except errors.UsageError as error:
            return _error(request, 400, "invalid_argument", str(error))
        except werkzeug.exceptions.HTTPException as error:
            code = error.name.lower().replace(" ", "_")
            return _error(request, error.code or 400, code, error.description or error.name)
        except tensorboard_errors.PublicError as error:
            return _error(request, error.http_code, "data_provider", str(error))
        except Exception:
            # The last resort: whatever is wrong with one answer, TensorBoard goes on.
            _logger.exception("RegLoss could not answer %s", request.path)
            return _error(
                request,
                503,
                "unavailable",
                "RegLoss could not answer; TensorBoard's log tells why. If its data server is "
                "running, please report this as a fault of RegLoss.",
            )

    return wrappers.Request.application(answer)


def _json(
    request: wrappers.Request,
    payload: dict[str, Any],
    code: int = 200,
    headers: list[tuple[str, str]] | None = None,
) -> wrappers.Response:
    # Encoded here: the encoder of http_util walks through every number in Python.
    text = report.to_json(payload)
    return _respond(request, text, "application/json", code, headers)


def _respond(
    request: wrappers.Request,
    content: str | bytes,
    kind: str,
    code: int = 200,
    headers: list[tuple[str, str]] | None = None,
) -> wrappers.Response:
    # Compresses, and adds `X-Content-Type-Options: nosniff`.
    response: wrappers.Response = http_util.Respond(
        request, content, kind, code=code, headers=headers
    )
    return response


def _error(
    request: wrappers.Request,
    status: int,
    code: str,
    message: str,
    headers: list[tuple[str, str]] | None = None,
) -> wrappers.Response:
    payload = {"error": {"code": code, "message": message}}
    return _json(request, payload, code=status, headers=headers)


def _argument(request: wrappers.Request, name: str) -> str:
    values = request.args.getlist(name)
    if len(values) != 1:
        found = "is missing" if not values else f"was given {len(values)} times"
        raise _RequestError(
            400, "invalid_argument", f"The argument {name!r} {found}; expected exactly one."
        )
    return values[0]


def _roles(request: wrappers.Request) -> GivenRoles:
    if "roles" not in request.args:
        return GivenRoles()
    return given_roles.parse(_argument(request, "roles"))


def _losses_body(request: wrappers.Request) -> tuple[list[str], GivenRoles]:
    request.max_content_length = _LARGEST_BODY
    try:
        body = json.loads(request.get_data())
    except (ValueError, RecursionError):
        body = None
    runs = body.get("runs") if isinstance(body, dict) else None
    if not isinstance(runs, list) or not all(isinstance(run, str) for run in runs):
        raise _RequestError(
            400, "invalid_argument", 'The body must be JSON: {"runs": ["name of a run", ...]}.'
        )
    return runs, given_roles.from_json(body.get("roles", {}))
