// SPDX-FileCopyrightText: 2026 The RegLoss authors
// SPDX-License-Identifier: Apache-2.0
/** The warning badge: what is wrong with the run in focus, why, and what to do. */
import type { JSX } from "preact";
import { useState } from "preact/hooks";

import type { Evidence, EvidenceDetail, Finding, Fix, RunVerdict } from "../api/types";
import { exportUrl } from "../api/address";
import { runBadge, runTone, STATUS_WORDS, statusTone } from "./badge_text";
import type { Tone } from "./badge_text";
import { usePanel } from "./context";
import { codeToCopy, fixLines } from "./fix_code";
import { Badge, CopyButton, Icon, Note, Prose } from "./parts";
import { Roles } from "./roles";

const KINDS: Readonly<Record<string, string>> = {
  graph: "Graph",
  scalars: "Scalars",
  declared: "Declared",
  keras_config: "Keras config",
};
const SHORT_PATH = 6;

export function VerdictCard(props: { readonly run: string }): JSX.Element {
  const { store, loader } = usePanel();
  const verdict = store.verdicts.value.get(props.run) ?? { state: "loading" as const };
  const row = store.byName.value.get(props.run);
  switch (verdict.state) {
    case "loading":
      return (
        <section class="card verdict pending" aria-busy="true" aria-label="Verdict">
          <header>
            <Badge tone="pending" text="checking" />
            <h2>Reading the graph and the losses of this run</h2>
            <span class="verdict-run">{props.run}</span>
          </header>
          <div class="skeleton" />
          <div class="skeleton short" />
        </section>
      );
    case "failed":
      return (
        <section class="card verdict unknown" aria-label="Verdict">
          <header>
            <Badge tone="unknown" text={verdict.code === "not_found" ? "gone" : "no answer"} />
            <h2>
              {verdict.code === "not_found"
                ? "This run is no longer in the log directory"
                : "The verdict could not be loaded"}
            </h2>
            <span class="verdict-run">{props.run}</span>
          </header>
          <p>{verdict.message}</p>
          <button type="button" class="plain" onClick={() => loader.retryVerdict(props.run)}>
            Try again
          </button>
        </section>
      );
    case "ready":
      return (
        <Ready
          // The list may be ahead of the verdict for a moment.
          verdict={
            row?.status === "pending" ? { ...verdict.value, status: "pending" } : verdict.value
          }
        />
      );
  }
}

function Ready({ verdict }: { readonly verdict: RunVerdict }): JSX.Element {
  const tone = runTone(verdict);
  const given = usePanel().store.roles.given.value;
  return (
    <section class={`card verdict ${tone}`} aria-label="Verdict" data-status={verdict.status}>
      <header>
        <Badge tone={tone} text={runBadge(verdict)} />
        <h2>
          <a href={`verdicts#${verdict.status}`} target="_blank" title="What this means">
            {verdict.headline ?? "No verdict yet"}
          </a>
        </h2>
        <span class="verdict-run" title={verdict.path}>
          {verdict.run}
        </span>
        <span class="export">
          <Icon name="download" />
          <a href={exportUrl(verdict.run, "csv", given)} download>
            CSV
          </a>
          <a href={exportUrl(verdict.run, "json", given)} download>
            JSON
          </a>
        </span>
      </header>
      {verdict.relatedTo !== null && (
        <Note tone="quiet">
          Belongs to the training run <RunLink run={verdict.relatedTo} /> and is not judged alone.
        </Note>
      )}
      <div class="verdict-body">
        <div class="why">
          <dl class="evidence">
            {verdict.evidence.map((item, i) => (
              <EvidenceRow key={i} evidence={item} agrees={agrees(item, verdict)} />
            ))}
            <Roles key={verdict.run} verdict={verdict} />
          </dl>
          {verdict.findings.length > 0 && (
            <ul class="findings" aria-label="Findings">
              {verdict.findings.map((finding) => (
                <FindingRow key={finding.code + finding.text} finding={finding} />
              ))}
            </ul>
          )}
          {verdict.notes.length > 0 && (
            <ul class="notes" aria-label="Notes">
              {verdict.notes.map((note) => (
                <li key={note}>
                  <Prose text={note} />
                </li>
              ))}
            </ul>
          )}
        </div>
        {verdict.fix !== null && <FixBlock fix={verdict.fix} />}
      </div>
    </section>
  );
}

