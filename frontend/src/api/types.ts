// SPDX-FileCopyrightText: 2026 The RegLoss authors
// SPDX-License-Identifier: Apache-2.0
/**
 * What the backend says, as this panel understands it. The routes stand in the
 * contract; `decode.ts` makes these values out of whatever arrives.
 */
import type { Series } from "../base/series";

/** The newest payload version that this panel knows. */
export const KNOWN_VERSION = 1;

export const STATUSES = [
  "included",
  "missing",
  "partial",
  "scaled",
  "double_counted",
  "blocked",
  "frozen",
  "zero",
  "unknown",
  "not_training",
  "decoupled",
  "no_regularization",
] as const;

export type Status = (typeof STATUSES)[number];

/** Of a run in the list: its analysis may not be done yet. */
export type RunStatus = Status | "pending";

export type Severity = "ok" | "unknown" | "warning" | "error";

/** How many of the regularization losses that count are included. */
export interface Coverage {
  readonly included: number;
  readonly total: number;
  readonly unknown: number;
}

/** One row of the list of runs. */
export interface RunSummary {
  readonly run: string;
  readonly status: RunStatus;
  /** `null` while pending. */
  readonly severity: Severity | null;
  readonly headline: string | null;
  readonly coverage: Coverage | null;
  /** The multiplier that all its scaled or repeated losses share; `null` where unknown. */
  readonly multiplier: number | null;
  /** The training run that this run belongs to (an evaluation beside it), or `null`. */
  readonly relatedTo: string | null;
}

/** Something that could not be read. */
export interface Problem {
  readonly path: string;
  readonly message: string;
}

export interface RunList {
  /** What TensorBoard was started on, as it was given; `""` where it reads no files. */
  readonly logdir: string;
  readonly runs: readonly RunSummary[];
  readonly problems: readonly Problem[];
  /** Said by the backend of a newer version than ours; `null` as a rule. */
  readonly note: string | null;
}

/** The verdict on one regularization loss. */
export interface RegularizationLoss {
  readonly name: string;
  readonly variables: readonly string[];
  readonly status: Status;
  /** `null`: not a constant, or not known. */
  readonly multiplier: number | null;
  /** Last logged value; may be NaN or infinite; `null` where it was not logged. */
  readonly value: number | null;
  /** `model.py:42`, the user's own line. */
  readonly createdAt: string | null;
  /** `l2`, `l1`, `l1_l2`, `other`; `null` where not known. */
  readonly kind: string | null;
  readonly strength: number | null;
  /** One sentence of evidence; may be empty. */
  readonly text: string;
}

export interface Finding {
  readonly code: string;
  readonly severity: Severity;
  readonly text: string;
}

/** One piece of evidence; `details` holds its op names by what they are (path, frontier, ...). */
export interface Evidence {
  readonly kind: string;
  readonly status: Status;
  readonly text: string;
  readonly details: readonly EvidenceDetail[];
}

export interface EvidenceDetail {
  readonly label: string;
  readonly items: readonly string[];
}

export interface Fix {
  readonly framework: string;
  readonly text: string;
  readonly code: string;
}

/** The last values of a run, at one step. */
export interface LastLosses {
  readonly dataLoss: number | null;
  readonly regularizationSum: number | null;
  readonly totalLoss: number | null;
  readonly optimizedLoss: number | null;
  readonly step: number | null;
}

export const ROLES = ["data_loss", "regularization_sum", "total_loss", "optimized_loss"] as const;

export type Role = (typeof ROLES)[number];

/** Tags by the loss that they stand for; several are summed, none: there is no such loss. */
export type RoleTags = { readonly [role in Role]?: readonly string[] };

/** What a person said about which tags stand for which losses. */
export interface GivenRoles {
  /** For every run that logs the tags. */
  readonly all: RoleTags;
  /** For single runs; goes before. */
  readonly runs: Readonly<Record<string, RoleTags>>;
}

export const ROLE_SOURCES = ["given", "declared", "convention", "ambiguous", "none"] as const;

/** Which tags stand for a loss, and who says so. */
export interface FoundRole {
  readonly role: Role;
  readonly tags: readonly string[];
  readonly source: (typeof ROLE_SOURCES)[number];
  /** Where that is ambiguous: the tags that could be it. */
  readonly candidates: readonly string[];
}

/** The answer for one run. */
export interface RunVerdict extends RunSummary {
  readonly path: string;
  readonly losses: LastLosses;
  /** Of each loss; `null` where the run logs no scalars. */
  readonly roles: readonly FoundRole[] | null;
  readonly regularizationLosses: readonly RegularizationLoss[];
  readonly findings: readonly Finding[];
  readonly evidence: readonly Evidence[];
  readonly fix: Fix | null;
  /** How series were found, ambiguities, a newer version. */
  readonly notes: readonly string[];
}

/** The series of a run's four roles; `null` where the run has none. */
export interface RunLosses {
  readonly dataLoss: Series | null;
  readonly regularizationSum: Series | null;
  readonly totalLoss: Series | null;
  readonly optimizedLoss: Series | null;
}

export interface LossesAnswer {
  readonly runs: ReadonlyMap<string, RunLosses>;
  /** Runs that are gone. */
  readonly notFound: readonly string[];
}

/** Each regularization loss's own series, all at the same steps. */
export interface LossMatrix {
  readonly steps: Float64Array;
  readonly byName: ReadonlyMap<string, Float64Array>;
}
