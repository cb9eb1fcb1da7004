// SPDX-FileCopyrightText: 2026 The RegLoss authors
// SPDX-License-Identifier: Apache-2.0
/** Which tags of a run stand for which losses, and the form that chooses others. */
import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";

import type { FoundRole, Role, RunVerdict } from "../api/types";
import { usePanel } from "./context";
import { Badge, Choice } from "./parts";
import { firstDraft, roleTagsOf, saidOfAll, saidOfRun, withoutTag, withTag } from "./role_draft";
import type { Draft } from "./role_draft";

const SCOPES = ["all runs", "this run"] as const;
// A list of 10,000 options opens after a second.
const MOST_OPTIONS = 50;
const MOST_CANDIDATES = 8;

export function Roles(props: { readonly verdict: RunVerdict }): JSX.Element | null {
  const { run, roles } = props.verdict;
  const { store, loader } = usePanel();
  const [open, setOpen] = useState(false);
  const wasOpen = useRef(false);
  // What our own summaries log needs no choice.
  const sources = new Set(roles?.map(({ source }) => source));
  if (roles === null || (sources.has("declared") && !sources.has("given"))) {
    return null;
  }
  const given = store.roles.given.value;
  const close = (): void => {
    wasOpen.current = true;
    setOpen(false);
  };
  return (
    <div class="evidence-row">
      <dt>Tags</dt>
      <dd class="roles">
        {open ? (
          <Form run={run} roles={roles} onClose={close} />
        ) : (
          <>
            {roles.map((found) => (
              <Found
                key={found.role}
                found={found}
                onChoose={(tag) => {
                  const draft = withTag(firstDraft(roles, run, given), found.role, tag);
                  const tags = roleTagsOf(draft, roles, run, given);
                  loader.chooseTags(saidOfAll(given, run, roles, tags));
                }}
              />
            ))}
            <button
              type="button"
              class="link"
              // The keyboard goes on where it was.
              ref={(button) => {
                if (wasOpen.current) {
                  button?.focus();
                }
              }}
              onClick={() => {
                loader.loadTags(run);
                setOpen(true);
              }}
            >
              Choose tags
            </button>
          </>
        )}
      </dd>
    </div>
  );
}

function Found(props: {
  readonly found: FoundRole;
  readonly onChoose: (tag: string) => void;
}): JSX.Element | null {
  const { role, source, tags, candidates } = props.found;
  // The total loss is the sum of two others where nobody logs it.
  if (role === "total_loss" && tags.length + candidates.length === 0) {
    return null;
  }
  return (
    <span class="role" data-role={role}>
      {words(role)}{" "}
      {source === "ambiguous" ? (
        <>
          <Badge tone="unknown" text="ambiguous" />
          {candidates.slice(0, MOST_CANDIDATES).map((tag) => (
            <button
              type="button"
              class="tag"
              key={tag}
              title={`Take this tag as the ${words(role)}`}
              onClick={() => props.onChoose(tag)}
            >
              {tag}
            </button>
          ))}
        </>
      ) : tags.length === 0 ? (
        "not found"
      ) : (
        tags.map((tag, i) => (
          <span key={tag}>
            {i > 0 && "+ "}
            <code>{tag}</code>{" "}
          </span>
        ))
      )}
    </span>
  );
}

