// SPDX-FileCopyrightText: 2026 The RegLoss authors
// SPDX-License-Identifier: Apache-2.0
/** A verdict in two words, and how loud it looks. */
import type { RegularizationLoss, RunSummary, Status } from "../api/types";
import { formatMultiplier } from "../base/format";

/** `unknown` looks like neither a warning nor an all-clear. */
export type Tone = "error" | "warning" | "ok" | "unknown" | "quiet" | "pending";

export function runBadge(run: RunSummary): string {
  const covered =
    run.coverage === null || run.coverage.total === 0
      ? ""
      : ` ${run.coverage.included}/${run.coverage.total}`;
  switch (run.status) {
    case "pending":
      return "checking";
    case "included":
    case "missing":
    case "partial":
      return run.status + covered;
    case "double_counted":
      return run.multiplier === null ? "double counted" : `counted ${times(run.multiplier)}`;
    case "scaled":
      return run.multiplier === null
        ? "scaled"
        : `scaled \u00d7${formatMultiplier(run.multiplier)}`;
    case "blocked":
    case "frozen":
    case "zero":
    case "unknown":
    case "not_training":
    case "decoupled":
    case "no_regularization":
      return STATUS_WORDS[run.status];
  }
}

/** Of a run: what its severity says, but for answers that are no judgement at all. */
export function runTone(run: RunSummary): Tone {
  switch (run.status) {
    case "pending":
      return "pending";
    case "not_training":
    case "no_regularization":
      return "quiet";
    case "included":
    case "missing":
    case "partial":
    case "scaled":
    case "double_counted":
    case "blocked":
    case "frozen":
    case "zero":
    case "unknown":
    case "decoupled":
      return run.severity ?? "unknown";
  }
}

export const STATUS_WORDS: Readonly<Record<Status, string>> = {
  included: "included",
  missing: "missing",
  partial: "partial",
  scaled: "scaled",
  double_counted: "double counted",
  blocked: "blocked",
  frozen: "frozen",
  zero: "zero",
  unknown: "can't tell",
  not_training: "not training",
  decoupled: "decoupled",
  no_regularization: "no regularization",
};

export function lossBadge(loss: RegularizationLoss): string {
  if (loss.status === "double_counted" && loss.multiplier !== null && loss.multiplier >= 2) {
    return `counted ${times(loss.multiplier)}`;
  }
  return STATUS_WORDS[loss.status];
}

export function statusTone(status: Status): Tone {
  switch (status) {
    case "missing":
    case "partial":
    case "blocked":
    case "double_counted":
      return "error";
    case "scaled":
      return "warning";
    case "included":
    case "decoupled":
      return "ok";
    case "unknown":
      return "unknown";
    case "frozen":
    case "zero":
    case "not_training":
    case "no_regularization":
      return "quiet";
  }
}

const RANKS: readonly Tone[] = ["error", "warning", "unknown", "ok", "quiet", "pending"];

/** Orders verdicts: what needs a look comes first. */
export function toneRank(tone: Tone): number {
  return RANKS.indexOf(tone);
}

function times(multiplier: number): string {
  return `${formatMultiplier(multiplier)}\u00d7`;
}
