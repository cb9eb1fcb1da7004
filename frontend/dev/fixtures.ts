// SPDX-FileCopyrightText: 2026 The RegLoss authors
// SPDX-License-Identifier: Apache-2.0
/** Made-up runs for `npm run dev`: every status once, odd names, NaN, and as many more as asked for. */

type Json = Readonly<Record<string, unknown>>;

export interface FixtureRun {
  readonly row: Json;
  readonly verdict: Json;
  readonly losses: Json;
  readonly matrix: Json;
}

interface Case {
  readonly run: string;
  readonly status: string;
  readonly severity: string | null;
  readonly headline: string | null;
  readonly multiplier: number | null;
  readonly included: number;
  readonly total: number;
  readonly decay: number;
  readonly breaks?: "nan" | "infinity" | "explosion";
  readonly relatedTo?: string;
}

const MISSING = "36 of 36 regularization losses never reach the loss that is optimized";
const INCLUDED = "All 36 regularization losses reach the loss that is optimized";

function make(
  run: string,
  status: string,
  severity: string | null,
  headline: string | null,
  multiplier: number | null,
  included: number,
  total: number,
  decay: number,
  more: Partial<Case> = {},
): Case {
  return { run, status, severity, headline, multiplier, included, total, decay, ...more };
}

const CASES: readonly Case[] = [
  make("bug/weight_decay=0.1", "missing", "error", MISSING, 0, 0, 36, 0.1),
  make("bug/weight_decay=0.001", "missing", "error", MISSING, 0, 0, 36, 0.02),
  make("fixed/weight_decay=0.1", "included", "ok", INCLUDED, 1, 36, 36, 0.1),
  make("fixed/weight_decay=0.001", "included", "ok", INCLUDED, 1, 36, 36, 0.02),
  make(
    "towers",
    "double_counted",
    "error",
    "Every regularization loss counts 4 times",
    4,
    0,
    36,
    0.05,
  ),
  make(
    "gan",
    "scaled",
    "warning",
    "36 regularization losses reach it at half their strength",
    0.5,
    0,
    36,
    0.06,
  ),
  make(
    "eager_old",
    "unknown",
    "unknown",
    "No graph in the log, and the scalars carry no proof",
    null,
    0,
    0,
    0.03,
  ),
  make(
    "transfer",
    "partial",
    "error",
    "24 of 36 regularization losses never reach the loss that is optimized",
    null,
    12,
    36,
    0.05,
  ),
  make(
    "stopped",
    "blocked",
    "error",
    "Their value is in the loss, their gradient is cut",
    0,
    0,
    36,
    0.04,
    { breaks: "nan" },
  ),
  make("adamw", "decoupled", "ok", "The optimizer decays weights itself", null, 0, 0, 0),
  make("plain", "no_regularization", "ok", "Nothing is regularized", null, 0, 0, 0, {
    breaks: "infinity",
  }),
  make(
    "eval",
    "not_training",
    "unknown",
    "An evaluation: nothing is trained here",
    null,
    0,
    0,
    0.1,
    {
      relatedTo: "fixed/weight_decay=0.1",
    },
  ),
  make("exploding", "included", "ok", INCLUDED, 1, 36, 36, 0.05, { breaks: "explosion" }),
  make(
    "<script>alert(\"1\")</script>/\u043f\u0440\u043e\u0431\u0435\u0433 \u8bd5\u9a8c 'x'",
    "pending",
    null,
    null,
    null,
    0,
    0,
    0.05,
  ),
];

export function makeRuns(more: number): ReadonlyMap<string, FixtureRun> {
  const cases = [...CASES];
  for (let i = 0; i < more; i++) {
    const kind = CASES[i % 4] as Case;
    cases.push({ ...kind, run: `sweep/${String(i)}/${kind.run}` });
  }
  return new Map(cases.map((item, i) => [item.run, fixture(item, i)]));
}

