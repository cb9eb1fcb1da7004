// SPDX-FileCopyrightText: 2026 The RegLoss authors
// SPDX-License-Identifier: Apache-2.0
import { fail, ok } from "./result";
import type { Result } from "./result";

/**
 * A test of texts against what a person typed: a regular expression, upper
 * and lower case alike, as TensorBoard's own filters. Nothing typed fits all.
 */
export function compileFilter(typed: string): Result<(text: string) => boolean> {
  if (typed === "") {
    return ok(() => true);
  }
  let regex: RegExp;
  try {
    regex = new RegExp(typed, "i");
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return fail(reason.replace(/^Invalid regular expression: /, ""));
  }
  return ok((text) => regex.test(text));
}

const collator = new Intl.Collator("en", { numeric: true, sensitivity: "variant" });

/** Orders names as people do: `run2` before `run10`. */
export function compareNames(a: string, b: string): number {
  return collator.compare(a, b);
}
