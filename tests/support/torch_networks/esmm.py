"""ESMM in PyTorch."""
import torch

from torch_networks.layers import bank, layer


def twin(take, x, tasks, hidden, columns):
    """columns[task] = (step, whether conditional)."""
    n_steps = 1 + max(step for step, _ in columns)
    networks = bank(take, x.shape[1], n_steps, hidden, [])
    last = [layer(take, hidden[-1], 1) for _ in range(n_steps)]
    logits = [each(h) for each, h in zip(last, networks(x)[0])]
    outputs = []
    for step, conditional in columns:
        if conditional:
            outputs.append(logits[step])
        else:
            p = torch.stack([torch.sigmoid(z) for z in logits[: step + 1]]).prod(dim=0)
            outputs.append(torch.log(p) - torch.log1p(-p))
    return torch.cat(outputs, dim=1)


CASE = (
    'esmm { hidden: 5 hidden: 4 step { task: "first_group" } step { task: "rating" } }',
    3,
    dict(hidden=[5, 4], columns=[(1, False), (0, False)]),
)