function Form(props: {
  readonly run: string;
  readonly roles: readonly FoundRole[];
  readonly onClose: () => void;
}): JSX.Element {
  const { store, loader } = usePanel();
  const { run, roles, onClose } = props;
  const given = store.roles.given.value;
  const [draft, setDraft] = useState(() => firstDraft(roles, run, given));
  const [scope, setScope] = useState<(typeof SCOPES)[number]>(
    run in given.runs ? "this run" : "all runs",
  );
  const known = store.tags.value.get(run);
  const tags = known?.state === "ready" ? known.value : [];
  const form = useRef<HTMLFormElement>(null);
  useEffect(() => form.current?.querySelector("input")?.focus(), []);
  const apply = (): void => {
    const said = roleTagsOf(draft, roles, run, given);
    loader.chooseTags(
      scope === "all runs" ? saidOfAll(given, run, roles, said) : saidOfRun(given, run, said),
    );
    onClose();
  };
  return (
    <form
      class="role-form"
      ref={form}
      aria-label="Tags of this run's losses"
      onSubmit={(event) => {
        event.preventDefault();
        apply();
      }}
      onKeyDown={(event) => {
        if (event.key === "Escape") {
          onClose();
        }
      }}
    >
      {roles.map((found) => (
        <Field key={found.role} found={found} draft={draft} tags={tags} onChange={setDraft} />
      ))}
      {known?.state === "failed" && <div class="field-error">{known.message}</div>}
      <div class="role-actions">
        <Choice label="Holds for" options={SCOPES} value={scope} onChange={setScope} />
        <button class="plain">Apply</button>
        <button type="button" class="plain" onClick={onClose}>
          Cancel
        </button>
        {roles.some(({ source }) => source === "given") && (
          <button
            type="button"
            class="plain"
            title="Forget what was chosen for this run and for all runs"
            onClick={() => {
              const rest = saidOfAll(given, run, [], {});
              loader.chooseTags(rest);
              onClose();
            }}
          >
            Reset
          </button>
        )}
      </div>
    </form>
  );
}

function Field(props: {
  readonly found: FoundRole;
  readonly draft: Draft;
  /** Of the run. */
  readonly tags: readonly string[];
  readonly onChange: (draft: Draft) => void;
}): JSX.Element {
  const { draft, tags, onChange } = props;
  const { role, candidates } = props.found;
  const [typed, setTyped] = useState("");
  const name = words(role);
  const chosen = draft[role];
  const wanted = typed.toLowerCase();
  const options = typed === "" ? tags : tags.filter((tag) => tag.toLowerCase().includes(wanted));
  const add = (tag: string): void => {
    if (tags.includes(tag)) {
      onChange(withTag(draft, role, tag));
      setTyped("");
    } else {
      setTyped(tag);
    }
  };
  return (
    <>
      <label for={`tag-${role}`}>{name}</label>
      <div class="tags">
        {chosen.map((tag) => (
          <button
            type="button"
            class={`tag chosen ${tags.length > 0 && !tags.includes(tag) ? "gone" : ""}`}
            key={tag}
            aria-label={`Remove ${tag} from the ${name}`}
            onClick={() => onChange(withoutTag(draft, role, tag))}
          >
            {tag} <span aria-hidden="true">{"\u00d7"}</span>
          </button>
        ))}
        {candidates
          .filter((tag) => !chosen.includes(tag))
          .slice(0, MOST_CANDIDATES)
          .map((tag) => (
            <button type="button" class="tag" key={tag} onClick={() => add(tag)}>
              {tag}
            </button>
          ))}
        <input
          id={`tag-${role}`}
          list={`tags-${role}`}
          ref={(input) =>
            input?.setCustomValidity(typed === "" ? "" : "No scalar of this run has this tag.")
          }
          placeholder={chosen.length === 0 ? "Search a tag" : "Add another: they are summed"}
          aria-invalid={typed !== "" && options.length === 0}
          spellcheck={false}
          autocomplete="off"
          value={typed}
          onInput={(event) => {
            // Somebody who picks from the list is done; who types may go on.
            const picks =
              !(event instanceof InputEvent) || event.inputType === "insertReplacementText";
            (picks ? add : setTyped)(event.currentTarget.value);
          }}
          onChange={(event) => add(event.currentTarget.value)}
          onKeyDown={(event) => {
            if (event.key === "Enter" && typed !== "") {
              event.preventDefault();
              add(typed);
            }
          }}
        />
        <datalist id={`tags-${role}`}>
          {options.slice(0, MOST_OPTIONS).map((tag) => (
            <option key={tag} value={tag} />
          ))}
        </datalist>
      </div>
    </>
  );
}

function words(role: Role): string {
  return role.replaceAll("_", " ");
}
