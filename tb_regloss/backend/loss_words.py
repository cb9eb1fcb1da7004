# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""What the words in a tag say about a loss: one vocabulary, patterns without code.

Patterns are regular expressions for a whole tag, in any scope, after twins
(`x (raw)`, `x_1`) have been reduced to one tag `x`. Which readings are right
how often was counted in the public programs of
tests/unit/backend/public_tags.md.
"""

from __future__ import annotations

import dataclasses

# The name of a regularization loss or of their sum; said by nothing else.
SURE_PENALTY = (
    r"(?i)(?:.*/)?(?:"
    r"(?:total_)?regul[a-z]*(?:_loss(?:es)?|_cost|_term|_sum)?|regu_loss|regular_weights"
    r"|(?:total_)?reg_l[12]_(?:loss(?:es)?|cost|term)"
    r"|l2_reg(?:ulari[sz](?:ation|er|e))?(?:_loss(?:es)?|_cost|_term)?"
    r"|(?:reg|weight|l2)_penalty|(?:wd|weight_decay)_(?:loss|cost|term)|decay_loss|loss_regul[a-z]*"
    r"|weights?_reg(?:_loss)?|loss(?:es)?/(?:wd|weight_decay)"
    r")"
)


@dataclasses.dataclass(frozen=True)
class Doubtful:
    """A name that regularization shares with something else.

    Attributes:
      pattern: the name.
      against: words in the names of other losses beside which it is in doubt.
      taken: words in another loss's name that say that the other reading has a
        name of its own, so that there is no doubt.
      reading: what else it may be.
      alone: whether it is regularization beside a total with no other loss.
    """

    pattern: str
    against: str
    taken: str | None
    reading: str
    alone: bool = False


def _words(words: str) -> str:
    return f"(?i)(?<![a-z])(?:{words})(?![a-z])"


DOUBTFUL_PENALTIES = (
    Doubtful(
        pattern=r"(?i)(?:.*/)?(?:(?:train(?:ing)?_)?(?:total_)?reg_(?:loss(?:es)?|cost|term)"
        r"|loss_reg|loss(?:es)?/reg|train(?:ing)?[_/]reg)",
        against=_words(
            r"cls|cla|class\w*|conf\w*|obj\w*|hm|hmap|heat\w*|wh|w_h|centerness|ctr|offset|seg\w*|dice|iou"
            r"|binary|instance|image_loss|dir\w*|traj\w*|dist|var|phase|surv\w*|pde|ortho\w*|ssi|vnl|sim"
            r"|smooth\w*|kld?|kdl|[gd]"
        ),
        taken=_words(
            r"(?:loc|location|localization|b?box|boxes|giou|landm\w*|regr|regress\w*)(?:_?loss)?\d*$"
        ),
        reading="a regression (of boxes, say), a part of the data loss",
        alone=True,
    ),
    Doubtful(
        pattern=r"(?i)(?:.*/)?(?:train(?:ing)?_)?l2_(?:loss(?:es)?|cost)",
        against=_words(
            r"l1|lpips|perc\w*|ssim|recon\w*|kld?|kdl|wasserstein|hinge|disc\w*|gen\w*|adv\w*|[dg]|gan"
            r"|smooth\w*|cycle|edge\w*|grad\w*|style|content|identity|mapping|log|unlabelled|mi|tc"
        ),
        taken=None,
        reading="a distance of the prediction, a part of the data loss",
    ),
    Doubtful(
        pattern=r"(?i)(?:.*/)?weights?_loss",
        against=_words(r"actor|critic|policy|sparsity|smooth\w*|tv"),
        taken=None,
        reading="the loss of other weights, of samples, say",
    ),
    Doubtful(
        pattern=r"(?i)(?:.*/)?(?:loss_l2|loss(?:es)?/l2|train(?:ing)?[_/]l2)",
        against="",
        taken=None,
        reading="a distance of the prediction, a part of the data loss",
    ),
)
ANY_PENALTY = (SURE_PENALTY, *(doubtful.pattern for doubtful in DOUBTFUL_PENALTIES))

# Says of itself that it is the sum of all losses; the best first.
TOTALS = (
    r"(?i)(?P<scope>(?:.*/)?)(?:(?:(?:train(?:ing)?|epoch|batch)_)?tot(?:al)?_?"
    r"(?:loss|cost|objective)|(?:loss|cost)_total)",
    r"(?i)(?P<scope>(?:.*/)?loss(?:es)?/)(?:total|full|all|overall|final)",
    r"(?i)(?P<scope>(?:.*/)?)(?:(?:final|overall|full|all|sum|combined)_(?:loss|cost)|loss_all)",
)
# The loss where there is no total.
BARE_OPTIMIZED = (
    r"(?i)(?:.*/)?(?:optimi[sz]ed_loss|objective)",
    r"(?i)(?P<scope>train(?:ing)?[_/])(?:loss|cost)",
    r"(?i)(?P<scope>(?:.*/)?)(?:loss(?:es)?|cost)",
    r"(?i)(?P<scope>(?:.*/)?loss(?:es)?/)train(?:ing)?",
)
# Likewise, where no other loss stands beside it.
LONE_OPTIMIZED = r"(?i)(?:.*/)?(?:running|avg|average|mean|batch|step|iter)_?(?:loss|cost)"
BARE = (
    r"(?i)(?:.*/)?(?:(?:train(?:ing)?|running|avg|average|epoch|batch|step|iter)_?)?"
    r"(?:loss(?:es)?|cost)"
)

# Estimators log the optimized loss by this name, and leave this trace beside it.
OPTIMIZED_BY_ESTIMATORS, OF_ESTIMATORS = "loss", "global_step/sec"

# Any loss, as against what measures something else.
LOSS_LIKE = (
    r"(?i)(?:.*/)?(?:[^/]*(?:loss(?:es)?|cost|cross_?entropy|xent(?:ropy)?)|nll|[^/]*_nll"
    r"|reconstruction_error)(?:/value)?"
    r"|(?!.*(?:ratio|weight(?!ed)|scale|decay|norm|grad|r1_|accura|clip|rate|reward|psnr))"
    r"(?!.*(?:/lr|(?<![a-z])m?iou)$)(?:.*/)?(?:[^/]*loss(?![a-z])[^/]*|loss(?:es)?/.+)"
)
# The data loss as a whole, even where its parts are logged beside it.
WHOLE_DATA = (
    r"(?i)(?:.*/)?(?:(?:data|main|task|det|model|label|inference|raw)_(?:loss|cost)"
    r"|(?:loss|cost)_(?:without_reg\w*|raw)|loss(?:es)?/(?:data|main|inference|train_raw"
    r"|prior_regularization))"
)
# The data loss even if no other part of it is logged, nor a penalty.
LIKELIHOOD = _words(
    r"cross_?entropy|xent(?:ropy)?|softmax|nll|b?ce|mse|cls|class\w*|task|data|main|td"
)
# Never the data loss alone: it stands beside a likelihood or a reconstruction.
DIVERGENCE = r"(?i)(?:.*[/_])?(?:kld?|kdl|kullback\w*|latent)(?:_.*)?"
# Not parts of one sum: losses of several players, or sums themselves.
NO_PARTS = _words(
    r"[dgf]|disc\w*|gen|generator|adv\w*|critic|actor|policy|value|pg|vf|surr|entropy_loss|total"
)
