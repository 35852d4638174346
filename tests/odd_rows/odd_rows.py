"""Rows with odd texts mean one thing: to `zhiyin predict`, to `zhiyin serve`, and to a reader in Python that shares
nothing with either. And metrics do not depend on the order of columns or of files.

usage: odd_rows.py ZHIYIN FOLDER N_ROWS SEED
Needs Python's standard library only. Trains a linear model in the empty FOLDER, and prints what it has compared. Ends
with 1 at the first difference, which it names.
"""
import collections
import json
import math
import os
import random
import subprocess
import sys

import metrics
import odd_job
import odd_texts
import served
import text_reader
from model_reader import LinearModel, f32
from text_reader import Malformed

DIALECT = text_reader.Dialect(missing=odd_job.MISSING)
SPEC = odd_job.Spec
JOIN_KEY = "the item"


def check(condition, *what):
    if not condition:
        sys.exit("odd_rows: " + " ".join(str(part)[:2000] for part in what))


def check_equal(found, expected, what):
    """Compares parts of results, and names those that differ."""
    if isinstance(expected, dict):
        check(found.keys() == expected.keys(), what, "has", found.keys(), "expected", expected.keys())
        for key, value in expected.items():
            check_equal(found[key], value, f"{what} {key}")
    else:
        check(found == expected, what, "is", found, "expected", expected)


