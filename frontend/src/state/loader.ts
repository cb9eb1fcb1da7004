// SPDX-FileCopyrightText: 2026 The RegLoss authors
// SPDX-License-Identifier: Apache-2.0
/**
 * Fills the store from the backend and keeps it new: at the start, while
 * analyses are pending, when TensorBoard reloads, and now and then by itself.
 */
import { batch, effect, untracked } from "@preact/signals";
import type { Signal } from "@preact/signals";

import type { Answer, Client } from "../api/client";
import type { GivenRoles, RunSummary } from "../api/types";
import type { Load } from "../base/result";
import { defaultFocus, defaultShown } from "./run_order";
import { withEntry } from "./store";
import type { Store } from "./store";

/** Time, so that tests need not wait for it. */
export interface Clock {
  after(milliseconds: number, action: () => void): () => void;
  /** Whether anybody can see the page: hidden pages do not poll. */
  visible(): boolean;
}

export interface Loader {
  start(): void;
  /** Asks for everything again: the data changed. */
  reload(): void;
  /** Asks for the series of each regularization loss of a run. */
  loadMatrix(run: string): void;
  /** Asks for the tags of a run. */
  loadTags(run: string): void;
  /** Keeps what a person said of the runs' tags, and asks for everything again. */
  chooseTags(given: GivenRoles): void;
  retryVerdict(run: string): void;
  /** Before the start: this run is to be in focus, where it is there; a shared address names it. */
  prefer(run: string | null): void;
  /** The person chose runs or a focus: nothing is chosen for them from now on. */
  keepChoice(): void;
}

// While analyses are pending the list is asked for again after 0.3 s, then
// less and less often, as long as none gets done.
const FIRST_WAIT_MS = 300;
const LONGEST_WAIT_MS = 2000;
const RELOAD_WAIT_MS = 50;
/** How often a page looks by itself: TensorBoard's auto-reload is off by default. */
export const IDLE_WAIT_MS = 30_000;
/** After a reload, a few times: the server may still be reading when the page says so. */
const FOLLOW_UP_WAIT_MS = 3000;
const FOLLOW_UPS = 3;
/** After an error. */
const RETRY_WAIT_MS = 5000;
/** Runs per request for series: 40 runs of 1,000 points are about 2 MB. */
const CHUNK = 40;
// The list of runs does not say by how much a penalty is scaled or how often it
// is counted; the verdicts do. The badges of so many runs are completed.
const MOST_COMPLETED = 20;
/** The most runs whose series are fetched again without being asked to. */
const MOST_REFRESHED = 40;

