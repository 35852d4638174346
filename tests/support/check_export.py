"""Loads what `zhiyin export` wrote with NumPy and onnxruntime, or the reference evaluator of onnx, and compares the scores with those of
`zhiyin predict`.

usage: check_export.py EXPORT_FOLDER ROWS.tsv PREDICTIONS.tsv
The rows have a header. Columns of fields have the fields' names; item_tags holds several values, separated by |.
Prints the largest difference.
"""
import csv
import json
import sys

import numpy as np

folder, rows_file, predictions_file = sys.argv[1:]
export = json.load(open(folder + "/export.json"))
rows = list(csv.DictReader(open(rows_file), delimiter="\t"))
predicted = list(csv.DictReader(open(predictions_file), delimiter="\t"))
assert len(rows) == len(predicted) > 0

feed = {}
for entry in export["files"]:
    arrays = np.load(folder + "/" + entry["file"])
    assert arrays["vectors"].shape == (len(arrays["ids"]), entry["dim"]) and arrays["vectors"].dtype == np.float32
    assert len(set(arrays["ids"])) == len(arrays["ids"])
    if not entry["file"].startswith("fields/"):
        continue
    position = {name: i for i, name in enumerate(arrays["ids"])}
    lists = [[position.get(v, len(position)) for v in (row[entry["name"]] or "").split("|") if v] for row in rows]
    longest = max(1, max(map(len, lists)))
    feed[entry["name"]] = np.array([one + [-1] * (longest - len(one)) for one in lists], dtype=np.int64)

model_file = folder + "/" + export["onnx"]
try:
    import onnxruntime

    session = onnxruntime.InferenceSession(model_file)
    inputs = [i.name for i in session.get_inputs()]
    outputs = [o.name for o in session.get_outputs()]
    run = lambda values: session.run(outputs, values)
except ImportError:
    import onnx
    from onnx.reference import ReferenceEvaluator

    onnx.checker.check_model(model_file)
    session = ReferenceEvaluator(model_file)
    inputs, outputs = session.input_names, session.output_names
    run = lambda values: session.run(outputs, values)

for name in inputs:
    if name not in feed:
        feed[name] = np.array([[float(row[name]) if row[name] else np.nan] for row in rows], dtype=np.float32)
largest = 0.0
for name, found in zip(outputs, run(feed)):
    expected = np.array([[float(row[name.removesuffix(".prediction")])] for row in predicted])
    assert found.shape == expected.shape, (found.shape, expected.shape)
    largest = max(largest, np.abs(found - expected).max())
print(f"{len(rows)} rows, largest difference {largest:.3g}")
assert largest <= 1e-5, largest
