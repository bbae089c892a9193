"""A charter for the cluster at hand: the one that ships inside, with this cluster's domains and today's paths."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Final

from console.governance.charter_default import default_text
from console.governance.ends import Side
from console.governance.findings import Audit, Status
from console.governance.inventory import Entry
from console.governance.scopes import Scene
from console.objects.yaml_text import to_yaml
from console.policy.reach import bits
from console.policy.reachable import spans
from console.policy.universe import INTERNET, METADATA

#: How many others, and ranges of ports, a comment names.
_MOST: Final = 12
_MOST_PORTS: Final = 4
_RULES: Final = "\nrules:\n"
_GROUPS: Final = "\noutside:\n"


def charter_for(scene: Scene, entries: Mapping[str, Entry], found: Audit, *, title: str, today: date) -> str:
    """The text of a charter for a cluster called `title`, with what an audit by it `found` as comments."""
    text = default_text()
    _, _, rest = text.partition("charter: ")
    _, _, rest = rest.partition("\n")
    about = (
        f"# What the traffic of the AI platform in {_one_line(title)} is held to.\n"
        f"# Written by netpol-console charter init on {today.isoformat()}: read it, change it, keep it in git.\n"
    )
    named = to_yaml({"charter": f"AI platform boundaries of {_one_line(title)}"})
    text = about + named + "\n" + rest.lstrip("\n")
    text = text.replace(_GROUPS.lstrip(), "\n".join(_domains(entries)) + "\n" + _GROUPS, 1)
    paths = "\n".join(f"# {_shown(line)}".rstrip() for line in _today(scene, entries, found))
    return text.replace(_RULES, f"\n{paths}{_RULES}", 1)


def _one_line(text: str) -> str:
    return " ".join("".join(each if each.isprintable() else " " for each in text).split())


def _shown(text: str) -> str:
    """Text of the cluster as part of a comment: a line that it breaks would be one of the charter."""
    return "".join(each if each.isprintable() else each.encode("unicode_escape").decode("ascii") for each in text)


def _domains(entries: Mapping[str, Entry]) -> Iterator[str]:
    """The domains as they are known today: by namespace where all of one belongs to one, else workload by workload."""
    spaces: dict[str, dict[str, list[str]]] = {}
    for name, entry in entries.items():
        spaces.setdefault(entry.workload.namespace, {}).setdefault(entry.domain, []).append(name)
    whole: dict[str, list[str]] = {}
    single: dict[str, list[str]] = {}
    unknown: list[str] = []
    for namespace, by_domain in sorted(spaces.items()):
        for domain, names in sorted(by_domain.items()):
            if not domain:
                unknown.append(f"namespace {namespace} ({', '.join(sorted({entries[name].role for name in names}))})")
            elif len(by_domain) == 1:
                whole.setdefault(domain, []).append(namespace)
            else:
                single.setdefault(domain, []).extend(sorted(names))
    for each in unknown:
        yield f"# Of no domain yet: {_shown(each)}"
    said = {
        domain: [
            *([{"namespaces": whole[domain]}] if domain in whole else []),
            *([{"names": single[domain]}] if domain in single else []),
        ]
        for domain in sorted(whole.keys() | single.keys())
    }
    if said:
        yield to_yaml({"domains": said}).rstrip("\n")


def _today(scene: Scene, entries: Mapping[str, Entry], found: Audit) -> Iterator[str]:
    yield "Today's paths between roles, and how the rules below stand:"
    roles = sorted({entry.role for entry in entries.values() if entry.ai})
    for role in roles:
        yield f"  {role} reaches"
        yield from (f"    {line}" for line in _reached(scene, role, whole=not found.coverage))
    for what in found.coverage:
        yield f"  NOT READ {_one_line(what)}"
    for rule in found.rules:
        if rule.place is not None and rule.status is not Status.PASS:
            yield f"  {rule.status.value.upper():<8} {rule.name}: {rule.why}"


def _reached(scene: Scene, role: str, *, whole: bool) -> Iterator[str]:
    """What a role reaches, and what it may reach for all that is known. `whole`: everything was read."""
    groups: dict[str, int] = {}
    for side in scene.sides.values():
        assert side.entry is not None
        groups[side.entry.role] = groups.get(side.entry.role, 0) | side.classes
    ends = {**groups, **{part.name: part.classes for part in _parts(scene) if part.classes}}
    sure, maybe = (_open(scene, groups.get(role, 0), ends, maybe=each) for each in (False, True))
    told = sorted(sure)
    for name in told[:_MOST]:
        yield f"{name}: {_ports(scene, sure[name])}"
    if len(told) > _MOST:
        yield f"and {len(told) - _MOST} more"
    unknown = sorted(name for name, ports in maybe.items() if ports & ~sure.get(name, 0))
    if unknown:
        more = f" and {len(unknown) - _MOST} more" if len(unknown) > _MOST else ""
        yield f"not known: {', '.join(unknown[:_MOST])}{more}"
    elif not told:
        yield "nothing" if whole else "nothing that was read"


def _open(scene: Scene, sources: int, ends: Mapping[str, int], *, maybe: bool) -> dict[str, int]:
    """The ports on which some classes reach others, by the names of those."""
    ports: dict[str, int] = {}
    for number in bits(sources):
        for open_, classes in scene.reach.reached(number, maybe=maybe).items():
            rest = classes & ~scene.reach.alone(number)
            for name, held in ends.items():
                if rest & held:
                    ports[name] = ports.get(name, 0) | open_
    return ports


def _parts(scene: Scene) -> Iterator[Side]:
    yield from (scene.part(kind) for kind in (INTERNET, METADATA))


def _ports(scene: Scene, ports: int) -> str:
    if ports == scene.reach.atoms.all:
        return "every port"
    told = [str(span) for span in spans(scene.reach, ports)]
    return ", ".join(told[:_MOST_PORTS]) + (f" and {len(told) - _MOST_PORTS} more" if len(told) > _MOST_PORTS else "")
