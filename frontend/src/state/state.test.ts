// SPDX-FileCopyrightText: 2026 The RegLoss authors
// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";

import { noRoles } from "../../dev/fake_page";
import type { RunSummary } from "../api/types";
import { orderRuns } from "./run_order";
import { applyAddress, createSettings } from "./settings";
import type { Storage } from "./settings";
import { createStore, tickListed, tickOnly } from "./store";

function run(name: string, more: Partial<RunSummary> = {}): RunSummary {
  return {
    run: name,
    status: "included",
    severity: "ok",
    headline: null,
    coverage: null,
    multiplier: null,
    relatedTo: null,
    ...more,
  };
}

describe("orderRuns", () => {
  const runs = [
    run("z"),
    run("eval", { relatedTo: "m10", status: "not_training", severity: "unknown" }),
    run("m10", { severity: "error", status: "missing" }),
    run("m2", { severity: "warning", status: "scaled" }),
    run("a"),
  ];
  it("puts flagged runs first, and an evaluation under its training run", () => {
    expect(orderRuns(runs, "flagged").map((item) => item.run)).toEqual([
      "m10",
      "eval",
      "m2",
      "a",
      "z",
    ]);
  });
  it("orders by name as people do", () => {
    expect(orderRuns(runs, "name").map((item) => item.run)).toEqual([
      "a",
      "m2",
      "m10",
      "eval",
      "z",
    ]);
  });
  it("bears a relation to a run that is gone", () => {
    expect(orderRuns([run("b", { relatedTo: "x" }), run("a")], "name").map((r) => r.run)).toEqual([
      "a",
      "b",
    ]);
  });
});

describe("settings", () => {
  function storage(kept: string | null): Storage & { kept: string | null } {
    return {
      kept,
      getItem() {
        return this.kept;
      },
      setItem(_key, value) {
        this.kept = value;
      },
    };
  }
  it("are remembered, a smoothing of zero too", () => {
    const browser = storage(null);
    createSettings(browser).smoothing.value = 0;
    expect(createSettings(browser).smoothing.value).toBe(0);
  });
  it.each(["{", "null", "[]", '{"smoothing": 7, "xAxis": "sideways"}'])(
    "start anew from what is kept as %s",
    (kept) => {
      const settings = createSettings(storage(kept));
      expect(settings.smoothing.value).toBe(0.6);
      expect(settings.xAxis.value).toBe("step");
    },
  );
  it("work where the browser forbids to keep anything", () => {
    const refuse = (): never => {
      throw new Error("denied");
    };
    const settings = createSettings({ getItem: refuse, setItem: refuse });
    settings.yScale.value = "log";
    expect(settings.yScale.value).toBe("log");
  });
  it("take over a shared address, as far as it makes sense", () => {
    const settings = createSettings(null);
    const address = { smoothing: "0", axis: "wall", scale: "crooked" };
    applyAddress(settings, new Map(Object.entries(address)));
    expect(settings.smoothing.value).toBe(0);
    expect(settings.xAxis.value).toBe("wall");
    expect(settings.yScale.value).toBe("linear");
  });
});

describe("the store", () => {
  function filled(): ReturnType<typeof createStore> {
    const store = createStore(createSettings(null), noRoles());
    store.runs.value = {
      state: "ready",
      stale: null,
      value: {
        logdir: "",
        runs: [run("a"), run("b", { severity: "error" })],
        problems: [],
        note: null,
      },
    };
    return store;
  }
  it("lists only flagged runs when asked to", () => {
    const store = filled();
    store.onlyFlagged.value = true;
    expect(store.listedRuns.value.map((item) => item.run)).toEqual(["b"]);
  });
  it("keeps the list while a regular expression is half typed", () => {
    const store = filled();
    store.filter.value = "a(";
    expect(store.matcher.value.ok).toBe(false);
    expect(store.listedRuns.value).toHaveLength(2);
  });
  it("ticks the listed runs only", () => {
    const store = filled();
    store.filter.value = "^a";
    tickListed(store, true);
    expect([...store.ticked.value]).toEqual(["a"]);
  });
  it("draws the focused run, ticked or not", () => {
    const store = filled();
    tickOnly(store, "a");
    store.focused.value = "b";
    expect(store.shownRuns.value).toEqual(["a", "b"]);
  });
  it("draws only listed runs, as TensorBoard's own filters do, and the focused one", () => {
    const store = filled();
    tickListed(store, true);
    store.focused.value = "b";
    store.filter.value = "nothing";
    expect(store.shownRuns.value).toEqual(["b"]);
  });
});
