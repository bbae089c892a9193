"""What an evidence bundle holds, made from nothing but what is in it: so that anybody can make it again and compare.

``objects.json`` is the snapshot, slimmed to what decides; ``facts.json`` says where it is
from and what was asked. The rest follows from these two and the charter: the audit, the
verdicts with their traces, the policies as YAML, and the report for people.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import Final, TypeVar

import msgspec

import console
from console.errors import InputError, UsageError
from console.governance.audit import Auditor
from console.governance.charter_read import load as load_charter
from console.governance.findings import Audit, Status
from console.governance.questions import Asking, Question, questions
from console.history.deltas import Facts, Standing, State, key_of, slim, state_of
from console.history.times import utc
from console.objects.core import ForeignPolicy
from console.objects.netpol import NetworkPolicy
from console.objects.shapes import NO_JSON
from console.objects.snapshot import Snapshot, SnapshotBuilder
from console.objects.tiered import TieredPolicy
from console.objects.yaml_render import to_yaml
from console.policy.asking import Modes
from console.policy.ends import parse_end, parse_port
from console.policy.engine import Engine
from console.policy.verdict import Connection
from console.report import audit_html, audit_json
from console.report.clean import clean
from console.report.json import verdict_json

T = TypeVar("T")

OBJECTS: Final = "objects.json"
FACTS: Final = "facts.json"
CHARTER: Final = "charter.yaml"
AUDIT: Final = "audit.json"
VERDICTS: Final = "verdicts.jsonl"
POLICIES: Final = "policies.yaml"
REPORT: Final = "report.html"
README: Final = "README.txt"
#: What cannot be made from the rest.
GIVEN: Final = (OBJECTS, FACTS, CHARTER)
#: Of the pairs that a rule found open, and of those that it found closed, how many are proved one by one.
MOST: Final = 50
_FORMAT: Final = 1


class Terms(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a bundle is about, beside its objects.

    `source` is the context's name, `cluster` the uid of the namespace kube-system, `moment`
    when it was read (RFC 3339, in UTC; empty for files), `today` the day exceptions are held
    against (YYYY-MM-DD), `asked` further questions.
    """

    source: str
    today: str
    charter_file: str
    cluster: str = ""
    moment: str = ""
    asked: tuple[Question, ...] = ()
    modes: Modes = Modes()
    annotations: bool = False
    console: str = console.__version__
    format: int = _FORMAT


def terms_of(
    snapshot: Snapshot,
    *,
    source: str,
    today: str,
    charter_file: str,
    at: float | None,
    asked: Iterable[Question] = (),
    modes: Modes | None = None,
    annotations: bool = False,
) -> Terms:
    """What a bundle of a snapshot is about; `at` is when it was read (time.time() seconds; None for files)."""
    return Terms(
        source=source,
        today=today,
        charter_file=charter_file,
        cluster=snapshot.namespace("kube-system").uid,
        moment="" if at is None else utc(at),
        asked=tuple(asked),
        modes=modes or Modes(),
        annotations=annotations,
    )


def begin(snapshot: Snapshot, terms: Terms, charter: str) -> dict[str, bytes]:
    """The three files that are given. `charter` is its text."""
    held = {key_of(obj): slim(obj, annotations=terms.annotations) for obj in snapshot.objects()}
    known = all(each.namespace.labels_known for each in snapshot.contents.values())
    state = state_of(
        {key: held[key] for key in sorted(held)},
        Facts(source=terms.source, cluster=terms.cluster, console=terms.console),
        Standing(snapshot.coverage, known, state="static"),
    )
    return {OBJECTS: _json(state), FACTS: _json(terms), CHARTER: charter.encode()}


def complete(given: Mapping[str, bytes]) -> dict[str, bytes]:
    """All files of a bundle, from the three that are given. Raises InputError where those cannot be used."""
    terms, snapshot = _terms(given), _snapshot(given)
    charter = load_charter(_charter(given), file=terms.charter_file)
    engine = Engine(snapshot, modes=terms.modes)
    auditor = Auditor(charter, today=_day(terms.today))
    audit = auditor.audit(engine)
    asking = list(questions(audit, charter, auditor.scene, most=MOST))
    return {
        **{name: given[name] for name in GIVEN},
        AUDIT: audit_json.render(audit).encode(),
        VERDICTS: "".join(_verdicts(engine, [*asking, Asking("", terms.asked, 0)])).encode(),
        POLICIES: _policies(snapshot).encode(),
        REPORT: audit_html.render(audit).encode(),
        README: _readme(terms, audit, asking).encode(),
    }


def differences(said: Mapping[str, bytes], made: Mapping[str, bytes]) -> Iterator[str]:
    """What a bundle says that does not follow from its objects, a line each."""
    for name in sorted(said.keys() | made.keys()):
        if name not in made:
            yield f"{name} is no part of a bundle"
        elif name not in said:
            yield f"{name} is missing"
        elif said[name] != made[name]:
            yield f"{name} is not what follows from {OBJECTS}"
            yield from _verdicts_that_differ(said[name], made[name]) if name == VERDICTS else ()


def summary(said: Mapping[str, bytes]) -> Iterator[str]:
    """What a bundle is about, for people, from what is given in it. Raises InputError."""
    terms, snapshot = _terms(said), _snapshot(said)
    pods = sum(1 for _ in snapshot.pods())
    policies = sum(1 for _ in snapshot.policies()) + len(snapshot.tiered)
    when = f", read {clean(terms.moment)}" if terms.moment else ""
    yield f"{clean(terms.source)}{when}: {pods} pods, {policies} policies; charter {clean(terms.charter_file)}"
    for gap in snapshot.coverage.gaps:
        yield f"? not read: {clean(gap.why)}"
    if terms.console != console.__version__:
        yield f"? written by version {clean(terms.console)}, this is {console.__version__}: words may differ"


