// SPDX-FileCopyrightText: 2026 The RegLoss authors
// SPDX-License-Identifier: Apache-2.0
/** The regularization losses of the run in focus. */
import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { Fragment } from "preact";
import { useMemo, useState } from "preact/hooks";

import type { RegularizationLoss } from "../api/types";
import { formatMultiplier, formatNumber, formatShare, NO_VALUE, plural } from "../base/format";
import { compileFilter } from "../base/search";
import { lossBadge, statusTone } from "./badge_text";
import { usePanel } from "./context";
import { filterRows, lossRows, sortRows } from "./loss_rows";
import type { Column, LossRow, Sorting } from "./loss_rows";
import { Badge, Icon, Prose } from "./parts";
import { Sparkline } from "./sparkline";
import { usePaged } from "./use_paged";

const PAGE = 100;
const COLUMNS: readonly (readonly [Column, string, boolean])[] = [
  ["penalizes", "Penalizes", false],
  ["kind", "Kind", false],
  ["verdict", "Verdict", false],
  ["multiplier", "Multiplier", true],
  ["value", "Value", true],
  ["share", "Share", true],
  ["created", "Created at", false],
];

export function LossTable(props: {
  readonly run: string;
  readonly losses: readonly RegularizationLoss[];
}): JSX.Element | null {
  const { loader, store } = usePanel();
  const [sorting, setSorting] = useState<Sorting>({ column: null, descending: false });
  const typed = useSignal("");
  const [open, setOpen] = useState<ReadonlySet<number>>(new Set());
  const matcher = compileFilter(typed.value);
  const rows = useMemo(() => lossRows(props.losses), [props.losses]);
  const sorted = useMemo(() => sortRows(rows, sorting), [rows, sorting]);
  const listed = matcher.ok && typed.value !== "" ? filterRows(sorted, matcher.value) : sorted;
  const [count, end] = usePaged<HTMLTableRowElement>(listed.length, PAGE);
  if (rows.length === 0) {
    return null;
  }
  const sortBy = (column: Column): void => {
    const again = sorting.column === column;
    setSorting(
      again && sorting.descending
        ? { column: null, descending: false }
        : { column, descending: again },
    );
  };
  const toggle = (index: number): void => {
    const next = new Set(open);
    if (!next.delete(index)) {
      next.add(index);
      if (!store.matrices.value.has(props.run)) {
        loader.loadMatrix(props.run);
      }
    }
    setOpen(next);
  };
  return (
    <section class="card losses" aria-label="Regularization losses">
      <header>
        <h2>{plural(rows.length, "regularization loss", "regularization losses")}</h2>
        {listed.length !== rows.length && <span class="subtitle">{listed.length} listed</span>}
        <label class="search">
          <Icon name="search" />
          <input
            type="text"
            placeholder="Filter (regex)"
            aria-label="Filter regularization losses by regular expression"
            aria-invalid={!matcher.ok}
            spellcheck={false}
            value={typed.value}
            onInput={(event) => (typed.value = event.currentTarget.value)}
          />
        </label>
      </header>
      {!matcher.ok && (
        <div class="field-error" role="status">
          Not a regular expression: {matcher.message}
        </div>
      )}
      <div class="table-frame">
        <table>
          <thead>
            <tr>
              {COLUMNS.map(([column, title, right]) => (
                <th
                  key={column}
                  class={right ? "number" : ""}
                  aria-sort={ariaSort(sorting, column)}
                >
                  <button type="button" onClick={() => sortBy(column)}>
                    {title}
                    <span class="sort" aria-hidden="true">
                      {sorting.column === column ? (sorting.descending ? "\u2193" : "\u2191") : ""}
                    </span>
                  </button>
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {listed.slice(0, count).map((row) => (
              <Fragment key={row.index}>
                <Row row={row} open={open.has(row.index)} onToggle={() => toggle(row.index)} />
                {open.has(row.index) && <Opened run={props.run} loss={row.loss} />}
              </Fragment>
            ))}
            <tr ref={end} class="end" aria-hidden="true" />
          </tbody>
        </table>
      </div>
      {listed.length === 0 && <p class="none">No regularization loss fits the filter.</p>}
    </section>
  );
}

function Row(props: {
  readonly row: LossRow;
  readonly open: boolean;
  readonly onToggle: () => void;
}): JSX.Element {
  const { row } = props;
  const { loss } = row;
  return (
    <tr class={`loss ${props.open ? "open" : ""}`} onClick={props.onToggle}>
      <td class="penalizes">
        <button
          type="button"
          aria-expanded={props.open}
          title={row.penalizes}
          onClick={(event) => {
            event.stopPropagation();
            props.onToggle();
          }}
        >
          <Icon name="chevron" />
          <span>{row.penalizes}</span>
        </button>
      </td>
      <td>{row.kind === "" ? NO_VALUE : row.kind}</td>
      <td>
        <Badge tone={statusTone(loss.status)} text={lossBadge(loss)} />
      </td>
      <td class="number">{formatMultiplier(loss.multiplier)}</td>
      <td class="number">{formatNumber(loss.value)}</td>
      <td class="number">{formatShare(row.share)}</td>
      <td class="created">{loss.createdAt === null ? NO_VALUE : <code>{loss.createdAt}</code>}</td>
    </tr>
  );
}

function Opened(props: { readonly run: string; readonly loss: RegularizationLoss }): JSX.Element {
  const { store } = usePanel();
  const { loss } = props;
  const matrix = store.matrices.value.get(props.run);
  const values = matrix?.state === "ready" ? matrix.value.byName.get(loss.name) : undefined;
  return (
    <tr class="opened">
      <td colSpan={COLUMNS.length}>
        <div class="opened-body">
          <dl>
            <dt>Name</dt>
            <dd>
              <code>{loss.name}</code>
            </dd>
            {loss.variables.length > 1 && (
              <>
                <dt>Penalizes</dt>
                <dd class="names">
                  {loss.variables.map((name) => (
                    <code key={name}>{name}</code>
                  ))}
                </dd>
              </>
            )}
            <dt>Evidence</dt>
            <dd>
              {loss.text === "" ? "See the run's evidence above." : <Prose text={loss.text} />}
            </dd>
          </dl>
          <div class="opened-series">
            {matrix?.state === "ready" && values && values.length > 0 ? (
              <Sparkline steps={matrix.value.steps} values={values} />
            ) : (
              <span class="subtitle">
                {matrix?.state === "loading"
                  ? "Loading its series\u2026"
                  : matrix?.state === "failed"
                    ? matrix.message
                    : "Its own series was not logged"}
              </span>
            )}
          </div>
        </div>
      </td>
    </tr>
  );
}

function ariaSort(sorting: Sorting, column: Column): "ascending" | "descending" | "none" {
  if (sorting.column !== column) {
    return "none";
  }
  return sorting.descending ? "descending" : "ascending";
}
