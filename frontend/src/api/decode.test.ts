// SPDX-FileCopyrightText: 2026 The RegLoss authors
// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";

import {
  decodeError,
  decodeLosses,
  decodeLossMatrix,
  decodeNames,
  decodeNumber,
  decodeRunList,
  decodeVerdict,
} from "./decode";
import type { Result } from "../base/result";

function value<T>(result: Result<T>): T {
  if (!result.ok) {
    throw new Error(result.message);
  }
  return result.value;
}

const ROW = {
  run: "train",
  status: "missing",
  severity: "error",
  headline: "36 of 36 ...",
  coverage: { included: 0, total: 36, unknown: 0 },
  related_to: null,
};

describe("decodeRunList", () => {
  it("takes what the contract says", () => {
    const list = value(decodeRunList({ version: 1, runs: [ROW], problems: [] }));
    expect(list.note).toBeNull();
    expect(list.runs[0]).toEqual({
      run: "train",
      status: "missing",
      severity: "error",
      headline: "36 of 36 ...",
      coverage: { included: 0, total: 36, unknown: 0 },
      multiplier: null,
      relatedTo: null,
    });
  });
  it("takes a pending run, of which nothing is known", () => {
    const row = { run: "new", status: "pending", severity: null, headline: null, coverage: null };
    const [run] = value(decodeRunList({ runs: [row] })).runs;
    expect(run).toMatchObject({ status: "pending", severity: null, coverage: null });
  });
  it("shows a status of a newer backend as unknown, and says so", () => {
    const list = value(decodeRunList({ version: 2, runs: [{ ...ROW, status: "haunted" }] }));
    expect(list.runs[0]?.status).toBe("unknown");
    expect(list.note).toContain("version 2");
  });
  it("leaves out rows without a name, and keeps the others", () => {
    const list = value(decodeRunList({ runs: [{}, null, 3, { ...ROW, run: 5 }, ROW] }));
    expect(list.runs.map((run) => run.run)).toEqual(["train"]);
  });
  it.each([null, [], "x", 3, {}, { runs: {} }])("refuses %j with a message", (payload) => {
    const result = decodeRunList(payload);
    expect(result.ok).toBe(false);
    expect(!result.ok && result.message).not.toBe("");
  });
});

describe("decodeVerdict", () => {
  const payload = {
    ...ROW,
    version: 1,
    path: "logs/train",
    losses: {
      data_loss: 0.31,
      regularization_sum: 0,
      total_loss: "NaN",
      optimized_loss: null,
      step: 0,
    },
    regularization_losses: [
      {
        name: "a:0",
        variables: ["a"],
        status: "missing",
        multiplier: 0,
        value: "Infinity",
        created_at: null,
        kind: "l2",
        strength: 0,
        text: "why",
      },
      { name: "bare" },
    ],
    findings: [{ code: "c", severity: "odd", text: "t" }],
    evidence: [
      { kind: "graph", status: "missing", text: "t", path: ["a", "b"], cut: "c", fit: 3, none: [] },
    ],
    fix: { framework: "tf1-slim", text: "do", code: "+ x" },
    notes: ["n"],
    problems: [{ path: "p", message: "broken" }],
  };
  const verdict = value(decodeVerdict(payload));

  it("keeps zero, NaN, infinity and unknown apart", () => {
    expect(verdict.losses).toEqual({
      dataLoss: 0.31,
      regularizationSum: 0,
      totalLoss: NaN,
      optimizedLoss: null,
      step: 0,
    });
    expect(verdict.regularizationLosses[0]).toMatchObject({
      multiplier: 0,
      value: Infinity,
      strength: 0,
      createdAt: null,
    });
  });
  it("fills what a loss does not say with what is honest", () => {
    expect(verdict.regularizationLosses[1]).toEqual({
      name: "bare",
      variables: [],
      status: "unknown",
      multiplier: null,
      value: null,
      createdAt: null,
      kind: null,
      strength: null,
      text: "",
    });
  });
  it("keeps the op names of evidence, by what they are", () => {
    expect(verdict.evidence[0]?.details).toEqual([
      { label: "path", items: ["a", "b"] },
      { label: "cut", items: ["c"] },
    ]);
  });
  it("shows problems of the run among its notes", () => {
    expect(verdict.notes).toEqual(["n", "broken"]);
  });
  it("never makes a warning of an odd severity", () => {
    expect(verdict.findings[0]?.severity).toBe("unknown");
  });
  it("knows the multiplier that all its losses share", () => {
    const loss = { name: "a", status: "scaled", multiplier: 0.5 };
    const scaled = { run: "r", status: "scaled", regularization_losses: [loss, loss] };
    expect(value(decodeVerdict(scaled)).multiplier).toBe(0.5);
    const mixed = { ...scaled, regularization_losses: [loss, { ...loss, multiplier: 2 }] };
    expect(value(decodeVerdict(mixed)).multiplier).toBeNull();
  });
  it("refuses what names no run", () => {
    expect(decodeVerdict({ status: "missing" }).ok).toBe(false);
    expect(decodeVerdict(null).ok).toBe(false);
  });
});

describe("decodeLosses", () => {
  it("takes columns, NaN and null series included", () => {
    const answer = value(
      decodeLosses({
        runs: {
          "a/\u00e9": {
            data_loss: { steps: [0, 5], wall_times: [1, 2], values: [0, "NaN"], tags: ["t"] },
            regularization_sum: null,
          },
        },
        not_found: ["gone"],
      }),
    );
    const losses = answer.runs.get("a/\u00e9");
    expect([...(losses?.dataLoss?.values ?? [])]).toEqual([0, NaN]);
    expect(losses?.regularizationSum).toBeNull();
    expect(losses?.optimizedLoss).toBeNull();
    expect(answer.notFound).toEqual(["gone"]);
  });
  it("drops a series whose columns differ in length, and an empty one", () => {
    const answer = value(
      decodeLosses({
        runs: {
          a: {
            data_loss: { steps: [0, 5], wall_times: [], values: [1], tags: [] },
            total_loss: { steps: [], wall_times: [], values: [], tags: [] },
          },
        },
      }),
    );
    expect(answer.runs.get("a")?.dataLoss).toBeNull();
    expect(answer.runs.get("a")?.totalLoss).toBeNull();
  });
  it("refuses anything else", () => {
    expect(decodeLosses({ runs: [] }).ok).toBe(false);
  });
});

it("takes the series of each regularization loss", () => {
  const matrix = value(
    decodeLossMatrix({ steps: [0, 1], names: ["a", "b"], values: [[1, "NaN"], []] }),
  );
  expect([...(matrix.byName.get("a") ?? [])]).toEqual([1, NaN]);
  expect(matrix.byName.has("b")).toBe(false);
  expect(decodeLossMatrix({}).ok).toBe(false);
});

it("tells numbers from what only looks like them", () => {
  expect(["NaN", "Infinity", "-Infinity", 0, "0", null, true].map(decodeNumber)).toEqual([
    NaN,
    Infinity,
    -Infinity,
    0,
    null,
    null,
    null,
  ]);
});

it("reads an error's message, where there is one", () => {
  expect(decodeError({ error: { code: "not_found", message: "No run." } })).toEqual({
    code: "not_found",
    message: "No run.",
  });
  expect(decodeError({ error: "x" })).toBeNull();
  expect(decodeError(undefined)).toBeNull();
});

it("takes TensorBoard's own list of runs", () => {
  expect(value(decodeNames(["b", "a", 3]))).toEqual(["b", "a"]);
  expect(decodeNames({}).ok).toBe(false);
});
