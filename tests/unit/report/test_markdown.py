# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""The Markdown report: what it says, how long it gets, names that are markup."""

from __future__ import annotations

import pytest

from tb_regloss import report
from tb_regloss.report import markdown
from tb_regloss.report.baseline import Baseline
from tb_regloss.report.markdown_text import block, code, prose
from tb_regloss.report.outcome import outcome_of
from tests.unit.report.runs import a_loss, a_run
from tests.unit.report.test_text import FACTS, VERDICT


def test_everything_of_a_faulty_run_is_told() -> None:
    run = report.run_object(FACTS, VERDICT, "logs") | {"headline": "1 of 2 never reaches it"}
    found = markdown.document(outcome_of(["logs"], [run], run["problems"]))
    assert (
        found
        == """\
## RegLoss: 1 of 1 run is at fault

| status | run | included | what was found |
| --- | --- | ---: | --- |
| **partial** | `train` | 1 of 2 | 1 of 2 never reaches it |

### `train`: partial

1 of 2 never reaches it

Last logged: data loss 0.31, regularization sum NaN at step 1.

| status | multiplier | regularization loss | variables | created at |
| --- | ---: | --- | --- | --- |
| missing | 0 | `dense/l2:0` | `dense/w` | `model.py:42` |
| included | 1 | `conv/l2:0` | `conv/w` |  |

- graph: It ends at `dense/l2`.
- warning: All are equal.
- Found by their tags.

**Fix.** Add the collection.

```diff
loss = tf.losses.get_total_loss()
print(loss)
```

### Not read

- `logs/train/x`: It ends within a record.
"""
    )


def test_the_loudest_come_first_and_only_they_have_details() -> None:
    runs = [
        a_run("fine", status="included"),
        a_run("unclear", status="unknown"),
        a_run("odd", status="scaled"),
        a_run("bad"),
        a_run("both", status="included"),
    ]
    runs[4]["findings"] = [{"code": "c", "severity": "warning", "text": "Both act."}]
    lines = markdown.document(outcome_of(["logs"], runs)).splitlines()
    assert lines[0] == "## RegLoss: 2 of 5 runs are at fault"
    names = [line.split("`")[1] for line in lines if line.startswith("| ") and "`" in line]
    assert names == ["bad", "odd", "unclear", "fine", "both"]
    heads = [line for line in lines if line.startswith("### ")]
    assert heads == ["### `bad`: missing", "### `odd`: scaled", "### `both`: included"]


@pytest.mark.parametrize(
    ("statuses", "heading"),
    [
        ([], "no run was found"),
        (["included"], "none of 1 run is at fault"),
        (["included", "unknown"], "none of 2 runs are at fault"),
        (["missing", "included"], "1 of 2 runs is at fault"),
    ],
)
def test_headings(statuses: list[str], heading: str) -> None:
    runs = [a_run(str(i), status=status) for i, status in enumerate(statuses)]
    found = markdown.document(outcome_of(["logs"], runs))
    assert found.splitlines()[0] == f"## RegLoss: {heading}"


def test_what_the_baseline_knows_is_marked() -> None:
    run = a_run("train", [a_loss("a")])
    more = a_run("train", [a_loss("a"), a_loss("b")])
    baseline = Baseline("known.json", (run,))
    found = markdown.document(outcome_of(["logs"], [run], baseline=baseline))
    assert "| **missing** (known) | `train` |" in found
    assert "Baseline known.json: 1 known, 0 new, 0 of its faults gone." in found
    found = markdown.document(outcome_of(["logs"], [more], baseline=baseline))
    assert "| **missing** (1 known) | `train` |" in found
    assert "| missing (known) | - | `a` |" in found
    assert "| missing | - | `b` |" in found


def test_it_fits_into_a_comment_and_counts_what_it_leaves_out() -> None:
    losses = [a_loss("scope/" * 10 + f"l{i}") for i in range(36)]
    runs = [a_run(f"sweep/{i}", losses, headline="word " * 30) for i in range(1000)]
    problems = [{"path": f"logs/{i}", "message": "It is damaged."} for i in range(500)]
    found = markdown.document(outcome_of(["logs"], runs, problems))
    assert len(found) < 65_536
    assert "\n950 more runs: 950 missing.\n" in found
    assert "\n26 more are left out.\n" in found
    assert "\nThe details of 990 more runs are left out.\n" in found
    assert "\n- 480 more\n" in found


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("conv_1/kernel:0", "`conv_1/kernel:0`"),
        ("@octocat #12 <b> *x*", "`@octocat #12 <b> *x*`"),
        ("a|b", "<code>a&#124;b</code>"),
        ("a`b", "<code>a&#96;b</code>"),
        ("a\\|b", "<code>a&#92;&#124;b</code>"),
        (" a_b ", "<code> a&#95;b </code>"),
        ("a\x1b\n", "<code>a&#92;x1b&#92;n</code>"),
        ("", "<code></code>"),
    ],
)
def test_names_are_code(name: str, written: str) -> None:
    assert code(name) == written


@pytest.mark.parametrize(
    ("text", "written"),
    [
        (
            "It is 0.5 of 3, 'as' meant (99%: +-0.001)!",
            "It is 0.5 of 3, 'as' meant (99%: +-0.001)!",
        ),
        ("optimized = 1.000 x data + 0.5 x b", "optimized = 1.000 x data + 0.5 x b"),
        ("'a/b' and \"c_d\" disagree.", "`a/b` and `c_d` disagree."),
        ("Ask @octocat about #12, www.x.org", "Ask `@octocat` about `#12`, `www.x.org`"),
        ("<script> a|b", "`<script>` <code>a&#124;b</code>"),
        ("1. is no list", "1&#46; is no list"),
        ("+ is no list", "&#43; is no list"),
        ("two\nlines", "two lines"),
    ],
)
def test_sentences(text: str, written: str) -> None:
    assert prose(text) == written


def test_code_cannot_end_its_block() -> None:
    assert block("a\n```\nb\x1b", "diff") == "````diff\na\n```\nb\\x1b\n````"
