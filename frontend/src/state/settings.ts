// SPDX-FileCopyrightText: 2026 The RegLoss authors
// SPDX-License-Identifier: Apache-2.0
/** What a person set, remembered per browser. */
import { effect, signal } from "@preact/signals";
import type { Signal } from "@preact/signals";

export const X_AXES = ["step", "relative", "wall"] as const;
export const Y_SCALES = ["linear", "log"] as const;
export const ORDERS = ["flagged", "name"] as const;

export type XAxis = (typeof X_AXES)[number];
export type YScale = (typeof Y_SCALES)[number];
export type Order = (typeof ORDERS)[number];

export interface Settings {
  /** In [0, 0.999]; 0 draws the values as they are. */
  readonly smoothing: Signal<number>;
  readonly xAxis: Signal<XAxis>;
  readonly yScale: Signal<YScale>;
  /** Of the list of runs. */
  readonly order: Signal<Order>;
}

/** The part of `localStorage` that is used; it throws where cookies are forbidden. */
export type Storage = Pick<globalThis.Storage, "getItem" | "setItem">;

const KEY = "regloss.settings";
// TensorBoard's own default.
const SMOOTHING = 0.6;

/** @param storage `null` where the browser keeps nothing. */
export function createSettings(storage: Storage | null): Settings {
  const kept = read(storage);
  const settings: Settings = {
    smoothing: signal(smoothing(kept["smoothing"]) ?? SMOOTHING),
    xAxis: signal(oneOf(X_AXES, kept["xAxis"]) ?? "step"),
    yScale: signal(oneOf(Y_SCALES, kept["yScale"]) ?? "linear"),
    order: signal(oneOf(ORDERS, kept["order"]) ?? "flagged"),
  };
  effect(() => {
    const values = Object.fromEntries(
      Object.entries(settings).map(([key, value]: [string, Signal<unknown>]) => [key, value.value]),
    );
    try {
      storage?.setItem(KEY, JSON.stringify(values));
    } catch {
      // Full or forbidden: the panel works, and forgets.
    }
  });
  return settings;
}

/** Takes over what a shared address says (`p.regloss.smoothing=...` in TensorBoard's hash). */
export function applyAddress(settings: Settings, address: ReadonlyMap<string, string>): void {
  const asked = Number.parseFloat(address.get("smoothing") ?? "");
  settings.smoothing.value = smoothing(asked) ?? settings.smoothing.value;
  settings.xAxis.value = oneOf(X_AXES, address.get("axis")) ?? settings.xAxis.value;
  settings.yScale.value = oneOf(Y_SCALES, address.get("scale")) ?? settings.yScale.value;
}

/** The browser's storage, `null` where even looking at it is forbidden. */
export function browserStorage(): Storage | null {
  try {
    return globalThis.localStorage;
  } catch {
    return null;
  }
}

function read(storage: Storage | null): Readonly<Record<string, unknown>> {
  try {
    const kept: unknown = JSON.parse(storage?.getItem(KEY) ?? "{}");
    return typeof kept === "object" && kept !== null ? (kept as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

function smoothing(value: unknown): number | null {
  return typeof value === "number" && value >= 0 && value < 1 ? Math.min(value, 0.999) : null;
}

function oneOf<T extends string>(known: readonly T[], value: unknown): T | null {
  return known.find((item) => item === value) ?? null;
}
