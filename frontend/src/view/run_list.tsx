// SPDX-FileCopyrightText: 2026 The RegLoss authors
// SPDX-License-Identifier: Apache-2.0
/** The runs: checkbox, color, name, badge. */
import type { JSX, TargetedKeyboardEvent } from "preact";

import type { RunSummary } from "../api/types";
import { plural } from "../base/format";
import { isFlagged } from "../state/run_order";
import { tick, tickListed, tickOnly } from "../state/store";
import { runBadge, runTone } from "./badge_text";
import { usePanel } from "./context";
import { Badge, Icon, LongName } from "./parts";
import { usePaged } from "./use_paged";

const SOLO_HINT = "\n\nDouble-click: only this run in the charts";

export function RunFilter(): JSX.Element {
  const { store, loader } = usePanel();
  const matcher = store.matcher.value;
  const listed = store.listedRuns.value;
  const ticked = listed.filter((run) => store.ticked.value.has(run.run)).length;
  const all = ticked === listed.length && listed.length > 0;
  const flagged = store.flaggedCount.value;
  return (
    <div class="run-filter">
      <label class="search">
        <Icon name="search" />
        <input
          type="text"
          placeholder="Filter runs (regex)"
          aria-label="Filter runs by regular expression"
          aria-invalid={!matcher.ok}
          aria-describedby="run-filter-error"
          spellcheck={false}
          value={store.filter.value}
          onInput={(event) => (store.filter.value = event.currentTarget.value)}
        />
      </label>
      <div class="field-error" id="run-filter-error" role="status">
        {matcher.ok ? "" : `Not a regular expression: ${matcher.message}`}
      </div>
      <div class="run-head">
        <input
          type="checkbox"
          aria-label="Show all listed runs in the charts"
          checked={all}
          // As a property: there is no such attribute.
          ref={(element) => {
            if (element) {
              element.indeterminate = ticked > 0 && !all;
            }
          }}
          onChange={() => {
            loader.keepChoice();
            tickListed(store, !all);
          }}
        />
        <span class="run-count">
          {listed.length === store.allRuns.value.length
            ? plural(listed.length, "run", "runs")
            : `${listed.length} of ${plural(store.allRuns.value.length, "run", "runs")}`}
        </span>
        <button
          type="button"
          class={`toggle ${flagged > 0 ? "some" : ""}`}
          aria-pressed={store.onlyFlagged.value}
          disabled={flagged === 0 && !store.onlyFlagged.value}
          onClick={() => (store.onlyFlagged.value = !store.onlyFlagged.value)}
        >
          only flagged ({flagged})
        </button>
      </div>
    </div>
  );
}

export function RunRows(): JSX.Element {
  const { store, loader } = usePanel();
  const runs = store.listedRuns.value;
  const [count, end] = usePaged<HTMLLIElement>(runs.length, 120);
  const focused = store.focused.value;
  const reachable = runs.some((run) => run.run === focused) ? focused : (runs[0]?.run ?? null);

  const onKeyDown = (event: TargetedKeyboardEvent<HTMLUListElement>): void => {
    const row = (event.target as Element).closest("li");
    const step = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
    const next = step > 0 ? row?.nextElementSibling : row?.previousElementSibling;
    const button = next?.querySelector("button");
    if (step !== 0 && button) {
      event.preventDefault();
      button.focus();
      button.click();
    }
  };
  if (runs.length === 0) {
    return (
      <div class="run-list none">
        {store.onlyFlagged.value ? "No flagged run" : "No run"}
        {store.filter.value === "" ? "." : " fits the filter."}
      </div>
    );
  }
  return (
    <ul class="run-list" aria-label="Runs" onKeyDown={onKeyDown}>
      {runs.slice(0, count).map((run) => (
        <RunRow
          key={run.run}
          run={run}
          reachable={run.run === reachable}
          onChoose={() => loader.keepChoice()}
        />
      ))}
      <li ref={end} aria-hidden="true" class="end" />
    </ul>
  );
}

function RunRow(props: {
  readonly run: RunSummary;
  /** Whether Tab stops here; the arrow keys go to the others. */
  readonly reachable: boolean;
  readonly onChoose: () => void;
}): JSX.Element {
  const { store, dark } = usePanel();
  const { run, onChoose } = props;
  const color = store.colors.value.get(run.run);
  const focused = store.focused.value === run.run;
  const ticked = store.ticked.value.has(run.run);
  const follows = run.relatedTo !== null && store.byName.value.has(run.relatedTo);
  const verdict = store.verdicts.value.get(run.run);
  const multiplier = verdict?.state === "ready" ? verdict.value.multiplier : null;
  const badge = runBadge({ ...run, multiplier: run.multiplier ?? multiplier });
  const tabIndex = props.reachable ? 0 : -1;
  return (
    <li
      class={`run ${focused ? "focused" : ""} ${follows ? "follows" : ""} ${isFlagged(run) ? (run.severity ?? "") : ""}`}
    >
      <input
        type="checkbox"
        tabIndex={tabIndex}
        aria-label={`Show ${run.run} in the charts`}
        checked={ticked}
        onChange={() => {
          onChoose();
          tick(store, run.run, !ticked);
        }}
      />
      <button
        type="button"
        class="run-name"
        tabIndex={tabIndex}
        aria-label={`${run.run}: ${badge}`}
        aria-current={focused ? "true" : undefined}
        title={
          run.run + (run.relatedTo === null ? "" : `\n(belongs to ${run.relatedTo})`) + SOLO_HINT
        }
        onClick={() => {
          onChoose();
          store.focused.value = run.run;
        }}
        onDblClick={() => tickOnly(store, run.run)}
      >
        <span
          class={`dot ${ticked || focused ? "" : "off"}`}
          style={{ color: dark.value ? color?.dark : color?.light }}
        />
        <LongName name={run.run} />
        <Badge tone={runTone(run)} text={badge} />
      </button>
    </li>
  );
}
