"""What an explanation says of a policy, and that what it calls idle can go without changing a verdict."""

from __future__ import annotations

from typing import Any

import pytest

from console.demo.platform import platform
from console.demo.store import Store
from console.objects.coverage import NOT_READABLE, UNPARSED, Gap
from console.objects.meta import ObjectRef
from console.objects.selectors import LabelSelector
from console.objects.snapshot import Snapshot
from console.policy import explain_pods
from console.policy.asking import Modes
from console.policy.engine import Engine
from console.policy.explain import explain
from console.policy.explain_model import Effect, Explanation, Standing
from console.policy.explain_names import parse_policy
from console.policy.match import selects
from console.policy.model import Direction
from console.policy.networking import dotted
from tests.clusters import document, namespace, pod, policy, snapshot
from tests.demo.snapshots import snapshot_of

WORLD = (
    namespace("a", team="ml")
    + namespace("b", team="ml")
    + namespace("c", team="web")
    + pod("a", "trainer-0", "10.0.0.1", role="trainer", app="train")
    + pod("a", "etl-0", "10.0.0.2", role="etl", app="train")
    + pod("b", "store-0", "10.0.0.3", ports=[{"name": "http", "containerPort": 8080}], role="store")
    + pod("b", "store-1", "10.0.0.4", ports=[{"name": "http", "containerPort": 9090}], role="store")
    + pod("c", "web-0", "10.0.0.5", role="trainer")
)


def said(cluster: Snapshot, name: str, modes: Modes | None = None) -> Explanation:
    return explain(Engine(cluster, modes=modes), parse_policy(name, cluster))


def of_spec(spec: str, *more: str) -> Explanation:
    """The explanation of a NetworkPolicy b/p beside the small world."""
    return said(snapshot(WORLD + policy("b", "p", spec) + "".join(more)), "b/p")


def found(explanation: Explanation, code: str) -> dict[str, str]:
    """The sentences of a code, by where they point."""
    return {dotted(each.path): each.sentence for each in explanation.findings if each.code == code}


def codes(explanation: Explanation) -> list[str]:
    return [each.code for each in explanation.findings]


def cnp(name: str, **spec: Any) -> str:
    body = {"tier": "Admin", "priority": 5, "subject": {"namespaces": {}}, **spec}
    api = "policy.networking.k8s.io/v1alpha2"
    return document({"apiVersion": api, "kind": "ClusterNetworkPolicy", "metadata": {"name": name}, "spec": body})


# Whom it selects and what it does ------------------------------------------------------------------------------------


def test_it_counts_the_pods_and_workloads_it_selects_and_matches():
    spec = """
        podSelector: {matchLabels: {role: store}}
        ingress:
        - from: [{namespaceSelector: {matchLabels: {team: ml}}, podSelector: {matchLabels: {role: trainer}}}]
          ports: [{port: 8080}]
    """
    explanation = of_spec(spec)
    assert explanation.standing is Standing.EVALUATED
    assert [each.name for each in explanation.selected.pods] == ["store-0", "store-1"]
    assert len(explanation.selected.workloads) == 2
    (ingress,) = explanation.directions
    assert ingress.direction is Direction.INGRESS
    (peer,) = ingress.rules[0].peers or ()
    assert peer.members is not None
    assert [f"{each.namespace}/{each.name}" for each in peer.members.pods] == ["a/trainer-0"]


def test_finished_pods_are_not_selected_and_hostnetwork_pods_are_counted_apart():
    gone = pod("b", "gone", role="store").replace("Running", "Succeeded")
    host = pod("b", "host", role="store").replace("spec:\n", "spec:\n  hostNetwork: true\n")
    explanation = of_spec("{podSelector: {matchLabels: {role: store}}}", gone, host)
    assert [each.name for each in explanation.selected.pods] == ["store-0", "store-1"]
    assert explanation.selected.host_network == 1


