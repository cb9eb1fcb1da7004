// SPDX-FileCopyrightText: 2026 The RegLoss authors
// SPDX-License-Identifier: Apache-2.0
/** Smoothing, axes, order: what is remembered per browser. */
import type { JSX } from "preact";

import { ORDERS, X_AXES, Y_SCALES } from "../state/settings";
import { usePanel } from "./context";
import { Choice } from "./parts";

export function Controls(): JSX.Element {
  const { store } = usePanel();
  const { smoothing, xAxis, yScale, order } = store.settings;
  const set = (typed: string): void => {
    const value = Number.parseFloat(typed);
    if (value >= 0 && value < 1) {
      smoothing.value = Math.min(value, 0.999);
    }
  };
  return (
    <div class="controls" role="group" aria-label="Settings">
      <div class="smoothing">
        <label for="smoothing">Smoothing</label>
        <input
          id="smoothing"
          type="range"
          min="0"
          max="0.99"
          step="0.01"
          value={smoothing.value}
          onInput={(event) => set(event.currentTarget.value)}
        />
        <input
          type="number"
          aria-label="Smoothing as a number"
          min="0"
          max="0.999"
          step="0.01"
          value={smoothing.value}
          onChange={(event) => {
            set(event.currentTarget.value);
            event.currentTarget.value = String(smoothing.value);
          }}
        />
      </div>
      <Choice
        label="Horizontal axis"
        options={X_AXES}
        value={xAxis.value}
        onChange={(value) => {
          store.zoom.value = null;
          store.cursor.value = null;
          xAxis.value = value;
        }}
      />
      <Choice
        label="Vertical axis"
        options={Y_SCALES}
        value={yScale.value}
        onChange={(value) => (yScale.value = value)}
      />
      <Choice
        label="Order of runs"
        options={ORDERS}
        words={{ flagged: "flagged first", name: "name" }}
        value={order.value}
        onChange={(value) => (order.value = value)}
      />
    </div>
  );
}
