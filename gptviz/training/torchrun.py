"""The process group that torchrun started this process in."""

import os

from gptviz.training.process_group import ALONE, ProcessGroup


def join() -> ProcessGroup:
    """Join the processes that torchrun started, or be a group of one if it did not start this one.

    Raises ValueError or OSError in words if the others cannot be joined.
    """
    if int(os.environ.get("WORLD_SIZE") or 1) == 1:
        return ALONE
    from gptviz.training.distributed import DistributedGroup  # needs PyTorch, which is slow to load

    return DistributedGroup()
