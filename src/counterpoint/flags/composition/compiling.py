"""Compiles plans to plain flagd JSON. The same definition and plans always give the same JSON.

A planned flag decides in this order; its `defaultVariant` is what whoever is not enrolled gets:

1. killed: the default variant for all, without a rule;
2. prerequisites: each parent's rule written out, with the parent's salt;
3. overrides;
4. the enrolled: drawable, in no holdout, in the audience, in the flag's slot of its layer;
5. the split: treatment [0, ramp), the measured control [total - size, total), between them the default.
"""

from collections.abc import Collection, Mapping
from typing import Any, Final

from counterpoint.errors import Problem, escape
from counterpoint.flags.bucketing import Bucketing
from counterpoint.flags.composition.checks import arms_salt, control_of, faults_of
from counterpoint.flags.composition.clauses import (
    TIME,
    all_of,
    any_of,
    draw,
    drawn_within,
    negated,
    size_of,
    usable,
)
from counterpoint.flags.composition.documents import flags_in, with_flags
from counterpoint.flags.composition.evaluators import Evaluators
from counterpoint.flags.composition.parents import plain_condition
from counterpoint.flags.composition.plan import (
    SUBJECT,
    TOTAL,
    Composition,
    CompositionError,
    FlagPlan,
    salt_of,
)

__all__ = ["MOST_LEVELS", "MOST_VALUES", "compiled"]

MOST_VALUES: Final = 10_000
"""Values of a compiled rule: prerequisites are written out, and several on several double at each level."""
MOST_LEVELS: Final = 200
"""Levels of JSON of a compiled rule; a prerequisite adds about eight."""


def compiled(
    definition: Mapping[str, Any],
    composition: Composition,
    bucketing: Bucketing = "v2",
    *,
    only: Collection[str] | None = None,
) -> dict[str, Any]:
    """The definition with the rule of each planned flag, and the evaluators that these share.

    Args:
        definition: flagd's JSON; flags without a plan stay as they are.
        composition: the plans.
        bucketing: that of the flag set.
        only: the flags to compile where the others have not changed; see `built_on`.

    Raises:
        CompositionError: plans contradict each other or the definition, or a rule is beyond the limits.
    """
    faults = [*faults_of(composition)]
    if not faults:
        compiler = _Compiler(definition, composition, bucketing)
        flags = {key: compiler.flag(key) for key in composition.flags if only is None or key in only}
        faults = compiler.faults
    if faults:
        count = "1 problem" if len(faults) == 1 else f"{len(faults)} problems"
        raise CompositionError(
            f"The composition is refused as a whole: {count}. Nothing was changed.", faults
        )
    evaluators = compiler.evaluators.document(definition, flags, all_planned=only is None)
    return with_flags(definition, flags, evaluators)


