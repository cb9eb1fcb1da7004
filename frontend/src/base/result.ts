// SPDX-FileCopyrightText: 2026 The RegLoss authors
// SPDX-License-Identifier: Apache-2.0

/** A value, or a message for people that says why there is none. */
export type Result<T> =
  { readonly ok: true; readonly value: T } | { readonly ok: false; readonly message: string };

export function ok<T>(value: T): Result<T> {
  return { ok: true, value };
}

export function fail<T>(message: string): Result<T> {
  return { ok: false, message };
}

/** What is known of something that is loaded in the background. */
export type Load<T> =
  | { readonly state: "loading" }
  /** `stale`: the newest attempt failed, and why; the value is the one before. */
  | { readonly state: "ready"; readonly value: T; readonly stale: string | null }
  /** `code`: the backend's error code (`not_found`, ...), `null` where it sent none. */
  | { readonly state: "failed"; readonly message: string; readonly code: string | null };

/** Closes a union: the compiler refuses a case that was forgotten. */
export function assertUnreachable(value: never): never {
  throw new Error(`unexpected value ${String(value)}`);
}