def test_a_pod_that_only_hostnetwork_pods_could_be_is_no_pod():
    host = pod("b", "host", role="dns").replace("spec:\n", "spec:\n  hostNetwork: true\n")
    sentence = found(of_spec("{podSelector: {matchLabels: {role: dns}}}", host), "SELECTS_NO_POD")["spec.podSelector"]
    assert "only 1 pod on the node's network" in sentence


def test_it_names_the_policies_over_the_same_pods():
    deny = policy("b", "deny", "{podSelector: {}, policyTypes: [Ingress, Egress]}")
    other = policy("b", "elsewhere", "{podSelector: {matchLabels: {role: nobody}}}")
    admin = cnp("admin", ingress=[{"action": "Deny", "from": [{"namespaces": {}}]}])
    (ingress,) = of_spec("{podSelector: {matchLabels: {role: store}}}", deny, other, admin).directions
    assert [each.name for each in ingress.beside] == ["deny"]
    assert [each.name for each in ingress.ahead] == ["admin"]


def test_tiers_are_asked_in_order_of_priority():
    def one(name: str, **spec: Any) -> str:
        return cnp(name, egress=[{"action": "Accept", "to": [{"namespaces": {}}]}], **spec)

    cluster = snapshot(WORLD + one("first", priority=1) + one("mine") + one("same") + one("later", priority=9))
    (egress,) = said(cluster, "cnp/mine").directions
    assert ([each.name for each in egress.ahead], [each.name for each in egress.beside]) == (["first"], ["same"])


def test_a_network_counts_the_pods_in_it_less_those_excepted():
    spec = """
        policyTypes: [Egress]
        egress: [{to: [{ipBlock: {cidr: 10.0.0.0/29, except: [10.0.0.2/31, 10.0.0.5/32]}}]}]
    """
    (egress,) = of_spec(spec).directions
    (peer,) = egress.rules[0].peers or ()
    assert peer.members is not None
    assert [each.name for each in peer.members.pods] == ["trainer-0", "store-1"]


def test_defaults_of_the_api_server_are_told():
    spec = "{podSelector: {}, egress: [{ports: [{port: 53}, {port: 53, protocol: UDP}, {port: 54}]}]}"
    defaults = {dotted(each.path): each.sentence for each in of_spec(spec).defaults}
    assert defaults == {
        "spec.policyTypes": "left out, so Ingress and Egress: it has an egress rule",
        "spec.egress[0].ports[0].protocol": "left out, so TCP, here and for 1 more port",
    }
    assert of_spec("{podSelector: {}, policyTypes: [Ingress], ingress: [{ports: [{protocol: TCP}]}]}").defaults == ()


def test_an_invalid_policy_says_what_is_wrong_and_whom_it_may_concern():
    explanation = of_spec("{podSelector: {matchLabels: {role: store}}, ingress: [{ports: [{port: 8, endPort: 7}]}]}")
    assert explanation.standing is Standing.INVALID
    assert [dotted(each.path) for each in explanation.problems] == ["spec.ingress[0].ports[0].endPort"]
    assert len(explanation.selected.pods) == 2
    assert explanation.findings == ()


def test_a_kind_that_is_not_evaluated_says_so():
    meta = {"name": "x", "namespace": "b"}
    spec = {"endpointSelector": {"matchLabels": {"role": "store"}}}
    cilium = document({"apiVersion": "cilium.io/v2", "kind": "CiliumNetworkPolicy", "metadata": meta, "spec": spec})
    cluster = snapshot(WORLD + cilium + policy("b", "p", "{podSelector: {}}") + policy("a", "p", "{podSelector: {}}"))
    explanation = said(cluster, "b/ciliumnetworkpolicy/x")
    assert explanation.standing is Standing.NOT_EVALUATED
    assert [each.name for each in explanation.selected.pods] == ["store-0", "store-1"]
    assert [gap.ref for gap in said(cluster, "b/p").gaps] == [ObjectRef("CiliumNetworkPolicy", "b", "x")]
    assert said(cluster, "a/p").gaps == ()