export function createLoader(store: Store, client: Client, clock: Clock): Loader {
  let chosen = false;
  let preferred: string | null = null;
  let reloadPlanned = false;
  let settled = false;
  let wait = FIRST_WAIT_MS;
  let cancelNext = (): void => undefined;
  let newestRunsRequest = 0;
  let followUps = 0;
  // Counts reloads. Series and verdicts of an older count are asked for again.
  let generation = 0;
  const lossesOf = new Map<string, number>();
  const verdictOf = new Map<string, number>();

  async function refreshRuns(): Promise<void> {
    cancelNext();
    const request = ++newestRunsRequest;
    const [answer, listed] = await Promise.all([client.runs(), client.tensorBoardRuns()]);
    if (request !== newestRunsRequest) {
      return;
    }
    if (answer.ok && store.roles.open(answer.value.logdir)) {
      // This browser knows of tags that were chosen in this log directory.
      return refreshRuns();
    }
    const before = store.runs.value;
    const pendingBefore = store.pendingCount.value;
    batch(() => {
      if (listed.ok) {
        store.listed.value = listed.value;
      }
      if (answer.ok) {
        if (before.state !== "ready" || before.value !== answer.value || before.stale !== null) {
          store.runs.value = { state: "ready", value: answer.value, stale: null };
        }
        choose();
      } else {
        store.runs.value =
          before.state === "ready" ? { ...before, stale: answer.message } : loaded(answer);
      }
    });
    const pending = answer.ok && store.pendingCount.value > 0;
    const moves = store.pendingCount.value !== pendingBefore;
    wait = moves ? FIRST_WAIT_MS : Math.min(wait * 1.5, LONGEST_WAIT_MS);
    const idle = followUps > 0 && !pending ? FOLLOW_UP_WAIT_MS : IDLE_WAIT_MS;
    followUps -= idle === FOLLOW_UP_WAIT_MS ? 1 : 0;
    plan(pending ? wait : answer.ok ? idle : RETRY_WAIT_MS, !pending);
    checkFocused();
    void completeBadges();
  }

  function plan(milliseconds: number, withShown: boolean): void {
    cancelNext = clock.after(milliseconds, () => {
      if (!clock.visible()) {
        plan(LONGEST_WAIT_MS, withShown);
        return;
      }
      if (withShown && store.shownRuns.value.length <= MOST_REFRESHED) {
        refreshShown();
      }
      void refreshRuns();
    });
  }

  async function completeBadges(): Promise<void> {
    const lacking = store.allRuns.value.filter(
      (run) =>
        (run.status === "scaled" || run.status === "double_counted") && run.multiplier === null,
    );
    for (const run of lacking.slice(0, MOST_COMPLETED)) {
      if (!verdictOf.has(run.run)) {
        await loadVerdict(run.run);
      }
    }
  }

  // Until somebody chooses, the flagged runs are in the charts and in focus.
  // Once all verdicts are there, new runs only join: nothing is taken away.
  function choose(): void {
    const runs = store.allRuns.value;
    if (!chosen) {
      const wanted = defaultShown(runs);
      if (!settled) {
        store.ticked.value = wanted;
      } else if (store.ticked.value.size < wanted.size) {
        store.ticked.value = new Set([...store.ticked.value, ...wanted]);
      }
    }
    const gone = store.focused.value === null || !store.byName.value.has(store.focused.value);
    if (gone || (!chosen && !settled)) {
      const known = preferred !== null && store.byName.value.has(preferred);
      store.focused.value = known ? preferred : defaultFocus(runs);
    }
    settled ||= runs.length > 0 && store.pendingCount.value === 0;
  }

  function loadShown(shown: readonly string[]): void {
    const wanted = shown.filter((run) => lossesOf.get(run) !== generation);
    for (let i = 0; i < wanted.length; i += CHUNK) {
      void loadLosses(wanted.slice(i, i + CHUNK), generation);
    }
  }

  function refreshShown(): void {
    generation++;
    loadShown(store.shownRuns.value);
    if (store.focused.value !== null) {
      void loadVerdict(store.focused.value);
    }
  }

  async function loadLosses(runs: readonly string[], asked: number): Promise<void> {
    runs.forEach((run) => lossesOf.set(run, asked));
    const answer = await client.losses(runs);
    batch(() => {
      if (!answer.ok) {
        store.lossesFailed.value = answer.message;
        runs.forEach((run) => lossesOf.delete(run));
        return;
      }
      store.lossesFailed.value = null;
      const next = new Map(store.losses.value);
      for (const [run, losses] of answer.value.runs) {
        if (lossesOf.get(run) === asked) {
          next.set(run, losses);
        }
      }
      answer.value.notFound.forEach((run) => next.delete(run));
      store.losses.value = next;
    });
  }

  async function loadVerdict(run: string): Promise<void> {
    const asked = generation;
    verdictOf.set(run, asked);
    const before = store.verdicts.value.get(run);
    if (before?.state !== "ready") {
      store.verdicts.value = withEntry(store.verdicts.value, run, { state: "loading" });
    }
    const answer = await client.verdict(run);
    if (verdictOf.get(run) !== asked) {
      return;
    }
    // The old answer must not stand for a run that is gone.
    store.verdicts.value = withEntry(store.verdicts.value, run, loaded(answer));
  }

  // The list may know more than the verdict that was fetched before.
  function checkFocused(): void {
    const run = store.focused.value;
    const row = run === null ? undefined : store.byName.value.get(run);
    const verdict = run === null ? undefined : store.verdicts.value.get(run);
    if (row && verdict?.state === "ready" && differs(row, verdict.value)) {
      void loadVerdict(row.run);
    }
  }

  async function load<T>(
    known: Signal<ReadonlyMap<string, Load<T>>>,
    run: string,
    asked: Promise<Answer<T>>,
  ): Promise<void> {
    if (known.value.get(run)?.state !== "ready") {
      known.value = withEntry(known.value, run, { state: "loading" });
    }
    known.value = withEntry(known.value, run, loaded(await asked));
  }

  function reload(): void {
    // TensorBoard may say two things at once: one round of questions is enough.
    if (reloadPlanned) {
      return;
    }
    reloadPlanned = true;
    clock.after(RELOAD_WAIT_MS, () => {
      reloadPlanned = false;
      wait = FIRST_WAIT_MS;
      followUps = FOLLOW_UPS;
      refreshShown();
      store.matrices.value = new Map();
      void refreshRuns();
    });
  }

  return {
    start() {
      effect(() => {
        loadShown(store.shownRuns.value);
      });
      effect(() => {
        const run = store.focused.value;
        if (run !== null && verdictOf.get(run) !== generation) {
          untracked(() => void loadVerdict(run));
        }
      });
      void refreshRuns();
    },
    reload,
    loadMatrix(run) {
      void load(store.matrices, run, client.regularizationLosses(run));
    },
    loadTags(run) {
      void load(store.tags, run, client.tags(run));
    },
    chooseTags(given) {
      store.roles.choose(given);
      reload();
    },
    retryVerdict(run) {
      void loadVerdict(run);
    },
    prefer(run) {
      preferred = run;
    },
    keepChoice() {
      chosen = true;
    },
  };
}

function loaded<T>(answer: Answer<T>): Load<T> {
  return answer.ok
    ? { state: "ready", value: answer.value, stale: null }
    : { state: "failed", message: answer.message, code: answer.code ?? null };
}

function differs(row: RunSummary, verdict: RunSummary): boolean {
  return row.status !== verdict.status || row.headline !== verdict.headline;
}
