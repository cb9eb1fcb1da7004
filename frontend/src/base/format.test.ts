// SPDX-FileCopyrightText: 2026 The RegLoss authors
// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";

import {
  formatCount,
  formatDuration,
  formatMultiplier,
  formatNumber,
  formatShare,
  NO_VALUE,
  plural,
} from "./format";

describe("formatNumber", () => {
  it("displays a zero value, it is not treated as falsy", () => {
    expect(formatNumber(0)).toBe("0");
    expect(formatMultiplier(0)).toBe("0");
    expect(formatShare(0)).toBe("0.0%");
  });
  it("tells an unknown value from zero and from NaN", () => {
    expect(formatNumber(null)).toBe(NO_VALUE);
    expect(formatNumber(NaN)).toBe("NaN");
  });
  it("names infinities", () => {
    expect(formatNumber(Infinity)).toBe("\u221e");
    expect(formatNumber(-Infinity)).toBe("\u2212\u221e");
  });
  it.each([
    [0.31, "0.31"],
    [1.2345678, "1.235"],
    [12345.678, "12350"],
    [1.5e-7, "1.5e-7"],
    [2.5e30, "2.5e30"],
    [-0.5, "\u22120.5"],
  ])("writes %d as %s", (value, text) => {
    expect(formatNumber(value)).toBe(text);
  });
});

it("never rounds a share away to nothing", () => {
  expect(formatShare(0.0002)).toBe("<0.1%");
  expect(formatShare(0.0661)).toBe("6.6%");
  expect(formatShare(NaN)).toBe(NO_VALUE);
});

it.each([
  [0, "0s"],
  [0.25, "0.25s"],
  [200, "3m 20s"],
  [7500, "2h 05m"],
  [273600, "3d 4h"],
  [-60, "\u22121m"],
])("writes %d seconds as %s", (seconds, text) => {
  expect(formatDuration(seconds)).toBe(text);
});

it("counts", () => {
  expect(formatCount(1234567)).toBe("1,234,567");
  expect(plural(1, "run", "runs")).toBe("1 run");
  expect(plural(1000, "run", "runs")).toBe("1,000 runs");
});
