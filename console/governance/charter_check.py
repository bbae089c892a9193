"""What of a charter does not fit together: names nobody has, circles, what overlaps, rules that can never match."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from ipaddress import ip_network
from typing import Final

from console.governance import charter_model as model
from console.governance.charter import Charter, Pardon, Rule, Verb
from console.governance.charter_problems import CharterProblem, Path, Problems
from console.governance.charter_terms import Kind, Term
from console.governance.roles import Role
from console.policy.model import Network

#: Where no connection between a pod and another place leads: loopback, "this network", multicast, reserved.
_NOWHERE: Final[tuple[Network, ...]] = tuple(
    map(ip_network, ("0.0.0.0/8", "127.0.0.0/8", "224.0.0.0/3", "::/127", "ff00::/8"))
)


def check(charter: Charter, written: model.CharterText, problems: Problems) -> None:
    """Tell all that does not fit."""
    _Check(charter, written, problems).all()


def expired(charter: Charter, today_ordinal: int) -> Iterator[CharterProblem]:
    """A warning for each exception whose last day is before a day (`date.toordinal`)."""
    for pardon in charter.pardons:
        if pardon.until.toordinal() < today_ordinal:
            yield CharterProblem(
                f"the exception to {pardon.rule!r} expired on {pardon.until.isoformat()}",
                f"ask {pardon.owner} whether it is still needed: {pardon.reason}",
                pardon.place.file,
                pardon.place.line,
                1,
                error=False,
            )


class _Check:
    def __init__(self, charter: Charter, written: model.CharterText, problems: Problems) -> None:
        self._charter = charter
        self._written = written
        self._problems = problems
        self._roles = {role.value for role in Role} | charter.roles.keys()

    def all(self) -> None:
        """Every check."""
        self._groups()
        self._circles()
        self._selectors()
        self._overlaps()
        names: dict[str, int] = {}
        for number, text in enumerate(self._written.rules):
            if text.name in names:
                line = self._problems.positions.start(("rules", names[text.name]))[0]
                self._problems.add(
                    ("rules", number, "name"), f"{text.name!r} is the name of the rule in line {line} too"
                )
            names.setdefault(text.name, number)
        by_name = {rule.name: rule for rule in self._charter.rules}
        for name, number in names.items():
            if name in by_name:
                self._rule(by_name[name], ("rules", number))
        for each in self._charter.baseline:
            for key, terms in (("in", each.within), ("except", each.besides)):
                for term in terms:
                    path: Path = ("baseline", each.name, key)
                    self._term(term, path)
                    if not term.inside:
                        self._problems.add(path, f"{term.words()} is no workload", "the baseline is about workloads")
        self._exceptions(by_name)

    # -- groups

    def _groups(self) -> None:
        for name, group in self._written.outside.items():
            path: Path = ("outside", name)
            if not (group.cidrs or group.hosts or group.include):
                self._problems.add(path, f"outside group {name!r} names no place", "give it cidrs, hosts or include")
            for number, other in enumerate(group.include):
                if other not in self._written.outside:
                    self._unknown((*path, "include", number), "outside group", other, self._written.outside)
            for number, text in enumerate(group.cidrs):
                network = ip_network(text, strict=False) if _is_network(text) else None
                if network is not None and any(_within(network, nowhere) for nowhere in _NOWHERE):
                    self._problems.add((*path, "cidrs", number), f"nothing outside ever has an address of {text}")
        for section in ("roles", "domains"):
            for name, selections in getattr(self._written, section).items():
                if not selections:
                    self._problems.add((section, name), f"{name!r} selects nothing: its list is empty")
                for number, each in enumerate(selections):
                    where: Path = (section, name, number)
                    for index, role in enumerate(each.roles):
                        if role not in self._roles:
                            self._unknown((*where, "roles", index), "role", role, self._roles)
                    for index, domain in enumerate(each.domains):
                        if domain not in self._written.domains:
                            self._unknown((*where, "domains", index), "domain", domain, self._written.domains)

    def _circles(self) -> None:
        """Groups that include each other, roles and domains that are defined by each other."""
        edges: dict[Path, list[Path]] = {
            ("outside", name): [("outside", other) for other in group.include]
            for name, group in self._written.outside.items()
        }
        for section in ("roles", "domains"):
            for name, selections in getattr(self._written, section).items():
                edges[section, name] = [
                    *(("roles", role) for each in selections for role in each.roles),
                    *(("domains", domain) for each in selections for domain in each.domains),
                ]
        done: set[Path] = set()
        for start in edges:
            self._walk(start, [], edges, done)

    def _walk(self, at: Path, trail: list[Path], edges: Mapping[Path, Sequence[Path]], done: set[Path]) -> None:
        if at in trail:
            circle = [*trail[trail.index(at) :], at]
            words = " → ".join(str(each[1]) for each in circle)
            self._problems.add(circle[0], f"this goes in a circle: {words}")
        elif at not in done:
            done.add(at)
            for other in edges.get(at, ()):
                self._walk(other, [*trail, at], edges, done)

    def _selectors(self) -> None:
        for section in ("roles", "domains"):
            for name, selections in getattr(self._written, section).items():
                for number, each in enumerate(selections):
                    path: Path = (section, name, number)
                    if each == model.Selection():
                        self._problems.add(path, "this selection is empty: it says nothing of whom it selects")
                    for key, selector in (
                        ("namespaceSelector", each.namespace_selector),
                        ("podSelector", each.pod_selector),
                    ):
                        if selector is not None:
                            self._selector((*path, key), key, selector)

    def _selector(self, path: Path, key: str, selector: model.Selector) -> None:
        if not selector.match_labels and not selector.match_expressions:
            self._problems.add(path, f"{key} is empty, and so selects everything", "leave it out, or name labels")
        for number, entry in enumerate(selector.match_expressions):
            listing = entry.operator in ("In", "NotIn")
            where = (*path, "matchExpressions", number)
            if listing and not entry.values:
                self._problems.add(where, f"{entry.operator} without values matches nothing")
            if not listing and entry.values:
                self._problems.add((*where, "values"), f"{entry.operator} takes no values")

    def _overlaps(self) -> None:
        """The same said of two domains. What overlaps only in a cluster is a finding there."""
        seen: dict[object, str] = {}
        for name, selections in self._written.domains.items():
            for number, each in enumerate(selections):
                path: Path = ("domains", name, number)
                alone = each == model.Selection(namespaces=each.namespaces)
                keys: list[tuple[object, Path, str]] = [
                    (("name", text.lower()), (*path, "names", index), text) for index, text in enumerate(each.names)
                ]
                if alone:
                    keys += [
                        (("namespace", text), (*path, "namespaces", index), f"namespace {text}")
                        for index, text in enumerate(each.namespaces)
                    ]
                elif each != model.Selection():
                    keys.append((("selection", repr(each)), path, "the same selection"))
                for key, where, what in keys:
                    other = seen.setdefault(key, name)
                    if other != name:
                        self._problems.add(where, f"{what} is in domain {other} too: domains may not overlap")

    # -- rules

    def _rule(self, rule: Rule, path: Path) -> None:
        subject_key = "from" if rule.outward else "to"
        for key, terms in ((subject_key, rule.subject), (rule.verb.value, rule.others), ("among", rule.among)):
            for term in terms:
                self._term(term, (*path, key))
        if rule.among and rule.verb is not Verb.ONLY:
            self._problems.add((*path, "among"), f"among narrows an only, and this is a {rule.verb.value}")
        if rule.chain and rule.verb is not Verb.NEVER:
            self._problems.add((*path, "through"), f"through any chain is for never, and this is a {rule.verb.value}")
        for key, terms in ((subject_key, rule.subject), (rule.verb.value, rule.others), ("among", rule.among)):
            if any(term.one for term in terms) and (rule.verb is not Verb.MUST or terms is not rule.others):
                self._problems.add((*path, key), "one of is for what a rule must reach")
        why = self._never_matches(rule)
        if why:
            self._problems.add(path, f"rule {rule.name!r} can never match: {why}")

    def _never_matches(self, rule: Rule) -> str:
        if not any(term.inside for term in rule.subject):
            outside_only = not any(term.inside for term in (rule.among if rule.verb is Verb.ONLY else rule.others))
            if outside_only and (rule.verb is not Verb.ONLY or rule.among):
                return "both of its ends are outside the cluster, and no policy here governs that"
        sources = rule.subject if rule.outward else rule.others
        destinations = rule.others if rule.outward else rule.subject
        if rule.verb is not Verb.ONLY and all(self._hosts_only(term) for term in sources):
            return "connections come from addresses, and it names hosts"
        if rule.verb is Verb.MUST and any(self._hosts_only(term) for term in destinations):
            return "that a host name must be reached cannot be told from policies: give the group cidrs"
        if (
            rule.verb is Verb.ONLY
            and rule.among
            and {_bare(term) for term in rule.among} <= {_bare(term) for term in rule.others if not term.ports}
        ):
            return "all of those among whom it is said are allowed"
        ports = [port for term in destinations for port in (term.ports or rule.ports)]
        if (
            rule.verb is not Verb.ONLY
            and ports
            and all(port.name for port in ports)
            and not any(term.inside for term in destinations)
        ):
            return "places outside declare no ports by name"
        return ""

    def _hosts_only(self, term: Term) -> bool:
        group = self._charter.outside.get(term.value) if term.kind is Kind.GROUP else None
        return group is not None and bool(group.hosts) and not group.networks

    def _term(self, term: Term, path: Path) -> None:
        if term.kind is Kind.ROLE and term.value not in self._roles:
            self._unknown(path, "role", term.value, self._roles)
        if term.kind is Kind.GROUP and term.value not in self._written.outside:
            self._unknown(path, "outside group", term.value, self._written.outside)

    def _exceptions(self, by_name: Mapping[str, Rule]) -> None:
        known = [*by_name, *(each.name for each in self._charter.baseline)]
        for number, written in enumerate(self._written.exceptions):
            path: Path = ("exceptions", number)
            if written.rule not in known:
                self._unknown((*path, "rule"), "rule", written.rule, known)
        for pardon in self._charter.pardons:
            self._ends(pardon)
        for number, example in enumerate(self._written.examples):
            breaks = [example.breaks] if isinstance(example.breaks, str) else example.breaks
            for name in breaks:
                if name not in by_name:
                    self._unknown(("examples", number, "breaks"), "rule", name, list(by_name))

    def _ends(self, pardon: Pardon) -> None:
        number = self._charter.pardons.index(pardon)
        for key, terms in (("from", pardon.sources), ("to", pardon.destinations)):
            for term in terms:
                self._term(term, ("exceptions", number, key))

    def _unknown(self, path: Path, what: str, name: str, known: object) -> None:
        names = [str(each) for each in known] if isinstance(known, Mapping | set | list) else []
        near = get_close_matches(name, names, n=1)
        hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(sorted(names)) or 'none'}"
        self._problems.add(path, f"there is no {what} {name!r}", hint)


def _bare(term: Term) -> Term:
    return term._replace(ports=())


def _is_network(text: str) -> bool:
    try:
        ip_network(text, strict=False)
    except ValueError:
        return False
    return True


def _within(network: Network, other: Network) -> bool:
    if network.version != other.version:
        return False
    first, last = int(other.network_address), int(other.broadcast_address)
    return first <= int(network.network_address) and int(network.broadcast_address) <= last
