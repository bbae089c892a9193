"""What runs: every workload with its role and governance domain, and who says so.

What the charter selects settles it; then labels on pods or their namespace, under the
console's keys or the charter's; then the signals that `roles.classify` weighs.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from console.governance.charter import Charter, Selection
from console.governance.findings import Control, Finding, Place, Severity
from console.governance.roles import DOMAIN_LABEL, ROLE_LABEL, Role, classify
from console.objects.core import Namespace, Pod
from console.objects.meta import ObjectRef
from console.objects.snapshot import Contents, Snapshot
from console.objects.workloads import Workload
from console.policy.match import selects, selects_namespace

#: The roles that handle data, models or what is asked of them: those that rules for AI are about.
AI_ROLES: Final = frozenset(
    role.value
    for role in (
        Role.TRAINING,
        Role.SERVING,
        Role.FEATURE_STORE,
        Role.VECTOR_DB,
        Role.MODEL_REGISTRY,
        Role.GATEWAY,
        Role.PIPELINE,
        Role.NOTEBOOK,
    )
)
#: ISO/IEC 42001 asks for a register of AI components, NIST's AI RMF for an inventory.
_REGISTER: Final = (Control("ISO 42001", "A.4.2"), Control("NIST AI RMF", "GOVERN 1.6"))

#: Workloads that a finding names; what is beyond is counted.
_NAMED: Final = 5


@dataclass(frozen=True, slots=True)
class Entry:
    """A workload. `labelled`: a governance label or the charter says what it is, so that nobody has to guess.

    `confidence` is 0 to 1, `signals` what spoke, the strongest first. `overlapping` are
    further domains of the charter that select it: the first one counts.
    """

    name: str
    workload: Workload
    role: str
    domain: str
    confidence: float
    signals: tuple[str, ...]
    labelled: bool
    overlapping: tuple[str, ...] = ()

    @property
    def ai(self) -> bool:
        """Whether it is of a role that handles data, models or what is asked of them."""
        return self.role in AI_ROLES


@dataclass(frozen=True, slots=True)
class Space:
    """A namespace with its workloads; `pods` are how many of its pods run.

    `findings` are AI workloads that nobody labelled, by role, and those that two domains of the charter claim.
    """

    contents: Contents
    entries: Mapping[str, Entry]
    pods: int
    findings: tuple[Finding, ...]


class Inventory:
    """The workloads that have pods which run, by the names they have in a matrix by workload."""

    def __init__(self, snapshot: Snapshot, charter: Charter, previous: Inventory | None = None) -> None:
        """`previous` is that of an earlier snapshot and the same charter: what did not change is kept."""
        self._charter = charter
        before = previous if previous is not None and previous._charter is charter else None
        known = before.spaces if before is not None else {}
        self.spaces: dict[str, Space] = {}
        changed: list[Space] = []
        for name, held in snapshot.contents.items():
            space = known.get(name)
            if space is None or space.contents is not held:
                space = self._space(held, space)
                changed.append(space)
            self.spaces[name] = space
        #: Every workload, in order of namespace.
        self.entries: dict[str, Entry] = {}
        if before is not None and self._same_names(before, changed):
            self.entries = dict(before.entries)  # in place, they stay in order
            for space in changed:
                self.entries.update(space.entries)
        else:
            for space in self.spaces.values():
                self.entries.update(space.entries)

    def _same_names(self, before: Inventory, changed: Iterable[Space]) -> bool:
        """Whether the workloads are those of before, by name."""
        return self.spaces.keys() == before.spaces.keys() and all(
            space.entries.keys() == before.spaces[space.contents.namespace.name].entries.keys() for space in changed
        )

    @property
    def pods(self) -> int:
        """How many pods run."""
        return sum(space.pods for space in self.spaces.values())

    def of(self, namespace: str) -> Mapping[str, Entry]:
        """The workloads of a namespace."""
        space = self.spaces.get(namespace)
        return space.entries if space is not None else {}

    def _space(self, held: Contents, before: Space | None) -> Space:
        entries = _of_namespace(held, self._charter, before)
        pods = sum(1 for pod in held.pods.values() if not pod.finished)
        return Space(held, entries, pods, tuple(self._findings(entries.values())))

    def _findings(self, entries: Collection[Entry]) -> Iterator[Finding]:
        unlabelled: dict[tuple[str, str], list[Entry]] = {}
        for entry in entries:
            if entry.ai and not entry.labelled:
                unlabelled.setdefault((entry.workload.namespace, entry.role), []).append(entry)
        for (namespace, role), alike in unlabelled.items():
            yield _unlabelled(namespace, role, alike)
        for entry in entries:
            if entry.overlapping:
                others = ", ".join(entry.overlapping)
                yield Finding(
                    "CHARTER_DOMAINS_OVERLAP",
                    Severity.MEDIUM,
                    entry.workload.ref,
                    f"the charter puts it into {entry.domain} and {others}",
                    (f"it was taken for {entry.domain}, which the charter names first",),
                    "let one domain select it",
                    place=_domain_place(self._charter, entry.overlapping[0]),
                )


def _unlabelled(namespace: str, role: str, entries: Sequence[Entry]) -> Finding:
    """What nobody has said of workloads of one role in one namespace, which one label on the namespace could."""
    one = len(entries) == 1
    named = [f"{each.workload.kind.lower()}/{each.workload.name}: {'; '.join(each.signals[:2])}" for each in entries]
    more = [f"and {len(entries) - _NAMED} more"] if len(entries) > _NAMED else []
    return Finding(
        "AI_WORKLOAD_UNLABELLED",
        Severity.LOW,
        entries[0].workload.ref if one else ObjectRef("Namespace", "", namespace),
        f"{'taken' if one else f'{len(entries)} workloads taken'} for {role}, and no label says so",
        (*named[:_NAMED], *more),
        f"label {'its pods' if one else 'their pods'} or namespace {ROLE_LABEL}={role}, or name "
        f"{'it' if one else 'them'} in the charter",
        _REGISTER,
    )


def _domain_place(charter: Charter, domain: str) -> Place:
    return charter.domains[domain][0].place


def _of_namespace(held: Contents, charter: Charter, before: Space | None) -> dict[str, Entry]:
    """The entries of a namespace; those whose workload is the same as `before` are kept."""
    kept = before.entries if before is not None and before.contents.namespace == held.namespace else {}
    found: dict[str, Entry] = {}
    for workload in held.workloads:
        if workload.active:
            name = f"{workload.namespace}/{workload.kind.lower()}/{workload.name}"
            old = kept.get(name)
            found[name] = old if old and old.workload == workload else entry(name, workload, held.namespace, charter)
    return found


def entry(name: str, workload: Workload, namespace: Namespace, charter: Charter) -> Entry:
    """What a workload is."""
    sort = classify(workload, namespace)
    role, domain, confidence = sort.role.value, sort.domain, sort.confidence
    signals = list(sort.signals)
    labelled = any(_label(key, workload, namespace) for key in (ROLE_LABEL, DOMAIN_LABEL))
    for key in charter.role_keys:
        if value := _label(key, workload, namespace):
            role, confidence, labelled = value, 1.0, True
            signals.insert(0, f"label {key}={value}")
            break
    for key in charter.domain_keys:
        if value := _label(key, workload, namespace):
            domain, labelled = value, True
            signals.insert(0, f"label {key}={value}")
            break
    chosen = _Chosen(charter, name, workload, namespace, role)
    roles = [each for each in charter.roles if chosen.by(charter.roles[each])]
    if roles:
        role, confidence, labelled = roles[0], 1.0, True
        signals.insert(0, f"the charter says role {role}")
        chosen = _Chosen(charter, name, workload, namespace, role)
    domains = [each for each in charter.domains if chosen.by(charter.domains[each])]
    if domains:
        domain, labelled = domains[0], True
        signals.insert(0, f"the charter says domain {domain}")
    return Entry(name, workload, role, domain, confidence, tuple(signals), labelled, tuple(domains[1:]))


def _label(key: str, workload: Workload, namespace: Namespace) -> str:
    """The value of a label on most pods, else on the namespace."""
    values = [value for pod in workload.pods if (value := pod.labels.get(key))]
    return max(sorted(set(values)), key=values.count) if values else namespace.labels.get(key, "")


class _Chosen:
    """Whether selections of the charter choose a workload: any of its pods does for a podSelector."""

    def __init__(self, charter: Charter, name: str, workload: Workload, namespace: Namespace, role: str) -> None:
        self._charter = charter
        self._name = name.lower()
        self._pods: Sequence[Pod] = workload.active or workload.pods
        self._namespace = namespace
        self._role = role

    def by(self, selections: Sequence[Selection]) -> bool:
        """Whether any of the selections does."""
        return any(self._one(each) for each in selections)

    def _one(self, each: Selection) -> bool:
        namespace = self._namespace
        if each.namespaces and namespace.name not in each.namespaces:
            return False
        if each.names and self._name not in each.names:
            return False
        if each.namespace_selector is not None and not selects_namespace(each.namespace_selector, namespace):
            return False
        if each.roles and not any(
            name == self._role or self.by(self._charter.roles.get(name, ())) for name in each.roles
        ):
            return False
        if each.domains and not any(self.by(self._charter.domains.get(name, ())) for name in each.domains):
            return False
        selector = each.pod_selector
        return selector is None or any(selects(selector, pod.labels) for pod in self._pods)
