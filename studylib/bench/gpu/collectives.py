"""Under torchrun: the process group that several ranks use, its collectives checked; prints what ran."""

from __future__ import annotations

import os
import sys

import torch
from torch import distributed


def main(device: str) -> None:
    backend, bound = "gloo", None
    if device == "cuda":
        backend, bound = "nccl", torch.device("cuda", int(os.environ["LOCAL_RANK"]))
        torch.cuda.set_device(bound)
    distributed.init_process_group(backend, device_id=bound)
    ranks = distributed.get_world_size()
    ones = torch.ones(1000, device=device)
    distributed.all_reduce(ones)
    gathered = torch.empty(1000 * ranks, device=device)
    distributed.all_gather_into_tensor(gathered, ones)
    distributed.broadcast(gathered, src=0)
    distributed.barrier()
    expected = 1000.0 * ranks * ranks
    if gathered.sum().item() != expected:
        raise RuntimeError(f"sums to {gathered.sum().item()}, not {expected}")
    distributed.destroy_process_group()
    print(f"{backend}, {ranks} process(es): all-reduce, all-gather, broadcast, barrier")


if __name__ == "__main__":
    main(sys.argv[1])
