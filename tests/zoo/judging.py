# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""Puts a case before the analysis and compares the answer with the truth."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Mapping, Sequence

from tb_regloss.analysis import verdicts
from tb_regloss.analysis.facts import ConfiguredRegularizer, Declaration, DeclaredLoss, RunFacts
from tb_regloss.analysis.proofs import proof
from tb_regloss.analysis.verdict_types import LossVerdict, RunVerdict
from tb_regloss.formats import graphs
from tests.zoo.case import BuiltCase, LossTruth, run_status

# With collections or a declaration; without either, from the structure alone.
INFORMED = ("meta_graph", "declared", "declared_run_metadata")
BARE = ("graph_def", "run_metadata")


@dataclasses.dataclass(frozen=True)
class Comparison:
    """How an answer compares with the truth.

    Attributes:
      wrong: what contradicts the truth.
      unknown: how many losses, or the run, were answered `unknown`.
      unnumbered: how many constant multipliers were not given.
      pairs: (true status, answered status) of each loss; `absent` is a status
        here, both for a loss that was not listed and one that was invented.
    """

    wrong: tuple[str, ...]
    unknown: int
    unnumbered: int
    pairs: tuple[tuple[str, str], ...]


def modes(built: BuiltCase) -> tuple[str, ...]:
    """Returns the forms in which a case is judged."""
    if built.meta_graph is not None:
        return ("meta_graph", "graph_def", *(("declared",) if built.judge_declared else ()))
    return ("graph_def", "run_metadata", "declared", "declared_run_metadata")


def serialized(built: BuiltCase, mode: str) -> tuple[bytes, str]:
    """Returns a case's bytes in one form, and what kind they are."""
    if mode.endswith("run_metadata"):
        assert built.run_metadata is not None
        return built.run_metadata, "run_metadata"
    if mode == "meta_graph" or (mode == "declared" and built.meta_graph is not None):
        assert built.meta_graph is not None
        return built.meta_graph, "meta_graph"
    return built.graph_def, "graph_def"


def declaration(built: BuiltCase) -> Declaration:
    """Returns what the training code would have declared."""
    said = built.declaration
    optimized = said["optimized_loss"]
    return Declaration(
        framework=said.get("framework", "tf1"),
        regularization_losses=tuple(
            DeclaredLoss(name=tensor, tensor=tensor, variables=tuple(variables))
            for tensor, variables in said["regularization_losses"]
        ),
        data_losses=tuple(DeclaredLoss(name=t, tensor=t) for t in said["data_losses"]),
        optimized_loss=DeclaredLoss(name=optimized, tensor=optimized) if optimized else None,
        train_op=said["train_op"],
        optimizer_weight_decay=said.get("optimizer_weight_decay"),
        configured=tuple(ConfiguredRegularizer(**each) for each in said.get("configured", ())),
    )


def answer(data: bytes, kind: str, said: Declaration | None = None) -> RunVerdict:
    """Returns the verdict on serialized graphs."""
    proofs = [proof.prove(logged, said) for logged in graphs.parse(data, kind, "zoo")]
    facts = RunFacts(run=".", path="zoo", declarations=(said,) if said else ())
    return verdicts.judge(facts, proofs)


def answer_case(built: BuiltCase, mode: str) -> RunVerdict:
    """Returns the verdict on a case in one form."""
    data, kind = serialized(built, mode)
    return answer(data, kind, declaration(built) if mode.startswith("declared") else None)


def compare(built: BuiltCase, mode: str, verdict: RunVerdict) -> Comparison:
    """Compares an answer with the truth."""
    informed = mode in INFORMED
    truth = built.truth
    wrong: list[str] = []
    pairs: list[tuple[str, str]] = []
    unknown = unnumbered = 0
    left = list(verdict.regularization_losses)
    aliases = built.declaration.get("aliases", {})
    for loss, given in _matched(truth.losses, left, aliases):
        if given is None:
            pairs.append((loss.status, "absent"))
            summed = not informed and (
                _in_a_sum(loss, verdict, informed) or _has_twin(loss, truth.losses)
            )
            if (loss.listed or informed) and loss.status not in ("frozen", "zero") and not summed:
                wrong.append(f"{loss.key} ({loss.status}) is not listed")
            continue
        status = given.status.value
        pairs.append((loss.status, status))
        if status == "unknown":
            unknown += 1
        elif status in loss.also and given.multiplier is None:
            continue
        elif status not in _right(loss.status, informed):
            wrong.append(f"{loss.key}: {status} x {given.multiplier}, truth {loss.status}")
        elif loss.multiplier is not None and given.multiplier is None:
            unnumbered += 1
            if status in ("scaled", "double_counted"):
                wrong.append(f"{loss.key}: {status} without its number")
        elif not _same_number(given.multiplier, loss.multiplier):
            wrong.append(f"{loss.key}: x {given.multiplier}, truth x {loss.multiplier}")
    for given in left:
        if not _explained(built, given, informed):
            pairs.append(("absent", given.status.value))
            wrong.append(f"invented: {given.name} on {list(given.variables)} {given.status.value}")
    run = verdict.status.value
    if run == "unknown":
        unknown += 1
    if run != "unknown" and run not in right_runs(built, informed):
        wrong.append(f"run: {run}, truth {truth.run}")
    return Comparison(tuple(wrong), unknown, unnumbered, tuple(pairs))