@pytest.mark.parametrize("gap", [
    Gap(code=NOT_READABLE, resource="pods", namespace="b", why="pods of b may not be read"),
    Gap(code=NOT_READABLE, resource="pods", besides=("a",), why="pods may not be read"),
    Gap(code=UNPARSED, resource="*", why="x.yaml is no YAML"),
])  # fmt: skip
def test_nothing_is_called_idle_for_want_of_pods_that_could_not_be_read(gap: Gap):
    spec = """
        podSelector: {matchLabels: {role: nobody}}
        ingress: [{from: [{podSelector: {matchLabels: {role: nobody}}}], ports: [{port: nope}]}]
    """
    cluster = snapshot(WORLD + policy("b", "p", spec), gap)
    explanation = said(cluster, "b/p")
    assert codes(explanation) == []
    assert explanation.gaps == (gap,)
    assert not explanation.selected.certain


def test_pods_that_could_not_be_read_elsewhere_do_not_matter():
    gap = Gap(code=NOT_READABLE, resource="pods", namespace="c", why="pods of c may not be read")
    explanation = said(snapshot(WORLD + policy("b", "p", "{podSelector: {matchLabels: {role: x}}}"), gap), "b/p")
    assert codes(explanation) == ["SELECTS_NO_POD"]
    assert explanation.gaps == ()


def test_it_asks_once_for_pods_that_are_alike(monkeypatch: pytest.MonkeyPatch):
    asked = 0

    def counting(selector: LabelSelector, labels: Any) -> bool:
        nonlocal asked
        asked += 1
        return selects(selector, labels)

    monkeypatch.setattr(explain_pods, "selects", counting)
    many = "".join(pod("b", f"p{number}", role="store", number=str(number)) for number in range(200))
    spec = "{podSelector: {}, ingress: [{from: [{namespaceSelector: {}, podSelector: {matchLabels: {role: etl}}}]}]}"
    explanation = of_spec(spec, many)
    assert len(explanation.selected.pods) == 202
    assert asked < 20


# Parts that do nothing -----------------------------------------------------------------------------------------------


def test_selecting_no_pod_names_what_no_pod_has():
    explanation = of_spec("{podSelector: {matchLabels: {role: store, egress: hub}}}")
    assert found(explanation, "SELECTS_NO_POD") == {
        "spec.podSelector": "the policy selects nothing: no pod of b has egress=hub"
    }


def test_a_selector_that_contradicts_itself_is_told_apart():
    spec = "{podSelector: {matchLabels: {role: a}, matchExpressions: [{key: role, operator: DoesNotExist}]}}"
    assert "contradict" in found(of_spec(spec), "SELECTS_NO_POD")["spec.podSelector"]


def test_a_peer_that_matches_nothing_says_why():
    spec = """
        podSelector: {}
        ingress:
        - from:
          - podSelector: {matchLabels: {role: nobody}}
          - namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: nowhere}}
          - namespaceSelector: {matchLabels: {team: ml}}
            podSelector: {matchLabels: {role: trainer, app: web}}
          - podSelector: {matchLabels: {role: store}}
    """
    assert found(of_spec(spec), "PEER_MATCHES_NOTHING") == {
        "spec.ingress[0].from[0]": "the peer matches nothing: no pod of b has role=nobody",
        "spec.ingress[0].from[1]": "the peer matches nothing: there is no namespace nowhere",
        "spec.ingress[0].from[2]": "the peer matches nothing: no pod of a or b has app=web",
    }


def test_a_peer_of_nodes_of_which_there_is_none_matches_nothing():
    to = [{"nodes": {"matchLabels": {"pool": "gpu"}}}, {"networks": ["10.0.0.0/8"]}]
    sentences = found(
        said(snapshot(WORLD + cnp("x", egress=[{"action": "Accept", "to": to}])), "cnp/x"), "PEER_MATCHES_NOTHING"
    )
    assert list(sentences) == ["spec.egress[0].to[0].nodes"]
    assert sentences["spec.egress[0].to[0].nodes"].endswith("there is no node with pool=gpu")


