// SPDX-FileCopyrightText: 2026 The RegLoss authors
// SPDX-License-Identifier: Apache-2.0
/** What the panel shows: one object of signals, and the actions that change them. */
import { batch, computed, signal } from "@preact/signals";
import type { ReadonlySignal, Signal } from "@preact/signals";

import type { LossMatrix, RunList, RunLosses, RunSummary, RunVerdict } from "../api/types";
import { assignColors } from "../base/palette";
import type { RunColor } from "../base/palette";
import type { Load, Result } from "../base/result";
import { compileFilter } from "../base/search";
import { isFlagged, orderRuns } from "./run_order";
import type { Roles } from "./roles";
import type { Settings } from "./settings";

/** The visible part of the horizontal axis, in the axis' own unit. */
export type Range = readonly [number, number];

export interface Store {
  readonly settings: Settings;
  readonly roles: Roles;
  readonly runs: Signal<Load<RunList>>;
  /** TensorBoard's own list of runs, for their colors. */
  readonly listed: Signal<readonly string[]>;
  readonly verdicts: Signal<ReadonlyMap<string, Load<RunVerdict>>>;
  readonly losses: Signal<ReadonlyMap<string, RunLosses>>;
  /** Why the newest series could not be fetched; `null` where they could. */
  readonly lossesFailed: Signal<string | null>;
  readonly matrices: Signal<ReadonlyMap<string, Load<LossMatrix>>>;
  /** The tags of runs, for those who choose among them. */
  readonly tags: Signal<ReadonlyMap<string, Load<readonly string[]>>>;
  /** What was typed above the list of runs. */
  readonly filter: Signal<string>;
  readonly onlyFlagged: Signal<boolean>;
  /** The runs whose checkbox is set. */
  readonly ticked: Signal<ReadonlySet<string>>;
  /** The run whose verdict is shown. */
  readonly focused: Signal<string | null>;
  /** `null`: all that there is. */
  readonly zoom: Signal<Range | null>;
  /** Where the cursor stands on the horizontal axis of all charts; `null`: nowhere. */
  readonly cursor: Signal<number | null>;

  readonly allRuns: ReadonlySignal<readonly RunSummary[]>;
  /** All runs by name. */
  readonly byName: ReadonlySignal<ReadonlyMap<string, RunSummary>>;
  /** The test of `filter`, or what is wrong with it. */
  readonly matcher: ReadonlySignal<Result<(text: string) => boolean>>;
  /** The list as it stands: filtered, in order. */
  readonly listedRuns: ReadonlySignal<readonly RunSummary[]>;
  /** The runs in the charts: of the list as it is filtered the ticked ones, and the focused one. */
  readonly shownRuns: ReadonlySignal<readonly string[]>;
  readonly flaggedCount: ReadonlySignal<number>;
  readonly pendingCount: ReadonlySignal<number>;
  readonly colors: ReadonlySignal<ReadonlyMap<string, RunColor>>;
}

export function createStore(settings: Settings, roles: Roles): Store {
  const runs = signal<Load<RunList>>({ state: "loading" });
  const listed = signal<readonly string[]>([]);
  const filter = signal("");
  const onlyFlagged = signal(false);
  const ticked = signal<ReadonlySet<string>>(new Set());
  const focused = signal<string | null>(null);

  const allRuns = computed(() =>
    runs.value.state === "ready" ? orderRuns(runs.value.value.runs, settings.order.value) : [],
  );
  const byName = computed(() => new Map(allRuns.value.map((run) => [run.run, run])));
  const matcher = computed(() => compileFilter(filter.value));
  const listedRuns = computed(() => {
    const matches = matcher.value;
    return allRuns.value.filter(
      (run) => (!onlyFlagged.value || isFlagged(run)) && (!matches.ok || matches.value(run.run)),
    );
  });
  const shownRuns = computed(() => {
    const shown = listedRuns.value.map((run) => run.run).filter((run) => ticked.value.has(run));
    const focus = focused.value;
    const known = focus !== null && byName.value.has(focus);
    return known && !shown.includes(focus) ? [...shown, focus] : shown;
  });
  return {
    settings,
    roles,
    runs,
    listed,
    verdicts: signal(new Map<string, Load<RunVerdict>>()),
    losses: signal(new Map<string, RunLosses>()),
    lossesFailed: signal<string | null>(null),
    matrices: signal(new Map<string, Load<LossMatrix>>()),
    tags: signal(new Map<string, Load<readonly string[]>>()),
    filter,
    onlyFlagged,
    ticked,
    focused,
    zoom: signal<Range | null>(null),
    cursor: signal<number | null>(null),
    allRuns,
    byName,
    matcher,
    listedRuns,
    shownRuns,
    flaggedCount: computed(() => allRuns.value.filter(isFlagged).length),
    pendingCount: computed(() => allRuns.value.filter((run) => run.status === "pending").length),
    colors: computed(() =>
      assignColors(
        listed.value,
        allRuns.value.map((run) => run.run),
      ),
    ),
  };
}

/** Sets or clears the checkbox of one run. */
export function tick(store: Store, run: string, on: boolean): void {
  const next = new Set(store.ticked.value);
  if (on) {
    next.add(run);
  } else {
    next.delete(run);
  }
  store.ticked.value = next;
}

/** Sets or clears the checkboxes of all runs in the list as it is filtered now. */
export function tickListed(store: Store, on: boolean): void {
  const next = new Set(store.ticked.value);
  for (const run of store.listedRuns.value) {
    if (on) {
      next.add(run.run);
    } else {
      next.delete(run.run);
    }
  }
  store.ticked.value = next;
}

/** Leaves this run alone in the charts, and shows its verdict. */
export function tickOnly(store: Store, run: string): void {
  batch(() => {
    store.ticked.value = new Set([run]);
    store.focused.value = run;
  });
}

/** A map with one entry more; signals compare by identity, so a new map. */
export function withEntry<V>(
  map: ReadonlyMap<string, V>,
  key: string,
  value: V,
): ReadonlyMap<string, V> {
  return new Map(map).set(key, value);
}
