"""The engine against a naive reading of every tier, and what must hold of any reading of them."""

from __future__ import annotations

from random import Random

from hypothesis import given, note
from hypothesis import strategies as st

from console.policy.verdict import Outcome
from tests.policy.asking import ask, checked, compared, engine_of, questioned
from tests.policy.oracle_tiers import ALLOWED, BLOCKED, oracle_tiers
from tests.policy.strategies import Connection as Asked
from tests.policy.strategies import Raw
from tests.policy.strategies_tiers import tiered_worlds


def folded(answers: set[str]) -> Outcome | None:
    """One outcome of the answers per family; None where there is none to compare with."""
    if not answers:
        return None
    if len(answers) == 1:
        return Outcome(next(iter(answers)))
    return Outcome.PARTIAL if {ALLOWED, BLOCKED} <= answers else Outcome.UNKNOWN


@compared
@given(questioned(tiered_worlds()))
def test_the_engine_agrees_with_a_naive_reading_of_every_tier(world: tuple[list[Raw], list[Asked]]) -> None:
    objects, questions = world
    engine = engine_of(objects)
    for question in questions:
        verdict = ask(engine, question)
        expected = folded(set(oracle_tiers(objects, *question).values()))
        note(f"{question}: engine {verdict.outcome}, oracle {expected}")
        if expected is None:
            assert "NO_COMMON_FAMILY" in {caveat.code for caveat in verdict.caveats}
        else:
            assert verdict.outcome is expected


@checked
@given(questioned(tiered_worlds()), st.randoms(use_true_random=False))
def test_the_order_of_objects_never_matters(world: tuple[list[Raw], list[Asked]], random: Random) -> None:
    objects, questions = world
    shuffled = random.sample(objects, len(objects))
    one, other = engine_of(objects), engine_of(shuffled)
    for question in questions:
        assert ask(one, question).outcome is ask(other, question).outcome, question


@checked
@given(questioned(tiered_worlds()))
def test_policies_of_the_tiers_isolate_nothing_by_themselves(world: tuple[list[Raw], list[Asked]]) -> None:
    objects, questions = world
    plain = [
        each for each in objects if "priority" not in each.get("spec", {}) and each["metadata"]["name"] != "default"
    ]
    ruleless = [each if each in plain else each | {"spec": without_rules(each["spec"])} for each in objects]
    one, other = engine_of(plain), engine_of(ruleless)
    for question in questions:
        assert ask(one, question).outcome is ask(other, question).outcome, question


def without_rules(spec: Raw) -> Raw:
    return {key: value for key, value in spec.items() if key not in ("ingress", "egress")}
