// SPDX-FileCopyrightText: 2026 The RegLoss authors
// SPDX-License-Identifier: Apache-2.0
import { renderToString } from "preact-render-to-string";
import { describe, expect, it } from "vitest";

import type { RegularizationLoss, RunSummary, Status } from "../api/types";
import { STATUSES } from "../api/types";
import type { Series } from "../base/series";
import { lossBadge, runBadge, runTone, statusTone } from "./badge_text";
import { buildCharts, totalOf } from "./chart_data";
import type { ShownRun } from "./chart_data";
import { codeToCopy, fixLines } from "./fix_code";
import { filterRows, lossRows, sortRows } from "./loss_rows";
import { Badge, LongName, Prose, splitCode } from "./parts";
import { readoutAt } from "./readout";
import { sparkPaths } from "./sparkline";

function run(status: RunSummary["status"], more: Partial<RunSummary> = {}): RunSummary {
  return {
    run: "r",
    status,
    severity: "error",
    headline: null,
    coverage: { included: 12, total: 36, unknown: 0 },
    multiplier: null,
    relatedTo: null,
    ...more,
  };
}

describe("badges", () => {
  it.each([
    [run("missing", { coverage: { included: 0, total: 36, unknown: 0 } }), "missing 0/36"],
    [run("partial"), "partial 12/36"],
    [run("double_counted", { multiplier: 4 }), "counted 4\u00d7"],
    [run("double_counted"), "double counted"],
    [run("scaled", { multiplier: 0.5 }), "scaled \u00d70.5"],
    [run("unknown"), "can't tell"],
    [run("not_training"), "not training"],
    [run("no_regularization"), "no regularization"],
    [run("decoupled"), "decoupled"],
    [run("blocked"), "blocked"],
    [run("pending"), "checking"],
    [run("missing", { coverage: null }), "missing"],
  ])("of %o reads %s", (summary, text) => {
    expect(runBadge(summary)).toBe(text);
  });
  it("never warn where nothing can be told", () => {
    expect(runTone(run("unknown", { severity: "unknown" }))).toBe("unknown");
    expect(runTone(run("unknown", { severity: null }))).toBe("unknown");
    expect(runTone(run("pending", { severity: null }))).toBe("pending");
    expect(statusTone("unknown")).toBe("unknown");
  });
  it("have words and a tone for every status", () => {
    for (const status of STATUSES) {
      expect(runBadge(run(status))).not.toBe("");
      expect(statusTone(status)).toBeTruthy();
    }
  });
  it("show texts as text", () => {
    expect(renderToString(<Badge tone="quiet" text="<script>" />)).toContain("&lt;script>");
  });
});

describe("names and sentences", () => {
  it("are never markup", () => {
    const name = `<img src=x onerror="alert(1)">/\u4e2d\u6587 'q'`;
    expect(renderToString(<LongName name={name} />)).not.toContain("<img");
    expect(renderToString(<Prose text={name} />)).not.toContain("<img");
  });
  it("set ops, lines and calls as code", () => {
    const code = splitCode("Mean:0 at train.py:57 reads 'a/b/c:0', not 1/2 of `x y`; don't 'x'.")
      .filter((part) => part.code)
      .map((part) => part.text);
    expect(code).toEqual(["Mean:0", "train.py:57", "a/b/c:0", "1/2", "x y", "x"]);
  });
  it("lose nothing", () => {
    const text = "optimized = 1.000 * data + 0.000 * regularization (99%: 0.002)";
    expect(
      splitCode(text)
        .map((part) => part.text)
        .join(""),
    ).toBe(text);
  });
});

function loss(name: string, more: Partial<RegularizationLoss> = {}): RegularizationLoss {
  return {
    name,
    variables: [name],
    status: "included",
    multiplier: 1,
    value: 1,
    createdAt: null,
    kind: "l2",
    strength: null,
    text: "",
    ...more,
  };
}

describe("the table of regularization losses", () => {
  const losses = [
    loss("w10", { value: 3 }),
    loss("w2", { value: 0, multiplier: 0, status: "missing" }),
    loss("w1", { value: null, multiplier: null, status: "unknown" }),
    loss("w3", { value: NaN }),
  ];
  const names = (rows: readonly { loss: RegularizationLoss }[]): string[] =>
    rows.map((row) => row.loss.name);

  it("starts with what needs a look", () => {
    expect(names(sortRows(lossRows(losses), { column: null, descending: false }))).toEqual([
      "w2",
      "w1",
      "w10",
      "w3",
    ]);
  });
  it("sorts zero as a number, and unknown apart from it", () => {
    expect(names(sortRows(lossRows(losses), { column: "value", descending: false }))).toEqual([
      "w1",
      "w3",
      "w2",
      "w10",
    ]);
    expect(names(sortRows(lossRows(losses), { column: "value", descending: true }))).toEqual([
      "w10",
      "w2",
      "w3",
      "w1",
    ]);
  });
  it("gives shares of the sum, zero included, and none where the sum is no number", () => {
    const shares = lossRows([loss("a", { value: 3 }), loss("b", { value: 0 }), loss("c")]);
    expect(shares.map((row) => row.share)).toEqual([0.75, 0, 0.25]);
    expect(lossRows(losses).map((row) => row.share)).toEqual([null, null, null, null]);
  });
  it("is filtered by what any column says", () => {
    const rows = lossRows([loss("a", { createdAt: "model.py:3" }), loss("b", { kind: "l1" })]);
    expect(names(filterRows(rows, (text) => text.includes("model.py")))).toEqual(["a"]);
    expect(names(filterRows(rows, (text) => text === "L1"))).toEqual(["b"]);
  });
  it("names the multiplier of what is counted more than once", () => {
    expect(lossBadge(loss("a", { status: "double_counted", multiplier: 3 }))).toBe(
      "counted 3\u00d7",
    );
    const twin: Status = "double_counted";
    expect(lossBadge(loss("a", { status: twin, multiplier: 1 }))).toBe("double counted");
  });
});

