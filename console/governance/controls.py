"""The controls that findings and rules are evidence toward. Evidence only: nothing here claims compliance.

Each control is named as its own framework numbers it; `SHOWN` says what of it can be
shown from a cluster's network boundaries.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from console.governance.findings import Control

CIS: Final = "CIS Kubernetes"
NSA: Final = "NSA/CISA Kubernetes Hardening Guide"
PCI: Final = "PCI DSS 4.0"
SOC2: Final = "SOC 2"
ISO27001: Final = "ISO 27001"
ISO42001: Final = "ISO 42001"
AI_RMF: Final = "NIST AI RMF"
SP800_207: Final = "NIST SP 800-207"
SP800_190: Final = "NIST SP 800-190"
OWASP_LLM: Final = "OWASP LLM 2025"
ATLAS: Final = "MITRE ATLAS"
ATTACK: Final = "MITRE ATT&CK"

#: What can be shown of each control.
SHOWN: Final[Mapping[Control, str]] = MappingProxyType(
    {
        Control(framework, each): text
        for framework, ids, text in (
            (CIS, "5.3.1", "whether the network plugin supports policies"),
            (CIS, "5.3.2", "namespaces, and pods per direction, that no policy selects"),
            (NSA, "network separation", "default-deny both ways, and no unselected pod"),
            (PCI, "1.2.2", "the log of changes to what policies let through"),
            (PCI, "1.2.3 1.2.4", "the map of network and data flows"),
            (PCI, "1.2.5", "the ports that are allowed, and their business need"),
            (PCI, "1.2.7", "the half-yearly review of the rules"),
            (PCI, "1.2.8", "that what runs equals what is declared"),
            (PCI, "1.3.1", "that inbound traffic is restricted"),
            (PCI, "1.3.2", "that outbound traffic is restricted"),
            (SOC2, "CC6.1 CC6.6", "the paths across boundaries"),
            (SOC2, "CC7.1 CC7.2", "drift, and what was made of it"),
            (SOC2, "CC8.1", "that changes were approved"),
            (ISO27001, "A.8.9 A.8.32", "the baseline of the configuration, and its changes"),
            (ISO27001, "A.8.20 A.8.21 A.8.22", "that networks are separated, proven"),
            (ISO42001, "A.4.2", "the register of AI components"),
            (ISO42001, "A.6.2.8", "the log of events"),
            (AI_RMF, "GOVERN-1.6", "the inventory of AI systems"),
            (AI_RMF, "MAP-4.2", "the controls of their components"),
            (AI_RMF, "MEASURE-2.7", "that their security is evaluated"),
            (AI_RMF, "MANAGE-3.1 MANAGE-3.2", "that third-party models are watched"),
            (SP800_207, "tenet-2 tenet-4", "that no trust comes from location"),
            (SP800_207, "tenet-5 tenet-7", "that posture is collected and watched"),
            (SP800_190, "4.3.3", "the separation of traffic between applications"),
            (SP800_190, "4.4.2", "that egress is bounded"),
            (OWASP_LLM, "LLM02", "paths by which sensitive information leaks"),
            (OWASP_LLM, "LLM03", "paths of the supply chain"),
            (OWASP_LLM, "LLM04", "paths by which data and models are poisoned"),
            (OWASP_LLM, "LLM08", "paths to vector stores"),
            (ATLAS, "AML.T0024 AML.T0025", "exfiltration paths, open or closed"),
            (ATLAS, "AML.T0010", "supply-chain paths, open or closed"),
            (ATLAS, "AML.T0085", "retrieval paths, open or closed"),
            (ATLAS, "AML.M0032", "the segmentation of AI components"),
            (ATTACK, "T1552.005", "whether the cloud's metadata address is reached"),
            (ATTACK, "T1567.002", "paths to cloud storage"),
            (ATTACK, "T1046", "what can be scanned"),
        )
        for each in ([ids] if framework == NSA else [each.replace("-", " ") for each in ids.split()])
    }
)


def _of(framework: str, ids: str) -> tuple[Control, ...]:
    return tuple(Control(framework, each) for each in ids.split())


_SEGMENTED: Final = (
    *_of(CIS, "5.3.2"),
    Control(NSA, "network separation"),
    *_of(ISO27001, "A.8.22"),
    *_of(SP800_190, "4.3.3"),
)
_INBOUND: Final = (*_of(PCI, "1.3.1"), *_of(SOC2, "CC6.6"), *_of(ATTACK, "T1046"))
_OUTBOUND: Final = (*_of(PCI, "1.3.2"), *_of(SOC2, "CC6.6"), *_of(SP800_190, "4.4.2"), *_of(ATLAS, "AML.T0025"))
_PORTS: Final = (*_of(PCI, "1.2.5"), *_of(SOC2, "CC6.1"), *_of(ATTACK, "T1046"))
_DECLARED: Final = (*_of(PCI, "1.2.7 1.2.8"), *_of(SOC2, "CC7.1"), *_of(ISO27001, "A.8.9"))
_INVENTORY: Final = (*_of(ISO42001, "A.4.2"), Control(AI_RMF, "GOVERN 1.6"))
_AI_PATHS: Final = (Control(AI_RMF, "MEASURE 2.7"), *_of(ATLAS, "AML.M0032"), *_of(OWASP_LLM, "LLM02"))
_NO_TRUST: Final = (Control(SP800_207, "tenet 2"),)

#: By the code of a finding, or the kind of a rule of a charter.
_CONTROLS: Final[Mapping[str, tuple[Control, ...]]] = MappingProxyType(
    {
        # rules of a charter
        "never": (*_of(ISO27001, "A.8.22"), *_of(SOC2, "CC6.1"), *_AI_PATHS),
        "only": (*_of(PCI, "1.3.1"), *_of(ISO27001, "A.8.22"), *_NO_TRUST, *_AI_PATHS),
        "must": (*_of(PCI, "1.2.4"), *_of(ISO27001, "A.8.21"), Control(AI_RMF, "MAP 4.2")),
        "deny-ingress": (*_SEGMENTED, *_of(PCI, "1.3.1"), *_NO_TRUST),
        "deny-egress": (*_SEGMENTED, *_of(PCI, "1.3.2"), *_of(SP800_190, "4.4.2"), *_of(ATLAS, "AML.T0025")),
        "dns": _of(ISO27001, "A.8.21"),
        "metadata": (*_of(ATTACK, "T1552.005"), *_of(SP800_190, "4.4.2")),
        "policies-select": _DECLARED,
        "replicas-alike": (*_DECLARED, *_of(SOC2, "CC8.1")),
        "services-reachable": _of(ISO27001, "A.8.21"),
        # findings
        "NO_POLICY": (*_SEGMENTED, *_INBOUND, *_OUTBOUND, *_NO_TRUST),
        "INGRESS_ONLY": (*_SEGMENTED, *_OUTBOUND),
        "UNSELECTED_INGRESS": (*_SEGMENTED, *_INBOUND),
        "UNSELECTED_EGRESS": (*_SEGMENTED, *_OUTBOUND),
        "HOST_NETWORK": (*_SEGMENTED, *_NO_TRUST),
        "SELECTS_NO_POD": _DECLARED,
        "LABEL_ONLY_INJECTED": (*_DECLARED, *_SEGMENTED),
        "DIRECTION_NOT_DECLARED": _DECLARED,
        "POLICY_REDUNDANT": _DECLARED,
        "POLICY_NOT_VALID": _DECLARED,
        "POLICY_NOT_EVALUATED": (Control(SP800_207, "tenet 5"),),
        "RULE_COVERED": _DECLARED,
        "PEER_MATCHES_NOTHING": _DECLARED,
        "EXCEPT_USELESS": (*_DECLARED, *_OUTBOUND),
        "PORT_NOWHERE": _DECLARED,
        "NAMED_PORT_DIFFERS": _PORTS,
        "ALL_PORTS": _PORTS,
        "ALL_NAMESPACES": (*_of(ISO27001, "A.8.22"), *_of(SP800_190, "4.3.3"), *_NO_TRUST),
        "ANY_PEER": (*_INBOUND, *_NO_TRUST),
        "OPENS_BOTH": (*_of(ISO27001, "A.8.22"), *_DECLARED),
        "OPEN_INTERNET": (*_OUTBOUND, *_of(ATTACK, "T1567.002"), *_of(OWASP_LLM, "LLM02 LLM03")),
        "CLUSTER_IP_IN_IPBLOCK": _of(PCI, "1.2.8"),
        "DOMAIN_NAMES": (*_of(SP800_190, "4.4.2"), Control(AI_RMF, "MANAGE 3.2")),
        "HOST_BY_ADDRESS": (*_of(SP800_190, "4.4.2"), Control(AI_RMF, "MANAGE 3.2")),
        "CHART_ISOLATES_NAMESPACE": (*_of(SOC2, "CC8.1"), *_of(ISO27001, "A.8.32")),
        "DNS_FORGOTTEN": _of(ISO27001, "A.8.21"),
        "WEBHOOK_CLOSED": _of(ISO27001, "A.8.21"),
        "REPLICAS_DIFFER": (*_DECLARED, *_of(SOC2, "CC8.1")),
        "SAME_PRIORITY": _DECLARED,
        "PLUGIN_DOES_NOT_ENFORCE": (*_of(CIS, "5.3.1"), Control(NSA, "network separation"), *_of(ISO27001, "A.8.22")),
        "PLUGIN_UNKNOWN": _of(CIS, "5.3.1"),
        "AI_WORKLOAD_UNLABELLED": _INVENTORY,
    }
)


def controls(kind: str) -> tuple[Control, ...]:
    """What a finding's code (``ALL_PORTS``) or a rule's kind (``never``, ``deny-egress``) is evidence toward."""
    return _CONTROLS.get(kind, ())
