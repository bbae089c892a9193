"""The right pane of Browse: what the object under the cursor is, and what decides about it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from console.objects.core import ForeignPolicy, Pod
from console.objects.meta import ObjectRef
from console.objects.workloads import Workload
from console.policy.model import Action, Direction, Rule
from console.policy.posture import Side, Stance
from console.report.clean import clean
from console.tui.model.policies import Policy, compiled, peers_of, ports_of, selects
from console.tui.model.rows import pod_status, stance
from console.tui.model.sight import Sight
from console.tui.text import Line, Piece, Tone

#: Labels that controllers make up differ between replicas by design and tell nothing apart.
_MADE_UP = (
    "pod-template-hash",
    "controller-revision-hash",
    "pod-template-generation",
    "statefulset.kubernetes.io/pod-name",
    "apps.kubernetes.io/pod-index",
    "batch.kubernetes.io/job-completion-index",
    "training.kubeflow.org/replica-index",
)
_BLANK: Line = ()
_DIFFERING = 8
_RULES = 6
#: The prefix of the recommended labels, which says nothing in a narrow pane.
_RECOMMENDED = "app.kubernetes.io/"
#: A longer value of a label is cut; Kubernetes takes 63 characters.
_LONG = 120


def of_workload(sight: Sight, workload: Workload) -> Iterator[Line]:
    """A workload: what it is, how each direction stands and by which policies, its labels, replicas that differ."""
    yield from _identity(sight, workload)
    yield _BLANK
    active = workload.active
    if not active:
        yield (Piece("All its pods have ended: no verdict concerns it.", Tone.DIM),)
        return
    yield from _directions(sight, workload, active[0])
    yield from _differing(sight, workload)
    yield _BLANK
    shared = _shared(active)
    yield from _labels(shared, "Labels" if len(active) == 1 else "Labels of all its pods")


def of_pod(sight: Sight, pod: Pod, workload: Workload | None) -> Iterator[Line]:
    """A pod: the same, and where it is."""
    if workload is not None:
        yield from _identity(sight, workload)
    yield (
        Piece(pod_status(pod), Tone.PLAIN if pod.ready else Tone.WARN),
        Piece(" · " + (", ".join(pod.ips) or "no address yet"), Tone.DIM),
        Piece(f" · {pod.node}" if pod.node else "", Tone.DIM),
    )
    if pod.host_network:
        yield (Piece("on its node's network: policies see the node's address and never isolate it", Tone.WARN),)
    if pod.manager and pod.manager.name:
        yield (Piece(f"last written by {pod.manager.name} {pod.manager.time}".rstrip(), Tone.DIM),)
    yield _BLANK
    if pod.finished:
        yield (Piece("It has ended: no verdict concerns it.", Tone.DIM),)
    else:
        yield from _directions(sight, pod, pod)
    yield _BLANK
    yield from _labels(pod.labels, "Labels")
    if pod.ports:
        yield _BLANK
        yield (Piece("Ports", Tone.KEY),)
        for port in pod.ports:
            yield (Piece(f"  {port.port}/{port.protocol}"), Piece(f"  {port.name}", Tone.DIM))


def of_policy(sight: Sight, policy: Policy) -> Iterator[Line]:
    """What stands above a policy's YAML: whom it selects, what it does, who wrote it."""
    if isinstance(policy, ForeignPolicy):
        yield (Piece(f"? {policy.kind} is not evaluated: verdicts it may touch are UNKNOWN", Tone.WARN),)
    else:
        yield (Piece("selects ", Tone.DIM), Piece(selects(policy)))
        for problem in sight.frame.engine.problems(policy):
            mark = Piece("✗ ", Tone.BAD) if problem.fatal else Piece("! ", Tone.WARN)
            yield (mark, Piece(problem.message))
        for direction in (Direction.INGRESS, Direction.EGRESS):
            yield from _effects(sight, policy.ref, direction, direction.value)
    if policy.manager and policy.manager.name:
        yield (Piece(f"last written by {policy.manager.name} {policy.manager.time}".rstrip(), Tone.DIM),)


def _identity(sight: Sight, workload: Workload) -> Iterator[Line]:
    found = sight.facts.role(workload)
    role = "role not known" if found.role.value == "other" else found.role.value
    domain = f" · {found.domain}" if found.domain else ""
    yield (Piece(f"{workload.kind}  ", Tone.DIM), Piece(role, Tone.ACCENT), Piece(domain, Tone.ACCENT))
    if found.signals:
        yield (Piece(f"why: {found.signals[0]}", Tone.DIM),)


