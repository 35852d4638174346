"""Layers of the twins of networks."""
import torch
from torch.nn import functional as F


def layer(take, n_in, n_out):
    """A linear layer: weights [in, out], then biases."""
    w, b = take(n_in, n_out), take(n_out)
    return lambda x: F.linear(x, w.t(), b)


def mlp(take, n_in, widths, last_relu):
    layers = []
    for width in widths:
        layers.append(layer(take, n_in, width))
        n_in = width

    def apply(x):
        for i, each in enumerate(layers):
            x = each(x)
            if last_relu or i + 1 < len(layers):
                x = torch.relu(x)
        return x

    return apply


def bank(take, n_in, n_experts, widths, gates):
    """Experts and gates (worker/model/expert_bank.h): one wide layer, then the experts' deeper layers, layer by layer."""
    wide = layer(take, n_in, n_experts * widths[0] + sum(gates))
    deeper = [
        [layer(take, a, b) for _ in range(n_experts)] for a, b in zip(widths, widths[1:])
    ]

    def apply(x):
        parts = torch.split(wide(x), [widths[0]] * n_experts + list(gates), dim=1)
        experts = [torch.relu(part) for part in parts[:n_experts]]
        for layers in deeper:
            experts = [torch.relu(each(h)) for each, h in zip(layers, experts)]
        return experts, [torch.softmax(z, dim=1) for z in parts[n_experts:]]

    return apply


def mixture(gate, experts):
    return (gate.unsqueeze(2) * torch.stack(experts, dim=1)).sum(dim=1)
