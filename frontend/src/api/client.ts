// SPDX-FileCopyrightText: 2026 The RegLoss authors
// SPDX-License-Identifier: Apache-2.0
/** The routes of the backend. */
import { fail, ok } from "../base/result";
import type { Result } from "../base/result";
import {
  decodeError,
  decodeLosses,
  decodeLossMatrix,
  decodeNames,
  decodeRunList,
  decodeTags,
  decodeVerdict,
} from "./decode";
import { address, rolesText } from "./address";
import type { GivenRoles, LossesAnswer, LossMatrix, RunList, RunVerdict } from "./types";

/** An answer, or why there is none; `code` is the backend's (`not_found`, ...) where it sent one. */
export type Answer<T> = Result<T> & { readonly code?: string };

export interface Client {
  /** The same value again where the text of the answer is the same again. */
  runs(): Promise<Answer<RunList>>;
  /** All runs as TensorBoard lists them, in its order. */
  tensorBoardRuns(): Promise<Answer<readonly string[]>>;
  verdict(run: string): Promise<Answer<RunVerdict>>;
  losses(runs: readonly string[]): Promise<Answer<LossesAnswer>>;
  regularizationLosses(run: string): Promise<Answer<LossMatrix>>;
  /** The tags of all scalars of a run. */
  tags(run: string): Promise<Answer<readonly string[]>>;
}

export type Fetch = (url: string, init?: RequestInit) => Promise<Response>;

// A cold verdict on the largest graphs takes a few seconds.
const LONGEST_ANSWER_MS = 120_000;

/** @param given what was said of the runs' tags, at the time of each request. */
export function createClient(request: Fetch, given: () => GivenRoles): Client {
  const roles = (): string => rolesText(given());
  return {
    runs: remembering(
      (body) => decodeRunList(body),
      request,
      () => address("runs", { roles: roles() }),
    ),
    tensorBoardRuns: remembering(
      (body) => decodeNames(body),
      request,
      () => "../../runs",
    ),
    verdict: (run) => ask(request, address("verdict", { run, roles: roles() }), {}, decodeVerdict),
    losses: (runs) =>
      ask(
        request,
        "losses",
        {
          method: "POST",
          headers: { "Content-Type": "application/json" },
          body: JSON.stringify({ runs, roles: given() }),
        },
        decodeLosses,
      ),
    regularizationLosses: (run) =>
      ask(request, address("regularization_losses", { run }), {}, decodeLossMatrix),
    tags: (run) => ask(request, address("tags", { run }), {}, decodeTags),
  };
}

// Polling mostly brings the same text again: the same value then, so that
// nothing that hangs on it is computed or drawn again.
function remembering<T>(
  decode: (body: unknown) => Result<T>,
  request: Fetch,
  addressNow: () => string,
): () => Promise<Answer<T>> {
  let last: { text: string; answer: Answer<T> } | null = null;
  return async () => {
    const url = addressNow();
    const answer = await askText(request, url, {});
    if (!answer.ok) {
      return answer;
    }
    if (last === null || last.text !== answer.value) {
      last = { text: answer.value, answer: parse(answer.value, url, decode) };
    }
    return last.answer;
  };
}

async function ask<T>(
  request: Fetch,
  url: string,
  init: RequestInit,
  decode: (body: unknown) => Result<T>,
): Promise<Answer<T>> {
  const answer = await askText(request, url, init);
  return answer.ok ? parse(answer.value, url, decode) : answer;
}

async function askText(request: Fetch, url: string, init: RequestInit): Promise<Answer<string>> {
  const route = url.split("?")[0] ?? url;
  let response: Response;
  let body: string;
  try {
    // Without an end a request that got lost would stop the panel for good.
    const signal = AbortSignal.timeout(LONGEST_ANSWER_MS);
    response = await request(url, { ...init, signal, credentials: "same-origin" });
    body = await response.text();
  } catch {
    return fail(`TensorBoard does not answer (${route}). Is it still running?`);
  }
  if (response.ok) {
    return ok(body);
  }
  const error = decodeError(json(body));
  return error === null
    ? fail(`TensorBoard answers ${response.status} ${response.statusText} (${route}).`)
    : { ...fail<string>(error.message), code: error.code };
}

function parse<T>(body: string, url: string, decode: (body: unknown) => Result<T>): Answer<T> {
  const value = json(body);
  return value === undefined
    ? fail(`TensorBoard's answer is no JSON (${url.split("?")[0]}).`)
    : decode(value);
}

function json(body: string): unknown {
  try {
    return JSON.parse(body) as unknown;
  } catch {
    return undefined;
  }
}
