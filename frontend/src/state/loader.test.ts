// SPDX-FileCopyrightText: 2026 The RegLoss authors
// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";

import { fakePage, fakeStorage, noRoles } from "../../dev/fake_page";
import type { Client } from "../api/client";
import { decodeLosses, decodeRunList, decodeVerdict } from "../api/decode";
import { fail, ok } from "../base/result";
import { createLoader, IDLE_WAIT_MS } from "./loader";
import type { Clock, Loader } from "./loader";
import { createRoles } from "./roles";
import type { Roles } from "./roles";
import { createSettings } from "./settings";
import { createStore, tick } from "./store";
import type { Store } from "./store";

interface Backend {
  rows: object[];
  values: number[];
  down: boolean;
  readonly asked: string[];
  hidden: boolean;
}

interface Bench {
  readonly backend: Backend;
  readonly store: Store;
  readonly loader: Loader;
  /** Milliseconds until the loader asks again. */
  readonly waiting: () => number | undefined;
  /** Lets that time pass. */
  pass(): Promise<void>;
}

function row(run: string, status: string, severity: string | null = null): object {
  return { run, status, severity, headline: status, coverage: null, related_to: null };
}

/** A loader on a backend and a clock of our own. */
function bench(rows: object[], roles: Roles): Bench {
  const backend: Backend = { rows, values: [1], down: false, asked: [], hidden: false };
  const say = <T>(name: string, value: () => T): Promise<T | ReturnType<typeof fail<never>>> => {
    backend.asked.push(name);
    return Promise.resolve(backend.down ? fail<never>("TensorBoard does not answer.") : value());
  };
  const client: Client = {
    runs: () => say("runs", () => decodeRunList({ logdir: "logs", runs: backend.rows })),
    tensorBoardRuns: () => say("listed", () => ({ ok: true as const, value: [] })),
    verdict: (run) =>
      say(`verdict ${run}`, () => {
        const found = backend.rows.find((item) => "run" in item && item.run === run);
        return found ? decodeVerdict(found) : { ...fail<never>("gone"), code: "not_found" };
      }),
    losses: (runs) =>
      say(`losses ${runs.join(" ")}`, () => {
        const series = { steps: [0], wall_times: [0], values: backend.values, tags: [] };
        return decodeLosses({
          runs: Object.fromEntries(runs.map((run) => [run, { data_loss: series }])),
        });
      }),
    regularizationLosses: () => say("matrix", () => fail("none")),
    tags: (run) => say(`tags ${run}`, () => ok([`${run}/loss`])),
  };
  let next: { wait: number; action: () => void } | undefined;
  const clock: Clock = {
    after(wait, action) {
      const own = { wait, action };
      next = own;
      return () => {
        next = next === own ? undefined : next;
      };
    },
    visible: () => !backend.hidden,
  };
  const store = createStore(createSettings(null), roles);
  const loader = createLoader(store, client, clock);
  return {
    backend,
    store,
    loader,
    waiting: () => next?.wait,
    async pass() {
      const due = next;
      next = undefined;
      due?.action();
      await settle();
    },
  };
}

async function settle(): Promise<void> {
  for (let i = 0; i < 20; i++) {
    await Promise.resolve();
  }
}

async function started(rows: object[], roles = noRoles()): Promise<Bench> {
  const made = bench(rows, roles);
  made.loader.start();
  await settle();
  return made;
}

describe("the start", () => {
  it("focuses the first flagged run and shows it with the others", async () => {
    const { store, backend } = await started([
      row("a", "included", "ok"),
      row("b", "scaled", "warning"),
      row("c", "missing", "error"),
    ]);
    expect(store.focused.value).toBe("c");
    expect([...store.ticked.value].sort()).toEqual(["a", "b", "c"]);
    expect(store.verdicts.value.get("c")).toMatchObject({ state: "ready" });
    expect(backend.asked).toContain("losses c b a");
  });
  it("shows ten of many runs, flagged ones among them wherever they stand", async () => {
    const rows = Array.from({ length: 500 }, (_, i) => row(`run${String(i)}`, "included", "ok"));
    rows[499] = row("run499", "missing", "error");
    const { store } = await started(rows);
    expect(store.ticked.value.size).toBe(10);
    expect(store.ticked.value.has("run499")).toBe(true);
    expect(store.focused.value).toBe("run499");
  });
  it("keeps no promise on an empty logdir", async () => {
    const { store, waiting } = await started([]);
    expect(store.focused.value).toBeNull();
    expect(store.runs.value).toMatchObject({ state: "ready" });
    expect(waiting()).toBe(IDLE_WAIT_MS);
  });
});

describe("pending runs", () => {
  it("are asked for again soon, then less often, and not after that", async () => {
    const made = await started([row("a", "pending")]);
    const first = made.waiting() ?? 0;
    expect(first).toBeLessThanOrEqual(500);
    await made.pass();
    expect(made.waiting()).toBeGreaterThan(first);
    for (let i = 0; i < 10; i++) {
      await made.pass();
    }
    expect(made.waiting()).toBe(2000);
    made.backend.rows = [row("a", "missing", "error")];
    await made.pass();
    expect(made.waiting()).toBe(IDLE_WAIT_MS);
  });
  it("move the focus to what turns out to be flagged, until somebody chooses", async () => {
    const made = await started([row("a", "pending"), row("b", "pending")]);
    expect(made.store.focused.value).toBe("a");
    made.backend.rows = [row("a", "pending"), row("b", "missing", "error")];
    await made.pass();
    expect(made.store.focused.value).toBe("b");
    made.loader.keepChoice();
    made.store.focused.value = "a";
    made.backend.rows = [row("a", "included", "ok"), row("b", "missing", "error")];
    await made.pass();
    expect(made.store.focused.value).toBe("a");
  });
  it("bring their verdict when the list knows it", async () => {
    const made = await started([row("a", "pending")]);
    made.backend.rows = [row("a", "missing", "error")];
    await made.pass();
    const verdict = made.store.verdicts.value.get("a");
    expect(verdict?.state === "ready" && verdict.value.status).toBe("missing");
  });
});

