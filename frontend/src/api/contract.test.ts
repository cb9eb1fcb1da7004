// SPDX-FileCopyrightText: 2026 The RegLoss authors
// SPDX-License-Identifier: Apache-2.0
/** The examples that the backend's tests write and read too: both sides hold to one contract. */
import { readFileSync } from "node:fs";

import { expect, it } from "vitest";

import type { Result } from "../base/result";
import {
  decodeError,
  decodeLosses,
  decodeLossMatrix,
  decodeRunList,
  decodeVerdict,
} from "./decode";

function payload(name: string): unknown {
  const url = new URL(`../../../tests/contracts/payloads/${name}.json`, import.meta.url);
  return JSON.parse(readFileSync(url, "utf8")) as unknown;
}

function value<T>(result: Result<T>): T {
  if (!result.ok) {
    throw new Error(result.message);
  }
  return result.value;
}

it("reads the list of runs", () => {
  const [train, evaluation] = value(decodeRunList(payload("runs"))).runs;
  expect(train).toMatchObject({ run: "train", status: "partial", severity: "error" });
  expect(evaluation).toMatchObject({ status: "pending", relatedTo: "train" });
});

it("reads a verdict", () => {
  const verdict = value(decodeVerdict(payload("verdict")));
  expect(verdict.regularizationLosses.map((loss) => loss.multiplier)).toEqual([1, 0]);
  expect(verdict.losses.regularizationSum).toBeNaN();
  expect(verdict.evidence.length).toBeGreaterThan(0);
  expect(verdict.roles?.find(({ role }) => role === "optimized_loss")).toMatchObject({
    source: "ambiguous",
    candidates: ["loss", "loss_1"],
  });
});

it("reads the series", () => {
  const losses = value(decodeLosses(payload("losses"))).runs.get("train");
  expect(losses?.dataLoss?.values[1]).toBeNaN();
  expect(losses?.regularizationSum?.values[1]).toBe(Infinity);
});

it("reads the series of each regularization loss", () => {
  const matrix = value(decodeLossMatrix(payload("regularization_losses")));
  expect([...matrix.byName.keys()]).toEqual(["a/l2:0", "b/l2:0"]);
  expect(matrix.byName.get("a/l2:0")?.[1]).toBe(Infinity);
});

it("reads an error", () => {
  expect(decodeError(payload("error"))?.message).not.toBe("");
});
