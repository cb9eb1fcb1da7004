# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""From what was gathered of a run to its report, computing nothing twice.

Graphs are proved one by one and forgotten: only digests and proofs are kept.
An equal graph in another run, or in the same run a minute later, costs a look
into a table.
"""

from __future__ import annotations

import dataclasses
import itertools
import logging
from collections.abc import Hashable, Iterable, Sequence
from typing import Any

from tb_regloss import errors, metadata, report
from tb_regloss.analysis import verdicts
from tb_regloss.analysis.facts import Declaration, Problem, RunFacts
from tb_regloss.analysis.proofs import proof
from tb_regloss.analysis.verdict_types import (
    Evidence,
    EvidenceKind,
    RunVerdict,
    Severity,
    Status,
)
from tb_regloss.backend import collector, reader
from tb_regloss.backend.cache import SingleFlight
from tb_regloss.formats import graph_names, graphs
from tb_regloss.formats.event_file import GRAPH_DEF, META_GRAPH

_logger = logging.getLogger(__name__)

# A notebook cell that is run all day writes a graph each time; the verdict needs
# the newest that trains.
_MOST_GRAPHS = 64
_KEPT_PROOFS = 1024
_KEPT_DIGESTS = 1 << 16

_ISSUES = "the project's issue tracker"


class Judge:
    """Reports on runs; what it remembers are digests and proofs. Safe to use from many threads."""

    def __init__(self) -> None:
        self._digests: SingleFlight[str] = SingleFlight(_KEPT_DIGESTS)
        self._proofs: SingleFlight[_Proofs] = SingleFlight(_KEPT_PROOFS)
        self._names: SingleFlight[str | None] = SingleFlight(_KEPT_PROOFS)

    def report(
        self, source: reader.RunSource, argument: str, data: reader.RunData | None = None
    ) -> dict[str, Any]:
        """Returns the report on a run, the contract's run object; never raises.

        Args:
          source: where the run's data is.
          argument: the logdir or file as the user gave it.
          data: the run's own of `reader.read_ahead`, if that was asked for.
        """
        try:
            facts, proofs = self._prove(reader.gather(source, data))
            return report.run_object(facts, verdicts.judge(facts, proofs), argument)
        except Exception as error:
            return failed(source, argument, error)

    def _prove(self, gathered: reader.Gathered) -> tuple[RunFacts, list[proof.GraphProof]]:
        facts = gathered.facts
        declaration = facts.declarations[-1] if facts.declarations else None
        problems, notes = list(facts.problems), list(facts.notes)
        distinct: dict[Hashable, reader.GraphBlob] = {}
        held: dict[Hashable, bytes] = {}
        kinds = [blob.kind for blob in gathered.graphs]
        # Nearly always a MetaGraphDef speaks for all graphs that stand beside it.
        is_spoken_for = META_GRAPH in kinds and len(kinds) <= _MOST_GRAPHS
        for blob in gathered.graphs:
            try:
                lone = is_spoken_for and blob.kind == GRAPH_DEF
                digest = blob.key if lone else self._digest(blob, held)
            except errors.UnreadableError as error:
                problems.append(Problem(blob.path, str(error)))
                continue
            # The newest of equal graphs tells its age.
            distinct.pop((blob.kind, digest), None)
            distinct[blob.kind, digest] = blob
        if len(distinct) > _MOST_GRAPHS:
            notes.append(
                f"{len(distinct)} different graphs were logged; the newest {_MOST_GRAPHS} "
                "were looked at."
            )
        newest = list(distinct.values())[-_MOST_GRAPHS:]
        found: dict[int, Sequence[proof.GraphProof]] = {}
        # Those that decide where several have the same names come first.
        order = sorted(range(len(newest)), key=lambda n: (newest[n].kind != META_GRAPH, -n))
        for place in order:
            blob = newest[place]
            try:
                found[place] = self._twin(blob, found.values()) or self._proofs_of(
                    blob, declaration, held
                )
            except errors.UnreadableError as error:
                problems.append(Problem(blob.path, f"{blob.source}: {error}"))
        proofs = [one for place in sorted(found) for one in found[place]]
        changed = dataclasses.replace(facts, problems=tuple(problems), notes=tuple(notes))
        return changed, proofs

    def _digest(self, blob: reader.GraphBlob, held: dict[Hashable, bytes]) -> str:
        """Returns the digest of a graph; what was read last is held for who needs it next."""

        def compute() -> str:
            held.clear()
            held[blob.key] = blob.read()
            return graphs.digest_of(held[blob.key])

        return self._digests.get(blob.key, compute)

    def _twin(
        self, blob: reader.GraphBlob, proved: Iterable[Sequence[proof.GraphProof]]
    ) -> Sequence[proof.GraphProof]:
        """Returns what stands for a graph that was proved already, collections and all.

        Of graphs with the same names the newest with collections decides, so
        what others prove is never asked for.
        """
        deciding: dict[str, proof.GraphProof] = {}
        for one in itertools.chain.from_iterable(proved):
            if one.has_collections:
                deciding.setdefault(one.fingerprint, one)
        if not deciding:
            return ()

        def compute() -> str | None:
            return graph_names.fingerprint(blob.read(), blob.kind)

        names = self._names.get(blob.key, compute)
        twin = deciding.get(names or "")
        if twin is None:
            return ()
        has_collections = blob.kind == META_GRAPH
        return (dataclasses.replace(twin, source=blob.source, has_collections=has_collections),)

    def _proofs_of(
        self,
        blob: reader.GraphBlob,
        declaration: Declaration | None,
        held: dict[Hashable, bytes],
    ) -> Sequence[proof.GraphProof]:
        digest = self._digest(blob, held)
        encoded = metadata.encode_declaration(declaration) if declaration else None

        def compute() -> _Proofs:
            found = prove(
                held.pop(blob.key, b"") or blob.read(),
                blob.kind,
                blob.source,
                declaration,
                digest,
            )
            return _Proofs(blob.source, found)

        found = self._proofs.get((blob.kind, digest, encoded), compute)
        if found.source == blob.source:
            return found.proofs
        # Proved for another run with an equal graph: only the place differs.
        return [
            dataclasses.replace(one, source=one.source.replace(found.source, blob.source, 1))
            for one in found.proofs
        ]


def prove(
    data: bytes,
    kind: str,
    source: str,
    declaration: Declaration | None = None,
    digest: str = "",
) -> tuple[proof.GraphProof, ...]:
    """Returns what serialized graphs prove.

    Args:
      data: the graphs.
      kind: one of `graphs.KINDS`.
      source: where they were found, for people.
      declaration: what the training code said, where it said something.
      digest: the digest of `data`, where it is known already.

    Raises:
      errors.UnreadableError: the bytes are not what `kind` says.
    """
    with collector.paused():
        logged = graphs.parse(data, kind, source, digest)
        del data  # The largest single piece of what an analysis needs.
        proofs = tuple(proof.prove(graph, declaration) for graph in logged)
        del logged  # Or the collector, back at work, looks at all of its objects once.
        return proofs


@dataclasses.dataclass(frozen=True)
class _Proofs:
    """What was proved of one serialized graph, and where that was found first."""

    source: str
    proofs: tuple[proof.GraphProof, ...]


def failed(source: reader.RunSource, argument: str, error: Exception) -> dict[str, Any]:
    """Returns the report on a run that our own code failed on.

    The one place where an unexpected exception ends: one run's answer is lost,
    all others stand.
    """
    if not isinstance(error, errors.RegLossError):
        _logger.exception("RegLoss could not analyse run %r", source.run)
    what = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    text = (
        f"The analysis of this run failed ({what}). This is a fault of RegLoss, not of your "
        f"program: please report it to {_ISSUES}, with this text and, if you may, the event file."
    )
    if isinstance(error, errors.RegLossError):
        text = str(error)
    verdict = RunVerdict(
        status=Status.UNKNOWN,
        severity=Severity.UNKNOWN,
        headline="This run could not be analysed",
        evidence=(Evidence(EvidenceKind.GRAPH, Status.UNKNOWN, text),),
    )
    facts = RunFacts(source.run, source.path, problems=(Problem(source.path, text),))
    return report.run_object(facts, verdict, argument)