def test_a_rule_that_allows_with_a_peer_of_an_unknown_kind_matches_nothing():
    to = [{"networks": ["10.0.0.0/8"]}, {"planets": {}}]
    sentences = found(
        said(snapshot(WORLD + cnp("x", egress=[{"action": "Accept", "to": to}])), "cnp/x"), "PEER_MATCHES_NOTHING"
    )
    assert list(sentences) == ["spec.egress[0].to[1].planets"]
    assert "the whole rule matches nothing: planets is not known here" in sentences["spec.egress[0].to[1].planets"]


def test_a_direction_that_is_not_declared_is_ignored():
    spec = "{podSelector: {}, policyTypes: [Ingress], egress: [{}, {}], ingress: [{}]}"
    assert found(of_spec(spec), "DIRECTION_NOT_DECLARED") == {
        "spec.egress": "2 egress rules are ignored: policyTypes names Ingress only"
    }
    assert found(of_spec("{podSelector: {}, egress: [{}]}"), "DIRECTION_NOT_DECLARED") == {}


@pytest.mark.parametrize(
    ("wanted", "carried", "told"),
    [
        ("{matchLabels: {security.istio.io/tlsMode: istio}}", None, True),
        ("{matchExpressions: [{key: linkerd.io/control-plane-ns, operator: Exists}]}", None, True),
        ("{matchExpressions: [{key: linkerd.io/control-plane-ns, operator: DoesNotExist}]}", None, False),
        ("{matchLabels: {security.istio.io/tlsMode: istio}}", "security.istio.io/tlsMode", False),
        ("{matchLabels: {sidecar.istio.io/inject: 'true'}}", None, False),
    ],
)
def test_a_label_that_only_an_injector_sets(wanted: str, carried: str | None, told: bool):
    more = pod("b", "meshed", "10.0.0.9", **{carried: "istio"}) if carried else ""
    subject = of_spec(f"{{podSelector: {wanted}}}", more)
    peer = of_spec(f"{{podSelector: {{}}, ingress: [{{from: [{{podSelector: {wanted}}}]}}]}}", more)
    assert ("LABEL_ONLY_INJECTED" in codes(subject), "LABEL_ONLY_INJECTED" in codes(peer)) == (told, told)


ML = "{namespaceSelector: {matchLabels: {team: ml}}, podSelector: {matchLabels: {role: trainer}}}"
EXISTS = "{namespaceSelector: {matchExpressions: [{key: team, operator: Exists}]}}"
NOT_IN = "{namespaceSelector: {matchExpressions: [{key: team, operator: NotIn, values: [web]}]}}"
NAMED = "{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: b}}}"


@pytest.mark.parametrize(
    ("narrow", "wide"),
    [
        (f"{{from: [{ML}], ports: [{{port: 80}}]}}", "{from: [{namespaceSelector: {}}]}"),
        (f"{{from: [{ML}], ports: [{{port: 80}}]}}", "{ports: [{port: 80, endPort: 90}]}"),
        (f"{{from: [{ML}]}}", f"{{from: [{EXISTS}]}}"),
        (f"{{from: [{ML}]}}", f"{{from: [{NOT_IN}]}}"),
        ("{from: [{podSelector: {matchLabels: {a: b}}}]}", f"{{from: [{NAMED}]}}"),
        ("{from: [{ipBlock: {cidr: 10.1.0.0/16}}]}", "{from: [{ipBlock: {cidr: 10.0.0.0/8, except: [10.2.0.0/16]}}]}"),
        (
            "{from: [{ipBlock: {cidr: 10.0.0.0/8, except: [10.2.0.0/15]}}]}",
            "{from: [{ipBlock: {cidr: 0.0.0.0/0, except: [10.2.0.0/16]}}]}",
        ),
        ("{ports: [{port: http}]}", "{ports: [{protocol: TCP}]}"),
        ("{ports: [{port: http}, {port: 53, protocol: UDP}]}", "{}"),
    ],
)
def test_a_rule_is_covered_by_a_wider_one_and_not_the_other_way_round(narrow: str, wide: str):
    for order, index in ((f"[{narrow}, {wide}]", 0), (f"[{wide}, {narrow}]", 1)):
        covered = found(of_spec(f"{{podSelector: {{}}, ingress: {order}}}"), "RULE_COVERED")
        assert covered == {
            f"spec.ingress[{index}]": f"rule {index + 1} adds nothing: rule {2 - index} matches all of it already"
        }


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (f"{{from: [{ML}]}}", "{from: [{podSelector: {matchLabels: {role: trainer}}}]}"),
        ("{from: [{podSelector: {}}]}", "{from: [{ipBlock: {cidr: 0.0.0.0/0}}]}"),  # a pod may have no address yet
        ("{from: [{ipBlock: {cidr: 10.0.0.0/8}}]}", "{from: [{ipBlock: {cidr: 0.0.0.0/0, except: [10.9.0.0/16]}}]}"),
        ("{from: [{ipBlock: {cidr: '::/0'}}]}", "{from: [{ipBlock: {cidr: 0.0.0.0/0}}]}"),
        ("{ports: [{port: http}]}", "{ports: [{port: 8080}]}"),
        ("{ports: [{port: 80}]}", "{ports: [{port: 80, protocol: UDP}]}"),
        (f"{{from: [{ML}], ports: [{{port: 80}}]}}", "{from: [{namespaceSelector: {}}], ports: [{port: 81}]}"),
    ],
)
def test_what_is_not_proven_is_not_claimed(one: str, other: str):
    assert found(of_spec(f"{{podSelector: {{}}, ingress: [{one}, {other}]}}"), "RULE_COVERED") == {}


