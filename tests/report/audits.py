"""Audits made by hand for the reports: one of everything, and one in which every text is hostile."""

from __future__ import annotations

from console.governance.findings import Audit, Control, Finding, Offence, Place, RuleResult, Severity, Status
from console.objects.meta import ObjectRef
from console.policy.verdict import Outcome

#: Markup of every kind a report is read as, ANSI and OSC escapes, bidi and zero-width characters, a formula.
HOSTILE = (
    "=cmd|'/c calc'!A1 <script>alert(1)</script> <img src=x onerror=alert(2)> ]]> --> `a` **b** [x](javascript:y) "
    "| # h\n## t @admin https://evil.example www.evil.example &amp; $x$ \x1b[31mred\x1b]52;c;eA==\x07 \u202eevil\u202c "
    "\u200bz \x00 [/oops] \\ ~~s~~ https\x3a//a.example"
)
POLICY = ObjectRef("NetworkPolicy", "training", "default-deny")
CONTROLS = (Control("PCI DSS 4.0", "1.3.2"), Control("SOC 2", "CC6.1"))


def offence(name: str, *, outcome: Outcome = Outcome.ALLOWED, why: str = "no policy isolates its egress") -> Offence:
    return Offence(f"training/job/{name}", "internet", "443/TCP", "443/TCP", outcome, why, (POLICY,))


def rule(
    name: str,
    status: Status,
    *,
    offences: tuple[Offence, ...] = (),
    unknowns: tuple[Offence, ...] = (),
    excepted: tuple[tuple[Offence, str], ...] = (),
) -> RuleResult:
    at = Place("k8s/charter.yaml", 12)
    says, why = f"what {name} says", f"why {name}"
    return RuleResult(name, says, status, 3, why, Severity.HIGH, offences, unknowns, excepted, CONTROLS, at)


def everything() -> Audit:
    """An audit with a rule of each status, and findings with and without a place and a manifest."""
    chain = Offence(
        "a/b/c", "internet", "443/TCP", "443/TCP", Outcome.ALLOWED, "two hops", through=("gateway/deployment/g",),
        since="2026-11-23T20:00:00Z", because="label egress: added by kubectl",
    )  # fmt: skip
    rules = (
        rule("holds", Status.PASS),
        rule("broken", Status.FAIL, offences=(offence("one"), offence("two"), chain)),
        rule("open", Status.UNKNOWN, unknowns=(offence("three", outcome=Outcome.UNKNOWN),)),
        rule("let-be", Status.EXCEPTED, excepted=((offence("four"), "ml-research until 2027-01-01: migration"),)),
        rule("nothing-known", Status.UNKNOWN),
    )
    findings = (
        Finding("DNS_FORGOTTEN", Severity.HIGH, ObjectRef("Namespace", "", "vector-db"), "no names", ("53 is shut",),
                "open it", CONTROLS, "kind: NetworkPolicy\nmetadata:\n  name: allow-dns\n"),
        Finding("ALL_PORTS", Severity.LOW, POLICY, "every port", ("rule 1", "rule 2"), "name them", CONTROLS,
                place=Place("k8s/my policies/p.yaml", 7)),
        Finding("MADE_UP", Severity.CRITICAL, POLICY, "a code of its own", (), "mend it"),
    )  # fmt: skip
    return Audit("house rules", rules, findings, 60, 150, 40, ("pods of gateway: forbidden",))


def hostile() -> Audit:
    """An audit in which whatever a cluster or a charter writes is hostile."""
    ref = ObjectRef(HOSTILE, HOSTILE, HOSTILE)
    bad = Offence(HOSTILE, HOSTILE, HOSTILE, HOSTILE, Outcome.ALLOWED, HOSTILE, (ref,), (HOSTILE,), HOSTILE, HOSTILE)
    # What a file system calls a file need not be text at all.
    at = Place(HOSTILE + "\udcff", 3)
    rules = tuple(
        RuleResult(f"{status.value} {HOSTILE}", HOSTILE, status, 1, HOSTILE, Severity.HIGH, (bad,), (bad,),
                   ((bad, HOSTILE),), (Control(HOSTILE, HOSTILE),), at)
        for status in Status
    )  # fmt: skip
    finding = Finding(HOSTILE, Severity.HIGH, ref, HOSTILE, (HOSTILE,), HOSTILE, (), HOSTILE + "\n```\n" + HOSTILE, at)
    return Audit(HOSTILE, rules, (finding,), 1, 1, 1, (HOSTILE,))
