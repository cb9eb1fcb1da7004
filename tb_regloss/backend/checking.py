# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""The verdicts on everything below some paths: what the command line does, as a function."""

from __future__ import annotations

import dataclasses
import difflib
import itertools
import os
import re
from collections.abc import Callable, Sequence
from typing import Any

from tb_regloss import errors, report
from tb_regloss.analysis.facts import Problem
from tb_regloss.backend import engine, judging, reader, related
from tb_regloss.backend.given_roles import RoleTags, RunRoles
from tb_regloss.backend.logdir import Logdir, RunFiles
from tb_regloss.backend.role_choice import quoted
from tb_regloss.formats import files, graph_file, records

# A run of a path that has only one.
_ONLY_RUN = "."

Progress = Callable[[int, int, str], None]


@dataclasses.dataclass(frozen=True)
class Checked:
    """The verdicts.

    Attributes:
      runs: run objects of the contract, in the order of the paths.
      problems: what could not be read, the runs' own included.
      unreadable: the paths that could not be read at all.
    """

    runs: tuple[dict[str, Any], ...]
    problems: tuple[dict[str, str], ...]
    unreadable: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class _Target:
    """One run to be judged: of event files, or a single graph."""

    argument: str
    run: str
    path: str
    files: RunFiles | None = None
    kind: str = ""


def check(
    paths: Sequence[str],
    run_pattern: re.Pattern[str] | None = None,
    progress: Progress | None = None,
    said: RoleTags = (),
) -> Checked:
    """Judges every run below `paths`.

    Args:
      paths: logdirs, event files, files that hold a graph.
      run_pattern: only runs whose name it is found in.
      progress: is told (runs done, runs in all, name of the next).
      said: the tags by role, for every run that logs them.

    Raises:
      errors.UsageError: no run logs one of the tags.
    """
    targets: list[_Target] = []
    problems: list[Problem] = []
    unreadable: list[str] = []
    for path in paths:
        try:
            found = _targets(path)
            targets.extend(found)
            if not found:
                problems.append(Problem(path, f"There is no event file in or below {path}."))
        except errors.UnreadableError as error:
            problems.append(Problem(path, str(error)))
            unreadable.append(path)
    if run_pattern is not None:
        targets = [target for target in targets if run_pattern.search(target.run)]
    runs = []
    trouble = [report.problem_object(problem) for problem in problems]
    whole = _joined(targets, _reports(targets, progress, said))
    for target, made in zip(targets, whole, strict=True):
        trouble.extend(made["problems"])
        if target.kind and made["problems"]:
            # Its one graph does not parse: there is nothing to report on.
            unreadable.append(target.argument)
        else:
            runs.append(made)
    return Checked(tuple(runs), tuple(trouble), tuple(unreadable))


def _targets(path: str) -> list[_Target]:
    if not files.exists(path):
        raise errors.UnreadableError(f"{path} does not exist.")
    if files.is_folder(path):
        logdir = Logdir({path: None})
        logdir.refresh()
        found = logdir.runs()
        return [_Target(path, run, below.path, below) for run, below in found.items()]
    source = files.open_source(path)
    try:
        head = source.read_at(0, 64)
    except OSError as error:
        raise files.unreadable(path, error) from error
    finally:
        source.close()
    if records.is_event_file(head) or "tfevents" in os.path.basename(path):
        if head and not records.is_event_file(head):
            raise errors.UnreadableError(f"{path} is no event file, or its start is damaged.")
        return [_Target(path, _ONLY_RUN, path, RunFiles(path, only_file=True))]
    kind = graph_file.kind_of(path, files.read_all(path))
    if kind is None:
        raise errors.UnreadableError(
            f"{path} holds no graph that RegLoss knows; expected a logdir, an event file, or a "
            "GraphDef, MetaGraphDef or SavedModel (.meta, .pb, .pbtxt)."
        )
    return [_Target(path, _ONLY_RUN, path, None, kind)]


def _reports(
    targets: Sequence[_Target], progress: Progress | None, said: RoleTags
) -> list[dict[str, Any]]:
    judge = judging.Judge()
    with_files = [target.files for target in targets if target.files is not None]
    made = []
    with engine.opened(with_files) as read:
        sources = _sources(targets, read, RunRoles(shared=said))
        _must_be_logged(said, sources)
        for done, (source, data) in enumerate(reader.read_ahead(sources)):
            if progress is not None:
                progress(done, len(targets), source.path)
            made.append(judge.report(source, targets[done].argument, data=data))
    if progress is not None:
        progress(len(targets), len(targets), "")
    return made


def _joined(targets: Sequence[_Target], made: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Returns the reports, evaluations told from the training runs of the same path."""
    by_argument: dict[str, dict[str, dict[str, Any]]] = {}
    for target, whole in zip(targets, made, strict=True):
        by_argument.setdefault(target.argument, {})[target.run] = whole
    told = {
        argument: related.joined(runs, related.related_runs(runs))
        for argument, runs in by_argument.items()
    }
    return [told[target.argument][target.run] for target in targets]


def _sources(
    targets: Sequence[_Target], read: engine.Engine, said: RunRoles
) -> list[reader.RunSource]:
    sources: list[reader.RunSource] = []
    names = map(engine.name_of, itertools.count())
    for target in targets:
        if target.files is None:
            sources.append(_graph_source(target))
        else:
            provider, name = read.provider(), next(names)
            found = (target.run, target.path, target.files, provider, name)
            sources.append(reader.RunSource(*found, said=said))
    return sources


def _must_be_logged(said: RoleTags, sources: Sequence[reader.RunSource]) -> None:
    """Raises `errors.UsageError` for a tag that no run logs: a slip would change nothing unseen."""
    wanted = [tag for _, tags in said for tag in tags]
    provider = next((source.provider for source in sources if source.provider), None)
    if not wanted or not sources:
        return
    by_run = provider.scalar_tags([source.provider_run for source in sources]) if provider else {}
    logged = set[str]().union(*by_run.values())
    for tag in wanted:
        if tag not in logged:
            near = difflib.get_close_matches(tag, sorted(logged), n=3) or sorted(logged)[:3]
            what = f"; it may be {quoted(near)}" if near else ", nor any scalar"
            raise errors.UsageError(f'No run logs the tag "{tag}"{what}.')


def _graph_source(target: _Target) -> reader.RunSource:
    blob = reader.GraphBlob(
        kind=target.kind,
        source=os.path.basename(target.path),
        path=target.path,
        key=target.path,
        read=lambda: files.read_all(target.path),
    )
    return reader.RunSource(target.run, target.path, None, None, target.run, (blob,))
