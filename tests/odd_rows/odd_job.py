"""The job that the odd rows belong to: its columns, for the program and for the reader, and its training data.

A training row teaches one input alone, its own task: all other inputs and labels of the row are missing. So the
prediction of a task shows one column and no other, and each text has a weight of its own.
"""
MISSING = [b"NA", b"\\N", b"null"]

FIELDS = [
    {"name": "word", "column": "the word, \"quoted\""},
    {"name": "tags", "separator": b"|"},
    {"name": "parts", "separator": b"::", "pooling": "MEAN"},
    {"name": "peak", "separator": b" ", "pooling": "MAX"},
    {"name": "age_group", "column": "age", "bucket": [-1.0, 0.0, 0.1, 18.0]},
    {"name": "sizes", "bucket": [0.0, 1e-300, 2.5, 1e39]},
    {"name": "near", "vocabulary": "place"},
    {"name": "far", "vocabulary": "place"},
    {"name": "maker"},
]
NUMERICS = [
    {"name": "age", "standardise": False},
    {"name": "logged", "standardise": False, "log1p": True},
    {"name": "standard", "standardise": True},
    {"name": "both", "standardise": True, "log1p": True},
    {"name": "cost", "column": "prix €", "standardise": False},
    {"name": "price", "standardise": False},  # joined, as maker is
]
JOINED = ["maker", "price"]
for one in FIELDS + NUMERICS:
    one.setdefault("column", one["name"])

# Each input has a task, which learns its label column; those of weight 0 are there for their labels.
TASKS = [{"name": "of_" + one["name"], "label": {"column": "y_" + one["name"], "number": True}}
         for one in FIELDS + [one for one in NUMERICS if one["name"] != "age"]]
TASKS.append({"name": "of_age", "label": {"column": "y_age", "number": True}})
TASKS += [
    {"name": "is_one", "label": {"column": "verdict", "equals": b"1"}, "weight_column": "counts", "weight": 0},
    {"name": "is_yes", "label": {"column": "answer", "prefix": "yes, é".encode()}, "weight": 0},
    {"name": "is_good", "label": {"column": "stars", "at_least": 3.5}, "weight": 0},
    {"name": "outcome", "label": {"column": "outcome", "number": True}, "weight": 0,
     "sample_space": {"column": "verdict", "equals": b"1"}, "weight_column": "counts"},
    {"name": "chosen", "label": {"column": "answer", "equals": b"yes, \xc3\xa9"}, "loss": "binary_cross_entropy"},
]
LABEL_COLUMNS = ["y_" + one["name"] for one in FIELDS + NUMERICS] + ["verdict", "counts", "answer", "stars", "outcome"]
INPUT_COLUMNS = list(dict.fromkeys(one["column"] for one in FIELDS + NUMERICS))
FILE_COLUMNS = [c for c in INPUT_COLUMNS if c not in JOINED] + ["item", "ignored"] + LABEL_COLUMNS


class Spec:
    fields = FIELDS
    numerics = NUMERICS
    tasks = TASKS


def text_of(value):
    """A string of protobuf's text format."""
    data = value.encode() if isinstance(value, str) else value
    return '"' + "".join(chr(b) if 32 <= b < 127 and b not in b'"\\' else f"\\{b:03o}" for b in data) + '"'


def rule_of(rule):
    out = "column: " + text_of(rule["column"])
    for key in ("equals", "prefix"):
        if key in rule:
            out += f" {key}: {text_of(rule[key])}"
    if "at_least" in rule:
        out += f" at_least: {rule['at_least']!r}"
    return out + (" number {}" if "number" in rule else "")


def job_text(train, test, items, table_rate, epochs, batch_size):
    """The job as text: one step of the whole data where batch_size is their number."""
    lines = [f"""name: "odd rows"
data {{
  text {{ header: true delimiter: "," {" ".join("missing: " + text_of(text) for text in MISSING)} }}
  train {{ file: {text_of(train)} }}
  test {{ file: {text_of(test)} }}
  max_bad_share: 1
  join {{ file: {text_of(items)} column: "item" key: "the item" }}
}}
table {{
  name: "weights" dim: {len(TASKS)} init {{ zero {{}} }}
  optimizer {{ sgd {{ learning_rate: {table_rate} }} }}
}}"""]
    for field in FIELDS:
        line = f"field {{ name: {text_of(field['name'])} column: {text_of(field['column'])}"
        line += f" pooling: {field.get('pooling', 'SUM')}"
        line += f" separator: {text_of(field['separator'])}" if "separator" in field else ""
        line += f" vocabulary: {text_of(field['vocabulary'])}" if "vocabulary" in field else ""
        line += "".join(f" bucket: {boundary!r}" for boundary in field.get("bucket", []))
        lines.append(line + " }")
    for numeric in NUMERICS:
        lines.append(f"numeric {{ name: {text_of(numeric['name'])} column: {text_of(numeric['column'])}"
                     f" log1p: {str(numeric.get('log1p', False)).lower()}"
                     f" standardise: {str(numeric['standardise']).lower()} }}")
    for task in TASKS:
        line = f"task {{ name: {text_of(task['name'])} label {{ {rule_of(task['label'])} }}"
        line += f" {task.get('loss', 'squared_error')} {{}}"
        if "sample_space" in task:
            line += f" sample_space {{ {rule_of(task['sample_space'])} }}"
        if "weight_column" in task:
            line += f" weight_column: {text_of(task['weight_column'])}"
        line += f" weight: {task['weight']}" if "weight" in task else ""
        lines.append(line + " }")
    lines.append(f"""model {{ linear {{}} }}
train {{
  epochs: {epochs} batch_size: {batch_size} slices: 1 seed: 1
  dense_optimizer {{ sgd {{ learning_rate: 1 }} }}
}}""")
    return "\n".join(lines) + "\n"


def training_rows(texts, rng):
    """Rows that teach every input: dicts from column to text. `texts` are those of fields without buckets."""
    rows = []

    def label():
        return b"%.6f" % rng.uniform(-1, 1)

    for field in FIELDS:
        name = field["name"]
        if name == "maker":
            continue
        own = texts
        if "bucket" in field:
            own = [b"-2", b"-0.5", b"0.05", b"1", b"20"] + ([b"1e40"] if name == "sizes" else [])
        for text in own:
            more = {}
            if name == "word":
                more = {"answer": rng.choice(["yes, é".encode(), b"no"]), "verdict": rng.choice([b"1", b"0"]),
                        "stars": rng.choice([b"1", b"5"]), "outcome": b"%d" % rng.randrange(5)}
            rows.append({field["column"]: text, "y_" + name: label(), **more})
    return rows + [{"item": b"item " + text, "y_maker": label()} for text in texts]


def numeric_rows():
    """Rows that teach numerics: labels and inputs with a mean of 0, so that biases stay 0."""
    rows = []
    for numeric in NUMERICS:
        values = [b"0.75", b"0.25"] if numeric["name"] == "standard" else [b"1", b"-1"]
        for i in range(64):
            if numeric["name"] == "price":
                row = {"item": [b"price+", b"price-"][i % 2]}
            else:
                row = {numeric["column"]: values[i % 2]}
            rows.append({**row, "y_" + numeric["name"]: [b"1", b"-1"][i % 2]})
    return rows


def item_rows(texts):
    """The lines of the joined file: those that training teaches by, then others. Lists of key, maker and price."""
    rows = [[b"price+", b"", b"1"], [b"price-", b"NA", b"-1"]]
    rows += [[b"item " + text, text, b""] for text in texts]
    return rows
