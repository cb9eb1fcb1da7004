// SPDX-FileCopyrightText: 2026 The RegLoss authors
// SPDX-License-Identifier: Apache-2.0

/** What stands where a value is not known. */
export const NO_VALUE = "\u2013";

/** A number as people read it: four significant digits, NaN and infinities by name. */
export function formatNumber(value: number | null, digits = 4): string {
  if (value === null) {
    return NO_VALUE;
  }
  if (Number.isNaN(value)) {
    return "NaN";
  }
  if (!Number.isFinite(value)) {
    return value > 0 ? "\u221e" : "\u2212\u221e";
  }
  if (value === 0) {
    return "0";
  }
  const size = Math.abs(value);
  if (size >= 1e6 || size < 1e-4) {
    return minus(tidyExponent(value.toExponential(digits - 1)));
  }
  return minus(String(Number(value.toPrecision(digits))));
}

/** A multiplier: short, and exact where it is exact (`0`, `1`, `0.25`, `1/3` as 0.3333). */
export function formatMultiplier(value: number | null): string {
  return formatNumber(value, 4);
}

/** A share of a whole, `null` where there is none. */
export function formatShare(share: number | null): string {
  if (share === null || !Number.isFinite(share)) {
    return NO_VALUE;
  }
  const percent = share * 100;
  if (percent !== 0 && Math.abs(percent) < 0.05) {
    return "<0.1%";
  }
  return `${percent.toFixed(1)}%`;
}

/** A whole number with its thousands apart: `12,345`. */
export function formatCount(count: number): string {
  return String(count).replace(/\B(?=(\d{3})+$)/g, ",");
}

/** A duration in seconds: `45s`, `3m 20s`, `2h 05m`, `3d 4h`. */
export function formatDuration(seconds: number): string {
  const sign = seconds < 0 ? "\u2212" : "";
  const whole = Math.abs(seconds);
  if (whole < 10 && whole !== Math.round(whole)) {
    return `${sign}${Number(whole.toFixed(2))}s`;
  }
  const total = Math.round(whole);
  const days = Math.floor(total / 86400);
  const hours = Math.floor((total % 86400) / 3600);
  const minutes = Math.floor((total % 3600) / 60);
  const rest = total % 60;
  if (days > 0) {
    return hours > 0 ? `${sign}${days}d ${hours}h` : `${sign}${days}d`;
  }
  if (hours > 0) {
    return minutes > 0 ? `${sign}${hours}h ${pad(minutes)}m` : `${sign}${hours}h`;
  }
  if (minutes > 0) {
    return rest > 0 ? `${sign}${minutes}m ${pad(rest)}s` : `${sign}${minutes}m`;
  }
  return `${sign}${rest}s`;
}

/** A moment (seconds since the epoch) in the reader's own time zone: `2026-11-21 08:05:09`. */
export function formatMoment(seconds: number): string {
  const date = new Date(seconds * 1000);
  if (Number.isNaN(date.getTime())) {
    return NO_VALUE;
  }
  return `${date.getFullYear()}-${pad(date.getMonth() + 1)}-${pad(date.getDate())} ${formatClock(date)}`;
}

/** `08:05:09`. */
export function formatClock(date: Date): string {
  return `${pad(date.getHours())}:${pad(date.getMinutes())}:${pad(date.getSeconds())}`;
}

/** `1 loss`, `36 losses`. */
export function plural(count: number, one: string, many: string): string {
  return `${formatCount(count)} ${count === 1 ? one : many}`;
}

export function pad(value: number): string {
  return String(value).padStart(2, "0");
}

function tidyExponent(text: string): string {
  const [mantissa, exponent] = text.split("e");
  return `${Number(mantissa)}e${Number(exponent)}`;
}

function minus(text: string): string {
  // The minus sign is as wide as a digit, so that columns of numbers align.
  return text.startsWith("-") ? `\u2212${text.slice(1)}` : text;
}
