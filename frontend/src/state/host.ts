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
