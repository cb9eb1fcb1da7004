# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""Which runs are evaluations of which training runs, and what that makes of their reports."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from tb_regloss.analysis.verdict_types import EvidenceKind, Severity, Status

_EVALUATION = re.compile(
    r"(?i)(?P<word>eval|evaluation|val|valid|validation|test|testing|dev)(?P<rest>(?:[_\-.].*|\d+)?)"
)
_ENDS_IN_EVALUATION = re.compile(
    r"(?i)(?P<stem>.+)[_\-.](?:eval|evaluation|val|valid|validation|test|testing|dev)"
)
_TRAINING = ("train", "training", "Train", "Training")
_ROOT = "."
# What only a program that trains can leave in its log.
_OF_TRAINING = (EvidenceKind.GRAPH.value, EvidenceKind.DECLARED.value)
_OPEN = (Status.UNKNOWN.value, Status.NOT_TRAINING.value)

Report = dict[str, Any]


def joined(reports: Mapping[str, Report], trained_by: Mapping[str, str]) -> dict[str, Report]:
    """Returns the run objects of one logdir, evaluations told from training runs.

    Args:
      reports: by name, of all runs that are judged by now.
      trained_by: what `related_runs` returned. An evaluation whose training
        run is not judged is left out.
    """
    return {
        run: beside(whole, reports[trained_by[run]]) if run in trained_by else whole
        for run, whole in reports.items()
        if trained_by.get(run, run) in reports
    }


def beside(evaluation: Report, training: Report) -> Report:
    """Returns the run object of an evaluation, which is not judged alone.

    A run that is called like an evaluation but proves to train something else
    than the training run beside it is judged like any other; so is one below a
    folder of another name whose own run tells nothing of training.
    """
    is_other = _trains(evaluation) and _answers(evaluation) != _answers(training)
    is_called_so = "train" in re.split(r"[/\\]", training["run"])[-1].lower()
    if is_other or not (training["evidence"] or is_called_so):
        return evaluation
    evidence = [item for item in evaluation["evidence"] if item["status"] in _OPEN]
    return {
        **evaluation,
        "status": Status.NOT_TRAINING.value,
        "severity": Severity.OK.value,
        "headline": f"Evaluates the training run {training['run']!r}; the verdict stands there",
        "coverage": {"included": 0, "total": 0, "unknown": 0},
        "regularization_losses": [],
        "findings": [],
        "evidence": evidence,
        "fix": None,
        "related_to": training["run"],
    }


def _trains(whole: Report) -> bool:
    return any(
        item["kind"] in _OF_TRAINING and item["status"] not in _OPEN for item in whole["evidence"]
    )


def _answers(whole: Report) -> tuple[Any, ...]:
    """Returns what was concluded, without what differs from step to step."""
    losses = {
        (loss["name"], loss["status"], loss["multiplier"])
        for loss in whole["regularization_losses"]
    }
    return whole["status"], losses


def related_runs(names: Collection[str]) -> dict[str, str]:
    """Returns the training run of each evaluation run among `names`.

    An evaluation run is called `eval`, `validation`, `test`, ... in its last
    folder; its training run stands beside it (`train`), or is the folder above
    it. Evaluation runs with neither are left out: they are judged like others.
    """
    present = set(names)
    found = {}
    for name in sorted(present):
        for candidate in _candidates(name):
            if candidate in present and candidate != name and not is_evaluation(candidate):
                found[name] = candidate
                break
    return found


def is_evaluation(name: str) -> bool:
    """Returns whether a run is called like an evaluation."""
    last = re.split(r"[/\\]", name)[-1]
    return bool(_EVALUATION.fullmatch(last) or _ENDS_IN_EVALUATION.fullmatch(last))


def _candidates(name: str) -> Iterator[str]:
    """Yields the names that the training run could have, the likeliest first."""
    position = max(name.rfind("/"), name.rfind("\\"))
    folder, last = name[: position + 1], name[position + 1 :]
    match = _EVALUATION.fullmatch(last)
    if match is not None:
        rest = match.group("rest")
        yield from (folder + word + rest for word in _TRAINING if rest)
        yield from (folder + word for word in _TRAINING)
        yield folder[:-1] if folder else _ROOT
    ending = _ENDS_IN_EVALUATION.fullmatch(last)
    stem = ending.group("stem") if ending is not None else ""
    if stem and stem not in _TRAINING:  # `train_val` trains, on both parts of the data.
        separator = last[len(stem)]
        yield from (folder + stem + separator + word for word in _TRAINING)
        yield folder + stem
