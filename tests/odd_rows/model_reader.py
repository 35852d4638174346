"""What a linear model predicts, from the files that `zhiyin export` and `zhiyin train` leave, in float32 as the program
computes it: IEEE 754 with numbers below the normal ones taken as 0.

The job gives every task one numeric with a weight other than 0, at most. So each prediction is a sum whose order is
known, and each product in it is rounded once, whatever the processor adds and multiplies at a time.
"""
import json
import math
import re
import struct
import zipfile
from fractions import Fraction

MIN_NORMAL = 2.0**-126
MIN_NORMAL_DOUBLE = 2.0**-1022


def f32(x):
    """Rounds a double to float32, and a number below the normal ones to 0."""
    try:
        x = struct.unpack("<f", struct.pack("<f", x))[0]
    except OverflowError:
        return math.copysign(math.inf, x)
    return x if abs(x) >= MIN_NORMAL else math.copysign(0.0, x)


def add(a, b):
    # The sum of two floats in double precision is rounded so finely that a second rounding changes nothing.
    return f32(a + b)


def round_fraction(x):
    """Rounds an exact number to float32."""
    if x == 0:
        return 0.0
    near = f32(float(x))
    if math.isinf(near) or near == 0:
        return near
    # float() has rounded once already: the nearest of the neighbours, ties to even.
    bits = struct.unpack("<i", struct.pack("<f", near))[0]
    around = [struct.unpack("<f", struct.pack("<i", bits + step))[0] for step in (-1, 0, 1)]
    best = min(around, key=lambda y: (abs(Fraction(y) - x), struct.unpack("<i", struct.pack("<f", y))[0] & 1))
    return f32(best)


def read_npz(path):
    """The ids of a field as bytes, and their vectors."""
    arrays = {}
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            data = archive.read(name)
            n = struct.unpack("<H", data[8:10])[0]
            header = data[10:10 + n].decode("latin1")
            shape = [int(d) for d in re.search(r"'shape': \(([^)]*)\)", header)[1].split(",") if d.strip()]
            arrays[name.removesuffix(".npy")] = (re.search(r"'descr': '([^']*)'", header)[1], shape, data[10 + n:])
    kind, (n, dim), data = arrays["vectors"]
    assert kind == "<f4", kind
    flat = struct.unpack(f"<{n * dim}f", data)
    if "ids" in arrays:
        kind, _, data = arrays["ids"]
        width = 4 * int(kind.removeprefix("<U"))
        ids = [data[i * width:(i + 1) * width].decode("utf-32-le").rstrip("\0").encode() for i in range(n)]
    else:
        _, _, text = arrays["ids_utf8"]
        _, _, ends = arrays["ids_ends"]
        ends = struct.unpack(f"<{n}q", ends)
        ids = [text[begin:end] for begin, end in zip((0, *ends), ends)]
    return {id_: flat[i * dim:(i + 1) * dim] for i, id_ in enumerate(ids)}


def read_varint(data, at):
    """Returns a number and the place after it."""
    value = shift = 0
    while True:
        value |= (data[at] & 127) << shift
        shift += 7
        at += 1
        if data[at - 1] < 128:
            return value, at


def proto_fields(data):
    """The fields of a message in protobuf's wire format, as (number, value)."""
    at = 0
    while at < len(data):
        tag, at = read_varint(data, at)
        if tag & 7 == 0:
            value, at = read_varint(data, at)
            yield tag >> 3, value
            continue
        n = {1: 8, 5: 4}.get(tag & 7)
        if n is None:
            n, at = read_varint(data, at)
        yield tag >> 3, data[at:at + n]
        at += n


def read_onnx_floats(path):
    """The float tensors of a graph, in its order, as (shape, values)."""
    with open(path, "rb") as file:
        graph = next(value for number, value in proto_fields(file.read()) if number == 7)
    for number, tensor in proto_fields(graph):
        if number != 5:  # initializer
            continue
        shape, kind, raw = [], None, b""
        for part, value in proto_fields(tensor):
            if part == 1 and isinstance(value, int):
                shape.append(value)
            elif part == 1:
                at = 0
                while at < len(value):
                    n, at = read_varint(value, at)
                    shape.append(n)
            elif part == 2:
                kind = value
            elif part == 9:
                raw = value
        if kind == 1 and raw:
            yield shape, struct.unpack(f"<{len(raw) // 4}f", raw)


