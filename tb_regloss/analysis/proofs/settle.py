# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""Joins what the gradient shows with what the sums of losses show.

The gradient proves that a penalty arrives, and with which coefficient next to
the part that comes from data. That part's own coefficient may be hidden inside
of backpropagation; the sums of losses show it. Where both speak they have to
agree.
"""

from __future__ import annotations

import functools

import numpy as np

from tb_regloss.analysis.graph.flow import Flow
from tb_regloss.analysis.losses import towers
from tb_regloss.analysis.losses.candidates import Candidates
from tb_regloss.analysis.losses.multiplier import Form, Sums
from tb_regloss.analysis.losses.penalties import Penalty
from tb_regloss.analysis.ops import sampled
from tb_regloss.analysis.ops.closeness import as_constant, close, is_whole
from tb_regloss.analysis.proofs.dead_ends import DeadEnds
from tb_regloss.analysis.proofs.links import Links
from tb_regloss.analysis.proofs.reach import Reach, agree
from tb_regloss.analysis.training import gradient, moves
from tb_regloss.analysis.training.clipping import Clipping
from tb_regloss.analysis.training.gradient import Gradients
from tb_regloss.analysis.training.updates import Update


class Settler:
    """Settles reach and multiplier of the penalties of one graph."""

    def __init__(
        self,
        flow: Flow,
        gradients: Gradients,
        found: Candidates,
        sums: Sums,
        chosen: dict[int, list[Update]],
    ) -> None:
        self._flow, self._gradients, self._found = flow, gradients, found
        self._chosen = chosen
        self.forms = [sums.form(top) for top in sums.tops()]
        self.losses = {node for node in sums.reached if flow.data[node]}
        self.optimized = None
        if found.optimized is not None:
            self.optimized = sums.form(found.optimized)
        self._towers = towers.Towers(flow, self.forms, found.data_losses)
        self._derivatives: dict[tuple[int, int, bool], gradient.Array] = {}
        for updates in chosen.values():
            for update in updates:
                gradients.received(update)
        self._links = Links(flow, found, gradients)
        self._dead_ends = DeadEnds(flow, found, gradients, self._links, chosen)
        self._clipping = Clipping(flow)

    def number(self, penalty: Penalty) -> int:
        """Returns a penalty's class."""
        return self._found.classes[penalty.node]

    def forms_with(self, number: int) -> list[Form]:
        """Returns the sums that a penalty is part of and that pass its gradient on."""
        found = [f for f in self.forms if number in f.penalties and number not in f.is_cut]
        # What has no data beside it is the gradient of a factor of the penalty.
        return [form for form in found if form.data] or found

    def is_in_value(self, number: int) -> bool:
        """Whether a penalty is part of the value of a loss."""
        return any(form.holds(number) for form in self.forms)

    def cut(self, number: int) -> int | None:
        """Returns the op that keeps a penalty's gradient from a loss, `None` if there is none."""
        forms = [self.optimized] if self.optimized is not None else self.forms
        for form in forms:
            if number in form.is_cut:
                return form.is_cut[number]
        inside = self._links.cut_inside(number)
        return inside

    def is_blocked(self, penalty: Penalty) -> bool:
        """Whether a penalty that arrives nowhere is in the optimized loss's value all the same."""
        number = self._found.classes[penalty.node]
        if self.optimized is not None:
            return self.optimized.holds(number)
        if not self.is_in_value(number):
            return False
        return self.cut(number) is not None or self._is_cancelled(penalty, number)

    def _is_cancelled(self, penalty: Penalty, number: int) -> bool:
        """Whether backpropagation runs through a penalty, but is multiplied by 0 there.

        So does a custom gradient: nothing in the forward pass shows it.
        """
        return self._is_linked(penalty, number)

    def reach(self, penalty: Penalty, variable: int) -> Reach:
        """Returns whether a penalty arrives at the updates of a variable."""
        found = [self._reach_update(penalty, variable, u) for u in self._chosen[variable]]
        first = found[0]
        if all(agree(reach, first) for reach in found):
            return first
        if any(reach.is_unknown for reach in found):
            return next(reach for reach in found if reach.is_unknown)
        nodes = [update.node for update in self._chosen[variable]]
        if moves.all_run(self._flow, nodes):
            return _of_a_step([reach for reach in found if reach.is_reached])
        names = [self._flow.graph.names[node] for node in nodes]
        return Reach(
            is_unknown=True,
            obstacle=f"{names[0]!r} and {names[-1]!r} update the same variable and disagree; "
            "nothing tells which of them runs",
        )

    def _reach_update(self, penalty: Penalty, variable: int, update: Update) -> Reach:
        found = self._reach_ports(penalty, variable, update)
        if close(found.multiplier, 1.0):
            return found
        number = self.number(penalty)
        before = self._clipping.before(update, self._links.strengths(number))
        if before is None or not (found.multiplier is None or before.is_decayed):
            return found
        inner = self._reach_ports(penalty, variable, before.update)
        if inner.multiplier is None or before.is_own:
            return found if inner.multiplier is None else inner
        # A decay by hand that is the penalty's own gradient is the penalty once more.
        more = None if found.multiplier is None else found.multiplier - inner.multiplier
        if inner.is_reached:
            return found if more is not None and is_whole(more) else inner
        if more is None or is_whole(more) or self.forms_with(number):
            return found
        text = "something is added to its gradient by hand that may be a part of it, or a decay"
        return Reach(is_unknown=True, obstacle=text)

    def _reach_ports(self, penalty: Penalty, variable: int, update: Update) -> Reach:
        number = self._found.classes[penalty.node]
        if number < 0:
            return self._reach_of_data(penalty, number, update)
        is_flat = False
        for dense in (False, True):
            mine = self._derivative(penalty.node, number, variable, dense)
            if not np.isfinite(mine).all() or not mine.any():
                is_flat |= bool(np.isfinite(mine).all())
                continue
            received = self._gradients.received(update, dense)
            if not gradient.is_zero(received.penalty, mine):
                break
            # Equal elements minus their mean only seem to cancel out; different ones do.
            if dense or not self._links.passes(update, self._gradients.cancelled):
                return self._absent(penalty, number, variable, update)
        else:
            # What is flat where it was looked at has no gradient to be seen there.
            beside = functools.partial(self._others, number, variable)
            if not is_flat and self._dead_ends.is_left_out(number, update, beside):
                return self._absent(penalty, number, variable, update)
            return self._by_links(penalty, number, "its derivative could not be evaluated")
        if not np.isfinite(received.penalty).all():
            return self._by_links(penalty, number, "the gradient could not be evaluated")
        others = self._others(number, variable, dense)
        absolute = gradient.fit(received.penalty, {number: mine, **others})
        relative = None
        if np.isfinite(received.data).all() and received.data.all():
            relative = gradient.fit(received.penalty / received.data, {number: mine, **others})
        if absolute is None and relative is None:
            form = self._form_received(number, received, {number: mine, **others})
            if form is not None:
                return Reach(is_reached=True, multiplier=self._towers.ratio(form, number))
            for once in self._gradients.once_around(received.data):
                found = gradient.fit(received.penalty / once, {number: mine, **others})
                if found is not None and found[number]:
                    return Reach(is_reached=True)  # How often data's part is added up varies.
            # Penalties that are multiples of each other cannot be told apart by
            # numbers; then one of them may explain everything alone.
            absolute = gradient.fit(received.penalty, {number: mine})
            if absolute is None or not self._is_explained_by(number, variable):
                return self._unfitted(penalty, number)
        factors = [found[number] for found in (absolute, relative) if found is not None]
        if not any(factors):
            return self._absent(penalty, number, variable, update)
        return self._settle(
            number,
            None if absolute is None else absolute[number],
            None if relative is None else relative[number],
            received.data,
            update,
        )

    def _form_received(
        self, number: int, received: gradient.Received, derivatives: dict[int, gradient.Array]
    ) -> Form | None:
        """Returns the sum whose gradient is received as it is, factors that vary included.

        So is a loss with a dynamic loss scale, where the optimizer divides by it later.
        """
        for form in self.forms_with(number):
            terms = {
                its: np.broadcast_to(derivative * form.penalties[its], (sampled.DRAWS,))
                for its, derivative in derivatives.items()
                if its in form.penalties
            }
            found = gradient.fit(received.penalty, terms)
            if found is not None and close(found[number], 1.0):
                return form
        return None

    def _is_explained_by(self, number: int, variable: int) -> bool:
        """Whether no other penalty on a variable is part of any loss."""
        return not any(
            self.forms_with(self._found.classes[other.node])
            for other in self._found.by_variable.get(variable, ())
            if self._found.classes[other.node] != number
        )

    def _derivative(self, node: int, number: int, variable: int, dense: bool) -> gradient.Array:
        key = (number, variable, dense)
        if key not in self._derivatives:
            self._derivatives[key] = self._gradients.derivative(node, variable, dense)
        return self._derivatives[key]

    def _others(self, number: int, variable: int, dense: bool) -> dict[int, gradient.Array]:
        """Returns the derivatives of the other penalties on a variable."""
        found = {}
        for other in self._found.by_variable.get(variable, ()):
            its = self._found.classes[other.node]
            if its == number or its < 0 or its in found:
                continue
            derivative = self._derivative(other.node, its, variable, dense)
            if np.isfinite(derivative).all() and derivative.any():
                found[its] = derivative
        return found

    def _absent(self, penalty: Penalty, number: int, variable: int, update: Update) -> Reach:
        """Returns "not reached" where no way into the gradient was left unfollowed."""
        graph = self._flow.graph
        private = self._links.private(penalty, number) & self._links.hidden
        if private:
            name = graph.names[min(private)]
            return Reach(
                is_unknown=True, obstacle=f"{name!r} enters a gradient in a way not followed"
            )
        node = self._links.unfollowed_use(variable, update)
        if node is not None:
            text = f"{graph.names[node]!r} ({graph.ops[node]}) joins the variable and its gradient"
            return Reach(is_unknown=True, obstacle=text)
        node = self._links.updated_apart(number, variable, update)
        if node is not None:
            text = f"{graph.names[node]!r} updates the variable once more, with its constants"
            return Reach(is_unknown=True, obstacle=text)
        if self._links.has_loops(penalty) and self.forms_with(number):
            return Reach(is_unknown=True, obstacle="it is computed in a loop")
        return Reach(multiplier=0.0)

    def _unfitted(self, penalty: Penalty, number: int) -> Reach:
        """Decides where a gradient holds penalties, but in no constant proportion."""
        if self.forms_with(number) and self._is_linked(penalty, number):
            return Reach(is_reached=True, multiplier=self._form_ratio(number))
        return Reach(is_unknown=True, obstacle="its share of the gradient is not a constant")

    def _by_links(self, penalty: Penalty, number: int, obstacle: str) -> Reach:
        """Decides by connection where numbers could not be had."""
        if self.forms_with(number) and self._is_linked(penalty, number):
            return Reach(is_reached=True, multiplier=self._form_ratio(number))
        return Reach(is_unknown=True, obstacle=obstacle)

    def _is_linked(self, penalty: Penalty, number: int) -> bool:
        return bool(self._links.private(penalty, number) & self._links.inside)

    def _reach_of_data(self, penalty: Penalty, number: int, update: Update) -> Reach:
        """Decides for a penalty that depends on data, an activity regularizer."""
        if not self.forms_with(number):
            return Reach(multiplier=0.0)
        private = self._links.private(penalty, number)
        if not private:
            return Reach(is_unknown=True, obstacle="it depends on data and has no op of its own")
        if private & self._links.inside:
            return Reach(is_reached=True, multiplier=self._form_ratio(number))
        return Reach(multiplier=0.0)

    def _form_ratio(self, number: int) -> float | None:
        forms = self.forms_with(number)
        scales = {self._towers.inner_scale(form) for form in forms}
        if scales - {None, 1.0} and any(map(self._towers.has_state, forms)):
            return None  # Keras puts one over its replicas into the data loss, too.
        ratios = {self._towers.ratio(form, number) for form in forms}
        if len(ratios) > 1 and self.optimized is not None and number in self.optimized.penalties:
            return self._towers.ratio(self.optimized, number)
        return ratios.pop() if len(ratios) == 1 else None

    def _without_common(self, relative: float) -> float | None:
        """Returns a multiplier without the factor that the whole loss has.

        The penalty is in a sum that could not be followed; others tell the factor.
        """
        if not self.forms or close(relative, 1.0):
            return relative
        factors = {self._towers.common(form) for form in self.forms}
        factor = factors.pop() if len(factors) == 1 else None
        return relative / factor if factor else None

    def _settle(
        self,
        number: int,
        absolute: float | None,
        relative: float | None,
        data: gradient.Array,
        update: Update,
    ) -> Reach:
        """Picks the multiplier on which gradient and sums agree."""
        seen = [value for value in (relative, absolute) if value is not None]
        forms = self.forms_with(number)
        if self.optimized is not None and number in self.optimized.penalties:
            # What is done with the optimized loss later is for a report.
            mine = self.optimized.data.keys()
            forms = [self.optimized if f.data.keys() == mine else f for f in forms]
        # Of several sums, that which is differentiated as it is comes first: data that is
        # used twice looks like data that is scaled.
        forms.sort(key=lambda f: not close(as_constant(f.penalties[number]), absolute))
        if self._links.depends_on_sizes(number, update.variable):
            return Reach(is_reached=True, multiplier=self._form_ratio(number))
        outer = as_constant(data)
        for form in forms:
            inner, whole = self._towers.inner_scale(form), as_constant(form.penalties[number])
            # A loss scale makes numbers larger; 1/2 is a mean over two towers.
            if inner is None or inner <= 1:
                # Keras puts it into the data loss itself, and its replicas' shares add up.
                is_share = inner and whole and inner < 0.75 and close(whole / inner, absolute)
                if is_share and any(map(self._towers.has_state, forms)):
                    return Reach(is_reached=True)
                continue
            if close(inner, whole) and any(close(whole, value) for value in seen):
                return Reach(is_reached=True, multiplier=1.0)
            if outer is not None and close(inner * outer, 1.0):
                return Reach(is_reached=True, multiplier=absolute)
        if not forms and relative is not None:
            # A weight that is used twice looks like two replicas' whose gradients are added up.
            is_twice = outer is not None and outer > 1.5 and is_whole(outer)
            if absolute and is_twice and not close(relative, 1.0):
                is_counted = self._gradients.is_counted(outer)
                return Reach(is_reached=True, multiplier=relative if is_counted else None)
            return Reach(is_reached=True, multiplier=self._without_common(relative))
        for form in forms if close(relative, absolute) else ():
            mean = self._towers.mean_of_copies(form, number)
            if mean is not None and close(mean[0], relative):
                return Reach(is_reached=True, multiplier=mean[0] / mean[1])
        for form in forms:
            for choice in self._towers.choices(form, number, absolute, update):
                if any(close(choice, value) for value in seen):
                    return Reach(is_reached=True, multiplier=choice)
        for form in forms:
            ratio = self._towers.ratio(form, number)
            whole = as_constant(form.penalties[number])
            if ratio is not None and any(close(whole, value) for value in seen):
                return Reach(is_reached=True, multiplier=ratio)
        for form in forms:
            # A factor of the whole loss is in the penalty's gradient; in data's part
            # it hides in backpropagation.
            common = self._towers.common(form)
            for choice in self._towers.choices(form, number, absolute, update):
                if common is not None and close(choice * common, absolute):
                    return Reach(is_reached=True, multiplier=choice)
        if absolute is None and any(self._towers.is_open(f, number, relative) for f in forms):
            return Reach(is_reached=True)
        for form in forms:
            whole, ratio = as_constant(form.penalties[number]), self._towers.ratio(form, number)
            if not whole or ratio is None:
                continue
            # Behind a factor that varies, each term of data is a part of its own.
            terms = as_constant(sampled.sum_arrays(list(form.data.values())))
            is_share = absolute is None and terms and close(whole / terms, relative)
            if is_share or (absolute and self._links.shares(absolute / whole)):
                return Reach(is_reached=True, multiplier=ratio)
        if relative is not None and close(relative, absolute):
            return Reach(is_reached=True, multiplier=relative)
        for form in forms:
            # What a network uses more than once gets data's part as often.
            for choice in self._towers.choices(form, number, absolute, update):
                times = choice / relative if absolute is None and relative else 0.0
                if times > 1 and is_whole(times):
                    return Reach(is_reached=True, multiplier=choice)
        is_assumed = self._flow.variables.by_node[update.variable].is_assumed
        if not seen or (is_assumed and forms):
            return Reach(is_reached=True, multiplier=self._form_ratio(number))
        # Data's part is scaled by what varies (a number of steps), the penalty is not.
        is_counted = relative is None and not self._gradients.is_uncounted(data)
        return Reach(is_reached=True, multiplier=absolute if is_counted else None)


def _of_a_step(reached: list[Reach]) -> Reach:
    """Joins updates that one step runs all, of which some get a penalty, each on its own loss.

    What these losses weigh together is no number, but a share stays less than one.
    """
    share = reached[0].multiplier if all(agree(r, reached[0]) for r in reached) else None
    if share is None or close(share, 1.0):
        return Reach(is_reached=True)
    if share < 1:
        return Reach(is_reached=True, multiplier=share)
    return Reach(is_unknown=True, obstacle="some of the updates of one step get it, and not once")
