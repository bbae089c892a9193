"""Hygiene of one policy: what of it does nothing, or is wider than it looks, folded into a finding a code."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Final

from console.governance.findings import Finding, Severity
from console.governance.hygiene_codes import make
from console.governance.hygiene_peers import ServiceAddresses, of_peers, place
from console.governance.roles import Role, classify
from console.objects.meta import ObjectRef
from console.objects.netpol import NetworkPolicy
from console.objects.tiered import TieredPolicy
from console.objects.workloads import Workload
from console.policy.explain import oddities
from console.policy.explain_cover import subject_within
from console.policy.explain_model import EFFECTS, DirectionView, Effect
from console.policy.explain_model import Finding as Oddity
from console.policy.explain_study import Study
from console.policy.explain_words import counted, listed, policy_name, workload_name
from console.policy.match import keys_of
from console.policy.model import Direction, Path, PodPeer, Policy, Rule, Tier
from console.policy.networking import dotted

_TITLES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "SELECTS_NO_POD": "{policy} selects nothing",
        "LABEL_ONLY_INJECTED": "{policy} asks for a label that only a mesh's injector sets",
        "DIRECTION_NOT_DECLARED": "{policy} has rules that are ignored",
        "RULE_COVERED": "{policy} has rules that others cover",
        "PEER_MATCHES_NOTHING": "{policy} names peers that match nothing",
        "EXCEPT_USELESS": "{policy} has exceptions that except nothing",
        "PORT_NOWHERE": "{policy} names ports that no destination declares",
        "NAMED_PORT_DIFFERS": "{policy} names ports that mean different numbers",
        "ANY_PEER": "{policy} names no peer, so that anything may be the other end",
        "OPEN_INTERNET": "{policy} opens the internet",
        "ALL_NAMESPACES": "{policy} opens to every namespace",
        "ALL_PORTS": "{policy} opens every port",
        "OPENS_BOTH": "{policy} opens more than two selectors look like",
    }
)
#: Whoever calls out for others, or is called from outside, by trade.
_OPEN_BY_TRADE: Final = frozenset([Role.GATEWAY, Role.INGRESS])


def of_policy(
    study: Study, written: NetworkPolicy | TieredPolicy, services: ServiceAddresses, *, files: bool = False
) -> Iterator[Finding]:
    """The findings about a policy that takes part in verdicts. `study` may share its population with others'.

    `files`: the pods are templates in files, beside which others may run: that nothing
    matches is then a hint, and of namespaces that are not in the files it is none.
    """
    odd = oddities(study, written)
    if files:
        odd = tuple(each for each in odd if not _elsewhere(study, each))
    if study.selected.certain and not study.selected.pods:
        yield _idle(study, written, odd, files=files)
        return
    found: dict[str, list[Oddity]] = {}
    for each in odd:
        found.setdefault(each.code, []).append(each)
    # A policy whose rules are ignored says more than it does, so it is not to be deleted but mended.
    redundant = [] if "DIRECTION_NOT_DECLARED" in found else _redundant(study, found.get("RULE_COVERED", ()))
    if redundant:
        title = f"{policy_name(written.ref)} changes nothing"
        yield make("POLICY_REDUNDANT", written.ref, title, redundant, place=place(written, ()))
        found.pop("RULE_COVERED", None)
    found = _without_repeats(study, found)
    found.pop("WHOLE_NAMESPACE", None)  # no fault by itself; where a chart brought it, it is
    yield from _chart(study, written)
    for code, several in found.items():
        severity, more = _weight(study, code, several)
        title = _TITLES[code].format(policy=policy_name(written.ref))
        facts = [f"{dotted(each.path)}: {each.sentence}" for each in several]
        yield make(code, written.ref, title, [*facts, *more], severity=severity, place=place(written, several[0].path))
    yield from of_peers(study, written, services)


def _elsewhere(study: Study, odd: Oddity) -> bool:
    """Whether an oddity says that nothing matches in a namespace of which the files hold no pod."""
    if odd.code != "PEER_MATCHES_NOTHING":
        return False
    peers = (peer for view in study.directions for rule in view.rules for peer in rule.peers or ())
    found = next((each for each in peers if each.peer.path == odd.path), None)
    if found is None or found.members is None:
        return found is not None  # nodes are in no files
    contents = study.engine.snapshot.contents
    return not any(contents[name].pods for name in found.members.namespaces if name in contents)


def _idle(study: Study, written: NetworkPolicy | TieredPolicy, odd: Sequence[Oddity], *, files: bool) -> Finding:
    """One finding for a policy that selects nothing; what it would open is evidence, not another finding."""
    subject = study.policy.subject.pods_path
    injected = [each for each in odd if each.code == "LABEL_ONLY_INJECTED" and each.path[: len(subject)] == subject]
    code = "LABEL_ONLY_INJECTED" if injected else "SELECTS_NO_POD"
    why = [each for each in odd if each.code == "SELECTS_NO_POD"]
    latent = [each for each in odd if EFFECTS[each.code] is Effect.WIDER and each.code != "WHOLE_NAMESPACE"]
    facts = [f"{dotted(each.path)}: {each.sentence}" for each in (*why, *injected)]
    facts += [f"with the first pod it selects, {dotted(each.path)}: {each.sentence}" for each in latent]
    if files:
        facts.append("these are files: a pod that is made later, or a label that is added then, is not in them")
    return make(
        code,
        written.ref,
        _TITLES[code].format(policy=policy_name(written.ref)),
        facts,
        severity=Severity.LOW if files else None,
        place=place(written, (injected or why)[0].path) if injected or why else place(written, ()),
    )


def _without_repeats(study: Study, found: Mapping[str, list[Oddity]]) -> dict[str, list[Oddity]]:
    """The oddities without hints, and without those that a weightier one says as well."""
    kept = {code: list(several) for code, several in found.items()}
    # A number need not be declared by a container, so only a name that is nowhere is sure.
    names = {
        match.path for view in study.directions for rule in view.rules for match in rule.rule.ports or () if match.name
    }
    kept["PORT_NOWHERE"] = [each for each in kept.get("PORT_NOWHERE", ()) if each.path in names]
    open_rules = {each.path[:3] for code in ("ANY_PEER", "OPEN_INTERNET") for each in kept.get(code, ())}
    kept["ALL_PORTS"] = [each for each in kept.get("ALL_PORTS", ()) if each.path[:3] not in open_rules]
    return {code: several for code, several in kept.items() if several}


def _weight(study: Study, code: str, several: Sequence[Oddity]) -> tuple[Severity | None, list[str]]:
    """How much the oddities of a code matter (None: as usual), and further facts that say why."""
    rules = [rule for each in several if (rule := _rule(study.policy, each.path)) is not None]
    if code == "LABEL_ONLY_INJECTED":
        return Severity.MEDIUM, []  # of a peer: less is open than it says
    if code == "ALL_PORTS":
        home = all(_stays_home(rule) for rule in rules)
        return (Severity.LOW if home else None), []
    if code == "ALL_NAMESPACES":
        return (Severity.LOW if all(rule.ports is not None for rule in rules) else None), []
    if code == "ANY_PEER":
        every = [rule for rule in rules if rule.ports is None]
        facts = [f"rule {rule.index + 1} names no port either: every port and protocol is open" for rule in every]
        if every or any(rule in (study.policy.egress or ()) for rule in rules):
            return Severity.HIGH, facts
        return Severity.LOW, facts
    if code == "OPEN_INTERNET":
        return _internet(study, rules, several)
    return None, []


def _internet(study: Study, rules: Sequence[Rule], several: Sequence[Oddity]) -> tuple[Severity | None, list[str]]:
    facts = [
        f"rule {rule.index + 1} names no port: every port and protocol is open" for rule in rules if rule.ports is None
    ]
    if not any(rule in (study.policy.egress or ()) for rule in rules):
        return Severity.LOW, facts
    facts.append(f"it selects {counted(len(study.selected.pods), 'pod')} of {_names(study.selected.workloads)}")
    if any("(cloud metadata) is among them" in each.sentence for each in several):
        return Severity.HIGH, facts
    roles = {_role(study, ref) for ref in study.selected.workloads}
    if roles <= _OPEN_BY_TRADE and not any(rule.ports is None for rule in rules):
        return Severity.LOW, [*facts, f"these are of the role {' and '.join(sorted(role.value for role in roles))}"]
    return Severity.MEDIUM, facts


def _role(study: Study, ref: ObjectRef) -> Role:
    held = study.engine.snapshot.contents[ref.namespace]
    pods = tuple(pod for pod in study.selected.pods if pod.namespace == ref.namespace and held.workload_of(pod) == ref)
    return classify(Workload(ref.kind, ref.namespace, ref.name, pods), held.namespace).role


def _rule(policy: Policy, path: Path) -> Rule | None:
    return next(
        (
            rule
            for direction in Direction
            for rule in policy.rules(direction) or ()
            if rule.path == path[: len(rule.path)]
        ),
        None,
    )


def _stays_home(rule: Rule) -> bool:
    return bool(rule.peers) and all(isinstance(peer, PodPeer) and peer.namespaces is None for peer in rule.peers or ())


def _names(workloads: Sequence[ObjectRef]) -> str:
    return listed([workload_name(ref) for ref in workloads])


def _redundant(study: Study, covered: Sequence[Oddity]) -> list[str]:
    """Why a NetworkPolicy could go without changing a verdict, now or later; empty where that is not proven."""
    policy = study.policy
    if policy.tier is not Tier.NETWORK_POLICY or len(covered) != sum(len(view.rules) for view in study.directions):
        return []
    others = [each for each in study.engine.over([policy.ref.namespace]) if each.tier is policy.tier]
    facts: list[str] = []
    for view in study.directions:
        by = next((other for other in others if _isolates_as(other, policy, view)), None)
        if by is None:
            return []
        facts.append(f"{policy_name(by.ref)} isolates the same pods for {view.direction.value}")
    return [*facts, *(each.sentence for each in covered)]


def _isolates_as(other: Policy, policy: Policy, view: DirectionView) -> bool:
    if other.ref == policy.ref or other.rules(view.direction) is None:
        return False
    if not set(keys_of(other.subject.pods)) <= set(keys_of(policy.subject.pods)):
        return False
    if not subject_within(policy.subject, other.subject):
        return False
    # Of two that are alike the first may stay.
    return other.ref < policy.ref or not subject_within(other.subject, policy.subject)


def _chart(study: Study, written: NetworkPolicy | TieredPolicy) -> Iterator[Finding]:
    """An empty podSelector that a chart brought, where other releases live too and nothing else isolates them."""
    if not isinstance(written, NetworkPolicy) or not of_chart(written) or not written.pod_selector.is_empty:
        return
    releases = {_release(pod.labels) for pod in study.selected.pods}
    if len(releases) < 2:
        return
    for view in study.directions:
        alone = study.population.workloads(study.around.ungoverned(view.direction))
        if alone:
            facts = [
                f"it came with a chart ({_chart_mark(written)})",
                f"it selects {counted(len(study.selected.pods), 'pod')} of "
                f"{counted(len(study.selected.workloads), 'workload')}, of {counted(len(releases), 'release')}",
                f"for {view.direction.value} nothing but it isolates {_names(alone)}",
            ]
            title = f"{policy_name(written.ref)}, brought by a chart, isolates every pod of {written.namespace}"
            path = study.policy.subject.pods_path
            yield make("CHART_ISOLATES_NAMESPACE", written.ref, title, facts, place=place(written, path))
            return


def _chart_mark(written: NetworkPolicy) -> str:
    if written.labels.get("app.kubernetes.io/managed-by") == "Helm":
        return "app.kubernetes.io/managed-by=Helm"
    if "helm.sh/chart" in written.labels:
        return f"helm.sh/chart={written.labels['helm.sh/chart']}"
    return "its field manager is helm"


def of_chart(written: NetworkPolicy | TieredPolicy) -> bool:
    """Whether a chart brought a policy; then the release of whom it selects is looked at."""
    if not isinstance(written, NetworkPolicy):
        return False
    labels = written.labels
    by_helm = written.manager is not None and written.manager.name == "helm"
    return labels.get("app.kubernetes.io/managed-by") == "Helm" or "helm.sh/chart" in labels or by_helm


def _release(labels: Mapping[str, str]) -> str:
    """What tells the pods of one release from those of another, as charts mark them."""
    keys = ("app.kubernetes.io/instance", "release", "app.kubernetes.io/part-of", "app.kubernetes.io/name", "app")
    return next((labels[key] for key in keys if labels.get(key)), "")
