// SPDX-FileCopyrightText: 2026 The RegLoss authors
// SPDX-License-Identifier: Apache-2.0
/** The code of a fix: a plain snippet, or a difference with `+` and `-` lines. */

export interface FixLine {
  readonly kind: "added" | "removed" | "comment" | "same";
  readonly text: string;
}

export function fixLines(code: string): readonly FixLine[] {
  return code
    .replace(/\n+$/, "")
    .split("\n")
    .map((text) => ({ kind: kindOf(text), text }));
}

/** What belongs on the clipboard: of a difference only the new code, ready to paste. */
export function codeToCopy(code: string): string {
  const lines = fixLines(code);
  if (!lines.some((line) => line.kind === "added")) {
    return code;
  }
  return lines
    .filter((line) => line.kind !== "removed")
    .map((line) =>
      line.kind === "added" ? line.text.replace(/^\+ ?/, "") : line.text.replace(/^ {2}/, ""),
    )
    .join("\n");
}

function kindOf(line: string): FixLine["kind"] {
  if (/^\+( |$)/.test(line)) {
    return "added";
  }
  if (/^-( |$)/.test(line)) {
    return "removed";
  }
  return line.trimStart().startsWith("#") ? "comment" : "same";
}
