"""PLE in PyTorch."""
import torch

from torch_networks.layers import bank, mixture, mlp


def twin(take, x, tasks, levels, tower):
    """levels: (shared experts, experts of a task, widths)."""
    n_in = x.shape[1]
    forward = []
    for at, (n_shared, n_own, widths) in enumerate(levels):
        gates = [n_own + n_shared] * tasks
        if at + 1 < len(levels):
            gates.append(n_own * tasks + n_shared)
        if at == 0:
            banks = [bank(take, n_in, n_own * tasks + n_shared, widths, gates)]
        else:
            counts = [n_own] * tasks + [n_shared]
            banks = [bank(take, n_in, n, widths, gates[g : g + 1]) for g, n in enumerate(counts)]
        forward.append((banks, n_own))
        n_in = widths[-1]
    towers = [mlp(take, n_in, tower + [1], False) for _ in range(tasks)]
    inputs = [x]
    for banks, n_own in forward:
        experts, gates = [], []
        for each, its_input in zip(banks, inputs):
            its_experts, its_gates = each(its_input)
            experts += its_experts
            gates += its_gates
        own = [experts[t * n_own : (t + 1) * n_own] for t in range(tasks)]
        shared = experts[tasks * n_own :]
        inputs = [mixture(gates[t], own[t] + shared) for t in range(tasks)]
        if len(gates) > tasks:
            inputs.append(mixture(gates[tasks], experts))
    return torch.cat([t(m) for t, m in zip(towers, inputs)], dim=1)


CASE = (
    "ple { level { shared_experts: 1 task_experts: 2 expert: 5 } "
    "level { shared_experts: 2 task_experts: 1 expert: 4 expert: 3 } tower: 3 }",
    2,
    dict(levels=[(1, 2, [5]), (2, 1, [4, 3])], tower=[3]),
)
