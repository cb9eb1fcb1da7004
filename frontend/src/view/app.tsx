// SPDX-FileCopyrightText: 2026 The RegLoss authors
// SPDX-License-Identifier: Apache-2.0
/** The whole panel. */
import type { JSX } from "preact";

import { plural } from "../base/format";
import { ChartRow } from "./charts";
import { usePanel } from "./context";
import { Controls } from "./controls";
import { LossTable } from "./loss_table";
import { CopyButton, Note } from "./parts";
import { RunFilter, RunRows } from "./run_list";
import { VerdictCard } from "./verdict_card";

const QUICK_START = `from tb_regloss.summary.v1 import RegLossHook

hook = RegLossHook(logdir, loss, train_op=train_op)  # loss: what the optimizer gets
with tf.train.MonitoredTrainingSession(hooks=[hook]) as session:`;

export function App(): JSX.Element {
  const { store, loader, dark } = usePanel();
  const runs = store.runs.value;
  const look = dark.value ? "dark" : "light";
  switch (runs.state) {
    case "loading":
      return (
        <div class={`panel whole ${look}`} aria-busy="true">
          <div class="whole-message" role="status">
            <div class="spinner" />
            Looking for runs
          </div>
        </div>
      );
    case "failed":
      return (
        <div class={`panel whole ${look}`}>
          <div class="whole-message" role="alert">
            <h1>The runs could not be loaded</h1>
            <p>{runs.message}</p>
            <button type="button" class="plain" onClick={() => loader.reload()}>
              Try again
            </button>
          </div>
        </div>
      );
    case "ready":
      return (
        <div class={`panel ${look}`}>{runs.value.runs.length === 0 ? <Empty /> : <Full />}</div>
      );
  }
}

function Full(): JSX.Element {
  const { store } = usePanel();
  const focused = store.focused.value;
  const verdict = focused === null ? undefined : store.verdicts.value.get(focused);
  return (
    <>
      <aside class="sidebar" aria-label="Runs and settings">
        <RunFilter />
        <RunRows />
        <Controls />
      </aside>
      <main class="main">
        <Banners />
        <ChartRow />
        {focused !== null && <VerdictCard run={focused} />}
        {focused !== null && verdict?.state === "ready" && (
          <LossTable key={focused} run={focused} losses={verdict.value.regularizationLosses} />
        )}
      </main>
    </>
  );
}

function Banners(): JSX.Element {
  const { store, loader } = usePanel();
  const runs = store.runs.value;
  if (runs.state !== "ready") {
    return <></>;
  }
  const stale = runs.stale ?? store.lossesFailed.value;
  const { note, problems } = runs.value;
  return (
    <>
      {stale !== null && (
        <Note tone="error">
          {stale} What you see is from before.{" "}
          <button type="button" class="link" onClick={() => loader.reload()}>
            Try again
          </button>
        </Note>
      )}
      {note !== null && <Note tone="quiet">{note}</Note>}
      {problems.length > 0 && (
        <details class="note quiet">
          <summary>{plural(problems.length, "problem", "problems")} while reading the logs</summary>
          <ul>
            {problems.map((problem) => (
              <li key={problem.path + problem.message}>
                <code>{problem.path}</code> {problem.message}
              </li>
            ))}
          </ul>
        </details>
      )}
    </>
  );
}

function Empty(): JSX.Element {
  const { loader } = usePanel();
  return (
    <div class="whole">
      <div class="whole-message">
        <Banners />
        <h1>No run with losses or a graph yet</h1>
        <p>
          Is your regularization in the loss that you train on? Log your losses where you build the
          training op, and the answer appears here while training runs:
        </p>
        <div class="quick-start">
          <CopyButton text={QUICK_START} />
          <pre>{QUICK_START}</pre>
        </div>
        <p class="quiet">
          Logs that nobody prepared work too, where they hold a graph or scalars of the losses. If
          TensorBoard is still reading, they appear by themselves.
        </p>
        <button type="button" class="plain" onClick={() => loader.reload()}>
          Look again
        </button>
      </div>
    </div>
  );
}