describe("a reload", () => {
  it("looks again soon after a reload, and then as seldom as before", async () => {
    const made = await started([row("a", "included", "ok")]);
    expect(made.waiting()).toBe(IDLE_WAIT_MS);
    made.loader.reload();
    await made.pass();
    expect(made.waiting()).toBeLessThan(IDLE_WAIT_MS);
    made.backend.rows.push(row("b", "missing", "error"));
    await made.pass();
    expect(made.store.byName.value.has("b")).toBe(true);
    await made.pass();
    await made.pass();
    expect(made.waiting()).toBe(IDLE_WAIT_MS);
  });

  it("brings new values and new runs", async () => {
    const made = await started([row("a", "included", "ok")]);
    made.backend.values = [0];
    made.backend.rows = [...made.backend.rows, row("b", "included", "ok")];
    made.loader.reload();
    await made.pass();
    expect(made.store.losses.value.get("a")?.dataLoss?.values[0]).toBe(0);
    expect(made.store.ticked.value.has("b")).toBe(true);
  });
  it("is done once where TensorBoard says it twice", async () => {
    const made = await started([row("a", "included", "ok")]);
    const before = made.backend.asked.filter((name) => name === "runs").length;
    made.loader.reload();
    made.loader.reload();
    await made.pass();
    expect(made.backend.asked.filter((name) => name === "runs").length).toBe(before + 1);
  });
  it("moves the focus away from a run that was deleted", async () => {
    const made = await started([row("a", "missing", "error"), row("b", "included", "ok")]);
    made.backend.rows = [row("b", "included", "ok")];
    made.loader.reload();
    await made.pass();
    expect(made.store.focused.value).toBe("b");
    expect(made.store.shownRuns.value).toEqual(["b"]);
  });
});

describe("an error", () => {
  it("at the start is said, and the next attempt mends it", async () => {
    const made = bench([row("a", "included", "ok")], noRoles());
    made.backend.down = true;
    made.loader.start();
    await settle();
    expect(made.store.runs.value).toMatchObject({ state: "failed" });
    made.backend.down = false;
    await made.pass();
    expect(made.store.runs.value).toMatchObject({ state: "ready", stale: null });
  });
  it("later leaves what was there, and says that it is old", async () => {
    const made = await started([row("a", "included", "ok")]);
    made.backend.down = true;
    await made.pass();
    expect(made.store.runs.value).toMatchObject({
      state: "ready",
      stale: "TensorBoard does not answer.",
    });
    expect(made.store.losses.value.has("a")).toBe(true);
    made.backend.down = false;
    await made.pass();
    expect(made.store.runs.value).toMatchObject({ stale: null });
  });
});

it("fetches series of a run when it is ticked, and not again", async () => {
  const rows = Array.from({ length: 11 }, (_, i) => row(`run${String(i)}`, "included", "ok"));
  const made = await started(rows);
  made.loader.keepChoice();
  tick(made.store, "run10", true);
  await settle();
  tick(made.store, "run10", false);
  tick(made.store, "run10", true);
  await settle();
  expect(made.backend.asked.filter((name) => name.endsWith("run10"))).toEqual(["losses run10"]);
});

it("asks for nothing while nobody can see the page, and goes on when somebody can", async () => {
  const made = await started([row("a", "included", "ok")]);
  const before = made.backend.asked.length;
  made.backend.hidden = true;
  await made.pass();
  await made.pass();
  expect(made.backend.asked).toHaveLength(before);
  made.backend.hidden = false;
  await made.pass();
  expect(made.backend.asked.length).toBeGreaterThan(before);
});

describe("chosen tags", () => {
  const given = { all: { data_loss: ["my/ce"] }, runs: {} };

  it("are asked for anew, with everything that hangs on them", async () => {
    const made = await started([row("a", "unknown", "unknown")]);
    const { loader, backend, store } = made;
    backend.asked.length = 0;
    loader.chooseTags(given);
    await made.pass();
    expect(store.roles.given.value).toEqual(given);
    expect(backend.asked.sort()).toEqual(["listed", "losses a", "runs", "verdict a"]);
  });
  it("that this browser kept are known before anything is shown", async () => {
    const storage = fakeStorage();
    storage.setItem("regloss.roles logs", JSON.stringify(given));
    const page = fakePage("#regloss");
    const { backend, store } = await started(
      [row("a", "unknown", "unknown")],
      createRoles(page, storage),
    );
    expect(store.roles.given.value).toEqual(given);
    expect(backend.asked).toEqual(["runs", "listed", "runs", "listed", "verdict a", "losses a"]);
  });
  it("are chosen among the tags of the run", async () => {
    const { loader, store } = await started([row("a", "unknown", "unknown")]);
    loader.loadTags("a");
    await settle();
    expect(store.tags.value.get("a")).toMatchObject({ state: "ready", value: ["a/loss"] });
  });
});
