"""Findings: the parts of a policy that do nothing.

Each is claimed only where it is sure: by what is written, or by the pods there are now
where all of these could be read.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Final

from console.objects.meta import ObjectRef
from console.objects.netpol import NetworkPolicy
from console.objects.selectors import LabelSelector
from console.policy.explain_cover import NetworkShape, contradicts_itself, shape
from console.policy.explain_index import Shapes
from console.policy.explain_model import DirectionView, Finding, Members, PeerView, RuleView
from console.policy.explain_pods import Population
from console.policy.explain_study import Cover, Study
from console.policy.explain_words import (
    counted,
    names_of,
    policy_name,
    port_words,
    requirements,
    selector_words,
)
from console.policy.match import keys_of, selects
from console.policy.model import CidrPeer, Direction, Network, NodePeer, Path, PodPeer, Rule, Subject, Tier, UnknownPeer

#: Labels that sidecar injectors put on pods, and whose they are. Labels by which people ask for
#: injection (sidecar.istio.io/inject, istio.io/rev) and annotations are none of these.
INJECTED: Final[Mapping[str, str]] = MappingProxyType(
    {
        "security.istio.io/tlsMode": "Istio",
        "service.istio.io/canonical-name": "Istio",
        "service.istio.io/canonical-revision": "Istio",
        "linkerd.io/control-plane-ns": "Linkerd",
        "linkerd.io/workload-ns": "Linkerd",
        **{
            f"linkerd.io/proxy-{kind}": "Linkerd"
            for kind in (
                *("deployment", "replicaset", "replicationcontroller", "statefulset"),
                *("daemonset", "job", "cronjob"),
            )
        },
        "consul.hashicorp.com/connect-inject-status": "Consul",
        "dapr.io/sidecar-injected": "Dapr",
        "osm-proxy-uuid": "Open Service Mesh",
    }
)


def undeclared(written: NetworkPolicy) -> Iterator[Finding]:
    """Rules of a direction that policyTypes leaves out."""
    for kind, field, rules in (("Ingress", "ingress", written.ingress), ("Egress", "egress", written.egress)):
        if rules and written.policy_types and kind not in written.policy_types:
            ignored = f"{counted(len(rules), f'{field} rule')} {'is' if len(rules) == 1 else 'are'} ignored"
            sentence = f"{ignored}: policyTypes names {' and '.join(written.policy_types)} only"
            yield Finding("DIRECTION_NOT_DECLARED", ("spec", field), sentence)


def idle(study: Study) -> Iterator[Finding]:
    """The findings about the subject, then those about each rule."""
    subject, selected = study.policy.subject, study.selected
    if not selected.pods and selected.certain:
        why = _why_none(study.population, subject, selected)
        path = subject.pods_path if selected.namespaces else subject.namespaces_path
        yield Finding("SELECTS_NO_POD", path, f"the policy selects nothing: {why}")
    yield from _injected(study.population, subject.pods, subject.pods_path, selected)
    for view in study.directions:
        covered = _covered(study, view)
        for rule in view.rules:
            yield from covered.get(rule.rule.index, ())
            for peer in rule.peers or ():
                yield from _peer(study, peer)
            yield from _excepts(study, view.direction, rule.rule)
            yield from _ports(study, view.direction, rule)


def _why_none(population: Population, asked: Subject | PodPeer, members: Members) -> str:
    """Why selectors match no pod, by the requirement that none meets."""
    if asked.namespaces is not None and not members.namespaces:
        if contradicts_itself(asked.namespaces):
            return f"{selector_words(asked.namespaces)} contradict each other, so no namespace can match"
        named = names_of(asked.namespaces)
        return f"there is no namespace {' or '.join(named) or f'with {selector_words(asked.namespaces)}'}"
    names = members.namespaces
    where = " or ".join(names) if len(names) <= 3 else f"the {len(names)} namespaces"
    if members.host_network:
        found = counted(members.host_network, "pod")
        return f"in {where} only {found} on the node's network would match, and no selector selects such"
    if asked.pods is None or asked.pods.is_empty:
        return f"there is no running pod in {where}"
    if contradicts_itself(asked.pods):
        return f"{selector_words(asked.pods)} contradict each other, so no pod can match"
    unmet = population.unmet(asked.pods, names)
    return f"no pod of {where} has {' or '.join(unmet) if unmet else selector_words(asked.pods)}"


def _injected(
    population: Population, selector: LabelSelector | None, path: Path, members: Members
) -> Iterator[Finding]:
    if selector is None or not members.certain:
        return
    for inside, words, alone in requirements(selector):
        key = next(keys_of(alone))
        needed = not selects(alone, {})
        if key in INJECTED and needed and members.namespaces and not population.carried(key, members.namespaces):
            sentence = f"asks for {words}: a label {INJECTED[key]}'s injector sets, and no pod there carries it now"
            yield Finding("LABEL_ONLY_INJECTED", (*path, *inside), sentence)


def _covered(study: Study, view: DirectionView) -> dict[int, tuple[Finding]]:
    """The rules that others cover, by index.

    From the last on, and none by one that is covered itself: so they can all go together,
    and of two that are alike the first one stays.
    """
    found: dict[int, tuple[Finding]] = {}
    what = "adds nothing" if study.policy.tier is Tier.NETWORK_POLICY else "is never reached"
    for each in reversed(view.rules):
        rule = each.rule
        peers = None if rule.peers is None else [shape(peer) for peer in rule.peers]
        by = study.rivals(view.direction, rule, found).covering(peers)
        if by:
            sentence = f"rule {rule.index + 1} {what}: {_by(study, by, 'match', 'all of it')}"
            found[rule.index] = (Finding("RULE_COVERED", rule.path, sentence, _refs(study, by)),)
    return found


def _by(study: Study, by: Sequence[Cover], verb: str, what: str) -> str:
    names = [
        f"rule {each.rule.index + 1}" + (f" of {policy_name(each.ref)}" if each.ref != study.policy.ref else "")
        for each in by
    ]
    order = "already" if study.policy.tier is Tier.NETWORK_POLICY else "first"
    now = "" if all(each.ever for each in by) else ", for the pods that are selected now"
    return f"{' and '.join(names)} {verb}{'es' if len(names) == 1 else ''} {what} {order}{now}"


def _refs(study: Study, by: Sequence[Cover]) -> tuple[ObjectRef, ...]:
    return tuple(dict.fromkeys(each.ref for each in by if each.ref != study.policy.ref))


def _peer(study: Study, view: PeerView) -> Iterator[Finding]:
    peer, members = view.peer, view.members
    if isinstance(peer, PodPeer) and members is not None:
        if not members.pods and members.certain:
            why = _why_none(study.population, peer, members)
            yield Finding("PEER_MATCHES_NOTHING", peer.path, f"the peer matches nothing: {why}")
        yield from _injected(study.population, peer.pods, peer.pods_path, members)
    elif isinstance(peer, NodePeer):
        if not view.nodes and not study.engine.snapshot.coverage.of("nodes"):
            wanted = "" if peer.nodes.is_empty else f" with {selector_words(peer.nodes)}"
            yield Finding("PEER_MATCHES_NOTHING", peer.path, f"the peer matches nothing: there is no node{wanted}")
    elif isinstance(peer, UnknownPeer) and not peer.matches:
        sentence = f"the whole rule matches nothing: {peer.field} is not known here, so a rule that allows fails closed"
        yield Finding("PEER_MATCHES_NOTHING", peer.path, sentence)


def _excepts(study: Study, direction: Direction, rule: Rule) -> Iterator[Finding]:
    """The exceptions of a rule's networks that except nothing."""
    holed = [peer for peer in rule.peers or () if isinstance(peer, CidrPeer) and peer.excepts]
    if not holed:
        return
    # A network never matches what it excepts itself, so that whichever does is another peer.
    beside = Shapes((shape(peer), 1) for peer in rule.peers or ())
    rivals = study.rivals(direction, rule)
    for peer in holed:
        first = _first_places(peer.excepts)
        lengths = sorted({length for _, length, _ in first})
        for index, network in enumerate(peer.excepts):
            path = (*peer.cidr_path[:-1], "except", index)
            keys = (_bits(network, length) for length in lengths if length <= network.prefixlen)
            wider = min((first[key] for key in keys if key in first and first[key] != index), default=None)
            if wider is not None:
                sentence = f"the exception {network} lies within the exception {peer.excepts[wider]}"
                yield Finding("EXCEPT_USELESS", path, sentence)
                continue
            hole = NetworkShape.of(network)
            if beside.covering(hole):
                sentence = f"the exception {network} takes nothing away: another peer of the same rule matches it"
                yield Finding("EXCEPT_USELESS", path, sentence)
                continue
            by = rivals.covering([hole])
            if by:
                sentence = f"the exception {network} takes nothing away: {_by(study, by, 'match', 'it')}"
                yield Finding("EXCEPT_USELESS", path, sentence, _refs(study, by))


