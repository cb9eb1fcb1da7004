// SPDX-FileCopyrightText: 2026 The RegLoss authors
// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";

import { drawData } from "./draw";
import type { Plot } from "./draw";
import { nearestIndex } from "./nearest";
import { countOutside, xExtent, yExtent } from "./ranges";
import { linearTicks, logTicks, tickLabels, xTickLabels, xTicks } from "./ticks";
import type { ChartData, ChartLine } from "./types";

function line(xs: number[], ys: number[]): ChartLine {
  return {
    id: "line",
    color: "#000000",
    xs: Float64Array.from(xs),
    ys: Float64Array.from(ys),
    raw: null,
    dashed: false,
    strong: false,
  };
}

function chart(...lines: ChartLine[]): ChartData {
  return { lines, bands: [] };
}

describe("yExtent", () => {
  it("is not moved by NaN and infinities", () => {
    const [low, high] = yExtent(chart(line([0, 1, 2, 3], [1, NaN, Infinity, 2])), [0, 3], false);
    expect(low).toBeGreaterThan(0.8);
    expect(high).toBeGreaterThan(2);
    expect(high).toBeLessThan(2.2);
  });
  it("shows zeros: they are values", () => {
    expect(yExtent(chart(line([0, 1], [0, 0])), [0, 1], false)).toEqual([0, 1]);
  });
  it("is not flattened by an explosion at the end, and counts what it leaves out", () => {
    const calm = Array.from({ length: 97 }, (_, i) => 2 - i / 100);
    const data = chart(line([...calm.keys(), 97, 98, 99], [...calm, 1e9, 1e20, 1e38]));
    const range = yExtent(data, [0, 99], false);
    expect(range[1]).toBeLessThan(10);
    expect(countOutside(data, [0, 99], range, false)).toBe(3);
  });
  it("does not count what a logarithmic axis cannot draw", () => {
    const data = chart(line([0, 1, 2], [0, 1, 2]));
    expect(countOutside(data, [0, 2], yExtent(data, [0, 2], true), true)).toBe(0);
  });
  it("keeps the first high values of an ordinary loss", () => {
    const values = Array.from({ length: 100 }, (_, i) => 0.1 + 9 * Math.exp(-i));
    const [, high] = yExtent(chart(line([...values.keys()], values)), [0, 99], false);
    expect(high).toBeGreaterThan(9);
  });
  it("follows the part that is zoomed to", () => {
    const [, high] = yExtent(chart(line([0, 1, 2, 3], [100, 1, 2, 3])), [1, 3], false);
    expect(high).toBeLessThan(4);
  });
  it("has room without any value", () => {
    expect(yExtent(chart(), [0, 1], false)).toEqual([0, 1]);
    expect(yExtent(chart(line([0], [NaN])), [0, 1], false)).toEqual([0, 1]);
    expect(yExtent(chart(line([0], [0])), [0, 1], true)).toEqual([0.1, 1]);
  });
});

it("spans all lines, and a single point stands in the middle", () => {
  expect(xExtent(chart(line([2, 5], [0, 0]), line([0, 3], [0, 0])))).toEqual([0, 5]);
  expect(xExtent(chart(line([7], [0])))).toEqual([6.5, 7.5]);
  expect(xExtent(chart())).toEqual([0, 1]);
});

it("finds the nearest point", () => {
  const xs = Float64Array.of(0, 10, 30);
  expect([-5, 4, 6, 19, 21, 99].map((x) => nearestIndex(xs, x))).toEqual([0, 0, 1, 1, 2, 2]);
  expect(nearestIndex(new Float64Array(0), 1)).toBe(-1);
});

