#!/usr/bin/env python3
"""PyTorch twins of models: the equations of docs/models.md by torch's own layers and its automatic derivatives.

  torch_twins.py check CASE.txt           prints outputs, dweights and dx of a recorded case, as PyTorch has them now
  torch_twins.py record NAME CASE.txt     draws weights and a batch for a case below, and writes it with its answers

A case is a text: `model`, the text of the job's model field; `dim` of its tables (tests/support/example_jobs.h); then
arrays, each a line `name count` and a line of numbers. Outputs and gradients are those of the objective sum(outputs *
doutputs). tests/worker/model/torch_test.cc compares the models with them.

Adding a twin: a function (take, x) -> outputs, where take(shape) gives the next weights in the order in which the model lays them
out, and an entry in TWINS and in CASES.
"""
import sys

import torch
from torch.nn import functional as F

torch.set_default_dtype(torch.float64)


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


def mmoe(take, x, tasks, n_experts, expert, tower):
    experts_of = bank(take, x.shape[1], n_experts, expert, [n_experts] * tasks)
    towers = [mlp(take, expert[-1], tower + [1], False) for _ in range(tasks)]
    experts, gates = experts_of(x)
    return torch.cat([t(mixture(g, experts)) for t, g in zip(towers, gates)], dim=1)


def ple(take, x, tasks, levels, tower):
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


def esmm(take, x, tasks, hidden, columns):
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


TWINS = {"mmoe": mmoe, "ple": ple, "esmm": esmm}

# name: the twin, the text of the model, dim of the tables, and what the twin is given. Two tasks; 4 * dim + 2 inputs.
CASES = {
    "mmoe": (
        "mmoe { n_experts: 3 expert: 6 expert: 4 tower: 3 }",
        3,
        dict(n_experts=3, expert=[6, 4], tower=[3]),
    ),
    "ple": (
        "ple { level { shared_experts: 1 task_experts: 2 expert: 5 } "
        "level { shared_experts: 2 task_experts: 1 expert: 4 expert: 3 } tower: 3 }",
        2,
        dict(levels=[(1, 2, [5]), (2, 1, [4, 3])], tower=[3]),
    ),
    "esmm": (
        'esmm { hidden: 5 hidden: 4 step { task: "first_group" } step { task: "rating" } }',
        3,
        dict(hidden=[5, 4], columns=[(1, False), (0, False)]),
    ),
}
TASKS = 2
ROWS = 5


def answers(name, weights, x, doutputs):
    """outputs, dweights, dx of flat lists."""
    dim = len(x) // ROWS
    w = torch.tensor(weights, requires_grad=True)
    batch = torch.tensor(x).reshape(ROWS, dim).clone().requires_grad_(True)
    at = 0

    def take(*shape):
        nonlocal at
        n = torch.Size(shape).numel()
        part = w[at : at + n].reshape(shape)
        at += n
        return part

    outputs = TWINS[name](take, batch, TASKS, **CASES[name][2])
    assert at == len(weights), f"{name}: {len(weights)} weights, the twin took {at}"
    (outputs * torch.tensor(doutputs).reshape(ROWS, TASKS)).sum().backward()
    return {"outputs": outputs.detach(), "dweights": w.grad, "dx": batch.grad}


def count_weights(name, dim):
    """What the twin takes."""
    n = 0

    def take(*shape):
        nonlocal n
        n += torch.Size(shape).numel()
        return torch.zeros(shape)

    TWINS[name](take, torch.zeros(ROWS, dim), TASKS, **CASES[name][2])
    return n


def read_case(path):
    with open(path, encoding="utf-8") as lines:
        lines = lines.read().splitlines()
    case = {"twin": lines[0].split()[1]}
    at = 3
    while at < len(lines):
        key, n = lines[at].split()
        case[key] = [float(v) for v in lines[at + 1].split()]
        assert len(case[key]) == int(n), f"{path}: {key}"
        at += 2
    return case


def write_arrays(arrays, out):
    for key, values in arrays.items():
        flat = torch.as_tensor(values).flatten().tolist()
        out.write(f"{key} {len(flat)}\n" + " ".join(f"{v:.9g}" for v in flat) + "\n")


def main(arguments):
    if len(arguments) == 2 and arguments[0] == "check":
        case = read_case(arguments[1])
        write_arrays(answers(case["twin"], case["weights"], case["x"], case["doutputs"]), sys.stdout)
        return 0
    if len(arguments) == 3 and arguments[0] == "record" and arguments[1] in CASES:
        name = arguments[1]
        text, table_dim, _ = CASES[name]
        dim = 4 * table_dim + 2
        torch.manual_seed(1)
        # What a float32 holds, so that both sides start from the same numbers.
        draw = lambda scale, n: (scale * torch.randn(n)).float().double().tolist()
        inputs = {
            "weights": draw(0.5, count_weights(name, dim)),
            "x": draw(1, ROWS * dim),
            "doutputs": draw(1, ROWS * TASKS),
        }
        with open(arguments[2], "w", encoding="utf-8") as out:
            out.write(f"twin {name}\nmodel {text}\ndim {table_dim}\n")
            write_arrays(inputs, out)
            write_arrays(answers(name, inputs["weights"], inputs["x"], inputs["doutputs"]), out)
        return 0
    print(__doc__, file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
