// SPDX-FileCopyrightText: 2026 The RegLoss authors
// SPDX-License-Identifier: Apache-2.0
/** Where the axes have their marks, and what is written there. */
import { formatDuration, formatNumber, NO_VALUE, pad } from "../base/format";
import type { XKind } from "./types";

const DURATIONS = [
  1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400, 172800,
  432000, 864000, 2592000, 7776000, 31536000,
];
const DAY = 86400;

/** Round numbers in a range, about `count` of them. */
export function linearTicks(min: number, max: number, count: number): number[] {
  return multiples(min, max, roundStep((max - min) / Math.max(count, 1)));
}

/** Marks of a horizontal axis; steps are whole numbers, times are whole minutes, hours, days. */
export function xTicks(kind: XKind, min: number, max: number, count: number): number[] {
  const rough = (max - min) / Math.max(count, 1);
  if (kind === "step") {
    return multiples(min, max, Math.max(1, roundStep(rough)));
  }
  const step =
    rough < 1 ? roundStep(rough) : (DURATIONS.find((s) => s >= rough) ?? roundStep(rough));
  if (kind === "relative") {
    return multiples(min, max, step);
  }
  // Midnight in the reader's time zone, not in Greenwich.
  const zone = new Date(min * 1000).getTimezoneOffset() * 60;
  return multiples(min - zone, max - zone, step).map((tick) => tick + zone);
}

/** Powers of ten, with 2 and 5 between them where there are few. */
export function logTicks(min: number, max: number, count: number): number[] {
  const first = Math.floor(Math.log10(min));
  const last = Math.ceil(Math.log10(max));
  const decades = last - first;
  const parts = decades <= 2 ? [1, 2, 5] : [1];
  const every = Math.max(1, Math.ceil(decades / Math.max(count, 1)));
  const ticks: number[] = [];
  for (let power = first; power <= last; power += every) {
    for (const part of parts) {
      // 10 ** -3 * 2 would show its rounding error.
      const tick = Number(`${part}e${power}`);
      if (tick >= min && tick <= max) {
        ticks.push(tick);
      }
    }
  }
  return ticks.length >= 2 ? ticks : linearTicks(min, max, count).filter((tick) => tick > 0);
}

/** Numbers of one axis, all with as many decimals as the finest of them needs. */
export function tickLabels(ticks: readonly number[]): string[] {
  const largest = Math.max(...ticks.map(Math.abs), 0);
  if (ticks.length < 2 || largest >= 1e5 || largest < 1e-3) {
    return ticks.map((tick) => formatNumber(tick, 3));
  }
  const gap = Math.min(...ticks.slice(1).map((tick, i) => Math.abs(tick - (ticks[i] as number))));
  let decimals = 0;
  while (decimals < 10 && !nearlyWhole(gap * 10 ** decimals)) {
    decimals++;
  }
  return ticks.map((tick) => (tick < 0 ? "\u2212" : "") + Math.abs(tick).toFixed(decimals));
}

export function logTickLabels(ticks: readonly number[]): string[] {
  return ticks.map((tick) => formatNumber(tick, 3));
}

export function xTickLabels(kind: XKind, ticks: readonly number[]): string[] {
  switch (kind) {
    case "step":
      return ticks.map(stepLabel);
    case "relative":
      return ticks.map(formatDuration);
    case "wall":
      return ticks.map((tick, i) => momentLabel(tick, ticks[i - 1] ?? null, ticks));
  }
}

function stepLabel(step: number): string {
  const size = Math.abs(step);
  if (size >= 1e9) {
    return `${formatNumber(step / 1e9)}G`;
  }
  if (size >= 1e6) {
    return `${formatNumber(step / 1e6)}M`;
  }
  return size >= 1e4 ? `${formatNumber(step / 1e3)}k` : formatNumber(step);
}

// The day is written where it changes, else the time of day.
function momentLabel(tick: number, before: number | null, ticks: readonly number[]): string {
  const date = new Date(tick * 1000);
  if (Number.isNaN(date.getTime())) {
    return NO_VALUE;
  }
  const day = `${pad(date.getMonth() + 1)}-${pad(date.getDate())}`;
  const gap = ticks.length > 1 ? (ticks[1] as number) - (ticks[0] as number) : DAY;
  if (gap >= DAY) {
    return day;
  }
  const clock = `${pad(date.getHours())}:${pad(date.getMinutes())}`;
  const time = gap < 60 ? `${clock}:${pad(date.getSeconds())}` : clock;
  const newDay = before !== null && new Date(before * 1000).getDate() !== date.getDate();
  return newDay ? `${day} ${clock}` : time;
}

function nearlyWhole(value: number): boolean {
  return Math.abs(value - Math.round(value)) < 1e-6 * Math.max(1, value);
}

function roundStep(rough: number): number {
  if (!(rough > 0) || !Number.isFinite(rough)) {
    return 1;
  }
  const power = Math.floor(Math.log10(rough));
  const size = Number(`1e${power}`);
  const factor = rough / size;
  const nice = factor <= 1 ? 1 : factor <= 2 ? 2 : factor <= 2.5 ? 2.5 : factor <= 5 ? 5 : 10;
  return nice * size;
}

function multiples(min: number, max: number, step: number): number[] {
  const ticks: number[] = [];
  const first = Math.ceil(min / step - 1e-9);
  const last = Math.floor(max / step + 1e-9);
  for (let i = first; i <= last && ticks.length < 100; i++) {
    // 3 * 0.1 is 0.30000000000000004.
    ticks.push(Number((i * step).toPrecision(12)));
  }
  return ticks;
}
