"""Holding a snapshot to a charter: every rule judged, with its offences, and what else is wrong."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date

from console.governance.audit_status import excuse, status_of
from console.governance.audit_turned import Change, turned
from console.governance.charter import BaselineRule, Charter, Pardon, Rule
from console.governance.findings import Audit, Finding, RuleResult, Severity, Status
from console.governance.hygiene import Hygiene
from console.governance.inventory import Inventory
from console.governance.ledger import Ledger
from console.governance.rules import Judged, judge
from console.governance.rules_baseline import judge_baseline
from console.governance.rules_proof import Prover
from console.governance.scopes import Scene
from console.objects.core import Pod
from console.objects.meta import ObjectRef
from console.policy.engine import Engine
from console.policy.reach import Reachability


@dataclass
class _State:
    """What an audit leaves for the next one. `rules` are its results, `judged` what they came from."""

    engine: Engine
    scene: Scene
    judged: list[Judged] = field(default_factory=list)
    rules: list[RuleResult] = field(default_factory=list)
    findings: tuple[Finding, ...] = ()


class Auditor:
    """Audits one snapshot after another by one charter; what did not change is not worked out again.

    Exceptions are held against `today`: nothing here reads a clock.
    """

    def __init__(self, charter: Charter, *, today: date) -> None:
        self.charter = charter
        self._today = today
        self._state: _State | None = None
        self._hygiene = Hygiene()
        self._ledger = Ledger()

    @property
    def inventory(self) -> Inventory:
        """The workloads of the last audit. Raises ValueError before the first one."""
        return self._last.scene.inventory

    @property
    def scene(self) -> Scene:
        """All pairs of the last audit. Raises ValueError before the first one."""
        return self._last.scene

    @property
    def _last(self) -> _State:
        if self._state is None:
            raise ValueError("nothing was audited yet")
        return self._state

    def audit(self, engine: Engine) -> Audit:
        """Judge the engine's snapshot."""
        charter, snapshot, before = self.charter, engine.snapshot, self._state
        inventory = Inventory(snapshot, charter, before.scene.inventory if before else None)
        reach = before.scene.reach.after(engine) if before else Reachability(engine, networks=charter.networks())
        state = _State(engine, Scene(reach, charter, inventory, before.scene if before else None))
        change = turned(before.scene, state.scene) if before is not None else None
        if before is not None and change is not None and change.nothing and _alike(before.engine, engine):
            # Pods that become ready, or not, change nothing that is asked here.
            state.judged, state.rules, state.findings = before.judged, before.rules, before.findings
        else:
            self._judge(state, before, change)
            hygiene = self._hygiene.follow(engine, reach, change)
            inventoried = {("inventory", name): space.findings for name, space in inventory.spaces.items()}
            own = {("charter", ""): tuple(self._of_charter(state.rules))}
            state.findings = self._ledger.turn({**own, **inventoried, **hygiene})
        self._state = state
        return Audit(
            charter=charter.name,
            rules=tuple(state.rules),
            findings=state.findings,
            workloads=len(inventory.entries),
            pods=inventory.pods,
            policies=sum(len(held.policies) for held in snapshot.contents.values()) + len(snapshot.tiered),
            coverage=tuple(dict.fromkeys(gap.why for gap in engine.gaps)),
        )

    def _judge(self, state: _State, before: _State | None, change: Change | None) -> None:
        """Every rule. `change` is what is not as it was `before`; None: anything may be."""
        scene, prover = state.scene, Prover(state.engine)
        asked: tuple[BaselineRule | Rule, ...] = (*self.charter.baseline, *self.charter.rules)
        same = before is not None and _known(before.engine) == _known(state.engine)
        for number, rule in enumerate(asked):
            last = before.judged[number] if before is not None and change is not None else None
            if isinstance(rule, Rule):
                judged = judge(rule, scene, prover, last, change)
            else:
                judged = judge_baseline(rule, scene, prover, last, change)
            state.judged.append(judged)
            pardons = [each for each in self.charter.pardons if each.rule == rule.name and self._today <= each.until]
            if before is not None and last is not None and same and judged.says(last) and not pardons:
                state.rules.append(before.rules[number])
            else:
                state.rules.append(self._result(rule, judged, pardons, scene))

    @staticmethod
    def _result(rule: Rule | BaselineRule, judged: Judged, pardons: Sequence[Pardon], scene: Scene) -> RuleResult:
        offences, excepted = excuse(judged.offences, pardons, scene)
        unknowns, more = excuse(judged.unknowns, pardons, scene)
        status, why = status_of(rule, offences, unknowns, (*excepted, *more), judged.pairs, scene.reach.engine)
        return RuleResult(
            name=rule.name,
            sentence=rule.sentence,
            status=status,
            pairs=judged.pairs,
            why=why,
            severity=rule.severity,
            offences=offences,
            unknowns=unknowns,
            excepted=(*excepted, *more),
            controls=rule.controls,
            place=rule.place,
        )

    def _of_charter(self, rules: Iterable[RuleResult]) -> Iterator[Finding]:
        """What is wrong with the charter's exceptions and rules, held against the day and the cluster."""
        by_name = {rule.name: rule for rule in rules}
        for pardon in self.charter.pardons:
            if pardon.until < self._today:
                yield _expired(pardon, by_name.get(pardon.rule))
        for rule in rules:
            if not rule.pairs and rule.status is not Status.UNKNOWN:
                yield Finding(
                    "RULE_MATCHES_NOTHING",
                    Severity.INFO,
                    ObjectRef("Charter", "", self.charter.name),
                    f"rule {rule.name!r} is about nothing that runs here",
                    (rule.sentence,),
                    "name in the charter who is meant, or leave the rule out",
                    place=rule.place,
                )


