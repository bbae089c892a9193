"""What a workload is to an AI platform: its role and governance domain, and the signals that say so.

No single sign is trusted: labels, owner kinds, images, ports and names are weighed
together (`console.governance.roles_table`), and an explicit label settles it.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, NamedTuple

from console.governance.roles_table import (
    COMPONENT,
    DOMAINS,
    MARKS,
    NAME,
    NAMESPACE_WORDS,
    OWNERS,
    PORT_NAMES_OF_NOTHING,
    PRODUCTS,
    WORDS,
    Mark,
    Product,
    Role,
)
from console.objects.core import ContainerPort, Namespace
from console.objects.workloads import Workload

__all__ = ["DOMAIN_LABEL", "ROLE_LABEL", "Classification", "Role", "classify"]

#: On pods, or on their namespace: the role, as `Role` spells it. Overrides every other signal.
ROLE_LABEL: Final = "governance.netpol-console.dev/role"
#: On pods, or on their namespace: the governance domain, any label value.
DOMAIN_LABEL: Final = "governance.netpol-console.dev/domain"

# How much is believed of each place a name stands in. The instance is the release's name, a user's choice.
_NAME_KEYS: Final[Mapping[str, float]] = MappingProxyType(
    {NAME: 0.7, "app": 0.7, "k8s-app": 0.7, "helm.sh/chart": 0.6, "chart": 0.6, "app.kubernetes.io/instance": 0.2}
)
#: The chart a pod came from: today's label, and that of Helm 2.
_CHART_KEYS: Final = ("helm.sh/chart", "chart")
_WORD_KEYS: Final = (NAME, "app", COMPONENT, "component", "role", "purpose", "type")
_WORD_IN_LABEL = 0.4
_WORD_IN_NAME = 0.3
_IMAGE = 0.6
_SECOND_IMAGE = 0.2  # a sidecar says little about its pod
_PORT_NAME = 0.4
_PORT_NUMBER = 0.2
_NAMESPACE = 0.2
_MOST = 0.99  # only an explicit label is certain


@dataclass(frozen=True, slots=True)
class Classification:
    """A workload's role and domain. `domain` is ``""`` where nothing tells it.

    `confidence` is 0 (nothing known) to 1 (said by an explicit label). `signals` says in
    words what spoke, the strongest first; what spoke for another role comes last and
    names that role.
    """

    role: Role
    domain: str
    confidence: float
    signals: tuple[str, ...]


class _Signal(NamedTuple):
    role: Role
    strength: float
    text: str
    domain: str = ""
    #: Whether it can only strengthen what another signal says: not all that runs in "training" trains.
    supports: bool = False


class _Sight(NamedTuple):
    """The distinct things worn by the pods of a workload; replicas and the like add nothing."""

    labels: Mapping[str, list[str]]
    images: tuple[str, ...]
    ports: tuple[ContainerPort, ...]


def classify(workload: Workload, namespace: Namespace) -> Classification:
    """The role and domain of a workload, by all of its pods and its namespace.

    Pure, and cheap enough to be asked for every workload after each change. Where pods
    of one workload carry different explicit labels, the one on most pods counts, and
    the confidence is its share.
    """
    sight = _look(workload)
    claimed: set[str] = set()
    signals = [*_marks(sight, claimed), *_names(sight, claimed), *_words(sight, claimed)]
    signals += _owner(workload, sight)
    signals += _images(sight)
    signals += _ports(sight)
    if signals:
        signals += _surroundings(namespace)
    found = _weigh(signals)
    return _override(found, workload, namespace) if _explicit(sight, namespace) else found


def _look(workload: Workload) -> _Sight:
    labels: dict[str, list[str]] = {}
    for key, value in sorted({item for pod in workload.pods for item in pod.labels.items()}):
        labels.setdefault(key, []).append(value)
    images = dict.fromkeys(pod.images for pod in workload.pods)
    ports = dict.fromkeys(pod.ports for pod in workload.pods)
    return _Sight(
        labels,
        tuple(dict.fromkeys(image for group in images for image in group)),
        tuple(dict.fromkeys(port for group in ports for port in group)),
    )


def _marks(sight: _Sight, claimed: set[str]) -> Iterator[_Signal]:
    spoken: set[str] = set()
    for key, marks in _MARKS_BY_KEY.items():
        for mark in marks if key in sight.labels else ():
            if all(label not in claimed and _wears(sight, label, value) for label, value in mark.labels):
                spoken.update(label for label, _ in mark.labels)
                claimed.update(mark.claims)
                text = "label " + " + ".join(f"{k}={v}" if v else k for k, v in mark.labels)
                yield _Signal(mark.role, mark.strength, text, mark.domain)
    claimed |= spoken


def _wears(sight: _Sight, key: str, value: str | None) -> bool:
    return key in sight.labels and (value is None or value in sight.labels[key])


def _names(sight: _Sight, claimed: set[str]) -> Iterator[_Signal]:
    for key, strength in _NAME_KEYS.items():
        if key in claimed:
            continue
        for value in sight.labels.get(key, ()):
            name = _chart(value) if key in _CHART_KEYS else value
            product = _PRODUCTS_BY_NAME.get(name) or (Product(Role.SERVING, ()) if name.startswith("isvc.") else None)
            if product:
                claimed.add(key)
                shown = name if name in _PRODUCTS_BY_NAME else "isvc.*"
                yield _Signal(product.role, strength, f"label {key}={shown}", product.domain)
            elif key in _CHART_KEYS and (word := _head(name, _PRODUCTS_BY_NAME)):
                # Charts are called by their project, not by their user: "loki-distributed" is Loki.
                product = _PRODUCTS_BY_NAME[word]
                yield _Signal(product.role, _WORD_IN_LABEL, f"label {key} says {word}", product.domain)


def _chart(value: str) -> str:
    """The chart's name out of ``name-1.2.3``; a chart keeps it whatever the release is called."""
    name, _, version = value.rpartition("-")
    return name if version[:1].isdigit() or version[:2] in {"v0", "v1", "v2"} else value


