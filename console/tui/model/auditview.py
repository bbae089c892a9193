"""The Audit screen as rows and lines: the charter's rules, the findings, the AI inventory, and what is behind each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from console.governance.charter import Ground
from console.governance.findings import Finding, Offence, RuleResult, Severity, Status
from console.governance.inventory import Entry
from console.report import audit_words as words
from console.report.words import count
from console.tui.model.frame import Question
from console.tui.model.standing import Standing
from console.tui.model.table import Column, Table
from console.tui.text import Line, Piece, Tone

TONES: Final[Mapping[Status, Tone]] = MappingProxyType(
    {Status.PASS: Tone.GOOD, Status.FAIL: Tone.BAD, Status.UNKNOWN: Tone.WARN, Status.EXCEPTED: Tone.ACCENT}
)
_SEVERITIES: Final[Mapping[Severity, Tone]] = MappingProxyType(
    {
        Severity.CRITICAL: Tone.BAD,
        Severity.HIGH: Tone.BAD,
        Severity.MEDIUM: Tone.WARN,
        Severity.LOW: Tone.PLAIN,
        Severity.INFO: Tone.DIM,
    }
)


#: Rules of the baseline are called by a key of the charter, which says little: what each of them wants.
_TITLES: Final[Mapping[str, str]] = MappingProxyType(
    {
        Ground.DENY_INGRESS.value: "nothing gets in unless a policy lets it",
        Ground.DENY_EGRESS.value: "nothing gets out unless a policy lets it",
        Ground.DNS.value: "who may connect can look names up (DNS)",
        Ground.METADATA.value: "cloud metadata is out of reach",
        Ground.POLICIES_SELECT.value: "every policy selects something",
        Ground.REPLICAS_ALIKE.value: "replicas have the same paths",
        Ground.SERVICES_REACHABLE.value: "something reaches every Service",
    }
)


class Pair(NamedTuple):
    """One offence in the list beside its rule. `status` is FAIL, UNKNOWN, or EXCEPTED with the `pardon`."""

    offence: Offence
    status: Status
    pardon: str = ""

    @property
    def question(self) -> Question:
        """What Simulate asks to show it: of a chain its last hop."""
        source = self.offence.through[-1] if self.offence.through else self.offence.source
        return Question(source, self.offence.destination, self.offence.port)


def summary(standing: Standing) -> tuple[Line, ...]:
    """``charter 11/13 ✓ 1 ✗ 1 ?`` as ways to write it, the widest first; nothing before the first audit."""
    audit = standing.audit
    if standing.trouble:
        return ((Piece("charter ", Tone.DIM), Piece("✗ not judged", Tone.BAD)),)
    if audit is None:
        return ((),)
    counts = [(status, audit.count(status)) for status in words.ORDER]
    failed = audit.count(Status.FAIL) > 0
    told = [
        Piece(f"{audit.count(Status.PASS)}/{len(audit.rules)} ✓", Tone.PLAIN if failed else Tone.GOOD),
        *(
            Piece(f" {number} {words.GLYPHS[status]}", TONES[status])
            for status, number in counts
            if number and status is not Status.PASS
        ),
    ]
    return ((Piece("charter ", Tone.DIM), *told), tuple(told))


def rules(standing: Standing) -> Table[RuleResult]:
    """The rules, failed ones first, the gravest of them before the others."""
    audit = standing.audit
    severities = list(Severity)
    listed = sorted(
        audit.rules if audit else (),
        key=lambda rule: (words.ORDER.index(rule.status), severities.index(rule.severity)),
    )
    turned = standing.turned

    def since(rule: RuleResult) -> str:
        last = turned.get(rule.name)
        return _clock(last.at) if last is not None and last.turn.was is not rule.status else ""

    columns: list[Column[RuleResult]] = [
        Column("STATUS", lambda rule: Piece(words.status_word(rule.status), TONES[rule.status]), width=10),
        Column("RULE", lambda rule: Piece(rule_title(rule)), rule_title, flexible=True, ends=True),
        Column("OFFEND", lambda rule: Piece(_extent(rule), Tone.DIM), _extent, drop=1),
        Column("SINCE", lambda rule: Piece(since(rule), Tone.WARN), since, drop=2),
    ]
    return Table(
        listed,
        columns,
        lambda rule: rule.name,
        text=lambda rule: f"{rule.name} {rule_title(rule)} {rule.status.value} {rule.severity.value} {rule.sentence}",
        empty=_none(standing, "The charter has no rules."),
        least=24,
        most=38,
    )


def lists(standing: Standing) -> Iterator[tuple[str, str, Table[Any]]]:
    """The three lists: what each is called, its title, and its rows."""
    yield "rules", f"Charter · {standing.audit.charter}" if standing.audit else "Charter", rules(standing)
    yield "findings", "Findings", findings(standing)
    yield "inventory", "AI inventory", inventory(standing)


def rule_title(rule: RuleResult) -> str:
    """What a rule is called in lists."""
    return _TITLES.get(rule.name, rule.name)


def _extent(rule: RuleResult) -> str:
    if not rule.pairs:
        return ""
    found = {Status.FAIL: rule.offences, Status.UNKNOWN: rule.unknowns}.get(rule.status, ())
    return f"{len(found):,} of {rule.pairs:,}"


def findings(standing: Standing) -> Table[Finding]:
    """The findings, the worst first."""
    columns: list[Column[Finding]] = [
        Column("SEVERITY", lambda each: Piece(each.severity.value, _SEVERITIES[each.severity]), width=8),
        Column("FINDING", lambda each: Piece(each.title), lambda each: each.title, flexible=True),
        Column("ABOUT", lambda each: Piece(_about(each)), _about, drop=1),
    ]
    return Table(
        standing.audit.findings if standing.audit else (),
        columns,
        lambda each: (each.code, each.object, each.title),
        text=lambda each: f"{each.code} {each.severity.value} {each.title} {each.object}",
        empty=_none(standing, "Nothing was found beyond the charter's rules."),
        least=24,
        most=48,
    )


def _about(finding: Finding) -> str:
    return words.object_word(finding.object)


def inventory(standing: Standing) -> Table[Entry]:
    """The workloads by role, AI workloads that nobody labelled marked."""
    columns: list[Column[Entry]] = [
        Column("WORKLOAD", lambda each: Piece(_short(each)), _short, ends=True),
        Column("ROLE", lambda each: Piece(_role(each), Tone.PLAIN if each.role else Tone.DIM), _role),
        Column("DOMAIN", lambda each: Piece(each.domain or "–", Tone.DIM), lambda each: each.domain, drop=1),
        Column("SURE", lambda each: Piece(f"{each.confidence:.0%}", Tone.DIM), width=4, drop=2, right=True),
    ]
    entries = sorted(standing.entries, key=lambda each: (not each.ai, each.role, each.name))
    return Table(
        entries,
        columns,
        lambda each: each.name,
        text=lambda each: f"{each.name} {each.role} {each.domain}",
        labels=lambda each: (pod.labels for pod in each.workload.pods),
        empty=_none(standing, "There are no workloads."),
        least=20,
        most=46,
    )


def _short(entry: Entry) -> str:
    return f"{entry.workload.namespace}/{entry.workload.name}"


def _role(entry: Entry) -> str:
    return f"{entry.role or '–'}{' *' if entry.ai and not entry.labelled else ''}"


def pairs(rule: RuleResult | None) -> Table[Pair]:
    """The offences of a rule, and what may be one or is excepted."""
    listed: list[Pair] = []
    if rule is not None:
        listed += [Pair(each, Status.FAIL) for each in rule.offences]
        listed += [Pair(each, Status.UNKNOWN) for each in rule.unknowns]
        listed += [Pair(each, Status.EXCEPTED, pardon) for each, pardon in rule.excepted]

    def line(pair: Pair) -> str:
        return words.pair_word(pair.offence)

    def ends(pair: Pair) -> str:
        chain = (pair.offence.source, *pair.offence.through, pair.offence.destination)
        return f"{words.GLYPHS[pair.status]} {' → '.join(map(_kindless, chain))}"

    def ports(pair: Pair) -> str:
        return pair.offence.ports or pair.offence.port

    columns: list[Column[Pair]] = [
        Column("PAIR", lambda pair: Piece(ends(pair), TONES[pair.status]), ends, ends=True),
        Column("PORTS", lambda pair: Piece(ports(pair), Tone.DIM), ports, drop=1),
    ]
    return Table(
        listed,
        columns,
        lambda pair: (pair.question, pair.offence.source),
        text=line,
        empty=((Piece("No pair offends.", Tone.GOOD),),) if rule and rule.status is Status.PASS else (),
        most=200,
    )


def _kindless(name: str) -> str:
    """``training/etl`` for ``training/job/etl``: in a list both ends are to be read; beside it they stand in full."""
    parts = name.split("/")
    return f"{parts[0]}/{parts[2]}" if len(parts) == 3 else name


def of_rule(rule: RuleResult, standing: Standing) -> Iterator[Line]:
    """What a rule says, what became of it, and since when."""
    yield (Piece(rule.sentence, Tone.STRONG),)
    status = Piece(words.status_word(rule.status), TONES[rule.status])
    yield (status, Piece(f"  {rule.why}") if rule.why else Piece(""), Piece(f"  {rule.severity.value}", Tone.DIM))
    last = standing.turned.get(rule.name)
    if last is not None:
        was = f", was {words.status_word(last.turn.was)}" if last.turn.was not in (None, rule.status) else ""
        moved = [
            f"+{len(last.turn.opened)}" if last.turn.opened else "",
            f"−{len(last.turn.closed)}" if last.turn.closed else "",
        ]
        counted = f" ({' '.join(part for part in moved if part)})" if any(moved) else ""
        yield (Piece(f"since {_clock(last.at)}{was}{counted}", Tone.WARN),)
        if last.because:
            yield (Piece(f"  {last.because}"),)
    if rule.controls:
        yield (Piece("evidence toward ", Tone.DIM), Piece(words.controls_word(rule.controls), Tone.DIM))
    if rule.place:
        yield (Piece(f"written in {rule.place.file}:{rule.place.line}", Tone.DIM),)


def of_pair(pair: Pair) -> Iterator[Line]:
    """Why a pair offends, and what decides; who excepted it."""
    yield (Piece(words.pair_word(pair.offence), TONES[pair.status]),)
    if pair.pardon:
        yield (Piece(f"excepted: {pair.pardon}", Tone.ACCENT),)
    for fact in words.offence_facts(pair.offence):
        yield (Piece(f"  {fact}"),)


def of_finding(finding: Finding) -> Iterator[Line]:
    """What was found, on what evidence, and what to do."""
    yield (Piece(finding.title, Tone.STRONG),)
    yield (
        Piece(finding.severity.value, _SEVERITIES[finding.severity]),
        Piece(f"  {finding.code}", Tone.KEY),
        Piece(f"  {_about(finding)}"),
    )
    if finding.place:
        yield (Piece(f"written in {finding.place.file}:{finding.place.line}", Tone.DIM),)
    yield ()
    for fact in finding.evidence:
        yield (Piece(f"  {fact}"),)
    yield ()
    yield (Piece("do ", Tone.KEY), Piece(finding.remedy))
    if finding.controls:
        yield ()
        yield (Piece("evidence toward ", Tone.DIM), Piece(words.controls_word(finding.controls), Tone.DIM))
    if finding.manifest:
        yield ()
        for line in finding.manifest.rstrip().split("\n"):
            yield (Piece(f"  {line}"),)


def of_entry(entry: Entry) -> Iterator[Line]:
    """What a workload is taken for, and what speaks for it."""
    yield (Piece(entry.name, Tone.STRONG),)
    sure = "a label or the charter says so" if entry.labelled else f"{entry.confidence:.0%} sure"
    yield (
        Piece(entry.role or "of no role that is known", Tone.KEY),
        Piece(f" · {entry.domain or 'no domain'} · {sure}"),
    )
    if entry.ai and not entry.labelled:
        yield (Piece("* an AI workload that no governance label and no charter names", Tone.WARN),)
    yield ()
    for signal in entry.signals:
        yield (Piece(f"  {signal}"),)
    yield ()
    yield (Piece(f"{count(len(entry.workload.active), 'pod')} running", Tone.DIM),)


def _none(standing: Standing, otherwise: str) -> tuple[Line, ...]:
    if standing.trouble:
        return ((Piece("✗ the audit failed: ", Tone.BAD), Piece(standing.trouble)),)
    if standing.audit is None:
        return ((Piece("◌ judging …", Tone.DIM),),)
    return ((Piece(otherwise, Tone.DIM),),)


def _clock(at: float) -> str:
    return datetime.fromtimestamp(at).astimezone().strftime("%H:%M:%S")
