# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""What the panel asks for, as plain values; `plugin` only parses and responds.

Analysis runs in two places: in the thread of a request that asks for one run's
verdict, which waits for that run alone, and in one background thread that
works through all runs whenever the list of runs was asked for.
"""

from __future__ import annotations

import csv
import dataclasses
import io
import logging
import threading
from collections.abc import Hashable, Iterable, Sequence
from typing import Any

import grpc  # type: ignore[import-untyped]  # it has no stubs

from tb_regloss import errors, report
from tb_regloss.analysis.facts import ROLES
from tb_regloss.backend import declared, judging, kept_reports, reader, related, series
from tb_regloss.backend.given_roles import GivenRoles, RunRoles
from tb_regloss.backend.logdir import Logdir, RunFiles
from tb_regloss.backend.provider import Provider

_logger = logging.getLogger(__name__)

# The panel asks again every second while runs are pending; a live logdir need
# not be walked that often.
_PAUSE_SECONDS = 2.0


class UnknownRunError(errors.UsageError):
    """There is no run of that name.

    Its own class because the routes answer it with 404.
    """


class Panel:
    """The answers of all routes.

    Args:
      logdir: where the event files are, `None` where they are out of reach.
      argument: the logdir as the user gave it.
    """

    def __init__(self, logdir: Logdir | None, argument: str) -> None:
        self._logdir = logdir
        self._argument = argument
        self._reports = kept_reports.KeptReports(judging.Judge(), argument)
        self._background = _Background(self._work)
        self._has_graphs = False

    def has_graphs(self) -> bool:
        """Returns whether graphs were found so far, and has the logdir looked through."""
        if not self._has_graphs and self._logdir is not None:
            self._background.wake(_Asker())
        return self._has_graphs

    def runs(self, provider: Provider, said: GivenRoles) -> dict[str, Any]:
        """Returns every run with the last that is known of it; never waits for an analysis.

        Here and below, `said` is what the user said of the runs' tags.
        """
        self._background.wake(_Asker(provider, said))
        concerns = _concerns(provider, self._names(provider), said)
        known = {
            run: self._reports.last((provider.experiment, run, own))
            for run, own in concerns.items()
        }
        problems = [problem for whole in known.values() if whole for problem in whole["problems"]]
        trained_by = related.related_runs(known)
        judged = {run: whole for run, whole in known.items() if whole}
        told = related.joined(judged, trained_by)
        listed = [report.summary_object(run, told.get(run), trained_by.get(run)) for run in known]
        return {**report.runs_object(listed, problems), "logdir": self._argument}

    def verdict(self, provider: Provider, run: str, said: GivenRoles) -> dict[str, Any]:
        """Returns the report on one run; waits for its analysis.

        Raises:
          UnknownRunError: there is no such run.
        """
        self._check(provider, run)
        whole = self._current(provider, run, said)
        if not related.is_evaluation(run):
            return whole
        trainer = related.related_runs({*self._names(provider), run}).get(run)
        if trainer is None:
            return whole
        return related.beside(whole, self._current(provider, trainer, said))

    def tags(self, provider: Provider, run: str) -> dict[str, Any]:
        """Returns the tags of all scalars of a run: what the user may choose from.

        Raises:
          UnknownRunError: there is no such run.
        """
        self._check(provider, run)
        tags = sorted(provider.scalar_tags([run])[run])
        return {"version": report.VERSION, "run": run, "tags": tags}

    def losses(self, provider: Provider, runs: Sequence[str], said: GivenRoles) -> dict[str, Any]:
        """Returns the series of several runs by role, and which of them do not exist."""
        names = set(provider.runs())
        wanted = list(dict.fromkeys(runs))
        found = series.read_series(
            provider,
            [run for run in wanted if run in names],
            {run: said.of(run) for run in wanted},
        )
        known = names | set(self._names(provider))
        return {
            "version": report.VERSION,
            "runs": {
                run: {
                    role: report.series_object(found[run].roles.get(role) if run in found else None)
                    for role in ROLES
                }
                for run in wanted
                if run in known
            },
            "not_found": [run for run in wanted if run not in known],
        }

    def regularization_losses(self, provider: Provider, run: str) -> dict[str, Any]:
        """Returns the series of each regularization loss of a run.

        Raises:
          UnknownRunError: there is no such run.
        """
        self._check(provider, run)
        found = declared.read_declarations(provider, [run])[run]
        names = (
            [loss.name for loss in found.declarations[-1].regularization_losses]
            if found.declarations
            else []
        )
        matrix = found.matrix
        return {
            "version": report.VERSION,
            "run": run,
            "steps": [] if matrix is None else matrix.steps.tolist(),
            "wall_times": [] if matrix is None else report.numbers(matrix.wall_times),
            "names": names,
            "values": [[] for _ in names]
            if matrix is None
            else [report.numbers(column) for column in matrix.values.T],
        }

    def export(self, provider: Provider, run: str, said: GivenRoles) -> dict[str, Any]:
        """Returns all series of a run in one value.

        Raises:
          UnknownRunError: there is no such run.
        """
        each = self.regularization_losses(provider, run)
        losses = self.losses(provider, [run], said)["runs"][run]
        del each["version"], each["run"]
        return {
            "version": report.VERSION,
            "run": run,
            "losses": losses,
            "regularization_losses": each,
        }

    def _current(self, provider: Provider, run: str, said: GivenRoles) -> dict[str, Any]:
        own = _concerns(provider, [run], said)[run]
        key = (provider.experiment, run, own)
        return self._reports.current(key, self._source(provider, run, own))

    def _check(self, provider: Provider, run: str) -> None:
        # The files are asked first: the data server takes 40 ms to list its runs.
        known = self._logdir.runs() if self._logdir is not None else {}
        if run in known or run in provider.runs():
            return
        if self._logdir is not None:
            self._logdir.refresh()
            if run in self._logdir.runs():
                return
        raise UnknownRunError(
            f"There is no run {run!r}; the route `runs` lists the runs that there are."
        )

    def _names(self, provider: Provider) -> list[str]:
        found = self._logdir.runs() if self._logdir is not None else {}
        return sorted({*provider.runs(), *found})

    def _source(self, provider: Provider, run: str, said: RunRoles) -> reader.RunSource:
        files: RunFiles | None = None
        if self._logdir is not None:
            if run not in self._logdir.runs():
                self._logdir.refresh()
            files = self._logdir.runs().get(run)
        path = files.path if files is not None else run
        return reader.RunSource(run, path, files, provider, run, said=said)

    def _work(self, askers: Iterable[_Asker]) -> None:
        if self._logdir is not None:
            self._logdir.refresh()
            for files in self._logdir.runs().values():
                if files.scan()[0]:
                    self._has_graphs = True
        for asker in askers:
            if asker.provider is not None:
                self._judge_all(asker.provider, asker.said)

    def _judge_all(self, provider: Provider, said: GivenRoles) -> None:
        names = self._names(provider)
        listings = provider.listings(names)
        changed: dict[str, tuple[Hashable, Hashable]] = {}
        sources = []
        for run, own in _concerns(provider, names, said).items():
            seen = self._reports.fingerprint((provider.experiment, run, own))
            source = self._source(provider, run, own)
            fingerprint = source.fingerprint(listings[run])
            if seen is None or seen != fingerprint:
                changed[run] = (fingerprint, seen)
                sources.append(source)
        for source, data in reader.read_ahead(sources):
            fingerprint, seen = changed[source.run]
            key = (provider.experiment, source.run, source.said)
            self._reports.refresh(key, source, fingerprint, data, seen)


def _concerns(provider: Provider, runs: Sequence[str], said: GivenRoles) -> dict[str, RunRoles]:
    """Returns what was said that changes each run; reports on the others stay as they are."""
    if said == GivenRoles():
        return dict.fromkeys(runs, RunRoles())
    tags = provider.scalar_tags(runs)
    own = {run: said.of(run) for run in runs}
    return {run: own[run] if own[run].among(tags[run]) else RunRoles() for run in runs}


def to_csv(exported: dict[str, Any]) -> str:
    """Returns an export as CSV: a row per step, a column per series."""
    columns: dict[str, dict[int, Any]] = {}
    times: dict[int, Any] = {}
    for role, found in exported["losses"].items():
        if found is not None:
            columns[role] = dict(zip(found["steps"], found["values"], strict=True))
            times.update(zip(found["steps"], found["wall_times"], strict=True))
    each = exported["regularization_losses"]
    for name, values in zip(each["names"], each["values"], strict=True):
        columns[name] = dict(zip(each["steps"], values, strict=False))
    times.update(zip(each["steps"], each["wall_times"], strict=True))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["step", "wall_time", *map(_cell, columns)])
    for step in sorted(times):
        writer.writerow([step, times[step], *(column.get(step, "") for column in columns.values())])
    return text.getvalue()


def _cell(name: str) -> str:
    # A spreadsheet would run a name that begins like a formula.
    return "'" + name if name[:1] in ("=", "+", "-", "@", "\t", "\r") else name


@dataclasses.dataclass(frozen=True)
class _Asker:
    """Who asked for the list of runs; without a provider only for the files to be looked at."""

    provider: Provider | None = None
    said: GivenRoles = dataclasses.field(default_factory=GivenRoles)


class _Background:
    """One daemon thread that works whenever it was woken, with a pause between.

    What was asked for since the last time is worked on: two panels in which
    different tags were chosen must not starve each other.
    """

    def __init__(self, work: Any) -> None:
        self._work = work
        self._woken = threading.Event()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._askers: dict[Hashable, _Asker] = {}

    def wake(self, asker: _Asker) -> None:
        """Has the work done soon, once for all who ask the same until then."""
        experiment = asker.provider.experiment if asker.provider else None
        with self._lock:
            self._askers[experiment, asker.said] = asker
            if self._thread is None:
                self._thread = threading.Thread(target=self._loop, name="RegLoss", daemon=True)
                self._thread.start()
        self._woken.set()

    def _loop(self) -> None:
        pause = threading.Event()
        while True:
            self._woken.wait()
            self._woken.clear()
            with self._lock:
                askers, self._askers = self._askers, {}
            try:
                self._work(askers.values())
            except grpc.RpcError as error:
                _logger.warning(
                    "The data server does not answer (%s); RegLoss asks again", error.code()
                )
            except Exception:
                _logger.exception("RegLoss could not look through the logdir; it will try again")
            pause.wait(_PAUSE_SECONDS)
