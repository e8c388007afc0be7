"""How the processes of a trial are laid over the nodes of a cluster."""

from __future__ import annotations

from dataclasses import dataclass

from studylib.errors import invalid
from studylib.spec import ParallelSpec


@dataclass(frozen=True)
class Placement:
    """So many nodes, each with the same number of processes; ranks are counted through one node after the other."""

    nodes: int
    processes_per_node: int


def place(layout: ParallelSpec, per_node: int, *, nodes: int | None = None) -> Placement:
    """On the fewest nodes that have room, of ``per_node`` processes each, or on ``nodes`` of them.

    Nodes get equal shares, since that is how Slurm counts them. A tensor-parallel group, whose ranks follow each other, stays
    on one node where a node has room for it: it exchanges activations several times a layer.

    Raises
    ------
    StudyError
        The processes cannot be shared out equally over ``nodes``, or a node has no room for its share.
    """
    processes = layout.world_size
    said = f"dp {layout.dp} x tp {layout.tp} x pp {layout.pp}"
    if per_node < 1:
        raise invalid("gpus_per_node", per_node, "must be at least 1")
    if nodes is not None:
        if nodes < 1 or processes % nodes:
            raise invalid("nodes", nodes, f"does not divide the {processes} processes of a trial ({said})")
        if processes // nodes > per_node:
            why = f"give each node {processes // nodes} processes of a trial ({said}); a node has room for {per_node}"
            raise invalid("nodes", nodes, why)
        return Placement(nodes, processes // nodes)
    shares = [share for share in range(min(per_node, processes), 0, -1) if processes % share == 0]
    whole = [share for share in shares if share % layout.tp == 0]
    share = (whole or shares)[0]
    return Placement(processes // share, share)
