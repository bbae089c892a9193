"""The coded assumptions a verdict can rest on. Codes are stable: scripts and reports key on them."""

from __future__ import annotations

from typing import Final

import msgspec

#: One sentence for each code, as users read it.
SENTENCES: Final[dict[str, str]] = {
    "HOST_NETWORK": (
        "A pod on its node's network is at an end: the specification leaves this undefined; "
        "most plugins see the node's address, match it by ipBlock only and never isolate it."
    ),
    "HOST_ADDRESS_UNKNOWN": "The node address of a hostNetwork pod is not known, so no ipBlock was matched against it.",
    "INGRESS_IPBLOCK_POD_SOURCE": (
        "An ingress ipBlock is judged against a pod's address: plugins that rewrite the source first see another one."
    ),
    "OWN_NODE": "Traffic between a pod and its own node is always allowed, whatever policies say.",
    "SELF_TRAFFIC": "A pod cannot block itself; what happens when it reaches itself through a Service is undefined.",
    "NAMED_PORT_SIDECAR": (
        "A named port is declared by a sidecar (restartable init container) only: plugins differ on whether it counts."
    ),
    "NAMED_PORT_UNRESOLVED": "A rule names a port that the destination does not declare, so that rule matches nothing.",
    "NO_ADDRESS": "An end has no address yet; it was matched by labels alone, and no ipBlock can match it.",
    "NO_COMMON_FAMILY": "The two ends share no address family, so the network cannot carry this whatever policies say.",
    "FAMILY_DIFFERS": "The answer differs between IPv4 and IPv6.",
    "UNMASKED_CIDR": "An ipBlock has bits set beyond its prefix (accepted by older API servers); they are ignored.",
    "NAT_UNDEFINED": (
        "An ipBlock covers the Service's own address: whether it is judged before or after translation is undefined."
    ),
    "SOURCE_NAT_UNDEFINED": (
        "Behind a NodePort or a load balancer the source's address may be rewritten before ingress is judged: "
        "an ipBlock may see another one."
    ),
    "CLUSTER_IP_ONLY": (
        "The Service has no address outside the cluster; this is what policies let in, if something leads there."
    ),
    "HEADLESS": (
        "The Service is headless: its name leads to the pods themselves, on the port that is asked for; "
        "nothing translates it to a targetPort."
    ),
    "ENDPOINTS_BY_SELECTOR": (
        "No EndpointSlice was read: the Service's endpoints are the ready pods its selector matches."
    ),
    "SELF_THROUGH_SERVICE": "The source is one of the Service's own endpoints; reaching itself that way is undefined.",
    "POD_BY_ADDRESS": "The address belongs to a pod, so it was judged as that pod.",
    "SERVICE_BY_ADDRESS": "The address belongs to a Service, so it was judged as that Service.",
    "SAME_PRIORITY": (
        "Policies of equal priority disagree here; which comes first is undefined, and the answer depends on it."
    ),
    "DOMAIN_NAMES": (
        "A rule names hosts by domain name; which addresses they have is not known here, and the answer depends on it."
    ),
    "PROTOCOL_WITHOUT_PORT": (
        "A rule names a protocol without a port; it is read as all of its ports, which implementations do not agree on."
    ),
    "BASELINE_BESIDE_NETWORK_POLICY": (
        "The Baseline tier decides here while a NetworkPolicy isolates the pod in the other direction: "
        "the text reads per direction, one implementation skips Baseline."
    ),
    "DNS_BLOCKED": (
        "The source cannot reach cluster DNS on port 53, so a connection by name fails before it reaches this policy."
    ),
    "PLUGIN_DOES_NOT_ENFORCE": (
        "The cluster's network plugin enforces no policy: this is what the policies say, not what the network does."
    ),
    "POLICY_KIND_NOT_MODELLED": "A policy of a kind that is not evaluated may select an end.",
    "INVALID_POLICY": "A policy that is not valid may select an end; what it was meant to say cannot be known.",
    "NOT_READABLE": "Something this verdict depends on could not be read.",
    "LOADING": "Something this verdict depends on has not been read yet.",
    "UNPARSED": "A document could not be parsed; it may hold policies that decide this.",
}


class Caveat(msgspec.Struct, frozen=True, order=True):
    """A coded assumption. `detail` names the objects or values concerned."""

    code: str
    detail: str = ""

    @property
    def sentence(self) -> str:
        """What the code means, in one sentence."""
        return SENTENCES[self.code]