class Trial:
    def __init__(self, zhiyin, folder, n_rows, seed):
        self.zhiyin, self.folder, self.n_rows = zhiyin, folder, n_rows
        self.rng = random.Random(seed)

    def path(self, name):
        return os.path.join(self.folder, name)

    def run(self, *arguments):
        result = subprocess.run([self.zhiyin, *arguments], capture_output=True, stdin=subprocess.DEVNULL, check=False)
        check(result.returncode == 0, arguments, "ends with", result.returncode, result.stderr.decode()[-1500:])
        return result.stdout.decode()

    def write_data(self):
        rng = self.rng
        drawn = odd_texts.OddRows(rng)
        train = odd_job.training_rows(odd_texts.TEXTS, rng) + odd_job.numeric_rows()
        rng.shuffle(train)
        items = odd_job.item_rows(odd_texts.TEXTS)
        items += [[b"other %d" % i, drawn.cell("maker"), drawn.number(0.2)] for i in range(40)]
        items += [[rng.choice(odd_texts.TEXTS), drawn.text(), drawn.number()] for _ in range(100)]
        self.items = [dict(zip([JOIN_KEY, *odd_job.JOINED], item)) for item in items]
        self.odd = [drawn.row() for _ in range(self.n_rows)]
        self.train = train
        self.write(".", odd_job.FILE_COLUMNS, [JOIN_KEY, *odd_job.JOINED])
        # The rows are what the reader finds in the file: some swallow others.
        self.table = text_reader.Table(self.path("odd.csv"), DIALECT)
        self.joined = text_reader.read_join(self.path("items.csv"), JOIN_KEY, self.check_joined, DIALECT)

    def write(self, to, columns, item_columns):
        """Writes the files into a folder, with their columns in this order."""
        os.makedirs(self.path(to), exist_ok=True)
        odd_texts.write_table(self.path(f"{to}/train.csv"), columns, self.train, self.rng)
        odd_texts.write_table(self.path(f"{to}/odd.csv"), columns, self.odd, self.rng, 0.003 if to == "." else 0)
        odd_texts.write_table(self.path(f"{to}/items.csv"), item_columns, self.items, self.rng)

    def check_joined(self, cells):
        missing = dict.fromkeys(odd_job.INPUT_COLUMNS, b"")
        text_reader.read_inputs(SPEC, {**missing, **cells}, DIALECT)

    def write_job(self, name, folder, table_rate, epochs, batch_size):
        files = [os.path.join(folder, file) for file in ("train.csv", "odd.csv", "items.csv")]
        with open(self.path(name), "w", encoding="utf-8") as file:
            file.write(odd_job.job_text(*files, table_rate, epochs, batch_size))
        return "--config=" + self.path(name)

    def train_model(self):
        n = len(text_reader.Table(self.path("train.csv"), DIALECT).records)
        check(n == len(self.train), "the reader finds", n, "training rows, expected", len(self.train))
        config = self.write_job("job.textproto", ".", 256, 1, n)
        self.model = self.path("out/model")
        self.run("train", config, "--output=" + self.path("out"), "--simulate=1x1", "--progress=none")
        self.run("export", "--checkpoint=" + self.model, "--output=" + self.path("export"))
        self.linear = LinearModel(self.model, self.path("export"), SPEC)
        self.check_learned()

    def check_learned(self):
        """The exported ids are the texts of the training files, and each has a weight of its own."""
        table = text_reader.Table(self.path("train.csv"), DIALECT)
        found = collections.defaultdict(set)
        for record in table.records:
            check(not record.wrong, "a training row is malformed:", record.wrong, record.raw)
            inputs = text_reader.read_inputs(SPEC, self.with_joined(record.cells), DIALECT)
            for field, texts in zip(SPEC.fields, inputs["texts"]):
                found[field["name"]].update(texts)
        for t, field in enumerate(SPEC.fields):
            ids = self.linear.ids[field["name"]]
            check(ids == found[field["name"]], "ids of", field["name"], "that differ:", ids ^ found[field["name"]])
            rows = self.linear.rows[field.get("vocabulary", field["name"])]
            own = [rows[text][t] for text in ids if rows[text][t] != 0]
            n_own = len(set(own))
            n_least = max(4, 0.98 * len(own), 0.8 * len(ids))
            check(n_own >= n_least, "texts of", field["name"], "share weights")

    def with_joined(self, cells):
        line = {} if DIALECT.is_missing(cells["item"]) else self.joined.get(cells["item"], {})
        return {**cells, **{column: line.get(column, b"") for column in odd_job.JOINED}}

    def expected(self, cells):
        """Returns "malformed", "no finite prediction", or the outputs that the program may give for each task."""
        try:
            for column in [*odd_job.INPUT_COLUMNS, "item"]:
                text_reader.check_text(cells.get(column, b""))
            outputs = self.linear.outputs(text_reader.read_inputs(SPEC, cells, DIALECT))
        except Malformed:
            return "malformed"
        return "no finite prediction" if outputs is None else outputs

    def compare_row(self, where, found, expected, cells):
        for task, prediction, outputs in zip(SPEC.tasks, found, expected):
            if task.get("loss") == "binary_cross_entropy":  # the exponential function may differ in its last digit
                near = [1 / (1 + math.exp(-output)) for output in outputs]
                fits = any(math.isclose(prediction, p, rel_tol=1e-6) for p in near)
            else:
                fits = prediction in outputs
            check(fits, where, task["name"], "is", prediction, "expected", outputs, cells)

    def predict(self):
        """Compares predictions with those of the reader, and keeps them."""
        read = []
        for i, shape in enumerate(("1x1", "2x3")):
            path = self.path(f"predicted{i}.tsv")
            self.run("predict", "--checkpoint=" + self.model, "--output=" + path, "--simulate=" + shape)
            with open(path, encoding="utf-8") as file:
                read.append(file.read())
        check(read[0] == read[1], "predictions of 1 and of 3 workers differ")
        header, *lines = read[0].splitlines()
        check(header.split("\t") == ["row"] + [task["name"] for task in SPEC.tasks], "the header is", header)
        check(len(lines) == len(self.table.records), len(lines), "predictions of", len(self.table.records), "records")
        self.counts = collections.Counter()
        for i, (line, record) in enumerate(zip(lines, self.table.records)):
            number, *texts = line.split("\t")
            where = f"predict: row {i} ({record.raw[:300]!r}):"
            check(number == str(i), where, "has the number", number)
            expected = "malformed" if record.wrong else self.expected(self.with_joined(record.cells))
            record.predictions = None
            if isinstance(expected, str):
                check(not any(texts), where, "has predictions, expected:", expected)
                self.counts[expected] += 1
                continue
            check(all(texts), where, "has no prediction, expected", expected, self.with_joined(record.cells))
            record.predictions = [f32(float(text)) for text in texts]
            self.compare_row(where, record.predictions, expected, self.with_joined(record.cells))
            self.counts["predicted"] += 1

    def row_to_serve(self, cells):
        """A row for the server and its cells as the model reads them. The joined columns are sent, or looked up by the
        item, or sent in place of those that the item has. Returns the text of the row, the cells, and whether the row
        is that of the file."""
        with_joined = self.with_joined(cells)
        way = self.rng.choice(["joined", "key", "both"])
        sent = {column: with_joined[column] for column in odd_job.INPUT_COLUMNS if column not in odd_job.JOINED}
        if way == "joined":
            sent.update((column, with_joined[column]) for column in odd_job.JOINED)
        else:
            sent["item"] = cells["item"]
        if way == "both":
            makers = [text for text in odd_texts.TEXTS if not DIALECT.is_missing(DIALECT.plain(text))]
            sent.update(maker=self.rng.choice(makers), price=self.rng.choice(odd_texts.GOOD_NUMBERS))
        # A value of a request means what it means without quotes: spaces around it are removed.
        plain = {column: DIALECT.plain(cell) for column, cell in sent.items()}
        text = served.row_json(plain if self.rng.random() < 0.5 else sent, plain, DIALECT, self.rng)
        self.counts["with columns " + {"joined": "sent", "key": "looked up", "both": "sent beside their key"}[way]] += 1
        return text, self.with_joined(plain) if way == "key" else plain, plain == sent and way != "both"

    def serve(self):
        """Asks the server for every row that can be cut into columns."""
        rows = []
        for record in self.table.records:
            if record.cells is None:
                continue
            text, cells, is_as_in_file = self.row_to_serve(record.cells)
            rows.append((record, self.expected(cells), is_as_in_file, text))
        bad = [row for row in rows if row[1] == "malformed"]
        good = [row for row in rows if row[1] != "malformed"]
        with served.Server(self.zhiyin, self.model, self.path("serve.log")) as server:
            for *_, text in bad:
                status, answer = server.score([text])
                check(status == 400 and answer["error"], "serve: answers", status, answer, "to a malformed row", text)
            for batch in served.batches([row[-1] for row in good]):
                status, answer = server.score([good[i][-1] for i in batch])
                check(status == 200, "serve: answers", status, answer)
                check(len(answer["predictions"]) == len(batch), "serve: answers", len(answer["predictions"]), "rows")
                for i, found in zip(batch, answer["predictions"]):
                    self.compare_served(found, *good[i])
        self.counts["served"] += len(good)
        self.counts["refused by serve"] += len(bad)

    def compare_served(self, found, record, expected, is_as_in_file, text):
        if expected == "no finite prediction":
            check("error" in found, "serve: answers", found, "expected:", expected, text)
            return
        check("error" not in found, "serve: answers", found, "to", text)
        predictions = [found[task["name"]] for task in SPEC.tasks]
        self.compare_row("serve:", predictions, expected, text)
        if is_as_in_file and not record.wrong:
            check(predictions == record.predictions, "serve:", predictions, "predict:", record.predictions, text)
            self.counts["served as predicted"] += 1

    def evaluate(self, name, *overrides):
        """The metrics of the model, of files that the overrides name."""
        settings = [part for override in overrides for part in ("--set", override)]
        self.run("evaluate", "--checkpoint=" + self.model, "--output=" + self.path(name), "--simulate=1x2",
                 "--progress=none", *settings)
        with open(self.path(name + "/summary.json"), encoding="utf-8") as file:
            return json.load(file)

    def compare_metrics(self):
        """Compares metrics with those of labels as the reader reads them."""
        summary = self.evaluate("evaluated")
        examples = [[] for _ in SPEC.tasks]
        for record in self.table.records:
            if record.predictions is None:
                continue
            try:
                labels = [text_reader.read_label(task, record.cells, DIALECT) for task in SPEC.tasks]
            except Malformed:
                self.counts["with a malformed label"] += 1
                continue
            for own, prediction, (label, weight) in zip(examples, record.predictions, labels):
                if label is not None:
                    own.append((prediction, label, weight))
        for task, own in zip(SPEC.tasks, examples):
            found = summary["tasks"][task["name"]]
            expected = metrics.of_task(own, task.get("loss") == "binary_cross_entropy")
            check(len(own) > self.n_rows // 20, "only", len(own), "labels of", task["name"])
            for key, value in expected.items():
                check(found[key] == value, "evaluate:", task["name"], key, "is", found[key], "expected", value)
                self.counts["metrics"] += 1

    def permute_files(self):
        """The records of the file in several files, in another order."""
        with_end = lambda raw: raw if raw.endswith(b"\n") else raw + b"\n"
        records = [with_end(record.raw) for record in self.table.records if record.stands_alone]
        first = None
        for times, n_files in enumerate((1, 4, 5)):
            files = []
            for part in range(n_files):
                files.append(self.path(f"part{times}{part}.csv"))
                with open(files[-1], "wb") as file:
                    file.write(with_end(self.table.header) + b"".join(records[part::n_files]))
            summary = self.evaluate(f"evaluated{times}", "data.test.file=" + ",".join(files))
            figures = {key: summary[key] for key in ("tasks", "test_loss", "rows_without_prediction")}
            first = first or figures
            check_equal(figures, first, "metrics of other files:")
            self.rng.shuffle(records)

    def permute_columns(self):
        """Trains in many steps on files whose columns have other orders."""
        every = []
        for times in range(3):
            columns, item_columns = list(odd_job.FILE_COLUMNS), [JOIN_KEY, *odd_job.JOINED]
            if times > 0:
                self.rng.shuffle(columns)
                self.rng.shuffle(item_columns)
            self.write(f"columns{times}", columns, item_columns)
            config = self.write_job(f"job{times}.textproto", f"columns{times}", 1, 2, 64)
            out = self.path(f"columns{times}/out")
            self.run("train", config, "--output=" + out, "--simulate=2x1", "--progress=none")
            with open(out + "/metrics.jsonl", encoding="utf-8") as file:
                lines = file.read()
            with open(out + "/summary.json", encoding="utf-8") as file:
                summary = json.load(file)
            figures = {key: summary[key] for key in ("tasks", "train_loss", "test_loss")}
            every.append({"lines": lines.splitlines(), **figures})
            check_equal(every[-1], every[0], "metrics of other columns:")


def main():
    zhiyin, folder, n_rows, seed = sys.argv[1:]
    trial = Trial(zhiyin, folder, int(n_rows), int(seed))
    trial.write_data()
    trial.train_model()
    trial.predict()
    trial.serve()
    trial.compare_metrics()
    trial.permute_files()
    trial.permute_columns()
    print(f"{len(trial.table.records)} records, {len(SPEC.tasks)} tasks: " +
          ", ".join(f"{n} {what}" for what, n in trial.counts.items()))


if __name__ == "__main__":
    main()