def _has_twin(loss: LossTruth, others: tuple[LossTruth, ...]) -> bool:
    """Whether another loss is the same on the same variables: structure may list one of them."""
    said = (loss.variables, loss.status, loss.multiplier)
    return any(
        (other.variables, other.status, other.multiplier) == said
        for other in others
        if other.key != loss.key
    )


def right_runs(built: BuiltCase, informed: bool) -> set[str]:
    """Returns the run statuses that are right."""
    truth = built.truth
    if informed:
        return {truth.run, *truth.with_collections}
    found = {truth.run, *truth.bare}
    # What nothing but a name tells from a chart or from a term of the data loss may be left out.
    hidden = [t for t in truth.losses if not t.listed]
    for keep in itertools.product((True, False), repeat=len(hidden)):
        dropped = {t.key for t, kept in zip(hidden, keep, strict=True) if not kept}
        losses = [t for t in truth.losses if t.key not in dropped]
        # Nothing tells which tensor is the loss: `blocked` may look `missing`.
        softer = [
            dataclasses.replace(t, status="missing") if t.status == "blocked" else t for t in losses
        ]
        if truth.losses:
            found |= {run_status(tuple(losses)), run_status(tuple(softer))}
    return found


def _explained(built: BuiltCase, given: LossVerdict, informed: bool) -> bool:
    """Tells whether an answer without a counterpart among the truths is right nevertheless."""
    if built.truth.run == "not_training":
        return True
    if built.declaration.get("configured") and not given.variables:
        return given.status.value == "missing"
    # Nothing tells where a penalty ends and a sum of penalties starts.
    fitting = [
        loss for loss in built.truth.losses if given.status.value in _right(loss.status, informed)
    ]
    parts = {_plain(v) for loss in fitting for v in loss.variables}
    return not informed and bool(given.variables) and parts >= set(map(_plain, given.variables))


def _in_a_sum(loss: LossTruth, verdict: RunVerdict, informed: bool) -> bool:
    """Tells whether a sum was listed that holds this penalty."""
    return any(
        given.status.value in _right(loss.status, informed)
        and set(map(_plain, given.variables)) > set(map(_plain, loss.variables))
        for given in verdict.regularization_losses
    )


def _same_number(given: float | None, true: float | None) -> bool:
    return given is None or true is None or abs(given - true) <= 1e-3 * max(abs(true), 1e-3)


def _right(status: str, informed: bool) -> tuple[str, ...]:
    if status == "blocked" and not informed:
        return ("blocked", "missing")
    return (status,)


def _matched(
    truths: Sequence[LossTruth], left: list[LossVerdict], aliases: Mapping[str, str]
) -> list[tuple[LossTruth, LossVerdict | None]]:
    """Pairs truths with answers: by tensor, then by variables, then by what was answered."""
    found: dict[str, LossVerdict] = {}
    for same in (_same_tensor, _same_variables, _same_answer):
        for loss in truths:
            if loss.key in found:
                continue
            for given in left:
                if same(loss, given, aliases):
                    found[loss.key] = given
                    left.remove(given)
                    break
    return [(loss, found.get(loss.key)) for loss in truths]


def _plain(name: str) -> str:
    # An argument of a function is called after the placeholder, in the letters that it may have.
    return name.removesuffix(":0").replace("/", "_").lower()


def _same_tensor(loss: LossTruth, given: LossVerdict, aliases: Mapping[str, str]) -> bool:
    same = _plain(given.name) == _plain(loss.tensor)
    # In TF2 the same name stands in several functions.
    return same and (not given.variables or _same_variables(loss, given, aliases))


def _same_variables(loss: LossTruth, given: LossVerdict, aliases: Mapping[str, str]) -> bool:
    # A captured variable has the user's name and that of a placeholder.
    public = {_plain(own): _plain(name) for own, name in aliases.items()}
    mine, theirs = (
        {public.get(_plain(name), _plain(name)) for name in names}
        for names in (loss.variables, given.variables)
    )
    return mine == theirs


def _same_answer(loss: LossTruth, given: LossVerdict, aliases: Mapping[str, str]) -> bool:
    same = given.status.value == loss.status
    return same and len(given.variables) == len(loss.variables)