describe("ticks", () => {
  it("are round, without rounding errors", () => {
    expect(linearTicks(0, 0.7, 7)).toEqual([0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7]);
    expect(tickLabels([0, 0.25, 0.5])).toEqual(["0.00", "0.25", "0.50"]);
    expect(tickLabels([0, 1000, 2000])).toEqual(["0", "1000", "2000"]);
  });
  it("of steps are whole numbers", () => {
    expect(xTicks("step", 0, 3, 10)).toEqual([0, 1, 2, 3]);
    expect(xTickLabels("step", [0, 5000, 10000, 2500000])).toEqual(["0", "5000", "10k", "2.5M"]);
  });
  it("of durations are whole minutes and hours", () => {
    expect(xTickLabels("relative", xTicks("relative", 0, 7200, 4))).toEqual([
      "0s",
      "30m",
      "1h",
      "1h 30m",
      "2h",
    ]);
  });
  it("of moments name the day where it changes", () => {
    const midnight = new Date(2026, 10, 21).getTime() / 1000;
    const labels = xTickLabels("wall", xTicks("wall", midnight - 3600, midnight + 3600, 4));
    expect(labels).toEqual(["23:00", "23:30", "11-21 00:00", "00:30", "01:00"]);
  });
  it("of a logarithmic axis are powers of ten", () => {
    expect(logTicks(0.001, 10, 5)).toEqual([0.001, 0.01, 0.1, 1, 10]);
    expect(logTicks(1, 10, 5)).toEqual([1, 2, 5, 10]);
  });
  it("do not run away on odd ranges", () => {
    expect(linearTicks(0, Infinity, 5).length).toBeLessThanOrEqual(100);
    expect(linearTicks(1, 1, 5)).toEqual([1]);
  });
});

/** Writes down what is drawn. */
function recording(): { context: CanvasRenderingContext2D; calls: string[] } {
  const calls: string[] = [];
  const context = new Proxy(
    {},
    {
      get:
        (_target, name) =>
        (...values: unknown[]) =>
          calls.push(`${String(name)}(${values.join(",")})`),
      set: () => true,
    },
  ) as CanvasRenderingContext2D;
  return { context, calls };
}

const PLOT: Plot = {
  left: 0,
  top: 0,
  width: 100,
  height: 100,
  ratio: 1,
  x: (value) => value * 10,
  y: (value) => 100 - value * 10,
  xRange: [0, 10],
  yLog: false,
};

describe("drawData", () => {
  it("breaks the line at NaN and marks the place", () => {
    const { context, calls } = recording();
    drawData(context, chart(line([0, 1, 2, 3, 4], [1, 2, NaN, 4, 5])), PLOT);
    const path = calls.filter((call) => /^(moveTo|lineTo)/.test(call));
    expect(path.slice(0, 4)).toEqual([
      "moveTo(0,90)",
      "lineTo(10,80)",
      "moveTo(30,60)",
      "lineTo(40,50)",
    ]);
    // The cross stands at x = 2, on the lower edge.
    expect(path.slice(4)).toEqual([
      "moveTo(16.5,91)",
      "lineTo(23.5,98)",
      "moveTo(16.5,98)",
      "lineTo(23.5,91)",
    ]);
    expect(calls.join()).not.toContain("NaN");
  });
  it("never hands an infinite coordinate to the canvas", () => {
    const { context, calls } = recording();
    drawData(context, chart(line([0, 1, 2], [Infinity, -Infinity, NaN])), PLOT);
    expect(calls.join()).not.toMatch(/Infinity|NaN/);
    expect(calls).toContain("closePath()");
  });
  it("shows a point that stands alone between gaps", () => {
    const { context, calls } = recording();
    drawData(context, chart(line([0, 1, 2], [NaN, 1, NaN])), PLOT);
    expect(calls).toContain("lineTo(11,90)");
  });
  it("draws zero at zero", () => {
    const { context, calls } = recording();
    drawData(context, chart(line([0, 1], [0, 0])), PLOT);
    expect(calls).toContain("moveTo(0,100)");
  });
  it("leaves zero out of a logarithmic plot", () => {
    const { context, calls } = recording();
    drawData(context, chart(line([0, 1], [0, 0])), { ...PLOT, yLog: true });
    expect(calls.some((call) => call.startsWith("moveTo"))).toBe(false);
  });
  it("shades a band in stretches where both lines are", () => {
    const { context, calls } = recording();
    const band = {
      color: "#f00",
      opacity: 0.2,
      xs: Float64Array.of(0, 1, 2, 3),
      upper: Float64Array.of(2, 2, NaN, 2),
      lower: Float64Array.of(1, 1, 1, 1),
    };
    drawData(context, { lines: [], bands: [band] }, PLOT);
    expect(calls.filter((call) => call === "fill()")).toHaveLength(2);
  });
  it("draws nothing of an empty chart", () => {
    const { context, calls } = recording();
    drawData(context, chart(), PLOT);
    expect(calls.some((call) => call.startsWith("stroke"))).toBe(false);
  });
});
