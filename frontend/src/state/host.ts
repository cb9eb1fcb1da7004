// SPDX-FileCopyrightText: 2026 The RegLoss authors
// SPDX-License-Identifier: Apache-2.0
/**
 * TensorBoard around us. A plugin is an iframe of the same origin; TensorBoard
 * says when it reloaded its data, and hands out what the address holds for us,
 * over a message channel of its experimental plugin interface.
 */

export interface HostEvents {
  /** The reload button or the auto-reload was at work. */
  readonly onReload: () => void;
  /** What the address holds under `p.regloss.`. */
  readonly onAddress: (address: Readonly<Record<string, unknown>>) => void;
}

interface Message {
  readonly type: string;
  readonly id: number;
  readonly payload: unknown;
  readonly error: null;
  readonly isReply: boolean;
}

const GET_ADDRESS = "experimental.GetURLPluginData";
const RELOAD_MESSAGES: readonly string[] = [
  "experimental.DataReloaded",
  "experimental.RunsChanged",
];

/** Opens the channel; without TensorBoard around (development) nobody answers, and nothing happens. */
export function connectHost(page: Window, events: HostEvents): void {
  if (page.parent === page) {
    return;
  }
  const channel = new MessageChannel();
  const port = channel.port1;
  const send = (message: Message): void => port.postMessage(JSON.stringify(message));
  port.onmessage = (event: MessageEvent<unknown>) => {
    const message = parse(event.data);
    if (message === null) {
      return;
    }
    if (message.isReply) {
      if (message.type === GET_ADDRESS && isRecord(message.payload)) {
        events.onAddress(message.payload);
      }
      return;
    }
    // TensorBoard waits for an answer to everything it says.
    send({ type: message.type, id: message.id, payload: null, error: null, isReply: true });
    if (RELOAD_MESSAGES.includes(message.type)) {
      events.onReload();
    }
  };
  page.parent.postMessage("experimental.bootstrap", "*", [channel.port2]);
  send({ type: GET_ADDRESS, id: 0, payload: null, error: null, isReply: false });
}

function parse(data: unknown): Message | null {
  try {
    const message: unknown = JSON.parse(String(data));
    return isRecord(message) && typeof message["type"] === "string"
      ? (message as unknown as Message)
      : null;
  } catch {
    return null;
  }
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}