function RunLink(props: { readonly run: string }): JSX.Element {
  const { store, loader } = usePanel();
  return (
    <button
      type="button"
      class="link"
      onClick={() => {
        loader.keepChoice();
        store.focused.value = props.run;
      }}
    >
      {props.run}
    </button>
  );
}

// Evidence that says something else than the verdict is marked; evidence that
// cannot tell is no disagreement.
function agrees(evidence: Evidence, verdict: RunVerdict): boolean {
  return evidence.status === "unknown" || evidence.status === verdict.status;
}

function EvidenceRow(props: {
  readonly evidence: Evidence;
  readonly agrees: boolean;
}): JSX.Element {
  const { evidence } = props;
  // What the sentence says already is not said again.
  const details = evidence.details.filter(
    ({ items }) => items.length > 1 || !evidence.text.includes(items[0] ?? ""),
  );
  return (
    <div class="evidence-row" data-kind={evidence.kind}>
      <dt>{KINDS[evidence.kind] ?? evidence.kind}</dt>
      <dd>
        <Prose text={evidence.kind === "scalars" ? asFormula(evidence.text) : evidence.text} />
        {!props.agrees && (
          <>
            {" "}
            <Badge
              tone={statusTone(evidence.status)}
              text={`says ${STATUS_WORDS[evidence.status]}`}
            />
          </>
        )}
        {details.length > 0 && (
          <div class="details">
            {details.map((detail) => (
              <Detail key={detail.label} detail={detail} />
            ))}
          </div>
        )}
      </dd>
    </div>
  );
}

function Detail({ detail }: { readonly detail: EvidenceDetail }): JSX.Element {
  const [open, setOpen] = useState(false);
  const { items } = detail;
  const long = items.length > SHORT_PATH;
  const shown = long && !open ? [...items.slice(0, 2), null, ...items.slice(-3)] : items;
  return (
    <div class={items.length > 1 ? "detail chain" : "detail"}>
      {detail.label}{" "}
      {shown.map((item, i) => (
        <span key={i} class="hop">
          {i > 0 && <span class="arrow"> {"\u2192"} </span>}
          {item === null ? (
            <button type="button" class="link" onClick={() => setOpen(true)}>
              {items.length - 5} more
            </button>
          ) : (
            <Name text={item} />
          )}
        </span>
      ))}
    </div>
  );
}

// Most details are names of ops, some are words.
function Name({ text }: { readonly text: string }): JSX.Element {
  return text.includes(" ") ? <span>{text}</span> : <code>{text}</code>;
}

function asFormula(text: string): string {
  return text.replaceAll(" x ", " \u00b7 ").replaceAll("+-", "\u00b1");
}

const FINDING_WORDS: Readonly<Record<Finding["severity"], string>> = {
  ok: "note",
  unknown: "note",
  warning: "warning",
  error: "problem",
};

function FindingRow({ finding }: { readonly finding: Finding }): JSX.Element {
  const tone: Tone = finding.severity === "ok" ? "quiet" : finding.severity;
  return (
    <li>
      <Badge tone={tone} text={FINDING_WORDS[finding.severity]} />
      <span>
        <Prose text={finding.text} />
      </span>
    </li>
  );
}

function FixBlock({ fix }: { readonly fix: Fix }): JSX.Element {
  return (
    <div class="fix">
      <div class="fix-head">
        <span class="fix-title">
          Fix{fix.framework !== "" && <span class="framework"> {fix.framework}</span>}
        </span>
        {fix.code !== "" && <CopyButton text={codeToCopy(fix.code)} />}
      </div>
      {fix.text !== "" && (
        <p>
          <Prose text={fix.text} />
        </p>
      )}
      {fix.code !== "" && (
        <pre tabIndex={0} aria-label="Code of the fix">
          {fixLines(fix.code).map((line, i) => (
            <div key={i} class={line.kind}>
              {line.text}
            </div>
          ))}
        </pre>
      )}
    </div>
  );
}
