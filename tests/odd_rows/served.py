"""`zhiyin serve` and its clients."""
import http.client
import json
import re
import subprocess

JSON_NUMBER = re.compile(rb"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
MAX_ROWS = 1000
MAX_BYTES = 900_000


class Server:
    """A server of a model. Use as a context."""

    def __init__(self, zhiyin, model, log):
        self.log = log
        self.process = subprocess.Popen(
            [zhiyin, "serve", f"--checkpoint={model}", "--listen=127.0.0.1:0", "--reload_s=0"],
            stdout=subprocess.PIPE, stderr=open(log, "wb"), stdin=subprocess.DEVNULL)

    def __enter__(self):
        for line in self.process.stdout:
            found = re.search(rb"http://127\.0\.0\.1:(\d+)", line)
            if found:
                self.client = http.client.HTTPConnection("127.0.0.1", int(found[1]), timeout=60)
                return self
        raise AssertionError(f"serve says no address: {open(self.log).read()}")

    def __exit__(self, *_):
        self.client.close()
        self.process.terminate()
        self.process.wait(60)

    def score(self, rows):
        """Posts rows, each the text of a JSON object; returns the status and the answer."""
        self.client.request("POST", "/v1/score", b'{"rows":[' + b",".join(rows) + b"]}")
        answer = self.client.getresponse()
        return answer.status, json.loads(answer.read())


def row_json(cells, columns, dialect, rng):
    """A row as a client may write it: missing values as null, as text or left out, numbers with or without quotes,
    letters as they are or as escapes. Bytes that are no UTF-8 stay so."""
    parts = []
    for column in columns:
        cell = cells[column]
        name = json.dumps(column, ensure_ascii=rng.random() < 0.5).encode() + b":"
        if dialect.is_missing(cell) and rng.random() < 0.6:
            parts += [name + b"null"] if rng.random() < 0.5 else []
            continue
        # A number beyond a double must be text, as the server says.
        if JSON_NUMBER.fullmatch(cell) and rng.random() < 0.5 and abs(float(cell)) < float("inf"):
            parts.append(name + cell)
            continue
        text = cell.decode("utf-8", "surrogateescape")
        is_utf8 = not any("\udc80" <= c <= "\udcff" for c in text)
        escaped = json.dumps(text, ensure_ascii=is_utf8 and rng.random() < 0.5)
        parts.append(name + escaped.encode("utf-8", "surrogateescape"))
    return b"{" + b",".join(parts) + b"}"


def batches(rows):
    """Cuts rows into requests: lists of positions."""
    batch, n_bytes = [], 0
    for i, row in enumerate(rows):
        if batch and (len(batch) == MAX_ROWS or n_bytes + len(row) > MAX_BYTES):
            yield batch
            batch, n_bytes = [], 0
        batch.append(i)
        n_bytes += len(row) + 1
    if batch:
        yield batch