class _Compiler:
    def __init__(self, definition: Mapping[str, Any], composition: Composition, bucketing: Bucketing) -> None:
        self.composition = composition
        self.bucketing = bucketing
        self.evaluators = Evaluators(composition)
        self.faults: list[Problem] = []
        self._definition = definition
        self._known = flags_in(definition)
        self._bodies: dict[tuple[str, bool], Any] = {}

    def refuse(self, message: str, key: str, *parts: str) -> None:
        self.faults.append(
            Problem(message, "/".join(["", "flags", *(escape(part) for part in (key, *parts))]))
        )

    def flag(self, key: str) -> dict[str, Any]:
        """The flag as flagd has it; what the plan says nothing of is kept."""
        plan, known = self.composition.flags[key], self._known.get(key, {})
        self.check(key, plan)
        flag = {**known, "state": known.get("state", "ENABLED"), "variants": self.variants(key)}
        flag["defaultVariant"] = plan.default
        flag["targeting"] = {} if plan.killed else self.body(key)
        size, levels = size_of(flag["targeting"])
        if size > MOST_VALUES or levels > MOST_LEVELS:
            self.refuse(
                f"The compiled rule has {size:,} values on {levels} levels; {MOST_VALUES:,} on {MOST_LEVELS} are the most. Prerequisites are written out with their overrides: let fewer flags build on each other, and make a segment of long lists.",
                key,
                "prerequisites",
            )
            flag["targeting"] = {}
        return flag

    def variants(self, key: str) -> Mapping[str, Any]:
        plan = self.composition.flags.get(key)
        if plan and plan.variants is not None:
            return plan.variants
        variants = self._known.get(key, {}).get("variants")
        return variants if isinstance(variants, Mapping) else {}

    def check(self, key: str, plan: FlagPlan) -> None:
        variants = self.variants(key)
        if not variants:
            self.refuse(f"There is no flag {key!r} yet. Give the plan `variants` to make it.", key)
            return
        if plan.bucketing not in (None, self.bucketing) and not plan.killed:
            self.refuse(
                f"The plan was begun with the bucketing {plan.bucketing}, and the flag set has {self.bucketing}, which would draw everybody anew. Set the set's bucketing back; or write `bucketing: {self.bucketing}` in the plan, to have them drawn anew.",
                key,
                "bucketing",
            )
        named = [("default", plan.default), ("control", plan.control)]
        named += [("treatments", name) for name in plan.treatments]
        named += [("overrides", name) for name in plan.overrides]
        for where, name in named:
            if name is not None and name not in variants:
                self.refuse(
                    f"There is no variant {name!r}; the flag has {', '.join(map(repr, variants))}.",
                    key,
                    where,
                )
        if plan.control is not None and plan.control in variants and plan.default in variants:
            ours, theirs = variants[plan.default], variants[plan.control]
            if (ours, type(ours)) != (theirs, type(theirs)):
                self.refuse(
                    f"The measured control must have the value of {plan.default!r}, to be like those who are not enrolled.",
                    key,
                    "control",
                )

    def body(self, key: str, *, full: bool = False) -> Any:
        """What the flag's rule comes to: the name of a variant; for whoever is not enrolled null, or, when
        `full`, the default's name."""
        if (key, full) not in self._bodies:
            self._bodies[key, full] = self._body(key, self.composition.flags[key], full=full)
        return self._bodies[key, full]

    def _body(self, key: str, plan: FlagPlan, *, full: bool) -> Any:
        needed = all_of(self.parent(key, index) for index in range(len(plan.prerequisites)))
        if needed is False:
            return plan.default if full else {}
        enrolled = self.enrolled(key, plan)
        rest = [plan.default] if full else []
        overrides = [
            part
            for variant, subjects in plan.overrides.items()
            for part in ({"in": [{"var": SUBJECT}, list(subjects)]}, variant)
        ]
        if not overrides or needed is True:
            return {"if": [*overrides, all_of([needed, enrolled]), self.split(key, plan), *rest]}
        return {"if": [needed, {"if": [*overrides, enrolled, self.split(key, plan), *rest]}, *rest]}

    def enrolled(self, key: str, plan: FlagPlan) -> Any:
        """Whether a subject takes part in the split at all."""
        conditions = [usable(plan.bucket_by)]
        conditions += [negated(self.evaluators.held_out(name)) for name in plan.holdouts]
        if audience := plan.audience:
            if audience.segments:
                conditions.append(any_of([self.evaluators.segment(name) for name in audience.segments]))
            conditions += [negated(self.evaluators.segment(name)) for name in audience.excluded]
            if audience.rule is not None:
                conditions.append(audience.rule)
        if slot := plan.slot:
            layer = self.composition.layers[slot.layer]
            conditions.append(usable(layer.bucket_by))
            conditions.append(drawn_within(layer.salt, layer.bucket_by, slot.start, slot.end))
        return all_of(conditions)

    def split(self, key: str, plan: FlagPlan) -> Any:
        """The split at the ramp of the moment: the latest change whose second has come."""
        now = self.shares(key, plan, plan.ramp)
        if not plan.schedule:
            return now
        steps = [
            part
            for change in reversed(plan.schedule)
            for part in ({">=": [TIME, change.at]}, self.shares(key, plan, change.ramp))
        ]
        return {"if": [*steps, now]}

    def shares(self, key: str, plan: FlagPlan, ramp: int) -> Any:
        """The split at one ramp. Treatment comes first and control last, so that both grow into the middle."""
        control = control_of(plan, ramp)
        arms = list(plan.treatments.items())
        arm = arms[0][0] if len(arms) == 1 else draw(arms_salt(key, plan), plan.bucket_by, arms)
        entries = [(arm, ramp), (plan.default, TOTAL - ramp - control)]
        if plan.control is not None:
            entries.append((plan.control, control))
        return draw(salt_of(key, plan), plan.bucket_by, entries)

    def parent(self, key: str, index: int) -> Any:
        """Whether a parent gives the variant that is needed; True or False where that is known."""
        need = self.composition.flags[key].prerequisites[index]
        variants, known = self.variants(need.flag), self._known.get(need.flag, {})
        where = ("prerequisites", str(index))
        if not variants:
            self.refuse(f"There is no flag {need.flag!r}.", key, *where, "flag")
            return False
        if need.variant not in variants:
            message = f"The flag {need.flag!r} has no variant {need.variant!r}; it has {', '.join(map(repr, variants))}."
            self.refuse(message, key, *where, "variant")
            return False
        if known.get("state") == "DISABLED":
            return False  # it gives no variant at all
        plan = self.composition.flags.get(need.flag)
        if plan is None:
            try:
                return plain_condition(need, known, self._definition, self.bucketing)
            except ValueError as error:
                self.refuse(str(error), key, *where)
                return False
        if plan.killed:
            return need.variant == plan.default
        body = self.body(need.flag, full=need.variant == plan.default)
        return _is(body, need.variant)


def _is(body: Any, variant: str) -> Any:
    if isinstance(body, str) or body == {}:
        return body == variant
    return {"===": [body, variant]}
