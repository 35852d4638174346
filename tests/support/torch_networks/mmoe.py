"""MMoE in PyTorch."""
import torch

from torch_networks.layers import bank, mixture, mlp


def twin(take, x, tasks, n_experts, expert, tower):
    experts_of = bank(take, x.shape[1], n_experts, expert, [n_experts] * tasks)
    towers = [mlp(take, expert[-1], tower + [1], False) for _ in range(tasks)]
    experts, gates = experts_of(x)
    return torch.cat([t(mixture(g, experts)) for t, g in zip(towers, gates)], dim=1)


CASE = (
    "mmoe { n_experts: 3 expert: 6 expert: 4 tower: 3 }",
    3,
    dict(n_experts=3, expert=[6, 4], tower=[3]),
)
