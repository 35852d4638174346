"""Twins in PyTorch of models with a cross network (DCN-v2), target attention (DIN) and a transformer (BST).

    torch_twins_interactions.py FOLDER SEED

writes FOLDER/dcn_v2.txt, din.txt and bst.txt: weights (flat, in the order of our models), a batch x, a direction for the outputs,
and what PyTorch makes of them: outputs, and the derivatives of the sum of outputs * direction. Each matrix is a line with its
name, rows and columns, and a line a row. tests/worker/torch_twins_interactions_test.cc compares.
"""
import sys

import torch

DIM = 3          # of a row
N_FIELDS = 4     # user_group, user_region, item_genre, item_tags
N_NUMERICS = 2
N_TASKS = 2
LENGTH = 3       # of the sequence item_tags
N_ROWS = 7


class Weights:
    """Takes matrices off one flat vector, which it makes up as it goes."""

    def __init__(self, generator):
        self.generator = generator
        self.taken = []

    def take(self, *shape):
        w = (0.5 * torch.randn(*shape, generator=self.generator)).requires_grad_()
        self.taken.append(w)
        return w

    def dense(self, n_in, n_out):
        return self.take(n_in, n_out), self.take(n_out)

    def flat(self, of):
        return torch.cat([of(w).reshape(-1) for w in self.taken]).reshape(1, -1)


def shared_bottom(weights, n_in):
    """shared_bottom { bottom: 5 tower: 3 }"""
    w, b = weights.dense(n_in, 5)
    towers = [(weights.dense(5, 3), weights.dense(3, 1)) for _ in range(N_TASKS)]

    def forward(x):
        h = torch.relu(x @ w + b)
        return torch.cat([torch.relu(h @ w1 + b1) @ w2 + b2 for (w1, b1), (w2, b2) in towers], dim=1)

    return forward


def dcn_v2(weights):
    """interaction { cross_v2 { n_layers: 2 } }"""
    n_in = N_FIELDS * DIM + N_NUMERICS
    layers = [weights.dense(n_in, n_in) for _ in range(2)]
    network = shared_bottom(weights, n_in)

    def forward(x0):
        x = x0
        for w, b in layers:
            x = x0 * (x @ w + b) + x
        return network(x)

    return forward


def din(weights):
    """sequence { field: "item_tags" din { query: "item_genre" hidden: [5, 4] } }"""
    unit = [weights.dense(4 * DIM, 5), weights.dense(5, 4), weights.dense(4, 1)]
    network = shared_bottom(weights, N_FIELDS * DIM + N_NUMERICS)

    def forward(x):
        fields = x[:, : 3 * DIM]
        query = fields[:, 2 * DIM :].unsqueeze(1).expand(-1, LENGTH, -1)
        values = x[:, 3 * DIM : 3 * DIM + LENGTH * DIM].reshape(-1, LENGTH, DIM)
        count = x[:, 3 * DIM + LENGTH * DIM : 3 * DIM + LENGTH * DIM + 1].detach()
        h = torch.cat([query, values, query - values, query * values], dim=2)
        for i, (w, b) in enumerate(unit):
            h = h @ w + b
            if i < 2:
                h = torch.relu(h)
        mask = torch.arange(LENGTH).unsqueeze(0) < count
        scores = h.squeeze(2) * mask
        interest = (scores.unsqueeze(2) * values).sum(dim=1)
        return network(torch.cat([fields, interest, x[:, -N_NUMERICS:]], dim=1))

    return forward


def bst(weights):
    """sequence { field: "item_tags" bst { query: "item_genre" n_blocks: 2 n_heads: 3 hidden: 5 } }"""
    positions = weights.take(LENGTH + 1, DIM)
    blocks = []
    for _ in range(2):
        qkv, out = weights.take(DIM, 3 * DIM), weights.take(DIM, DIM)
        norm1 = weights.take(DIM), weights.take(DIM)
        widen, narrow = weights.dense(DIM, 5), weights.dense(5, DIM)
        blocks.append((qkv, out, norm1, widen, narrow, (weights.take(DIM), weights.take(DIM))))
    network = shared_bottom(weights, N_FIELDS * DIM + N_NUMERICS)

    def encode(x):
        for qkv, out, norm1, widen, narrow, norm2 in blocks:
            # Heads of width 1, each [tokens, 1].
            q, k, v = ((x @ part).t().unsqueeze(2) for part in qkv.split(DIM, dim=1))
            heads = torch.softmax(q @ k.transpose(1, 2), dim=2) @ v  # the scale is 1 / sqrt(1)
            s = torch.nn.functional.layer_norm(x + heads.squeeze(2).t() @ out, (DIM,), *norm1)
            hidden = torch.nn.functional.leaky_relu(s @ widen[0] + widen[1], 0.01)
            x = torch.nn.functional.layer_norm(s + hidden @ narrow[0] + narrow[1], (DIM,), *norm2)
        return x[-1]

    def forward(x):
        interest = []
        for row in x:
            count = int(row[3 * DIM + LENGTH * DIM].item())
            values = row[3 * DIM : 3 * DIM + count * DIM].reshape(count, DIM)
            target = row[2 * DIM : 3 * DIM].unsqueeze(0)
            tokens = torch.cat([values, target]) + positions[: count + 1].flip(0)
            interest.append(encode(tokens) if count > 0 else torch.zeros(DIM))
        return network(torch.cat([x[:, : 3 * DIM], torch.stack(interest), x[:, -N_NUMERICS:]], dim=1))

    return forward


def batch(generator, is_sequence):
    width = N_FIELDS * DIM if not is_sequence else (N_FIELDS - 1) * DIM + LENGTH * DIM + 1
    x = torch.randn(N_ROWS, width + N_NUMERICS, generator=generator)
    if is_sequence:
        begin = (N_FIELDS - 1) * DIM
        for i in range(N_ROWS):
            count = i % (LENGTH + 1)
            x[i, begin + count * DIM : begin + LENGTH * DIM] = 0
            x[i, begin + LENGTH * DIM] = count
    return x.requires_grad_()


def write(path, matrices):
    with open(path, "w") as out:
        for name, m in matrices.items():
            out.write(f"{name} {m.shape[0]} {m.shape[1]}\n")
            for row in m.tolist():
                out.write(" ".join(f"{v:.9g}" for v in row) + "\n")


def main(folder, seed):
    for name, twin in (("dcn_v2", dcn_v2), ("din", din), ("bst", bst)):
        generator = torch.Generator().manual_seed(seed)
        weights = Weights(generator)
        forward = twin(weights)
        x = batch(generator, name != "dcn_v2")
        direction = torch.randn(N_ROWS, N_TASKS, generator=generator)
        outputs = forward(x)
        (outputs * direction).sum().backward()
        write(
            f"{folder}/{name}.txt",
            {
                "weights": weights.flat(lambda w: w.detach()),
                "x": x.detach(),
                "direction": direction,
                "outputs": outputs.detach(),
                "dweights": weights.flat(lambda w: w.grad),
                "dx": x.grad,
            },
        )


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