def _words(sight: _Sight, claimed: set[str]) -> Iterator[_Signal]:
    for key in _WORD_KEYS:
        if key not in claimed:
            for value in sight.labels.get(key, ()):
                word = _head(value)
                if word:
                    role, domain = _MEANING[word]
                    yield _Signal(role, _WORD_IN_LABEL, f"label {key} says {word}", domain)


def _head(text: str, among: Container[str] | None = None) -> str:
    """The last word (or up to three words) of a compound name that means something; ``""`` if none does.

    `among` are the words to look for, if not all that mean something.
    """
    known = _MEANING if among is None else among
    parts = text.lower().replace("_", "-").replace(".", "-").replace("/", "-").split("-")
    for end in range(len(parts), 0, -1):
        for start in (end - 3, end - 2, end - 1):
            word = "-".join(parts[max(start, 0) : end])
            if word in known:
                return word
    return ""


def _owner(workload: Workload, sight: _Sight) -> list[_Signal]:
    found = [_Signal(role, strength, f"owner {workload.kind}") for role, strength in OWNERS.get(workload.kind, ())]
    word = _head(workload.name)
    # A name that merely repeats a label's value is one sign, not two.
    if word and not any(workload.name in sight.labels.get(key, ()) for key in _WORD_KEYS):
        role, domain = _MEANING[word]
        found.append(_Signal(role, _WORD_IN_NAME, f"name says {word}", domain))
    return found


def _images(sight: _Sight) -> Iterator[_Signal]:
    for index, image in enumerate(sight.images):
        path = image.partition("@")[0].split("/")
        path[-1] = path[-1].partition(":")[0]
        for name in ("/".join(path[-2:]), path[-1]):
            product = _PRODUCTS_BY_IMAGE.get(name)
            if product:
                strength = _SECOND_IMAGE if index else _IMAGE
                yield _Signal(product.role, strength, f"image {name}", product.domain)
                break
        else:
            word = _head(path[-1])
            if word:
                role, domain = _MEANING[word]
                strength = _SECOND_IMAGE if index else _WORD_IN_NAME
                yield _Signal(role, strength, f"image says {word}", domain)


def _ports(sight: _Sight) -> Iterator[_Signal]:
    for port in sight.ports:
        if port.name in _PRODUCTS_BY_PORT:
            product = _PRODUCTS_BY_PORT[port.name]
            yield _Signal(product.role, _PORT_NAME, f"port {port.name}", product.domain)
        elif port.port in _PRODUCTS_BY_PORT and port.name not in PORT_NAMES_OF_NOTHING:
            product = _PRODUCTS_BY_PORT[port.port]
            yield _Signal(product.role, _PORT_NUMBER, f"port {port.port}", product.domain)


def _surroundings(namespace: Namespace) -> Iterator[_Signal]:
    role = NAMESPACE_WORDS.get(namespace.name)
    word = namespace.name if role else _head(namespace.name)
    if word:
        yield _Signal(role or _MEANING[word][0], _NAMESPACE, f"namespace name says {word}", supports=True)
    for key in _WORD_KEYS:
        word = _head(namespace.labels.get(key, ""))
        if word:
            yield _Signal(_MEANING[word][0], _NAMESPACE, f"namespace label {key} says {word}", supports=True)