def _known(engine: Engine) -> object:
    """What makes a status UNKNOWN, whatever was judged."""
    return engine.gaps, engine.plugin


def _alike(before: Engine, now: Engine) -> bool:
    """Whether all but the readiness of pods, and the versions of objects, is the same."""
    old, new = before.snapshot.contents, now.snapshot.contents
    if before.gaps != now.gaps or old.keys() != new.keys() or before.snapshot.tiered != now.snapshot.tiered:
        return False
    if before.snapshot.nodes != now.snapshot.nodes or before.snapshot.foreign != now.snapshot.foreign:
        return False
    changed = ((old[name], held) for name, held in new.items() if old[name] is not held)
    return all(
        was.namespace == held.namespace
        and was.policies == held.policies
        and was.services == held.services
        and was.endpoint_slices == held.endpoint_slices
        and was.foreign == held.foreign
        and was.owners == held.owners
        and was.pods.keys() == held.pods.keys()
        and all(pod is was.pods[name] or _worn(pod) == _worn(was.pods[name]) for name, pod in held.pods.items())
        for was, held in changed
    )


def _worn(pod: Pod) -> object:
    """A pod as anything here looks at it."""
    return pod.labels, pod.ips, pod.host_ips, pod.node, pod.finished, pod.host_network, pod.ports, pod.images, pod.owner


def audit(engine: Engine, charter: Charter, *, today: date) -> Audit:
    """One audit of an engine's snapshot; exceptions are held against `today`."""
    return Auditor(charter, today=today).audit(engine)


def _expired(pardon: Pardon, rule: RuleResult | None) -> Finding:
    status = f"the rule is {rule.status.value.upper()} without it" if rule else "it is an exception to no rule"
    return Finding(
        "EXCEPTION_EXPIRED",
        Severity.HIGH,
        ObjectRef("Charter", "", pardon.rule),
        f"the exception to {pardon.rule!r} expired on {pardon.until.isoformat()}",
        (f"owner {pardon.owner}: {pardon.reason}", status),
        f"ask {pardon.owner}: close the path, or agree on a new day",
        place=pardon.place,
    )