def _first_places(networks: Sequence[Network]) -> dict[tuple[int, int, int], int]:
    """Where each network stands first. What contains another is found by its bits: lists of thousands are usual."""
    first: dict[tuple[int, int, int], int] = {}
    for number, network in enumerate(networks):
        first.setdefault(_bits(network, network.prefixlen), number)
    return first


def _bits(network: Network, length: int) -> tuple[int, int, int]:
    """The family of a network, a length of prefix, and that many of its leading bits."""
    return network.version, length, int(network.network_address) >> (network.max_prefixlen - length)


def _ports(study: Study, direction: Direction, view: RuleView) -> Iterator[Finding]:
    if view.ports is None:
        return
    ends = study.destinations(direction, view)
    who = "selected pod" if direction is Direction.INGRESS else "pod that the rule reaches"
    if not ends.pods or not ends.certain:
        return
    # An address outside declares no ports, so no pod need be the one that is meant.
    pods_only = view.peers is not None and all(isinstance(each.peer, PodPeer) for each in view.peers)
    inside = direction is Direction.INGRESS or pods_only
    declared = {(each.port, each.protocol) for ports, _ in study.population.declared(ends) for each in ports}
    for port in view.ports:
        match = port.match
        if match.name:
            if not port.numbers:
                sentence = f"the named port matches nothing: no {who} declares {port_words(match)}"
                yield Finding("PORT_NOWHERE", match.path, sentence)
        elif match.low is not None and match.high is not None and declared and inside:
            spoken = {match.protocol.value} if match.protocol else {protocol for _, protocol in declared}
            if not any(match.low <= number <= match.high and protocol in spoken for number, protocol in declared):
                sentence = f"no {who} declares {port_words(match)}; a hint only, as a number need not be declared"
                yield Finding("PORT_NOWHERE", match.path, sentence)
