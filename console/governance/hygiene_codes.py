"""Every code of a hygiene finding, with what it means and what to do. Codes are stable: scripts key on them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from console.governance.controls import controls
from console.governance.findings import Finding, Place, Severity
from console.objects.meta import ObjectRef


@dataclass(frozen=True, slots=True)
class About:
    """A kind of finding: its usual severity, why it matters in a sentence, and the remedy where none is nearer."""

    severity: Severity
    why: str
    remedy: str


ABOUT: Final[Mapping[str, About]] = MappingProxyType(
    {
        "PLUGIN_DOES_NOT_ENFORCE": About(
            Severity.CRITICAL,
            "Policies are only objects: without a plugin that enforces them everything reaches everything.",
            "Install a network plugin that enforces policies, or switch that on in the one that runs.",
        ),
        "PLUGIN_UNKNOWN": About(
            Severity.INFO,
            "Whether anything enforces the policies cannot be told from the pods that were read.",
            "Find out which network plugin runs, and test one policy for real.",
        ),
        "POLICY_NOT_VALID": About(
            Severity.HIGH,
            "The API server refuses such a policy, so that nothing of it is in force.",
            "Mend the field that is named, and apply the policy again.",
        ),
        "POLICY_NOT_EVALUATED": About(
            Severity.INFO,
            "What such a policy allows or denies is not known here, so verdicts about the pods it selects are unknown.",
            "Judge these pods with the tool of the kind's own project.",
        ),
        "NO_POLICY": About(
            Severity.MEDIUM,
            "Pods that no policy selects may open connections to everything and be reached by everything.",
            "Let in and out what is needed, then deny the rest; --overlay shows beforehand what that closes.",
        ),
        "INGRESS_ONLY": About(
            Severity.MEDIUM,
            "The namespace has policies, and none of them says a word of egress: its pods reach everything outside.",
            "Let out what is needed, then deny the rest; --overlay shows beforehand what that closes.",
        ),
        "UNSELECTED_INGRESS": About(
            Severity.MEDIUM,
            "Pods that no policy isolates for ingress are reached by everything that is let out.",
            "Let in what is needed, then deny the rest; --overlay shows beforehand what that closes.",
        ),
        "UNSELECTED_EGRESS": About(
            Severity.MEDIUM,
            "Pods that no policy isolates for egress reach everything that lets them in, and everything outside.",
            "Let out what is needed, then deny the rest; --overlay shows beforehand what that closes.",
        ),
        "HOST_NETWORK": About(
            Severity.LOW,
            "No selector selects a pod on its node's network: policies neither isolate it nor can allow it by label.",
            "Take hostNetwork from what does not need it; guard the rest by the node's firewall.",
        ),
        "SELECTS_NO_POD": About(
            Severity.MEDIUM,
            "What selects nothing protects nothing, and what it opens waits for the first pod with its labels.",
            "Correct its podSelector, or delete it.",
        ),
        "LABEL_ONLY_INJECTED": About(
            Severity.HIGH,
            "A label that only a mesh's injector sets is absent while injection is off: the policy protects nothing.",
            "Select by a label of the workload's own.",
        ),
        "DIRECTION_NOT_DECLARED": About(
            Severity.HIGH,
            "Rules of a direction that policyTypes leaves out are ignored.",
            "Add the direction to policyTypes, or take its rules out.",
        ),
        "POLICY_REDUNDANT": About(
            Severity.LOW,
            "Without the policy every verdict would be the same.",
            "Delete it, or say in it what was meant.",
        ),
        "RULE_COVERED": About(
            Severity.LOW,
            "Whoever narrows such a rule, or takes it away, closes nothing.",
            "Take the rule out, or narrow the one that covers it.",
        ),
        "PEER_MATCHES_NOTHING": About(
            Severity.LOW,
            "The rule allows less than it says, and what it waits for may come from somebody else.",
            "Correct the peer, or take it out.",
        ),
        "EXCEPT_USELESS": About(
            Severity.MEDIUM,
            "The addresses look excepted, and are let through all the same.",
            "Narrow what lets them through, or take the exception out.",
        ),
        "PORT_NOWHERE": About(
            Severity.MEDIUM,
            "A named port that no destination declares matches nothing, so the rule does not open what it says.",
            "Use the name or the number that the destination declares.",
        ),
        "NAMED_PORT_DIFFERS": About(
            Severity.LOW,
            "One name opens different numbers on different pods.",
            "Name the number, or a policy for each workload.",
        ),
        "ANY_PEER": About(
            Severity.MEDIUM,
            "A rule without a peer lets everything through, from outside of the cluster too.",
            "Name the peers that are meant.",
        ),
        "OPEN_INTERNET": About(
            Severity.HIGH,
            "Data can leave to any address there is, and anything can be fetched from there.",
            "Name the networks that are needed, or send such traffic through an egress gateway.",
        ),
        "ALL_NAMESPACES": About(
            Severity.MEDIUM,
            "Every namespace is meant, those of other tenants and those to come among them.",
            "Name the namespaces that are meant, by a label or by kubernetes.io/metadata.name.",
        ),
        "ALL_PORTS": About(
            Severity.MEDIUM,
            "Every port is open, debug and administration ports among them.",
            "Name the ports that are needed.",
        ),
        "OPENS_BOTH": About(
            Severity.MEDIUM,
            "Two items of a list are alternatives; in one item both would have to hold.",
            "Put both selectors in one item, if both are meant to hold.",
        ),
        "CLUSTER_IP_IN_IPBLOCK": About(
            Severity.MEDIUM,
            "Whether an ipBlock sees a Service's address or its pods' is undefined: most plugins translate first.",
            "Name the pods behind the Service by their labels.",
        ),
        "DOMAIN_NAMES": About(
            Severity.MEDIUM,
            "Naming hosts is an extension that not every plugin enforces, and a name's addresses are not known here.",
            "Make sure that the plugin enforces domainNames, or send such traffic through an egress gateway.",
        ),
        "HOST_BY_ADDRESS": About(
            Severity.LOW,
            "A NetworkPolicy cannot name hosts. Addresses of hosts outside change, of model hubs and clouds often.",
            "Send such traffic through a proxy that knows names, or use a kind of policy that does.",
        ),
        "CHART_ISOLATES_NAMESPACE": About(
            Severity.HIGH,
            "An empty podSelector from a chart isolates every pod of a namespace that others use too.",
            "Narrow its podSelector to the chart's own pods, and keep a default deny as a policy of its own.",
        ),
        "DNS_FORGOTTEN": About(
            Severity.HIGH,
            "What the policies open is opened to nobody: no name can be looked up.",
            "Let the pods reach the cluster's DNS on port 53, UDP and TCP.",
        ),
        "WEBHOOK_CLOSED": About(
            Severity.HIGH,
            "The API server is no pod, so a rule that names pods keeps it out: its calls to the webhook time out.",
            "Let the API server in on the webhook's port.",
        ),
        "REPLICAS_DIFFER": About(
            Severity.HIGH,
            "Replicas of one workload get different verdicts: what a test shows depends on which of them answered.",
            "Give the replicas the labels that the policies ask for, or select by a label they all have.",
        ),
        "SAME_PRIORITY": About(
            Severity.MEDIUM,
            "Which of two policies of the same priority comes first is undefined.",
            "Give them different priorities.",
        ),
    }
)

#: Evidence lines of one finding; what is beyond is counted.
_MOST: Final = 8


def make(
    code: str,
    about: ObjectRef,
    title: str,
    evidence: list[str],
    *,
    severity: Severity | None = None,
    remedy: str = "",
    manifest: str = "",
    place: Place | None = None,
) -> Finding:
    """A finding of a code; severity and remedy are the code's own where none is given."""
    kind = ABOUT[code]
    facts = list(dict.fromkeys(evidence))
    if len(facts) > _MOST:
        facts = [*facts[: _MOST - 1], f"and {len(facts) - _MOST + 1} more like these"]
    return Finding(
        code,
        severity or kind.severity,
        about,
        title,
        tuple(facts),
        remedy or kind.remedy,
        controls(code),
        manifest,
        place,
    )