def check_questions(snapshot: Snapshot, asked: tuple[Question, ...]) -> None:
    """Raise UsageError where one of the questions cannot be asked of a snapshot."""
    for each in asked:
        parse_end(each.source, snapshot)
        parse_end(each.destination, snapshot)
        parse_port(each.port)


def _verdicts(engine: Engine, asking: list[Asking]) -> Iterator[str]:
    for rule, asked, _ in asking:
        for each in asked:
            said: dict[str, object] = {"rule": rule, **each._asdict()}
            try:
                port, protocol = parse_port(each.port)
                source, destination = (parse_end(text, engine.snapshot) for text in (each.source, each.destination))
                said["verdict"] = verdict_json(engine.evaluate(Connection(source, destination, protocol, port)), None)
            except UsageError as error:
                said["error"] = str(error)
            yield _json(said).decode() + "\n"


def _verdicts_that_differ(said: bytes, made: bytes) -> Iterator[str]:
    ours: dict[str, object] = {}
    for line in made.splitlines():
        value = msgspec.json.decode(line)
        ours[_question(value)] = _outcome(value)
    for number, line in enumerate(said.splitlines(), 1):
        try:
            value = msgspec.json.decode(line)
        except NO_JSON:
            yield f"  {VERDICTS}:{number} is no JSON"
            continue
        if isinstance(value, dict) and ours.get(_question(value), "none") != _outcome(value):
            found = ours.get(_question(value), "not asked")
            yield f"  {_question(value)}: it says {_outcome(value)}, the objects say {found}"


def _question(value: dict[str, object]) -> str:
    return f"{value.get('source')} → {value.get('destination')} {value.get('port')}"


def _outcome(value: dict[str, object]) -> object:
    verdict = value.get("verdict")
    return verdict.get("outcome") if isinstance(verdict, dict) else "error"


def _snapshot(given: Mapping[str, bytes]) -> Snapshot:
    state = _decoded(given, OBJECTS, State)
    builder = SnapshotBuilder()
    builder.namespace_labels_known(state.standing.labels_known)
    for obj in state.objects():
        builder.put(obj)
    return builder.build(state.standing.coverage)


def _terms(given: Mapping[str, bytes]) -> Terms:
    terms = _decoded(given, FACTS, Terms)
    if terms.format != _FORMAT:
        raise InputError(f"the bundle has format {terms.format}; this version reads format {_FORMAT}")
    return terms


def _charter(given: Mapping[str, bytes]) -> str:
    try:
        return _given(given, CHARTER).decode()
    except UnicodeDecodeError:
        raise InputError(f"{CHARTER} is no text") from None


def _decoded(given: Mapping[str, bytes], name: str, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(_given(given, name), type=kind)
    except NO_JSON as error:
        raise InputError(f"{name} cannot be read: {error}") from None


def _given(given: Mapping[str, bytes], name: str) -> bytes:
    if name not in given:
        raise InputError(f"no evidence bundle: it has no {name}")
    return given[name]


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise InputError(f"{FACTS}: {text!r} is no day", hint="it is written YYYY-MM-DD") from None


def _policies(snapshot: Snapshot) -> str:
    """The policies' own text, for people to read."""
    written = []
    kept: tuple[NetworkPolicy | TieredPolicy | ForeignPolicy, ...]
    kept = (*snapshot.tiered.values(), *snapshot.policies(), *snapshot.foreign_policies())
    for policy in kept:
        if policy.text is not None and policy.text.json is not None:
            written.append(to_yaml(msgspec.json.decode(policy.text.json)))
    return "---\n".join(written)


def _readme(terms: Terms, audit: Audit, asking: list[Asking]) -> str:
    counted = ", ".join(f"{audit.count(status)} {status.value.upper()}" for status in Status)
    left = sum(each.left for each in asking)
    lines = [
        "Evidence of the network boundaries of a Kubernetes cluster, by netpol-console.",
        "",
        f"source      {clean(terms.source)}" + (f", cluster {clean(terms.cluster)}" if terms.cluster else ""),
        f"read        {clean(terms.moment)}" if terms.moment else "read        from files",
        f"charter     {clean(audit.charter)} ({clean(terms.charter_file)}), exceptions as of {terms.today}",
        f"holds       {audit.pods} pods, {audit.workloads} workloads, {audit.policies} policies",
        f"rules       {counted}",
        *(f"not read    {clean(each)}" for each in audit.coverage),
        "",
        f"{OBJECTS:<14}what was read, slimmed to what decides: no secrets, no environment",
        f"{FACTS:<14}where it is from, and what was asked",
        f"{CHARTER:<14}the rules the cluster is held to",
        f"{AUDIT:<14}each rule and finding",
        f"{VERDICTS:<14}the connections they rest on, with every trace",
        f"{POLICIES:<14}the policies",
        f"{REPORT:<14}the same for people",
        "",
        "All of it is computed from the first three. To compute it again and compare, to the byte:",
        "  netpol-console evidence verify FILE",
        "The sums alone: sha256sum --check SHA256SUMS. A signature, if there is one:",
        "  openssl pkeyutl -verify -pubin -inkey KEY.pub -rawin -in SHA256SUMS -sigfile SHA256SUMS.sig",
    ]
    if left:
        lines += [
            "",
            f"{left} more pairs have no trace here ({MOST} open and {MOST} closed ones a rule do); {AUDIT} counts all.",
        ]
    return "\n".join(lines) + "\n"


def _json(value: object) -> bytes:
    return msgspec.json.encode(value, order="deterministic")
