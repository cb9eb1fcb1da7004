// SPDX-FileCopyrightText: 2026 The RegLoss authors
// SPDX-License-Identifier: Apache-2.0
/** The three charts side by side. */
import { useComputed } from "@preact/signals";
import type { JSX } from "preact";

import type { RunLosses } from "../api/types";
import { plural } from "../base/format";
import { xExtent } from "../charts/ranges";
import { ChartCard } from "./chart_card";
import { buildCharts } from "./chart_data";
import type { ShownRun } from "./chart_data";
import { usePanel } from "./context";

// What is wrong is red in the charts too, whatever color the run has.
const GAP_COLOR = "#e53935";

export function ChartRow(): JSX.Element {
  const { store, dark } = usePanel();
  const charts = useComputed(() => {
    const runs: ShownRun[] = [];
    for (const run of store.shownRuns.value) {
      const losses = store.losses.value.get(run);
      const color = store.colors.value.get(run);
      if (losses && color) {
        const own = dark.value ? color.dark : color.light;
        const wrong = store.byName.value.get(run)?.severity === "error";
        runs.push({
          run,
          losses,
          color: own,
          gapColor: wrong ? GAP_COLOR : own,
          focused: run === store.focused.value,
        });
      }
    }
    return buildCharts(runs, store.settings.xAxis.value, store.settings.smoothing.value);
  }).value;
  const all = xExtent({
    lines: [...charts.data.lines, ...charts.regularization.lines, ...charts.total.lines],
    bands: [],
  });
  const xRange = store.zoom.value ?? all;
  const focused = store.focused.value;
  const losses = focused === null ? undefined : store.losses.value.get(focused);
  const loading = store.shownRuns.value.some((run) => !store.losses.value.has(run));
  return (
    <div class={`charts ${store.zoom.value === null ? "" : "zoomed"}`}>
      <ChartCard
        name="data"
        title="Data loss"
        subtitle={tagsOf(losses?.dataLoss)}
        chart={charts.data}
        xRange={xRange}
        loading={loading}
      />
      <ChartCard
        name="regularization"
        title="Regularization sum"
        subtitle={regularizationSubtitle(losses, focused)}
        chart={charts.regularization}
        xRange={xRange}
        loading={loading}
      />
      <ChartCard
        name="total"
        title="Total loss"
        subtitle={
          <>
            <Swatch dashed={false} /> optimized loss <Swatch dashed={true} /> data + regularization
          </>
        }
        chart={charts.total}
        xRange={xRange}
        loading={loading}
      />
    </div>
  );

  function regularizationSubtitle(of: RunLosses | undefined, run: string | null): string {
    const verdict = run === null ? undefined : store.verdicts.value.get(run);
    const count = verdict?.state === "ready" ? verdict.value.regularizationLosses.length : 0;
    return count > 0
      ? plural(count, "regularization loss", "regularization losses")
      : tagsOf(of?.regularizationSum);
  }
}

// `undefined`: not loaded.
function tagsOf(series: RunLosses["dataLoss"] | undefined): string {
  if (!series) {
    return series === null ? "not in the log of this run" : "";
  }
  return series.tags.length <= 2 ? series.tags.join(" + ") : `sum of ${series.tags.length} series`;
}

function Swatch(props: { readonly dashed: boolean }): JSX.Element {
  return (
    <svg class="swatch" viewBox="0 0 18 4" aria-hidden="true">
      <line x1="0" y1="2" x2="18" y2="2" stroke-dasharray={props.dashed ? "5 3" : "none"} />
    </svg>
  );
}
