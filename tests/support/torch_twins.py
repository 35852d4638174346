#!/usr/bin/env python3
"""PyTorch twins of models: the equations of docs/models.md by torch's own layers and its automatic derivatives.

  torch_twins.py check CASE.txt           prints outputs, dweights and dx of a recorded case, as PyTorch has them now
  torch_twins.py record NAME CASE.txt     draws weights and a batch for the case of a twin, and writes it with its answers

A case is a text: `model`, the text of the job's model field; `dim` of its tables (tests/support/example_jobs.h); then
arrays, each a line `name count` and a line of numbers. Outputs and gradients are those of the objective sum(outputs *
doutputs). tests/worker/model/torch_test.cc compares the models with them.

Adding a twin: torch_networks/NAME.py beside this file, with twin(take, x, tasks, ...) -> outputs, where take(shape)
gives the next weights in the order in which the model lays them out, and CASE: the text of the model, dim of the
tables, and what the twin is given. The case has two tasks and 4 * dim + 2 inputs.
"""
import importlib
import importlib.util
import sys

import torch

torch.set_default_dtype(torch.float64)
sys.dont_write_bytecode = True

TASKS = 2
ROWS = 5


def has_twin(name):
    return importlib.util.find_spec("torch_networks." + name) is not None


def network(name):
    """The module with its twin and its case."""
    return importlib.import_module("torch_networks." + name)


def outputs_of(name, take, x):
    """Of its twin."""
    module = network(name)
    return module.twin(take, x, TASKS, **module.CASE[2])


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

    outputs = outputs_of(name, take, batch)
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

    outputs_of(name, take, torch.zeros(ROWS, dim))
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
    if len(arguments) == 3 and arguments[0] == "record" and has_twin(arguments[1]):
        name = arguments[1]
        text, table_dim, _ = network(name).CASE
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