def _weigh(signals: list[_Signal]) -> Classification:
    """The role that most speaks for, as if signals were independent; what speaks against lowers the confidence.

    Support alone makes no role. Of two roles equally likely the first in `Role` is taken,
    at half the confidence or less.
    """
    doubt: dict[Role, float] = {}
    for signal in signals:
        if not signal.supports:
            doubt[signal.role] = doubt.get(signal.role, 1.0) * (1 - signal.strength)
    for signal in signals:
        if signal.supports and signal.role in doubt:
            doubt[signal.role] *= 1 - signal.strength
    if not doubt:
        return Classification(Role.OTHER, "", 0.0, ())
    ranked = sorted(doubt, key=lambda role: (doubt[role], _ORDER[role]))
    best = 1 - doubt[ranked[0]]
    second = 1 - doubt[ranked[1]] if len(ranked) > 1 else 0.0
    ordered = sorted(signals, key=lambda signal: (-signal.strength, signal.text))
    mine = [signal for signal in ordered if signal.role is ranked[0]]
    others = [signal for signal in ordered if signal.role in doubt and signal.role is not ranked[0]]
    domain = next((signal.domain for signal in mine if signal.domain), DOMAINS.get(ranked[0], ""))
    return Classification(
        ranked[0],
        domain,
        round(min(best * best / (best + second), _MOST), 2),
        tuple(dict.fromkeys([signal.text for signal in mine] + [f"{s.text} (says {s.role.value})" for s in others])),
    )


def _explicit(sight: _Sight, namespace: Namespace) -> bool:
    return not {ROLE_LABEL, DOMAIN_LABEL}.isdisjoint(sight.labels.keys() | namespace.labels.keys())


def _override(found: Classification, workload: Workload, namespace: Namespace) -> Classification:
    """Let explicit labels settle what they name. A value that is no role is told, and settles nothing."""
    role, domain, confidence, signals = found.role, found.domain, found.confidence, list(found.signals)
    said, share, where = _said(ROLE_LABEL, workload, namespace)
    if said in _ROLES_BY_VALUE:
        role, confidence = _ROLES_BY_VALUE[said], share
        domain = domain if role is found.role else DOMAINS.get(role, "")
        signals.insert(0, f"label {ROLE_LABEL}={said} on {where}")
    elif said:
        signals.append(f"label {ROLE_LABEL} on {where} names no role, so it was not followed")
    named, _, where = _said(DOMAIN_LABEL, workload, namespace)
    if named:
        domain = named
        signals.insert(0, f"label {DOMAIN_LABEL} on {where}")
    return Classification(role, domain, confidence, tuple(signals))


def _said(key: str, workload: Workload, namespace: Namespace) -> tuple[str, float, str]:
    """The explicit value of a label, the share of pods that agree, and where it stands."""
    votes: dict[str, int] = {}
    for pod in workload.pods:
        value = pod.labels.get(key, "")
        if value:
            votes[value] = votes.get(value, 0) + 1
    if votes:
        value = min(votes, key=lambda value: (-votes[value], value))
        return value, round(votes[value] / sum(votes.values()), 2), "the pods"
    return namespace.labels.get(key, ""), 1.0, "the namespace"


_ORDER: Final = MappingProxyType({role: index for index, role in enumerate(Role)})
_ROLES_BY_VALUE: Final = MappingProxyType({role.value: role for role in Role})
_MARKS_BY_KEY: Final[Mapping[str, tuple[Mark, ...]]] = MappingProxyType(
    {key: tuple(mark for mark in MARKS if mark.labels[0][0] == key) for key in (mark.labels[0][0] for mark in MARKS)}
)
_PRODUCTS_BY_NAME: Final = MappingProxyType({name: product for product in PRODUCTS for name in product.names})
_PRODUCTS_BY_IMAGE: Final = MappingProxyType({image: product for product in PRODUCTS for image in product.images})
_PRODUCTS_BY_PORT: Final[Mapping[str | int, Product]] = MappingProxyType(
    {port: product for product in PRODUCTS for port in product.ports}
)
# What words mean: plain ones, and the products' own names inside longer ones ("qdrant-prod").
_MEANING: Final[Mapping[str, tuple[Role, str]]] = MappingProxyType(
    {name: (product.role, product.domain) for product in PRODUCTS for name in product.names}
    | {word: (role, "") for word, role in WORDS.items()}
)