function fixture(of: Case, seed: number): FixtureRun {
  const steps = Array.from({ length: 500 }, (_, i) => i * 2);
  const random = generator(seed + 1);
  const used = of.status === "missing" || of.status === "blocked" ? 0 : (of.multiplier ?? 1);
  const data = steps.map((step) => {
    const fall = Math.exp(-step / (used === 0 ? 220 : 300));
    return 0.28 + used * of.decay * 3 + 2.1 * fall + (random() - 0.5) * 0.12;
  });
  const regularization = steps.map((step) =>
    used === 0 ? of.decay * (6.2 + step * 0.0025) : of.decay * (1.8 + 4.4 * Math.exp(-step / 250)),
  );
  for (let i = 0; i < steps.length; i++) {
    if (of.breaks === "nan" && i > 380) {
      data[i] = NaN;
    } else if (of.breaks === "infinity" && i % 90 === 40) {
      data[i] = Infinity;
    } else if (of.breaks === "explosion" && i > 480) {
      data[i] = 10 ** (i - 470);
    }
  }
  const optimized = data.map((value, i) => value + used * (regularization[i] ?? 0));
  const none = of.total === 0 && of.status !== "unknown";
  const series = (tag: string, values: readonly number[]): Json => ({
    steps,
    wall_times: steps.map((step) => 1_795_000_000 + seed * 4000 + step * 1.7),
    values,
    tags: [tag],
  });
  const row = {
    version: 1,
    run: of.run,
    status: of.status,
    severity: of.severity,
    headline: of.headline,
    coverage: { included: of.included, total: of.total, unknown: 0 },
    related_to: of.relatedTo ?? null,
  };
  const losses = Array.from({ length: of.total }, (_, i) => {
    const included = i >= of.total - of.included;
    const layer = i === 0 ? "Conv" : i === of.total - 1 ? "Logits" : `expanded_conv_${i}/expand`;
    return {
      name: `MobilenetV2/${layer}/kernel/Regularizer/l2_regularizer:0`,
      variables: [`MobilenetV2/${layer}/weights`],
      status: of.status === "partial" ? (included ? "included" : "missing") : of.status,
      multiplier: of.status === "partial" ? (included ? 1 : 0) : of.multiplier,
      value: i === 3 ? 0 : 0.0031 * (1 + ((i * 7) % 11)),
      created_at: `mobilenet.py:${41 + i}`,
      kind: "l2",
      strength: 0.001,
      text: `Its value goes to MobilenetV2/${layer}/kernel/Regularizer/l2_regularizer and no op consumes it.`,
    };
  });
  return {
    row,
    verdict: {
      ...row,
      path: `logs/${of.run}`,
      argument: "logs",
      losses: {
        data_loss: data.at(-1),
        regularization_sum: 0.3,
        total_loss: 1,
        optimized_loss: 1,
        step: 998,
      },
      regularization_losses: losses,
      findings:
        of.status === "missing"
          ? [
              {
                code: "unpenalized",
                severity: "warning",
                text: "MobilenetV2/Conv_1/weights is trained and of the same kind, and has no penalty.",
              },
            ]
          : [],
      evidence: evidence(of),
      fix:
        of.status === "missing"
          ? {
              framework: "tf1-slim",
              text: "Hand the total loss to the train op, not the cross entropy.",
              code: "- train_op = slim.learning.create_train_op(cross_entropy, opt)\n+ loss = tf.compat.v1.losses.get_total_loss()\n+ train_op = slim.learning.create_train_op(loss, opt)\n",
            }
          : null,
    },
    losses: {
      data_loss: series("regloss/data_loss", data),
      regularization_sum: none ? null : series("regloss/regularization_sum", regularization),
      total_loss: null,
      optimized_loss: series("regloss/optimized_loss", optimized),
    },
    matrix: {
      version: 1,
      run: of.run,
      steps,
      names: losses.map((loss) => loss.name),
      values: losses.map((_loss, i) =>
        steps.map((step) => 0.003 * Math.exp(-step / (200 + i * 20))),
      ),
    },
  };
}

function evidence(of: Case): readonly Json[] {
  if (of.status !== "missing") {
    return [{ kind: "graph", status: of.status, text: of.headline ?? "" }];
  }
  return [
    {
      kind: "graph",
      status: "missing",
      text: "The loss that is differentiated is Mean:0; none of 36 regularization losses is among its inputs.",
      frontier: ["MobilenetV2/Conv/kernel/Regularizer/l2_regularizer"],
      path: [
        "sparse_softmax_cross_entropy_loss/value",
        "Mean",
        "gradients/Mean_grad/truediv",
        "a/b/c",
        "a/b/d",
        "a/b/e",
        "a/b/f",
        "Momentum/update_conv/ApplyMomentum",
      ],
    },
    {
      kind: "scalars",
      status: "missing",
      text: "optimized = 1.000 \u00b7 data + 0.000 \u00b7 regularization (99%: \u00b10.002, 500 steps)",
    },
    {
      kind: "declared",
      status: "included",
      text: "The optimized loss is Mean:0, train.py:57; the total loss was never built.",
    },
  ];
}

// Small, seeded: the same picture at every start.
function generator(seed: number): () => number {
  let state = seed * 2654435761;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}
