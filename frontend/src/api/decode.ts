// SPDX-FileCopyrightText: 2026 The RegLoss authors
// SPDX-License-Identifier: Apache-2.0
/**
 * Payloads into our types. Nothing that arrives is trusted to have a shape: a
 * payload that cannot be used becomes a message, an odd detail in it costs
 * only that detail.
 */
import { fail, ok } from "../base/result";
import type { Result } from "../base/result";
import type { Series } from "../base/series";
import { KNOWN_VERSION, ROLES, ROLE_SOURCES, STATUSES } from "./types";
import type {
  Coverage,
  Evidence,
  EvidenceDetail,
  Finding,
  Fix,
  FoundRole,
  GivenRoles,
  LastLosses,
  LossesAnswer,
  LossMatrix,
  Problem,
  RegularizationLoss,
  Role,
  RoleTags,
  RunList,
  RunLosses,
  RunStatus,
  RunSummary,
  RunVerdict,
  Severity,
  Status,
} from "./types";

type Json = Readonly<Record<string, unknown>>;

export function decodeRunList(payload: unknown): Result<RunList> {
  if (!isObject(payload) || !Array.isArray(payload["runs"])) {
    return fail('The list of runs has no "runs".');
  }
  return ok({
    logdir: text(payload["logdir"]) ?? "",
    runs: objects(payload["runs"]).flatMap((item) => summary(item) ?? []),
    problems: objects(payload["problems"]).map(problem),
    note: versionNote(payload),
  });
}

export function decodeVerdict(payload: unknown): Result<RunVerdict> {
  const row = isObject(payload) ? summary(payload) : null;
  if (!isObject(payload) || row === null) {
    return fail('The verdict names no "run".');
  }
  const note = versionNote(payload);
  const details = objects(payload["regularization_losses"]).map(regularizationLoss);
  return ok({
    ...row,
    multiplier: row.multiplier ?? sharedMultiplier(row.status, details),
    path: text(payload["path"]) ?? "",
    losses: lastLosses(payload["losses"]),
    roles: foundRoles(payload["roles"]),
    regularizationLosses: details,
    findings: objects(payload["findings"]).map(finding),
    evidence: objects(payload["evidence"]).map(evidence),
    fix: fix(payload["fix"]),
    notes: [
      ...(note === null ? [] : [note]),
      ...texts(payload["notes"]),
      ...objects(payload["problems"]).map((item) => problem(item).message),
    ],
  });
}

export function decodeLosses(payload: unknown): Result<LossesAnswer> {
  if (!isObject(payload) || !isObject(payload["runs"])) {
    return fail('The series have no "runs".');
  }
  const runs = new Map<string, RunLosses>();
  for (const [run, roles] of Object.entries(payload["runs"])) {
    const source = isObject(roles) ? roles : {};
    runs.set(run, {
      dataLoss: series(source["data_loss"]),
      regularizationSum: series(source["regularization_sum"]),
      totalLoss: series(source["total_loss"]),
      optimizedLoss: series(source["optimized_loss"]),
    });
  }
  return ok({ runs, notFound: texts(payload["not_found"]) });
}

export function decodeLossMatrix(payload: unknown): Result<LossMatrix> {
  if (!isObject(payload) || !Array.isArray(payload["names"]) || !Array.isArray(payload["values"])) {
    return fail('The series of the regularization losses have no "names" and "values".');
  }
  const steps = numbers(payload["steps"]);
  const columns: readonly unknown[] = payload["values"];
  const byName = new Map<string, Float64Array>();
  payload["names"].forEach((name: unknown, index) => {
    const column = numbers(columns[index]);
    if (typeof name === "string" && column.length === steps.length) {
      byName.set(name, column);
    }
  });
  return ok({ steps, byName });
}

export function decodeTags(payload: unknown): Result<readonly string[]> {
  return isObject(payload) && Array.isArray(payload["tags"])
    ? ok(texts(payload["tags"]))
    : fail('The tags of the run have no "tags".');
}

/**
 * What an address or the browser's storage keeps of the chosen tags. Parts
 * that make no sense are left out: whatever an address says, the panel works.
 */
export function decodeRoles(kept: string): GivenRoles {
  let whole: unknown = null;
  try {
    whole = JSON.parse(kept);
  } catch {
    // Left out.
  }
  const said = isObject(whole) ? whole : {};
  const runs = isObject(said["runs"]) ? said["runs"] : {};
  return {
    all: roleTags(said["all"]),
    runs: Object.fromEntries(Object.entries(runs).map(([run, tags]) => [run, roleTags(tags)])),
  };
}

/** TensorBoard's own `data/runs`: a list of names. */
export function decodeNames(payload: unknown): Result<readonly string[]> {
  return Array.isArray(payload)
    ? ok(texts(payload))
    : fail("TensorBoard's list of runs is no list.");
}

/** What stands in an error's body: `{"error": {"code", "message"}}`. */
export function decodeError(payload: unknown): { code: string; message: string } | null {
  const error = isObject(payload) ? payload["error"] : null;
  if (!isObject(error)) {
    return null;
  }
  const message = text(error["message"]);
  return message === null ? null : { code: text(error["code"]) ?? "", message };
}

/** A number, or one of the three strings that stand for what JSON cannot say; else `null`. */
export function decodeNumber(value: unknown): number | null {
  switch (value) {
    case "NaN":
      return NaN;
    case "Infinity":
      return Infinity;
    case "-Infinity":
      return -Infinity;
    default:
      return typeof value === "number" ? value : null;
  }
}

