"""Finding by a few letters: the filter of lists, and the candidates of the pickers."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final, NamedTuple

from console.errors import UsageError
from console.objects.snapshot import Contents
from console.policy.addresses import parse_address
from console.policy.ends import PortChoice, parse_port

#: How alike (0 to 100) a word and the best part of a text must be: one typo in five letters is 80.
ALIKE: Final = 80.0
#: No more candidates are drawn than one would read through.
MOST: Final = 400
#: Offered where the destination declares no port: what one asks of the outside.
USUAL_PORTS: Final = ("443/TCP", "80/TCP", "53/UDP", "22/TCP")

#: ``-l app``, ``-l app=x``, ``-lapp=x``; but ``-ll`` may be a part of a name.
_BY_LABEL: Final = re.compile(r"-l(?:\s|$|\S*=)")
_LABEL: Final = re.compile(r"(?P<key>[^=!,\s]+)\s*(?:(?P<relation>!=|==|=)\s*(?P<value>[^,]*))?")


class _Label(NamedTuple):
    key: str
    value: str | None
    equal: bool


@dataclass(frozen=True, slots=True)
class Filter:
    """What a list is narrowed to: words (fuzzy, all must be found), ``!words`` (none may), or ``-l key=value,…``."""

    text: str = ""
    words: tuple[str, ...] = ()
    inverse: bool = False
    labels: tuple[_Label, ...] = ()

    @classmethod
    def parse(cls, text: str) -> Filter:
        """The filter a text means. Raises UsageError for ``-l`` with something that is no label."""
        stripped = text.strip()
        if _BY_LABEL.match(stripped):
            return cls(stripped, labels=tuple(_label(part) for part in stripped[2:].split(",") if part.strip()))
        inverse = stripped.startswith("!")
        return cls(stripped, tuple(stripped.removeprefix("!").lower().split()), inverse)

    def __bool__(self) -> bool:
        return bool(self.words or self.labels)

    def places(self, texts: Sequence[str], labels: Callable[[int], Iterable[Mapping[str, str]]]) -> list[int]:
        """The places of the rows that pass, in order, by their texts in lower case and their label sets.

        A row passes a label filter if any of its label sets does.
        """
        everything = range(len(texts))
        if self.labels:
            return [place for place in everything if any(self._wears(each) for each in labels(place))]
        found = set(everything)
        for word in self.words:
            found &= _alike(word, texts)
        return [place for place in everything if (place in found) is not (self.inverse and bool(self.words))]

    def _wears(self, labels: Mapping[str, str]) -> bool:
        return all(
            (label.key in labels if label.value is None else labels.get(label.key) == label.value) is label.equal
            for label in self.labels
        )


def _label(text: str) -> _Label:
    text = text.strip()
    negated = text.startswith("!")
    found = _LABEL.fullmatch(text.removeprefix("!"))
    if found is None:
        raise UsageError(f"{text!r} is no label", hint="write -l key=value, -l key!=value, -l key or -l !key")
    if found["relation"] is None:
        return _Label(found["key"], None, not negated)
    return _Label(found["key"], found["value"].strip(), (found["relation"] != "!=") is not negated)


def _alike(word: str, texts: Sequence[str]) -> set[int]:
    """The places of the texts that hold a word; where none does, of those that nearly do. Short words have no near."""
    exact = {place for place, text in enumerate(texts) if word in text}
    if exact or len(word) < 4:
        return exact
    from rapidfuzz import fuzz, process  # here, not above: 20 ms that only a word with a slip in it pays

    near = process.extract_iter(word, texts, scorer=fuzz.partial_ratio, score_cutoff=ALIKE)
    # partial_ratio takes the shorter text for the needle; a text shorter than the word is no match of it.
    return {place for text, _, place in near if len(text) >= len(word)}


class Candidate(NamedTuple):
    """Something a picker offers: `text` is what it stands for when chosen, `note` says what it is."""

    text: str
    note: str
    namespace: str = ""


def workloads_and_services_in(held: Contents) -> list[Candidate]:
    """The workloads with pods in a namespace, and its Services, as `parse_end` reads them."""
    name, found = held.namespace.name, []
    for workload in held.workloads:
        active = len(workload.active)
        if workload.kind != "Pod" and active:
            note = f"{workload.kind} · {active} pod{'s' if active != 1 else ''}"
            found.append(Candidate(f"{name}/{workload.kind.lower()}/{workload.name}", note, name))
    for service in held.services.values():
        note = "headless" if service.headless else service.type
        found.append(Candidate(f"svc:{name}/{service.name}", f"Service · {note}", name))
    return found


def pods_in(held: Contents) -> list[Candidate]:
    """The pods of a namespace that have not finished, as `parse_end` reads them."""
    name = held.namespace.name
    return [
        Candidate(f"{name}/{pod.name}", f"Pod · {', '.join(pod.ips) or pod.phase}", name)
        for pod in held.pods.values()
        if not pod.finished
    ]


def ports(choices: Sequence[PortChoice]) -> list[Candidate]:
    """The ports of a destination; the usual ones, marked as such, where it declares none."""
    if choices:
        return [Candidate(f"{each.port}/{each.protocol.value}", each.name or "unnamed") for each in choices]
    return [Candidate(port, "usual") for port in USUAL_PORTS]


class Offer:
    """Candidates to choose from; what a query is compared with is made once."""

    def __init__(self, candidates: Sequence[Candidate]) -> None:
        self.candidates = candidates

    @cached_property
    def _texts(self) -> list[str]:
        return [f"{candidate.text} {candidate.note}".lower() for candidate in self.candidates]

    def rank(self, query: str) -> list[Candidate]:
        """Those that match a query, best first: where a word starts before inside of it, exact before alike."""
        words = query.lower().split()
        if not words:
            return list(self.candidates[:MOST])
        texts = self._texts
        found = set(range(len(texts)))
        for word in words:
            found &= _alike(word, texts)
        order = sorted(found, key=lambda place: (-sum(_score(word, texts[place]) for word in words), place))
        return [self.candidates[place] for place in order[:MOST]]


def _score(word: str, text: str) -> int:
    at = text.find(word)
    if at < 0:
        return 0
    starts = at == 0 or not text[at - 1].isalnum()
    ends_there = at + len(word) == len(text) or not text[at + len(word)].isalnum()
    return 2 + 2 * starts + 2 * (starts and ends_there)


def typed_end(query: str) -> Candidate | None:
    """An address that was typed rather than found, as an end."""
    address = parse_address(query.strip().removeprefix("ip:"))
    return Candidate(f"ip:{address}", "this address") if address is not None else None


def typed_port(query: str) -> Candidate | None:
    """A port that was typed rather than found."""
    try:
        port, protocol = parse_port(query)
    except UsageError:
        return None
    return Candidate(f"{port}/{protocol.value}", "this port")