def test_every_protocol_that_can_be_named_is_not_every_protocol():
    named = "{ports: [{protocol: TCP}, {protocol: UDP}, {protocol: SCTP}]}"
    covered = found(of_spec(f"{{podSelector: {{}}, ingress: [{{}}, {named}]}}"), "RULE_COVERED")
    assert list(covered) == ["spec.ingress[1]"]


@pytest.mark.parametrize("again", [NAMED, "{podSelector: {}}"])
def test_of_two_rules_that_are_alike_the_second_adds_nothing(again: str):
    rules = f"{{from: [{NAMED}], ports: [{{port: 80}}]}}, {{from: [{again}], ports: [{{port: 80}}]}}"
    covered = found(of_spec(f"{{podSelector: {{}}, ingress: [{rules}]}}"), "RULE_COVERED")
    assert list(covered) == ["spec.ingress[1]"]


def test_several_rules_together_cover_one():
    spec = """
        podSelector: {}
        ingress:
        - {from: [{podSelector: {matchLabels: {role: a}}}, {podSelector: {matchLabels: {role: b}}}], ports: [{port: 1}]}
        - {from: [{podSelector: {matchLabels: {role: a}}}], ports: [{port: 1, endPort: 2}]}
        - {from: [{podSelector: {matchLabels: {role: b}}}], ports: [{port: 1, endPort: 2}]}
    """
    sentence = "rule 1 adds nothing: rule 2 and rule 3 match all of it already"
    assert found(of_spec(spec), "RULE_COVERED") == {"spec.ingress[0]": sentence}


def test_rules_that_cover_each_other_are_not_all_told_to_go():
    a, b, c = (f"{{podSelector: {{matchLabels: {{role: {role}}}}}}}" for role in "abc")
    rules = f"{{from: [{a}, {b}]}}, {{from: [{b}, {c}]}}, {{from: [{a}, {c}]}}"
    assert list(found(of_spec(f"{{podSelector: {{}}, ingress: [{rules}]}}"), "RULE_COVERED")) == ["spec.ingress[2]"]