function summary(item: Json): RunSummary | null {
  const run = text(item["run"]);
  if (run === null) {
    return null;
  }
  const status = runStatus(item["status"]);
  return {
    run,
    status,
    severity: status === "pending" ? null : severity(item["severity"]),
    headline: text(item["headline"]),
    coverage: coverage(item["coverage"]),
    multiplier: decodeNumber(item["multiplier"]),
    relatedTo: text(item["related_to"]),
  };
}

function sharedMultiplier(status: RunStatus, losses: readonly RegularizationLoss[]): number | null {
  const own = losses.filter((loss) => loss.status === status);
  const first = own[0]?.multiplier ?? null;
  return own.every((loss) => loss.multiplier === first) ? first : null;
}

function regularizationLoss(item: Json): RegularizationLoss {
  return {
    name: text(item["name"]) ?? "",
    variables: texts(item["variables"]),
    status: lossStatus(item["status"]),
    multiplier: decodeNumber(item["multiplier"]),
    value: decodeNumber(item["value"]),
    createdAt: text(item["created_at"]),
    kind: text(item["kind"]),
    strength: decodeNumber(item["strength"]),
    text: text(item["text"]) ?? "",
  };
}

function evidence(item: Json): Evidence {
  const details: EvidenceDetail[] = [];
  for (const [key, value] of Object.entries(item)) {
    if (key === "kind" || key === "status" || key === "text") {
      continue;
    }
    const items = typeof value === "string" ? [value] : texts(value);
    if (items.length > 0) {
      details.push({ label: key.replaceAll("_", " "), items });
    }
  }
  return {
    kind: text(item["kind"]) ?? "",
    status: lossStatus(item["status"]),
    text: text(item["text"]) ?? "",
    details,
  };
}

function finding(item: Json): Finding {
  return {
    code: text(item["code"]) ?? "",
    severity: severity(item["severity"]),
    text: text(item["text"]) ?? "",
  };
}

function fix(value: unknown): Fix | null {
  if (!isObject(value)) {
    return null;
  }
  return {
    framework: text(value["framework"]) ?? "",
    text: text(value["text"]) ?? "",
    code: text(value["code"]) ?? "",
  };
}

function problem(item: Json): Problem {
  return { path: text(item["path"]) ?? "", message: text(item["message"]) ?? "" };
}

function lastLosses(value: unknown): LastLosses {
  const item = isObject(value) ? value : {};
  return {
    dataLoss: decodeNumber(item["data_loss"]),
    regularizationSum: decodeNumber(item["regularization_sum"]),
    totalLoss: decodeNumber(item["total_loss"]),
    optimizedLoss: decodeNumber(item["optimized_loss"]),
    step: decodeNumber(item["step"]),
  };
}

function foundRoles(value: unknown): readonly FoundRole[] | null {
  if (!isObject(value)) {
    return null;
  }
  return ROLES.map((role) => {
    const item = value[role];
    const known = isObject(item) ? item : {};
    return {
      role,
      tags: texts(known["tags"]),
      source: ROLE_SOURCES.find((source) => source === known["source"]) ?? "none",
      candidates: texts(known["candidates"]),
    };
  });
}

function roleTags(value: unknown): RoleTags {
  const source = isObject(value) ? value : {};
  const taken = new Set<string>();
  const found: { [role in Role]?: readonly string[] } = {};
  for (const role of ROLES) {
    const tags: unknown = source[role];
    // A loss without a tag is something said too; one whose tags make no sense is not.
    if (Array.isArray(tags) && tags.every((tag) => typeof tag === "string" && !taken.has(tag))) {
      found[role] = texts(tags);
      found[role].forEach((tag) => taken.add(tag));
    }
  }
  return found;
}

function coverage(value: unknown): Coverage | null {
  if (!isObject(value)) {
    return null;
  }
  return {
    included: decodeNumber(value["included"]) ?? 0,
    total: decodeNumber(value["total"]) ?? 0,
    unknown: decodeNumber(value["unknown"]) ?? 0,
  };
}

function series(value: unknown): Series | null {
  if (!isObject(value)) {
    return null;
  }
  const steps = numbers(value["steps"]);
  const wallTimes = numbers(value["wall_times"]);
  const values = numbers(value["values"]);
  if (steps.length === 0 || values.length !== steps.length) {
    return null;
  }
  return {
    steps,
    wallTimes: wallTimes.length === steps.length ? wallTimes : new Float64Array(steps.length),
    values,
    tags: texts(value["tags"]),
  };
}

function numbers(value: unknown): Float64Array {
  return Array.isArray(value)
    ? Float64Array.from(value, (item: unknown) => decodeNumber(item) ?? NaN)
    : new Float64Array(0);
}

// A status that a newer backend added is honestly unknown to this panel.
function lossStatus(value: unknown): Status {
  return STATUSES.find((known) => known === value) ?? "unknown";
}

function runStatus(value: unknown): RunStatus {
  return value === "pending" ? "pending" : lossStatus(value);
}

function severity(value: unknown): Severity {
  return value === "ok" || value === "warning" || value === "error" ? value : "unknown";
}

function versionNote(payload: Json): string | null {
  const version = payload["version"];
  return typeof version === "number" && version > KNOWN_VERSION
    ? `TensorBoard answers in version ${version}, this page knows version ${KNOWN_VERSION}: ` +
        "reload the page. What is known is shown."
    : null;
}

function text(value: unknown): string | null {
  return typeof value === "string" ? value : null;
}

function texts(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === "string") : [];
}

function objects(value: unknown): Json[] {
  return Array.isArray(value) ? value.filter(isObject) : [];
}

function isObject(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