class LinearModel:
    """A model of linear{} with the tasks, fields and numerics of `spec`."""

    def __init__(self, model_folder, export_folder, spec):
        self.spec = spec
        self.n_tasks = len(spec.tasks)
        with open(model_folder + "/manifest.textproto", encoding="utf-8") as file:
            manifest = file.read()
        numbers = lambda key: [float(x) for x in re.findall(rf"^{key}: (\S+)$", manifest, re.M)]
        self.mean, self.scale = numbers("numeric_mean"), numbers("numeric_scale")
        assert len(self.mean) == len(self.scale) == len(spec.numerics), (self.mean, self.scale)
        with open(export_folder + "/export.json", encoding="utf-8") as file:
            export = json.load(file)
        self.rows = {}  # of a vocabulary: from text to vector
        self.ids = {}  # of a field
        for field in spec.fields:
            rows = read_npz(f"{export_folder}/fields/{field['name']}.npz")
            self.ids[field["name"]] = set(rows)
            self.rows.setdefault(field.get("vocabulary", field["name"]), {}).update(rows)
        floats = list(read_onnx_floats(f"{export_folder}/{export['onnx']}"))
        shape = [len(spec.numerics), self.n_tasks]
        # The model's own weights come last, after the rows of fields: the biases, then [n_numerics, n_tasks].
        (bias_shape, self.biases), (shape, weights) = [tensor for tensor in floats if tensor[0]][-2:]
        assert bias_shape == [1, self.n_tasks] and shape == [len(spec.numerics), self.n_tasks], (bias_shape, shape)
        self.weights = [weights[j * self.n_tasks:(j + 1) * self.n_tasks] for j in range(shape[0])]
        for t, task in enumerate(spec.tasks):
            used = [j for j in range(shape[0]) if self.weights[j][t] != 0]
            assert len(used) <= 1, f"{task['name']} has weights of several numerics: {used}"

    def numeric(self, j, number):
        """The input that numeric j makes of a number; None: missing."""
        if number is None:
            return 0.0
        if self.spec.numerics[j].get("log1p"):
            number = math.copysign(math.log1p(abs(number)), number)
        x = number - self.mean[j]
        x = (x if abs(x) >= MIN_NORMAL_DOUBLE else 0.0) * self.scale[j]
        return f32(x)

    def pool(self, field, texts, t):
        """The entry of task t of a field's pooled rows: all values that the program may give it."""
        vectors = self.rows[field.get("vocabulary", field["name"])]
        values = [vectors[text][t] if text in vectors else 0.0 for text in texts]
        if not values or len(values) == 1:
            return {values[0] if values else 0.0}
        if field.get("pooling") == "MAX":
            return {max(values)}
        if field.get("pooling") != "MEAN":
            total = 0.0
            for value in values:
                total = add(total, value)
            return {total}
        # A product and a sum may be one step, rounded once, or two.
        factor = f32(1.0 / len(values))
        fused = twice = 0.0
        for value in values:
            fused = round_fraction(Fraction(factor) * Fraction(value) + Fraction(fused)) if value else fused
            twice = add(twice, f32(factor * value))
        return {fused, twice}

    def outputs(self, example):
        """For each task the outputs that the program may give; None: the example has no finite one."""
        inputs = [self.numeric(j, number) for j, number in enumerate(example["numbers"])]
        if any(math.isinf(x) for x in inputs):
            return None  # times a weight of 0 it is no number
        every = []
        for t in range(self.n_tasks):
            totals = {f32(self.biases[t])}
            for field, texts in zip(self.spec.fields, example["texts"]):
                if texts:
                    own = self.pool(field, texts, t)
                    totals = {add(total, value) for total in totals for value in own}
            product = 0.0
            for j, x in enumerate(inputs):
                if self.weights[j][t] != 0 and x != 0:
                    product = f32(x * self.weights[j][t])
            every.append({add(total, product) for total in totals})
        return every
