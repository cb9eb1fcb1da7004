// SPDX-FileCopyrightText: 2026 The RegLoss authors
// SPDX-License-Identifier: Apache-2.0
/** What stands there in each state, without a browser: no effect runs, nothing is drawn. */
import { signal } from "@preact/signals";
import { renderToString } from "preact-render-to-string";
import { describe, expect, it } from "vitest";

import { noRoles } from "../../dev/fake_page";
import { decodeRunList, decodeVerdict } from "../api/decode";
import type { Load } from "../base/result";
import type { RunVerdict } from "../api/types";
import type { Loader } from "../state/loader";
import { createSettings } from "../state/settings";
import { createStore } from "../state/store";
import type { Store } from "../state/store";
import { App } from "./app";
import { PanelContext } from "./context";

const nothing = (): void => undefined;
const loader: Loader = {
  start: nothing,
  reload: nothing,
  loadMatrix: nothing,
  loadTags: nothing,
  chooseTags: nothing,
  retryVerdict: nothing,
  prefer: nothing,
  keepChoice: nothing,
};

function html(fill: (store: Store) => void): string {
  const store = createStore(createSettings(null), noRoles());
  fill(store);
  return renderToString(
    <PanelContext.Provider value={{ store, loader, dark: signal(false) }}>
      <App />
    </PanelContext.Provider>,
  );
}

function list(store: Store, payload: unknown, stale: string | null = null): void {
  const decoded = decodeRunList(payload);
  if (decoded.ok) {
    store.runs.value = { state: "ready", value: decoded.value, stale };
  }
}

const ROW = { run: "<b>a</b>", status: "missing", severity: "error", headline: "0 of 2" };

function focused(verdict: Load<RunVerdict>): string {
  return html((store) => {
    list(store, { runs: [ROW] });
    store.focused.value = ROW.run;
    store.verdicts.value = new Map([[ROW.run, verdict]]);
  });
}

it("says that it is loading", () => {
  expect(html(nothing)).toContain("Looking for runs");
});

it("says what failed, and offers to try again", () => {
  const text = html((store) => {
    store.runs.value = { state: "failed", message: "TensorBoard does not answer.", code: null };
  });
  expect(text).toContain("TensorBoard does not answer.");
  expect(text).toContain("Try again");
});

it("tells how to begin where there is no run", () => {
  const text = html((store) => list(store, { runs: [] }));
  expect(text).toContain("RegLossHook");
});

it("says that what it shows is old", () => {
  const text = html((store) => list(store, { runs: [ROW] }, "TensorBoard does not answer."));
  expect(text).toContain("What you see is from before.");
});

it("names a newer version and files that could not be read", () => {
  const text = html((store) =>
    list(store, {
      version: 9,
      runs: [ROW],
      problems: [{ path: "logs/x", message: "Truncated." }],
    }),
  );
  expect(text).toContain("version 9");
  expect(text).toContain("Truncated.");
});

it("says that a run is gone", () => {
  const text = focused({ state: "failed", message: "There is no run.", code: "not_found" });
  expect(text).toContain("no longer in the log directory");
  expect(text).toContain("There is no run.");
});

it("says that a verdict could not be loaded", () => {
  const text = focused({ state: "failed", message: "Out of order.", code: null });
  expect(text).toContain("could not be loaded");
  expect(text).toContain("Out of order.");
});

it("shows a verdict, names as text, and evidence that disagrees as such", () => {
  const verdict = decodeVerdict({
    ...ROW,
    coverage: { included: 0, total: 2, unknown: 0 },
    evidence: [
      { kind: "graph", status: "missing", text: "It ends at a/b." },
      { kind: "scalars", status: "included", text: "optimized = 1.000 x data (+-0.1)" },
      { kind: "declared", status: "unknown", text: "Nothing." },
    ],
    regularization_losses: [{ name: "a/l2:0", variables: ["a/w"], status: "missing", value: 0 }],
  });
  const text = verdict.ok ? focused({ state: "ready", value: verdict.value, stale: null }) : "";
  expect(text).toContain("missing 0/2");
  expect(text).toContain('href="verdicts#missing"');
  expect(text).not.toContain("<b>");
  expect(text.match(/says \w+/g)).toEqual(["says included"]);
  expect(text).toContain("1.000 \u00b7 data (\u00b10.1)");
  expect(text).toContain("a/w");
});

describe("the tags of the losses", () => {
  const none = { tags: [], source: "none", candidates: [] };

  function card(roles: unknown): string {
    const verdict = decodeVerdict({ ...ROW, roles });
    return verdict.ok ? focused({ state: "ready", value: verdict.value, stale: null }) : "";
  }

  it("are named, with what is missing and what is ambiguous", () => {
    const text = card({
      data_loss: { tags: ["a<b>", "c"], source: "convention", candidates: [] },
      regularization_sum: { tags: [], source: "ambiguous", candidates: ["wd", "wd_1"] },
      optimized_loss: none,
    });
    expect(text).toContain("data loss <span><code>a&lt;b></code>");
    expect(text).toContain("+ <code>c</code>");
    expect(text).toMatch(/ambiguous.*<button[^>]*>wd<\/button><button[^>]*>wd_1<\/button>/);
    expect(text).toContain("optimized loss not found");
    expect(text).not.toContain("total loss not found");
    expect(text).toContain("Choose tags");
  });
  it("can be chosen where nothing was found", () => {
    expect(card({ data_loss: none })).toContain("Choose tags");
  });
  it("need no choice where the training code named the losses, or nothing was logged", () => {
    expect(card({ data_loss: { ...none, tags: ["x"], source: "declared" } })).not.toContain("Tags");
    expect(card(null)).not.toContain("Tags");
  });
});
