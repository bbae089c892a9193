"""What speaks for a role of a workload: labels, owner kinds, images, ports, names, and its namespace."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

from console.governance.roles_table import (
    COMPONENT,
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


class Signal(NamedTuple):
    """What speaks for a role, how strongly (0 to 1), in words; and for a domain, where it tells one."""

    role: Role
    strength: float
    text: str
    domain: str = ""
    #: Whether it can only strengthen what another signal says: not all that runs in "training" trains.
    supports: bool = False


class Sight(NamedTuple):
    """The distinct things worn by the pods of a workload; replicas and the like add nothing."""

    labels: Mapping[str, list[str]]
    images: tuple[str, ...]
    ports: tuple[ContainerPort, ...]


def signals_of(workload: Workload, namespace: Namespace, sight: Sight) -> list[Signal]:
    """All that speaks, in no order."""
    claimed: set[str] = set()
    signals = [*_marks(sight, claimed), *_names(sight, claimed), *_words(sight, claimed)]
    signals += _owner(workload, sight)
    signals += _images(sight)
    signals += _ports(sight)
    if signals:
        signals += _surroundings(namespace)
    return signals


def look(workload: Workload) -> Sight:
    """What the pods of a workload wear."""
    labels: dict[str, list[str]] = {}
    for key, value in sorted({item for pod in workload.pods for item in pod.labels.items()}):
        labels.setdefault(key, []).append(value)
    images = dict.fromkeys(pod.images for pod in workload.pods)
    ports = dict.fromkeys(pod.ports for pod in workload.pods)
    return Sight(
        labels,
        tuple(dict.fromkeys(image for group in images for image in group)),
        tuple(dict.fromkeys(port for group in ports for port in group)),
    )


def _marks(sight: Sight, claimed: set[str]) -> Iterator[Signal]:
    spoken: set[str] = set()
    for key, marks in _MARKS_BY_KEY.items():
        for mark in marks if key in sight.labels else ():
            if all(label not in claimed and _wears(sight, label, value) for label, value in mark.labels):
                spoken.update(label for label, _ in mark.labels)
                claimed.update(mark.claims)
                text = "label " + " + ".join(f"{k}={v}" if v else k for k, v in mark.labels)
                yield Signal(mark.role, mark.strength, text, mark.domain)
    claimed |= spoken


def _wears(sight: Sight, key: str, value: str | None) -> bool:
    return key in sight.labels and (value is None or value in sight.labels[key])


def _names(sight: Sight, claimed: set[str]) -> Iterator[Signal]:
    for key, strength in _NAME_KEYS.items():
        if key in claimed:
            continue
        for value in sight.labels.get(key, ()):
            name = _chart(value) if key in _CHART_KEYS else value
            product = _PRODUCTS_BY_NAME.get(name) or (Product(Role.SERVING, ()) if name.startswith("isvc.") else None)
            if product:
                claimed.add(key)
                shown = name if name in _PRODUCTS_BY_NAME else "isvc.*"
                yield Signal(product.role, strength, f"label {key}={shown}", product.domain)
            elif key in _CHART_KEYS and (word := _head(name, _PRODUCTS_BY_NAME)):
                # Charts are called by their project, not by their user: "loki-distributed" is Loki.
                product = _PRODUCTS_BY_NAME[word]
                yield Signal(product.role, _WORD_IN_LABEL, f"label {key} says {word}", product.domain)


def _chart(value: str) -> str:
    """The chart's name out of ``name-1.2.3``; a chart keeps it whatever the release is called."""
    name, _, version = value.rpartition("-")
    return name if version[:1].isdigit() or version[:2] in {"v0", "v1", "v2"} else value


def _words(sight: Sight, claimed: set[str]) -> Iterator[Signal]:
    for key in _WORD_KEYS:
        if key not in claimed:
            for value in sight.labels.get(key, ()):
                word = _head(value)
                if word:
                    role, domain = _MEANING[word]
                    yield Signal(role, _WORD_IN_LABEL, f"label {key} says {word}", domain)


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


def _owner(workload: Workload, sight: Sight) -> list[Signal]:
    found = [Signal(role, strength, f"owner {workload.kind}") for role, strength in OWNERS.get(workload.kind, ())]
    word = _head(workload.name)
    # A name that merely repeats a label's value is one sign, not two.
    if word and not any(workload.name in sight.labels.get(key, ()) for key in _WORD_KEYS):
        role, domain = _MEANING[word]
        found.append(Signal(role, _WORD_IN_NAME, f"name says {word}", domain))
    return found


def _images(sight: Sight) -> Iterator[Signal]:
    for index, image in enumerate(sight.images):
        path = image.partition("@")[0].split("/")
        path[-1] = path[-1].partition(":")[0]
        for name in ("/".join(path[-2:]), path[-1]):
            product = _PRODUCTS_BY_IMAGE.get(name)
            if product:
                strength = _SECOND_IMAGE if index else _IMAGE
                yield Signal(product.role, strength, f"image {name}", product.domain)
                break
        else:
            word = _head(path[-1])
            if word:
                role, domain = _MEANING[word]
                strength = _SECOND_IMAGE if index else _WORD_IN_NAME
                yield Signal(role, strength, f"image says {word}", domain)


def _ports(sight: Sight) -> Iterator[Signal]:
    for port in sight.ports:
        if port.name in _PRODUCTS_BY_PORT:
            product = _PRODUCTS_BY_PORT[port.name]
            yield Signal(product.role, _PORT_NAME, f"port {port.name}", product.domain)
        elif port.port in _PRODUCTS_BY_PORT and port.name not in PORT_NAMES_OF_NOTHING:
            product = _PRODUCTS_BY_PORT[port.port]
            yield Signal(product.role, _PORT_NUMBER, f"port {port.port}", product.domain)


def _surroundings(namespace: Namespace) -> Iterator[Signal]:
    role = NAMESPACE_WORDS.get(namespace.name)
    word = namespace.name if role else _head(namespace.name)
    if word:
        yield Signal(role or _MEANING[word][0], _NAMESPACE, f"namespace name says {word}", supports=True)
    for key in _WORD_KEYS:
        word = _head(namespace.labels.get(key, ""))
        if word:
            yield Signal(_MEANING[word][0], _NAMESPACE, f"namespace label {key} says {word}", supports=True)


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
