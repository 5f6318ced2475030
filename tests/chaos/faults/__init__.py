"""Everything that is done to the cluster, with the bound that the failure table gives for it."""

from tests.chaos.faults import broker, clients, database, networks, nodes
from tests.chaos.faults.kinds import KINDS, Inflict, Kind, compatible

# Each declares its kinds when it is imported.
SUBJECTS = (broker, clients, database, networks, nodes)

__all__ = ["KINDS", "SUBJECTS", "Inflict", "Kind", "compatible"]