def _directions(sight: Sight, of: Workload | Pod, example: Pod) -> Iterator[Line]:
    posture = sight.facts.posture(of)
    for title, direction in (("Ingress", Direction.INGRESS), ("Egress ", Direction.EGRESS)):
        side = posture.side(direction)
        yield (Piece(f"{title}  ", Tone.KEY), stance(side), Piece(_isolated(side), Tone.DIM))
        for ref in side.policies:
            yield from _effects(sight, ref, direction, f"  {ref.name}")
        if side.stance is Stance.UNKNOWN:
            yield from _unknown(sight, example)
    if example.host_network:
        yield (Piece("on its node's network: no policy isolates it", Tone.WARN),)


def _isolated(side: Side) -> str:
    if side.stance is Stance.OPEN:
        return "  no policy selects it"
    if side.policies:
        return f"  isolated by {len(side.policies)}"
    return ""


def _effects(sight: Sight, ref: ObjectRef, direction: Direction, title: str) -> Iterator[Line]:
    """What a policy does in a direction. Rules are told one by one: ports of one never go with peers of another."""
    form = compiled(sight.facts, ref)
    rules = form.rules(direction) if form else None
    if rules is None or form is None:
        return
    if not rules:
        yield (Piece(f"{title}  "), Piece("closes", Tone.GOOD))
        return
    towards = "from" if direction is Direction.INGRESS else "to"
    if len(rules) == 1:
        yield (Piece(f"{title}  {_verb(rules[0])} {ports_of(rules[0])}"),)
        yield (Piece(f"    {towards} {_short(peers_of(rules[0]))}", Tone.DIM),)
        return
    yield (Piece(f"{title}  {len(rules)} rules"),)
    for rule in rules[:_RULES]:
        said = Piece(f" {towards} {_short(peers_of(rule))}", Tone.DIM)
        yield (Piece(f"    {_verb(rule)} {ports_of(rule)}"), said)
    if len(rules) > _RULES:
        yield (Piece(f"    … {len(rules) - _RULES} more", Tone.DIM),)


def _verb(rule: Rule) -> str:
    return {Action.ALLOW: "opens", Action.DENY: "denies", Action.PASS: "passes on"}[rule.action]


def _short(peers: str) -> str:
    return peers.replace(_RECOMMENDED, "…/")


def _unknown(sight: Sight, pod: Pod) -> Iterator[Line]:
    concerned = [gap for gap in sight.frame.engine.gaps if gap.namespace in (None, pod.namespace)]
    for gap in concerned[:3]:
        yield (Piece("  ? ", Tone.WARN), Piece(gap.why, Tone.DIM))
    if len(concerned) > 3:
        yield (Piece(f"  … and {len(concerned) - 3} more: ", Tone.DIM), Piece("!", Tone.KEY))


def _shared(pods: Sequence[Pod]) -> dict[str, str]:
    first, *others = pods
    return {key: value for key, value in first.labels.items() if all(pod.labels.get(key) == value for pod in others)}


def _labels(labels: Mapping[str, str], title: str) -> Iterator[Line]:
    if not labels:
        yield (Piece("No labels", Tone.DIM),)
        return
    yield (Piece(title, Tone.KEY),)
    for key, value in sorted(labels.items()):
        yield (Piece(f"  {key}", Tone.DIM), Piece(f"={clean(value, _LONG)}"))


def _differing(sight: Sight, workload: Workload) -> Iterator[Line]:
    """The replicas that wear other labels than most, or stand otherwise."""
    pods = workload.active
    odd: dict[str, list[str]] = {}
    keys = sorted({key for pod in pods for key in pod.labels} - set(_MADE_UP))
    for key in keys:
        values = [pod.labels.get(key) for pod in pods]
        usual = max(set(values), key=lambda value: (values.count(value), value or ""))
        # Where most differ (an index, a role of its own each) none of them is odd.
        if values.count(usual) * 2 <= len(values):
            continue
        for pod, value in zip(pods, values, strict=True):
            if value != usual:
                odd.setdefault(pod.name, []).append(f"{key}={value}" if value is not None else f"{key} absent")
    if not odd:
        return
    yield _BLANK
    yield (Piece(f"{len(odd)} of {len(pods)} replicas differ", Tone.WARN),)
    for name, facts in list(odd.items())[:_DIFFERING]:
        pod = next(pod for pod in pods if pod.name == name)
        yield (Piece(f"  {name}  "), Piece(", ".join(facts), Tone.WARN))
        standing, others = (
            sight.facts.posture(pod),
            [sight.facts.posture(each) for each in pods if each.name not in odd],
        )
        for title, direction in (("ingress", Direction.INGRESS), ("egress", Direction.EGRESS)):
            side = standing.side(direction)
            if any(side.stance is not other.side(direction).stance for other in others[:1]):
                yield (Piece(f"    {title} ", Tone.DIM), stance(side))
    if len(odd) > _DIFFERING:
        yield (Piece(f"  … and {len(odd) - _DIFFERING} more", Tone.DIM),)
