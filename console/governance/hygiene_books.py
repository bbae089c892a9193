"""What is found about policies, by namespace; one is studied anew only where what its findings rest on changed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from console.governance.findings import Finding
from console.governance.hygiene_peers import ServiceAddresses
from console.governance.hygiene_policies import of_chart, of_policy
from console.governance.hygiene_rests import Rests, rests_of
from console.governance.hygiene_seen import Seen
from console.objects.netpol import NetworkPolicy
from console.objects.selectors import LabelSelector
from console.objects.snapshot import Snapshot
from console.objects.tiered import TieredPolicy
from console.policy.engine import Engine
from console.policy.explain import label_keys
from console.policy.explain_pods import Population
from console.policy.explain_study import Study
from console.policy.match import keys_of
from console.policy.model import Policy

_Written = NetworkPolicy | TieredPolicy


@dataclass(frozen=True, slots=True)
class _Known:
    """What was found about a policy, and what that rests on."""

    written: _Written
    keys: frozenset[str]
    rests: Rests
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class _Book:
    """What was found about the policies of a namespace, by identity, or about those without one."""

    written: Mapping[Any, _Written]
    known: Mapping[int, _Known]
    rests: Rests
    findings: tuple[Finding, ...]

    @classmethod
    def of(cls, written: Mapping[Any, _Written], known: Mapping[int, _Known]) -> _Book:
        """The book of some policies; of those that are not valid nothing is known."""
        ordered = {id(each): known[id(each)] for each in written.values() if id(each) in known}
        findings = tuple(finding for each in ordered.values() for finding in each.findings)
        return cls(written, ordered, Rests.together([each.rests for each in ordered.values()]), findings)


_NOTHING: Final = _Book(MappingProxyType({}), MappingProxyType({}), Rests(frozenset()), ())


class _Asked(NamedTuple):
    """A policy to study, and where what is found is to be kept."""

    into: dict[int, _Known]
    written: _Written
    policy: Policy
    keys: frozenset[str]


class Books:
    """The findings about the policies of one snapshot after another. Not thread-safe: one thread follows."""

    def __init__(self) -> None:
        self._books: dict[str, _Book] = {}
        #: The labels of pods that policies ask for, or asked for since all of them were studied.
        self._keys: frozenset[str] = frozenset()
        self._population: Population | None = None
        self._files = False

    def follow(self, engine: Engine, seen: Seen | None) -> dict[str, tuple[Finding, ...]]:
        """The findings about policies by namespace (``""``: those without one). `seen`: see `seen_of`."""
        snapshot = engine.snapshot
        files = not snapshot.nodes and all(pod.template for pod in snapshot.pods())
        if seen is None or files != self._files:
            self._books, self._keys, self._population, self._files = {}, frozenset(), None, files
            seen = None
        turned = seen.turned(_selectors(self._books.values())) if seen is not None else frozenset()
        tables = _tables(snapshot)
        todo: dict[str, dict[int, _Known]] = {}
        asked: list[_Asked] = []
        for name, written in tables.items():
            book = self._books.get(name, _NOTHING)
            if seen is not None and book.written is written and not book.rests.near_to(seen, turned):
                continue
            known = {} if seen is None else _standing(book, seen, turned)
            if book.written is not written or len(known) != len(book.known):
                todo[name] = known
                asked += _to_study(engine, written, book, known)
        self._look(engine, asked, files=files)
        books = {name: self._books[name] for name in tables.keys() - todo.keys()}
        books.update((name, _Book.of(tables[name], known)) for name, known in todo.items())
        self._books = {name: books[name] for name in tables}
        return {name: book.findings for name, book in self._books.items()}

    def _look(self, engine: Engine, asked: Sequence[_Asked], *, files: bool) -> None:
        """Study policies. Pods that none of them tells apart are looked at together."""
        if not asked:
            return
        self._keys = self._keys.union(*(each.keys for each in asked))
        population = Population(engine.snapshot, self._keys, addresses=False, before=self._population)
        services = ServiceAddresses.of(engine.snapshot)
        # By namespace, the labels by which policies select its pods.
        subjects: dict[str, frozenset[str]] = {}
        for into, written, policy, keys in asked:
            study = Study.of(engine, policy, population)
            findings = tuple(of_policy(study, written, services, files=files))
            home = policy.ref.namespace
            if home not in subjects:
                subjects[home] = frozenset(key for each in engine.over([home]) for key in keys_of(each.subject.pods))
            worn = of_chart(written) or any(each.code == "OPEN_INTERNET" for each in findings)
            into[id(written)] = _Known(written, keys, rests_of(study, subjects[home], worn=worn), findings)
        self._population = population


def _tables(snapshot: Snapshot) -> dict[str, Mapping[Any, _Written]]:
    tables: dict[str, Mapping[Any, _Written]] = {"": snapshot.tiered}
    tables.update((name, held.policies) for name, held in snapshot.contents.items() if held.policies)
    return tables


def _selectors(books: Iterable[_Book]) -> dict[bytes, LabelSelector]:
    return {key: selector for book in books for key, selector in book.rests.selectors.items()}


def _standing(book: _Book, seen: Seen, turned: frozenset[bytes]) -> dict[int, _Known]:
    """What of a book a change leaves as it was."""
    return {
        number: each for number, each in book.known.items() if each.rests.holds(seen, turned, silent=not each.findings)
    }


def _to_study(
    engine: Engine, written: Mapping[Any, _Written], book: _Book, known: dict[int, _Known]
) -> Iterator[_Asked]:
    """The valid policies of which nothing is known, or no longer."""
    for each in written.values():
        if id(each) not in known:
            policy = engine.compiled(each)
            if policy is not None:
                was = book.known.get(id(each))
                yield _Asked(known, each, policy, was.keys if was else frozenset(label_keys(policy)))
