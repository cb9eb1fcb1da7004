// SPDX-FileCopyrightText: 2026 The RegLoss authors
// SPDX-License-Identifier: Apache-2.0
/** Small pieces that several views use. */
import type { ComponentChildren, JSX } from "preact";
import { useState } from "preact/hooks";

import type { Tone } from "./badge_text";

export function Badge(props: { readonly tone: Tone; readonly text: string }): JSX.Element {
  return <span class={`badge ${props.tone}`}>{props.text}</span>;
}

/** A choice of a few words, as TensorBoard's toggles. */
export function Choice<T extends string>(props: {
  readonly label: string;
  readonly options: readonly T[];
  readonly words?: Readonly<Record<T, string>>;
  readonly value: T;
  readonly onChange: (value: T) => void;
}): JSX.Element {
  return (
    <fieldset class="choice">
      <legend>{props.label}</legend>
      <div class="choice-options">
        {props.options.map((option) => (
          <label key={option} class={option === props.value ? "on" : ""}>
            <input
              type="radio"
              name={props.label}
              checked={option === props.value}
              onChange={() => props.onChange(option)}
            />
            {props.words?.[option] ?? option}
          </label>
        ))}
      </div>
    </fieldset>
  );
}

export function CopyButton(props: { readonly text: string }): JSX.Element {
  const [said, setSaid] = useState("");
  const copy = async (): Promise<void> => {
    setSaid((await copyText(props.text)) ? "Copied" : "Press Ctrl+C");
    setTimeout(() => setSaid(""), 2000);
  };
  return (
    <button type="button" class="copy" onClick={() => void copy()}>
      <Icon name="copy" />
      <span aria-live="polite">{said === "" ? "Copy" : said}</span>
    </button>
  );
}

/**
 * Text with the names of ops, files and calls in it set as code. The text
 * stays text: nothing in it is ever read as markup.
 */
export function Prose(props: { readonly text: string }): JSX.Element {
  return (
    <>
      {splitCode(props.text).map((part, i) =>
        part.code ? <code key={i}>{part.text}</code> : part.text,
      )}
    </>
  );
}

/** A name that keeps its end in sight: `bug/very_long.../weight_decay=0.1`. */
export function LongName(props: { readonly name: string }): JSX.Element {
  const { name } = props;
  const cut = Math.max(0, name.length - 14);
  return (
    <span class="long-name">
      <span class="head">{name.slice(0, cut)}</span>
      <span class="tail">{name.slice(cut)}</span>
    </span>
  );
}

export function Note(props: {
  readonly tone: "quiet" | "error";
  readonly children: ComponentChildren;
}): JSX.Element {
  return (
    <div class={`note ${props.tone}`} role={props.tone === "error" ? "alert" : "status"}>
      {props.children}
    </div>
  );
}

const ICONS = {
  copy: "M16 1H4a2 2 0 0 0-2 2v14h2V3h12V1zm3 4H8a2 2 0 0 0-2 2v14a2 2 0 0 0 2 2h11a2 2 0 0 0 2-2V7a2 2 0 0 0-2-2zm0 16H8V7h11v14z",
  chevron: "M8.6 16.6 13.2 12 8.6 7.4 10 6l6 6-6 6z",
  search:
    "M15.5 14h-.8l-.3-.3a6.5 6.5 0 1 0-.7.7l.3.3v.8l5 5 1.5-1.5-5-5zm-6 0a4.5 4.5 0 1 1 0-9 4.5 4.5 0 0 1 0 9z",
  download: "M19 9h-4V3H9v6H5l7 7 7-7zM5 18v2h14v-2H5z",
} as const;

export function Icon(props: { readonly name: keyof typeof ICONS }): JSX.Element {
  return (
    <svg class="icon" viewBox="0 0 24 24" aria-hidden="true">
      <path d={ICONS[props.name]} />
    </svg>
  );
}

interface Part {
  readonly code: boolean;
  readonly text: string;
}

// `quoted`, 'quoted', "quoted", a/b/c:0, name:0, file.py:57, module.function(...)
const CODE =
  /`([^`]+)`|'([^'\s]+)'|"([^"\s]+)"|(?:[\w.-]+\/)+[\w.-]*[\w](?::\d+)?|[A-Za-z_]\w*:\d+\b|[\w/.-]+\.py:\d+|\b[a-z_]\w*(?:\.\w+)+(?:\([^()]*\))?/g;

export function splitCode(text: string): readonly Part[] {
  const parts: Part[] = [];
  let last = 0;
  for (const match of text.matchAll(CODE)) {
    if (match.index > last) {
      parts.push({ code: false, text: text.slice(last, match.index) });
    }
    parts.push({ code: true, text: match[1] ?? match[2] ?? match[3] ?? match[0] });
    last = match.index + match[0].length;
  }
  if (last < text.length) {
    parts.push({ code: false, text: text.slice(last) });
  }
  return parts;
}

async function copyText(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    // TensorBoard is often opened over plain http from another machine, where
    // the clipboard is out of reach; the old way works there.
    const area = document.createElement("textarea");
    area.value = text;
    area.style.position = "fixed";
    area.style.opacity = "0";
    document.body.append(area);
    area.select();
    const copied = document.execCommand("copy");
    area.remove();
    return copied;
  }
}
