// SPDX-FileCopyrightText: 2026 The RegLoss authors
// SPDX-License-Identifier: Apache-2.0
/**
 * TensorBoard around us. A plugin is an iframe of the same origin; TensorBoard
 * says when it reloaded its data over a message channel of its experimental
 * plugin interface.
 */

interface Message {
  readonly type: string;
  readonly id: number;
  readonly isReply: boolean;
}

const RELOAD_MESSAGES: readonly string[] = [
  "experimental.DataReloaded",
  "experimental.RunsChanged",
];
const ADDRESS_PREFIX = "p.regloss.";

/** Calls back when the reload button or the auto-reload was at work. */
export function onHostReload(page: Window, reload: () => void): void {
  if (page.parent === page) {
    return;
  }
  const { port1, port2 } = new MessageChannel();
  port1.onmessage = (event: MessageEvent<unknown>) => {
    const message = parse(event.data);
    if (message === null || message.isReply) {
      return;
    }
    // TensorBoard waits for an answer to everything it says.
    const { type, id } = message;
    port1.postMessage(JSON.stringify({ type, id, payload: null, error: null, isReply: true }));
    if (RELOAD_MESSAGES.includes(type)) {
      reload();
    }
  };
  page.parent.postMessage("experimental.bootstrap", "*", [port2]);
}

/**
 * What TensorBoard's address holds for us: `#regloss&p.regloss.run=train`.
 *
 * Read from the address itself: the message that is meant for it
 * (`experimental.GetURLPluginData`) is answered with nothing by TensorBoard 2.21.
 */
export function readAddress(page: Window): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  try {
    for (const [key, value] of new URLSearchParams(page.parent.location.hash.slice(1))) {
      if (key.startsWith(ADDRESS_PREFIX)) {
        found.set(key.slice(ADDRESS_PREFIX.length), value);
      }
    }
  } catch {
    // A page of another origin does not show its address.
  }
  return found;
}

/**
 * Writes one value of ours into TensorBoard's address, `""` takes it out. It is
 * what a person shares; TensorBoard itself leaves what it does not know alone.
 */
export function writeAddress(page: Window, name: string, value: string): void {
  try {
    const { history, location } = page.parent;
    const own = `${ADDRESS_PREFIX}${name}=`;
    const parts = location.hash
      .split(/[#&]/)
      .filter((part) => part !== "" && !part.startsWith(own));
    if (value !== "") {
      // TensorBoard reads the tab from the part without a value.
      if (page.parent !== page && parts.every((part) => part.includes("="))) {
        parts.unshift("regloss");
      }
      parts.push(own + encodeURIComponent(value));
    }
    // In full: against the page's base a bare fragment is another page.
    const { pathname, search } = location;
    history.replaceState(history.state, "", `${pathname}${search}#${parts.join("&")}`);
  } catch {
    // A page of another origin keeps its address.
  }
}

/** Calls back when somebody put another address of ours into the page that is open. */
export function onAddress(page: Window, changed: () => unknown): void {
  try {
    page.parent.addEventListener("hashchange", changed);
  } catch {
    // A page of another origin.
  }
}

function parse(data: unknown): Message | null {
  try {
    const message: unknown = JSON.parse(String(data));
    return typeof message === "object" && message !== null && "type" in message
      ? (message as Message)
      : null;
  } catch {
    return null;
  }
}
