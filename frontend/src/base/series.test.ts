// SPDX-FileCopyrightText: 2026 The RegLoss authors
// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";

import { addSeries, describeNonFinite, lastValue } from "./series";
import type { Series } from "./series";
import { smooth } from "./smoothing";
import { compareNames, compileFilter } from "./search";
import { assignColors } from "./palette";

function series(steps: number[], values: number[]): Series {
  return {
    steps: Float64Array.from(steps),
    wallTimes: Float64Array.from(steps, (step) => 1000 + step),
    values: Float64Array.from(values),
    tags: ["tag"],
  };
}

describe("addSeries", () => {
  it("joins by step, not by index", () => {
    const sum = addSeries(series([0, 10, 20, 30], [1, 2, 3, 4]), series([10, 15, 30], [5, 6, 7]));
    expect([...(sum?.steps ?? [])]).toEqual([10, 30]);
    expect([...(sum?.values ?? [])]).toEqual([7, 11]);
  });
  it("keeps NaN", () => {
    expect(addSeries(series([1], [NaN]), series([1], [1]))?.values[0]).toBeNaN();
  });
  it("is nothing where no step is shared", () => {
    expect(addSeries(series([1], [1]), series([2], [1]))).toBeNull();
  });
});

describe("describeNonFinite", () => {
  it("says how many and since when", () => {
    expect(describeNonFinite(series([0, 5, 9], [1, NaN, NaN]))).toBe(
      "NaN at 2 of 3 points, first at step 5",
    );
    expect(describeNonFinite(series([0, 5], [Infinity, 1]))).toBe(
      "infinite at 1 of 2 points, first at step 0",
    );
    expect(describeNonFinite(series([0, 5], [NaN, Infinity]))).toBe("NaN or infinite throughout");
  });
  it("is silent about numbers", () => {
    expect(describeNonFinite(series([0], [0]))).toBeNull();
  });
});

it("knows the last value, zero and NaN included", () => {
  expect(lastValue(series([0, 1], [3, 0]))).toBe(0);
  expect(lastValue(series([0, 1], [3, NaN]))).toBeNaN();
  expect(lastValue(null)).toBeNull();
});

describe("smooth", () => {
  it("starts at the first value, not at zero", () => {
    expect(smooth(Float64Array.of(8, 4), 0.9)[0]).toBeCloseTo(8, 12);
  });
  it("is the debiased moving average", () => {
    const [, second] = smooth(Float64Array.of(1, 3), 0.5);
    // (0.25 * 1 + 0.5 * 3) / 0.75
    expect(second).toBeCloseTo(7 / 3, 12);
  });
  it("lets NaN and infinities pass without touching what follows", () => {
    const smoothed = smooth(Float64Array.of(1, NaN, Infinity, 3), 0.5);
    expect(smoothed[1]).toBeNaN();
    expect(smoothed[2]).toBe(Infinity);
    expect(smoothed[3]).toBeCloseTo(7 / 3, 12);
  });
  it("leaves values alone where nothing is to be smoothed", () => {
    const values = Float64Array.of(0.1, 0.1, 0.1);
    expect(smooth(values, 0.9)).toBe(values);
    expect(smooth(values, 0)).toBe(values);
  });
});

describe("compileFilter", () => {
  it("takes regular expressions, upper and lower case alike", () => {
    const filter = compileFilter("^BUG/.*=0\\.1$");
    expect(filter.ok && filter.value("bug/weight_decay=0.1")).toBe(true);
    expect(filter.ok && filter.value("fixed/weight_decay=0.1")).toBe(false);
  });
  it("says what is wrong with one", () => {
    const filter = compileFilter("a(");
    expect(filter.ok).toBe(false);
    expect(!filter.ok && filter.message).toMatch(/group/i);
  });
  it("fits everything while nothing is typed", () => {
    const filter = compileFilter("");
    expect(filter.ok && filter.value("")).toBe(true);
  });
});

it("orders names as people do", () => {
  expect(["run10", "run2", "Run1"].sort(compareNames)).toEqual(["Run1", "run2", "run10"]);
});

describe("assignColors", () => {
  it("follows TensorBoard's own order of runs", () => {
    const colors = assignColors(["z", "a"], ["a", "m", "z"]);
    expect(colors.get("z")?.light).toBe("#425066");
    expect(colors.get("a")?.light).toBe("#12b5cb");
    expect(colors.get("m")?.light).toBe("#e52592");
  });
  it("starts over after the last color", () => {
    const runs = Array.from({ length: 8 }, (_, i) => `run${i}`);
    const colors = assignColors([], runs);
    expect(colors.get("run7")).toEqual(colors.get("run0"));
  });
});