def test_a_rule_of_another_policy_covers_where_it_selects_the_same_pods():
    mine = "{podSelector: {matchLabels: {role: store}}, ingress: [{ports: [{port: 80}]}]}"
    ever = policy("b", "other", "{podSelector: {}, ingress: [{}]}")
    now = policy("b", "other", "{podSelector: {matchExpressions: [{key: x, operator: DoesNotExist}]}, ingress: [{}]}")
    never = policy("b", "other", "{podSelector: {matchLabels: {role: etl}}, ingress: [{}]}")
    away = policy("a", "other", "{podSelector: {}, ingress: [{}]}")
    sentence = "rule 1 adds nothing: rule 1 of b/other matches all of it already"
    assert found(of_spec(mine, ever), "RULE_COVERED") == {"spec.ingress[0]": sentence}
    assert found(of_spec(mine, now), "RULE_COVERED") == {
        "spec.ingress[0]": f"{sentence}, for the pods that are selected now"
    }
    assert found(of_spec(mine, never), "RULE_COVERED") == found(of_spec(mine, away), "RULE_COVERED") == {}


def test_in_a_tier_with_order_what_comes_first_covers_whatever_it_does():
    narrow = {"action": "Accept", "from": [{"namespaces": {"matchLabels": {"team": "ml"}}}]}
    wide = {"action": "Deny", "from": [{"namespaces": {}}]}
    cluster = snapshot(WORLD + cnp("after", ingress=[wide, narrow]) + cnp("before", ingress=[narrow, wide]))
    assert found(said(cluster, "cnp/after"), "RULE_COVERED") == {
        "spec.ingress[1]": "rule 2 is never reached: rule 1 matches all of it first"
    }
    assert found(said(cluster, "cnp/before"), "RULE_COVERED") == {}


def test_only_an_earlier_priority_covers_across_policies_of_a_tier():
    wide, narrow = ({"action": "Pass", "from": [{"namespaces": each}]} for each in ({}, {"matchLabels": {"team": "x"}}))
    for priority, covered in ((4, True), (5, False), (6, False)):
        cluster = snapshot(WORLD + cnp("mine", ingress=[narrow]) + cnp("w", ingress=[wide], priority=priority))
        assert ("RULE_COVERED" in codes(said(cluster, "cnp/mine"))) is covered


HOLE = "{ipBlock: {cidr: 10.0.0.0/8, except: [10.1.0.0/16]}}"


@pytest.mark.parametrize(
    ("rules", "told"),
    [
        (f"{{to: [{HOLE}]}}", False),
        (f"{{to: [{HOLE}, {{ipBlock: {{cidr: 10.1.0.0/16}}}}]}}", True),
        (f"{{to: [{HOLE}], ports: [{{port: 80}}]}}, {{ports: [{{port: 80}}]}}", True),
        (f"{{to: [{HOLE}]}}, {{ports: [{{port: 80}}]}}", False),
        ("{to: [{ipBlock: {cidr: 10.0.0.0/8, except: [10.1.0.0/17, 10.1.0.0/16]}}]}", True),
    ],
)
def test_an_exception_that_takes_nothing_away(rules: str, told: bool):
    explanation = of_spec(f"{{podSelector: {{}}, policyTypes: [Egress], egress: [{rules}]}}")
    at = {"spec.egress[0].to[0].ipBlock.except[0]"} if told else set()
    assert found(explanation, "EXCEPT_USELESS").keys() == at


def test_a_named_port_that_nothing_declares_matches_nothing():
    spec = "{podSelector: {}, ingress: [{ports: [{port: http}, {port: grpc}, {port: http, protocol: UDP}]}]}"
    assert found(of_spec(spec), "PORT_NOWHERE") == {
        "spec.ingress[0].ports[1]": "the named port matches nothing: no selected pod declares grpc/TCP",
        "spec.ingress[0].ports[2]": "the named port matches nothing: no selected pod declares http/UDP",
    }


def test_ports_of_egress_are_met_on_the_pods_it_reaches():
    spec = """
        podSelector: {}
        policyTypes: [Egress]
        egress:
        - {to: [{namespaceSelector: {matchLabels: {team: ml}}}], ports: [{port: http}, {port: 8080}, {port: 70}]}
        - {to: [{namespaceSelector: {matchLabels: {team: web}}}], ports: [{port: http}, {port: 70}]}
        - {to: [{ipBlock: {cidr: 10.0.0.3/32}}], ports: [{port: http}, {port: grpc}, {port: 70}]}
    """
    at = found(of_spec(spec), "PORT_NOWHERE")
    # c's pod declares no port at all, and behind an address there may be any: no hint about numbers there.
    assert list(at) == ["spec.egress[0].ports[2]", "spec.egress[1].ports[0]", "spec.egress[2].ports[1]"]
    assert "a hint only" in at["spec.egress[0].ports[2]"]


