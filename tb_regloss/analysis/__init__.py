# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""What a run's graphs, values and declarations prove. A pure function of its facts.

The words, as everything here uses them:

- A *data loss* is what predictions cost against labels.
- A *regularization loss* is one penalty, a scalar: what a regularizer made of the
  variables that it *penalizes*. An *additional loss* depends on data and is none.
- The *regularization sum* is the sum of a run's regularization losses, the *total loss*
  that of the data loss and the regularization sum.
- The *optimized loss* is the scalar that is truly differentiated to update the variables.
  Where it differs from the total loss, a penalty may be missing.
- A *gradient port* is the input through which an update receives the gradient; in an
  optimizer that is written out in small ops, the tensor that enters its arithmetic.
- A *trained variable* is one whose update receives a gradient.
- A *multiplier* is the coefficient of a penalty's gradient at the gradient port over that
  of the data loss there: 1 once, as intended; 0 missing; 2 counted twice.
- *Decoupled weight decay* shrinks variables in the optimizer's own update: no loss.
- A *verdict*, on a run or on one regularization loss, is a status with its *evidence*.

Its parts, each built on those before it: `ops` knows what single ops mean, `graph` what
flows where, `values` what is computed at random points, `training` how variables are
updated, `losses` which scalars are penalties and what they add up to, `proofs` whether a
penalty's gradient arrives; `scalars` asks the logged values the same. The modules beside
them decide: `verdicts` joins all evidence, the others word it.
"""
