"""From a charter's text to the charter, with everything that is wrong told by line and column."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TypeVar

from console.governance import charter_model as model
from console.governance.charter import (
    BaselineRule,
    Charter,
    Example,
    Ground,
    OutsideGroup,
    Pardon,
    Rule,
    Selection,
    Verb,
)
from console.governance.charter_problems import CharterError, CharterProblem, Path, Problems
from console.governance.charter_sentences import ground_sentence, sentence_of
from console.governance.charter_shape import convert
from console.governance.charter_terms import BadTerm, PortTerm, Term, listed, parse_ports, parse_term
from console.governance.findings import Control, Severity
from console.objects.selectors import LabelSelector, Requirement
from console.objects.yaml_events import YamlError
from console.objects.yaml_positions import Positions
from console.objects.yaml_values import read as read_yaml
from console.policy.addresses import parse_network
from console.policy.model import Network

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class CharterReading:
    """What a text comes to. `charter` is None where there are errors among the `problems`."""

    charter: Charter | None
    problems: tuple[CharterProblem, ...]


def load(text: str, *, file: str = "charter.yaml") -> Charter:
    """The charter of a text; `file` is what it is called in messages. Raises CharterError."""
    reading = read(text, file=file)
    if reading.charter is None:
        raise CharterError(reading.problems)
    return reading.charter


def read(text: str, *, file: str = "charter.yaml") -> CharterReading:
    """The charter of a text, and all that is wrong with it. Raises nothing."""
    text = text.removeprefix("\ufeff").replace("\r\n", "\n")
    try:
        found = read_yaml(text)
    except YamlError as error:
        return CharterReading(None, (CharterProblem(error.message, error.hint, file, max(error.line, 1), 1),))
    if found.problems:
        wrong = (CharterProblem(each.message, "", file, each.line, 1) for each in found.problems)
        return CharterReading(None, tuple(wrong))
    problems = Problems(file, Positions(text))
    if not isinstance(found.value, Mapping):
        problems.add((), "this is no charter", "it is a mapping with charter, rules and so on: see charter init")
        return CharterReading(None, tuple(problems.found))
    written = convert(dict(found.value), model.CharterText, (), problems)
    if written is None:
        return CharterReading(None, _in_order(problems))
    charter = _Reader(written, problems).charter()
    from console.governance.charter_check import check  # it asks for the values made here

    check(charter, written, problems)
    return CharterReading(None if problems.errors else charter, _in_order(problems))


def _in_order(problems: Problems) -> tuple[CharterProblem, ...]:
    return tuple(sorted(dict.fromkeys(problems.found), key=lambda each: (each.line, each.column)))


class _Reader:
    """Makes the values; what cannot be made is told and left out."""

    def __init__(self, written: model.CharterText, problems: Problems) -> None:
        self._written = written
        self._problems = problems

    def charter(self) -> Charter:
        written = self._written
        return Charter(
            name=written.charter,
            file=self._problems.file,
            role_keys=tuple(written.labels.role),
            domain_keys=tuple(written.labels.domain),
            roles=self._selections("roles", written.roles),
            domains=self._selections("domains", written.domains),
            outside={name: self._group(name) for name in written.outside},
            baseline=tuple(self._baseline()),
            rules=tuple(rule for number, each in enumerate(written.rules) if (rule := self._rule(number, each))),
            pardons=tuple(
                found for number, each in enumerate(written.exceptions) if (found := self._pardon(number, each))
            ),
            examples=tuple(
                example for number, each in enumerate(written.examples) if (example := self._example(number, each))
            ),
        )

    # -- groups

    def _selections(
        self, section: str, written: Mapping[str, Sequence[model.Selection]]
    ) -> dict[str, tuple[Selection, ...]]:
        return {
            name: tuple(
                Selection(
                    tuple(each.namespaces),
                    _selector(each.namespace_selector),
                    _selector(each.pod_selector),
                    tuple(text.lower() for text in each.names),
                    tuple(each.roles),
                    tuple(each.domains),
                    self._problems.place((section, name, number)),
                )
                for number, each in enumerate(selections)
            )
            for name, selections in written.items()
        }

    def _group(self, name: str) -> OutsideGroup:
        """A group with all that it includes; a cycle is told by `charter_check`, and ends here."""
        networks: dict[Network, None] = {}
        hosts: dict[str, None] = {}
        seen: set[str] = set()
        waiting = [name]
        while waiting:
            each = waiting.pop()
            held = self._written.outside.get(each)
            if each in seen or held is None:
                continue
            seen.add(each)
            for number, text in enumerate(held.cidrs):
                network = parse_network(text)
                if network is None:
                    self._problems.add(
                        ("outside", each, "cidrs", number), f"{text!r} is no network", "write 10.0.0.0/8 or fd00::/8"
                    )
                else:
                    networks[network] = None
            hosts.update(dict.fromkeys(held.hosts))
            waiting += held.include
        return OutsideGroup(tuple(networks), tuple(hosts), self._problems.place(("outside", name)))

    # -- rules

    def _rule(self, number: int, written: model.RuleText) -> Rule | None:
        path: Path = ("rules", number)
        verbs = [verb for verb in Verb if getattr(written, verb.value) is not None]
        if (written.from_ is None) == (written.to is None):
            self._problems.add(path, f"rule {written.name!r} needs from or to: one of the two")
            return None
        if len(verbs) != 1:
            self._problems.add(path, f"rule {written.name!r} needs one of never, only and must")
            return None
        verb, outward = verbs[0], written.from_ is not None
        subject = self._terms(written.from_ if outward else written.to, (*path, "from" if outward else "to"))
        others = self._terms(getattr(written, verb.value), (*path, verb.value))
        among = self._terms(written.among, (*path, "among"))
        ports = self._ports(written.ports, (*path, "ports"))
        return Rule(
            name=written.name,
            verb=verb,
            outward=outward,
            subject=subject,
            others=others,
            among=among,
            ports=ports,
            chain=bool(written.through),
            severity=Severity(written.severity),
            sentence=sentence_of(verb, outward, subject, others, among, ports, chain=bool(written.through)),
            controls=tuple(map(_control, written.controls)),
            place=self._problems.place(path),
        )

    def _baseline(self) -> Iterable[BaselineRule]:
        for ground in Ground:
            written: model.BaselineRule | None = getattr(self._written.baseline, ground.value.replace("-", "_"))
            if written is not None:
                path: Path = ("baseline", ground.value)
                within = self._terms(written.in_, (*path, "in"))
                besides = self._terms(written.except_, (*path, "except"))
                where = listed(within) + (f" (but {listed(besides)})" if besides else "")
                yield BaselineRule(
                    ground,
                    within,
                    besides,
                    Severity(written.severity),
                    ground_sentence(ground, where),
                    tuple(map(_control, written.controls)),
                    self._problems.place(path),
                )

    def _pardon(self, number: int, written: model.ExceptionText) -> Pardon | None:
        path: Path = ("exceptions", number)
        try:
            until = date.fromisoformat(written.until)
        except ValueError:
            self._problems.add((*path, "until"), f"{written.until!r} is no day", "write YYYY-MM-DD")
            return None
        for key in ("owner", "reason"):
            if not getattr(written, key).strip():
                self._problems.add((*path, key), f"an exception needs its {key}")
        return Pardon(
            written.rule,
            self._terms(written.from_, (*path, "from")),
            self._terms(written.to, (*path, "to")),
            written.owner,
            written.reason,
            until,
            self._problems.place(path),
        )

    def _example(self, number: int, written: model.Example) -> Example | None:
        path: Path = ("examples", number)
        text = written.open if written.open is not None else written.blocked
        if text is None or (written.open is not None and written.blocked is not None):
            self._problems.add(path, "an example needs open or blocked: one of the two")
            return None
        key = "open" if written.open is not None else "blocked"
        source, arrow, rest = text.partition("->")
        destination, _, on = rest.partition(" on ")
        if not arrow or not source.strip() or not destination.strip():
            self._problems.add((*path, key), f"{text!r} is no path", "write FROM -> TO on PORT")
            return None
        ends = [
            tuple(term for part in each.split(" + ") for term in self._terms(part, (*path, key)))
            for each in (source, destination)
        ]
        ports = self._ports(on.strip(), (*path, key)) if on else ()
        if not all(ends):
            return None
        if len(ports) > 1 or (ports and ports[0].low != ports[0].high):
            self._problems.add((*path, key), "an example is about one port")
            return None
        breaks = [written.breaks] if isinstance(written.breaks, str) else written.breaks
        return Example(
            written.open is not None,
            ends[0],
            ends[1],
            ports[0] if ports else None,
            tuple(breaks),
            text,
            self._problems.place(path),
        )

    # -- words

    def _terms(self, written: model.Terms | None, path: Path) -> tuple[Term, ...]:
        found: list[Term] = []
        for at, text in _each(written, path):
            try:
                found.append(parse_term(text))
            except BadTerm as error:
                self._problems.add(at, error.message, error.hint)
        if isinstance(written, list) and not written and path[-1] != "except":
            self._problems.add(path, "this list is empty, and so names nobody")
        return tuple(found)

    def _ports(self, written: str | int | list[str | int], path: Path) -> tuple[PortTerm, ...]:
        found: list[PortTerm] = []
        for at, text in _each(written, path):
            try:
                found += parse_ports([str(text)])
            except BadTerm as error:
                self._problems.add(at, error.message, error.hint)
        return tuple(found)


def _each(written: _T | list[_T] | None, path: Path) -> list[tuple[Path, _T]]:
    if written is None:
        return []
    if isinstance(written, list):
        return [((*path, number), each) for number, each in enumerate(written)]
    return [(path, written)]


def _selector(written: model.Selector | None) -> LabelSelector | None:
    if written is None:
        return None
    wanted = [Requirement(each.key, each.operator, list(each.values)) for each in written.match_expressions]
    return LabelSelector(dict(written.match_labels), wanted)


def _control(text: str) -> Control:
    framework, _, number = text.rpartition(": ")
    return Control(framework or text, number if framework else "")