def test_ports_of_sidecars_count_as_the_engine_is_told():
    sidecar = {"image": "x", "restartPolicy": "Always", "ports": [{"name": "mesh", "containerPort": 1}]}
    spec = {"containers": [{"image": "x"}], "initContainers": [sidecar]}
    meta = {"name": "s", "namespace": "b"}
    objects = WORLD + document({"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": spec})
    cluster = snapshot(objects + policy("b", "p", "{podSelector: {}, ingress: [{ports: [{port: mesh}]}]}"))
    assert "PORT_NOWHERE" not in codes(said(cluster, "b/p"))
    assert "PORT_NOWHERE" in codes(said(cluster, "b/p", Modes(sidecar_ports=False)))


# Parts that are wider than they look ---------------------------------------------------------------------------------


def test_rules_that_name_no_peer_no_port_or_every_namespace():
    spec = "{podSelector: {}, ingress: [{ports: [{port: 1}]}, {from: [{namespaceSelector: {}}]}], egress: [{}]}"
    explanation = of_spec(spec)
    assert list(found(explanation, "ANY_PEER")) == ["spec.ingress[0]", "spec.egress[0]"]
    assert list(found(explanation, "ALL_PORTS")) == ["spec.ingress[1]", "spec.egress[0]"]
    sentence = "matches all pods of the cluster: 3 namespaces now, and any that is made"
    assert found(explanation, "ALL_NAMESPACES") == {"spec.ingress[1].from[0].namespaceSelector": sentence}
    assert "169.254.169.254" in found(explanation, "ANY_PEER")["spec.egress[0]"]


def test_what_denies_is_not_wider_than_it_looks():
    deny = {"action": "Deny", "from": [{"namespaces": {}}]}
    explanation = said(snapshot(WORLD + cnp("x", ingress=[deny])), "cnp/x")
    assert [each.code for each in explanation.findings if each.effect is Effect.WIDER] == []


@pytest.mark.parametrize(
    ("block", "word"),
    [
        ("{cidr: 0.0.0.0/0}", "169.254.169.254 (cloud metadata) is among them"),
        ("{cidr: 0.0.0.0/0, except: [10.0.0.0/8]}", "169.254.169.254 (cloud metadata) is among them"),
        ("{cidr: 0.0.0.0/0, except: [169.254.0.0/16]}", "169.254.169.254 (cloud metadata) is excepted"),
        ("{cidr: '::/0'}", "fd00:ec2::254 (cloud metadata) is among them"),
    ],
)
def test_the_open_internet_says_whether_cloud_metadata_is_in_it(block: str, word: str):
    explanation = of_spec(f"{{podSelector: {{}}, policyTypes: [Egress], egress: [{{to: [{{ipBlock: {block}}}]}}]}}")
    (sentence,) = found(explanation, "OPEN_INTERNET").values()
    assert sentence.endswith(word)


def test_a_policy_for_a_whole_namespace_says_whom_it_alone_isolates():
    others = policy("b", "o", "{podSelector: {matchLabels: {app: one}}}") + pod("b", "one", app="one")
    rule = "ingress: [{from: [{podSelector: {}}]}]"
    (sentence,) = found(of_spec(f"{{podSelector: {{}}, {rule}}}", others), "WHOLE_NAMESPACE").values()
    assert "3 pods of 3 workloads now" in sentence
    assert sentence.endswith("for ingress nothing else isolates b/store-0, b/store-1")
    assert found(of_spec(f"{{podSelector: {{matchLabels: {{role: store}}}}, {rule}}}"), "WHOLE_NAMESPACE") == {}
    assert found(of_spec("{podSelector: {}, policyTypes: [Ingress, Egress]}"), "WHOLE_NAMESPACE") == {}