function series(values: number[], steps = [...values.keys()]): Series {
  return {
    steps: Float64Array.from(steps),
    wallTimes: Float64Array.from(steps, (step) => 100 + 2 * step),
    values: Float64Array.from(values),
    tags: [],
  };
}

function shown(more: Partial<ShownRun["losses"]>, focused = true): ShownRun {
  return {
    run: focused ? "focused" : "other",
    color: "#123456",
    gapColor: "#654321",
    focused,
    losses: {
      dataLoss: null,
      regularizationSum: null,
      totalLoss: null,
      optimizedLoss: null,
      ...more,
    },
  };
}

describe("the charts' lines", () => {
  const bug = shown({
    dataLoss: series([3, 2, 1]),
    regularizationSum: series([1, 1, 1]),
    optimizedLoss: series([3, 2, 1]),
  });
  it("show the gap between the total loss and what is optimized", () => {
    const { total } = buildCharts([bug], "step", 0);
    expect(total.lines.map((line) => [line.role, line.dashed])).toEqual([
      ["total", true],
      ["optimized", false],
    ]);
    expect([...(total.bands[0]?.upper ?? [])]).toEqual([4, 3, 2]);
    expect([...(total.bands[0]?.lower ?? [])]).toEqual([3, 2, 1]);
  });
  it("shade nothing where there is no gap", () => {
    const fixed = shown({ ...bug.losses, optimizedLoss: series([4, 3, 2]) });
    expect(buildCharts([fixed], "step", 0).total.bands).toEqual([]);
  });
  it("bear series that were not logged", () => {
    const { data, regularization, total } = buildCharts([shown({})], "step", 0.6);
    expect([data.lines, regularization.lines, total.lines, total.bands]).toEqual([[], [], [], []]);
    const only = buildCharts([shown({ optimizedLoss: series([1]) })], "step", 0.6);
    expect(only.total.lines.map((line) => line.role)).toEqual(["optimized"]);
  });
  it("take the logged total where its parts were not logged", () => {
    const logged = series([5]);
    expect(totalOf(shown({ totalLoss: logged, dataLoss: series([1]) }).losses)).toBe(logged);
  });
  it("count relative time from the first point of the run, in all charts alike", () => {
    const late = shown({ dataLoss: series([1, 1]), regularizationSum: series([1], [5]) });
    const charts = buildCharts([late], "relative", 0);
    expect([...(charts.data.lines[0]?.xs ?? [])]).toEqual([0, 2]);
    expect([...(charts.regularization.lines[0]?.xs ?? [])]).toEqual([10]);
  });
  it("keep an ascending axis where a clock went back", () => {
    const back = { ...series([1, 2, 3]), wallTimes: Float64Array.of(10, 5, 12) };
    const [line] = buildCharts([shown({ dataLoss: back })], "wall", 0).data.lines;
    expect([...(line?.xs ?? [])]).toEqual([10, 10, 12]);
  });
  it("keep the values before smoothing behind the smoothed line", () => {
    const [line] = buildCharts([bug], "step", 0.5).data.lines;
    expect([...(line?.raw ?? [])]).toEqual([3, 2, 1]);
    expect(line?.ys[1]).toBeGreaterThan(2);
  });
  it("draw the focused run last, above the others", () => {
    const other = shown({ dataLoss: series([1]) }, false);
    const { data } = buildCharts([bug, other], "step", 0);
    expect(data.lines.map((line) => line.run)).toEqual(["other", "focused"]);
  });
  it("tell at the cursor what was logged, the focused run first", () => {
    const other = shown({ optimizedLoss: series([0, 0, NaN]) }, false);
    const { rows, points } = readoutAt(buildCharts([bug, other], "step", 0.6).total, 1.9);
    expect(rows.map((row) => [row.run, row.logged, row.total, row.step])).toEqual([
      ["focused", 1, 2, 2],
      ["other", NaN, null, 2],
    ]);
    expect(points).toHaveLength(3);
  });
});

describe("the code of a fix", () => {
  const code = "- old(x)\n+ new(x)\n  same(x)\n";
  it("is copied without what it replaces", () => {
    expect(codeToCopy(code)).toBe("new(x)\nsame(x)");
  });
  it("is copied as it is where it is no difference", () => {
    expect(codeToCopy("a = 1\n# why\nb = -1")).toBe("a = 1\n# why\nb = -1");
  });
  it("is told apart line by line", () => {
    expect(fixLines(code).map((line) => line.kind)).toEqual(["removed", "added", "same"]);
    expect(fixLines("  # why")[0]?.kind).toBe("comment");
  });
});

describe("a small series", () => {
  it("has a gap at NaN", () => {
    const { paths, low, high } = sparkPaths(
      Float64Array.of(0, 1, 2),
      Float64Array.of(0, NaN, 4),
      100,
      40,
    );
    expect(paths).toHaveLength(2);
    expect([low, high]).toEqual([0, 4]);
    expect(paths.join()).not.toContain("NaN");
  });
  it("bears values that are all no numbers, and a constant", () => {
    expect(sparkPaths(Float64Array.of(0), Float64Array.of(NaN), 9, 9).low).toBeNull();
    expect(sparkPaths(Float64Array.of(0, 1), Float64Array.of(0, 0), 9, 9).paths).toHaveLength(1);
  });
});