def test_two_items_where_one_was_meant():
    dashes = "[{namespaceSelector: {matchLabels: {team: ml}}}, {podSelector: {matchLabels: {role: trainer}}}]"
    (sentence,) = found(of_spec(f"{{podSelector: {{}}, ingress: [{{from: {dashes}}}]}}"), "OPENS_BOTH").values()
    assert "they match 4 pods, and in one item, where both must hold, they would match 1" in sentence
    # Nobody can have meant these together: no pod of another team is a store.
    meant = "[{namespaceSelector: {matchLabels: {team: web}}}, {podSelector: {matchLabels: {role: store}}}]"
    assert "OPENS_BOTH" not in codes(of_spec(f"{{podSelector: {{}}, ingress: [{{from: {meant}}}]}}"))


def test_a_named_port_that_means_several_numbers():
    explanation = of_spec("{podSelector: {}, ingress: [{ports: [{port: http}]}]}")
    assert found(explanation, "NAMED_PORT_DIFFERS") == {
        "spec.ingress[0].ports[0]": "http/TCP means 8080/TCP on 1 pod, 9090/TCP on 1 pod"
    }
    one = "{podSelector: {matchLabels: {role: store}}, ingress: [{ports: [{port: http}]}]}"
    same = snapshot(WORLD.replace("9090", "8080") + policy("b", "p", one))
    assert "NAMED_PORT_DIFFERS" not in codes(said(same, "b/p"))


def test_pods_that_all_mean_the_same_numbers_by_a_name_do_not_differ():
    both = [{"name": "web", "containerPort": 1}, {"name": "web", "containerPort": 2}]
    more = pod("b", "one", ports=both) + pod("b", "two", ports=both)
    explanation = of_spec("{podSelector: {}, ingress: [{ports: [{port: web}]}]}", more)
    assert "NAMED_PORT_DIFFERS" not in codes(explanation)
    (port,) = explanation.directions[0].rules[0].ports or ()
    assert (port.numbers, port.undeclared) == ((("1/TCP", 2), ("2/TCP", 2)), 2)


# The demo platform's incidents ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def demo() -> Snapshot:
    return snapshot_of(Store(list(platform(1_800_000_000.0))))


@pytest.mark.parametrize(
    ("name", "code", "words"),
    [
        ("vector-db/weaviate-from-mesh", "LABEL_ONLY_INJECTED", "Istio"),
        ("vector-db/weaviate-from-mesh", "SELECTS_NO_POD", "security.istio.io/tlsMode=istio"),
        ("training/model-hub-egress", "SELECTS_NO_POD", "egress=model-hub"),
        ("registry/postgresql", "WHOLE_NAMESPACE", "nothing else isolates registry/deployment/model-registry"),
        ("notebooks/hub", "OPEN_INTERNET", "169.254.169.254 (cloud metadata) is among them"),
        ("notebooks/singleuser", "OPEN_INTERNET", "169.254.169.254 (cloud metadata) is excepted"),
        ("pipelines/ml-pipeline", "ALL_PORTS", "every port"),
    ],
)
def test_the_planted_incidents_are_told(demo: Snapshot, name: str, code: str, words: str):
    sentences = found(said(demo, name), code).values()
    assert any(words in sentence for sentence in sentences), sentences


def test_kubeflow_says_nothing_of_egress(demo: Snapshot):
    for each in demo.contents["kubeflow"].policies.values():
        assert [view.direction for view in said(demo, f"kubeflow/{each.name}").directions] == [Direction.INGRESS]


def test_the_platforms_rules_all_do_something(demo: Snapshot):
    engine = Engine(demo)
    idle = {
        (str(each.ref), finding.code)
        for each in demo.policies()
        for finding in explain(engine, each.ref).findings
        if finding.effect is Effect.NOTHING
    }
    assert {name for name, _ in idle} == {
        "NetworkPolicy vector-db/weaviate-from-mesh",
        "NetworkPolicy training/model-hub-egress",
    }
