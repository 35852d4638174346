"""An independent reader of delimited text, after docs/text_files.md and the comments of configs/job.proto.

It shares no code and no method with worker/data: it works on whole files in memory. Bytes stay bytes, as columns are
compared by their bytes.
"""
import re

MAX_RECORD_BYTES = 1 << 20
MAX_VALUES = 1000
MIN_DOUBLE = 2.0**-1022
# From here on the nearest float is infinite.
ABOVE_FLOATS = 3.4028235677973366e38
DECIMAL = re.compile(rb"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")


class Malformed(Exception):
    """A record or a value that no example can be made of."""


def parse_number(text):
    """A finite decimal number; too small for a normal double is 0. Raises Malformed for anything else."""
    if not DECIMAL.fullmatch(text):
        raise Malformed(f"{text[:40]!r} is no number")
    number = float(text)
    if number in (float("inf"), float("-inf")):
        raise Malformed(f"{text[:40]!r} is too large")
    return number if abs(number) >= MIN_DOUBLE else 0.0


def parse_float(text):
    """A number that a float can hold, which numerics, labels and weights are."""
    number = parse_number(text)
    if abs(number) >= ABOVE_FLOATS:
        raise Malformed(f"{text[:40]!r} is too large for a float")
    return number


class Dialect:
    """What data.text says. `quote` is None where quotes are ordinary characters; `strict`: the job names the quote."""

    def __init__(self, delimiter=b",", quote=b'"', strict=False, trim=True, missing=()):
        self.delimiter = delimiter
        self.quote = quote
        self.strict = strict
        self.trim = trim
        self.missing = {b"", *missing}

    def plain(self, value):
        return value.strip(b" ") if self.trim else value

    def is_missing(self, value):
        return value in self.missing


class Record:
    """A record of a file: its values as far as it can be cut, why it is malformed, and its bytes with the line end.
    `stands_alone`: what comes after it in the file does not matter, as it does where quotes do not fit."""

    def __init__(self, values, wrong, raw, stands_alone):
        self.values = values
        self.wrong = wrong
        self.raw = raw
        self.stands_alone = stands_alone


def read_records(data, dialect):
    """Yields the records of a file, without its blank lines."""
    at = 3 if data.startswith(b"\xef\xbb\xbf") else 0
    line_end = b"\n" if b"\n" in data[:256 << 10] or b"\r" not in data[:256 << 10] else b"\r"
    while at < len(data):
        feed = data.find(line_end, at)
        end = len(data) if feed < 0 else feed
        line = data[at:end]
        after = end + 1
        if len(line) > MAX_RECORD_BYTES:
            yield Record(None, "longer than a record may be", data[at:after], True)
            at = after
            continue
        values = wrong = None
        has_quote = dialect.quote is not None and dialect.quote in line
        quoted = read_quoted(data, at, line_end, dialect) if has_quote else None
        if quoted:
            values, after = quoted
        elif dialect.strict and has_quote:
            wrong = "quotes that do not fit"
        else:
            line = line.removesuffix(b"\r")
            if not line:
                at = after
                continue
            values = [dialect.plain(value) for value in line.split(dialect.delimiter)]
        raw = data[at:after]
        try:
            check_text(raw)
        except Malformed as malformed:
            wrong = str(malformed)
        yield Record(values, wrong, raw, quoted is not None or not has_quote)
        at = after


def check_text(text):
    if b"\0" in text:
        raise Malformed("a NUL")
    try:
        text.decode("utf-8")
    except UnicodeDecodeError:
        raise Malformed("no UTF-8") from None


def read_quoted(data, at, line_end, dialect):
    """Reads the record at this place by RFC 4180: returns its values and the place after it; None if it does not
    fit."""
    begin = at
    values = []
    feed, stop = find_line_end(data, at, line_end)
    while True:
        opening = skip_spaces(data, at, stop, dialect)
        if opening == stop or data[opening:opening + 1] != dialect.quote:
            next_delimiter = data.find(dialect.delimiter, at, stop)
            values.append(dialect.plain(data[at:stop if next_delimiter < 0 else next_delimiter]))
            if next_delimiter < 0:
                return finished(values, begin, feed)
            at = next_delimiter + len(dialect.delimiter)
            continue
        value, at = read_quoted_value(data, opening + 1, dialect.quote, begin + MAX_RECORD_BYTES)
        if value is None:
            return None
        values.append(dialect.plain(value))
        feed, stop = find_line_end(data, at, line_end)
        at = skip_spaces(data, at, stop, dialect)
        if at == stop:
            return finished(values, begin, feed)
        if not data.startswith(dialect.delimiter, at):
            return None
        at += len(dialect.delimiter)


def find_line_end(data, at, line_end):
    """The place of the next line end, and that of the carriage return before it if there is one."""
    feed = data.find(line_end, at)
    feed = len(data) if feed < 0 else feed
    return feed, feed - 1 if feed > at and data[feed - 1:feed] == b"\r" else feed


def skip_spaces(data, at, stop, dialect):
    while dialect.trim and at < stop and data[at:at + 1] == b" ":
        at += 1
    return at


def finished(values, begin, feed):
    return (values, feed + 1) if feed - begin <= MAX_RECORD_BYTES else None


def read_quoted_value(data, at, quote, limit):
    """Returns the value whose opening quote is before `at`, and the place after its closing quote; or None, None."""
    parts = []
    while True:
        closing = data.find(quote, at, limit + 1)
        if closing < 0:
            return None, None
        parts.append(data[at:closing])
        if data[closing + 1:closing + 2] != quote:
            return quote.join(parts), closing + 1
        at = closing + 2


class Table:
    """The records of a file with a header. `cells` of each: a dict from column to value, or None where it cannot be cut
    into the columns; `wrong`: why it is malformed, or None."""

    def __init__(self, path, dialect):
        with open(path, "rb") as file:
            header, *self.records = read_records(file.read(), dialect)
        self.header = header.raw
        names = [name.decode() for name in header.values]
        for record in self.records:
            fits = record.values is not None and len(record.values) == len(names)
            record.cells = dict(zip(names, record.values)) if fits else None
            if not fits and not record.wrong:
                record.wrong = f"{len(record.values)} columns"


def read_join(path, key, check, dialect):
    """The lines of a joined file by their keys: dicts from column to value. Malformed lines are left out, among them
    those for which `check` raises Malformed; of lines with one key the first counts."""
    lines = {}
    for record in Table(path, dialect).records:
        if record.wrong or dialect.is_missing(record.cells[key]):
            continue
        cells = dict(record.cells)
        text = cells.pop(key)
        try:
            check(cells)
        except Malformed:
            continue
        lines.setdefault(text, cells)
    return lines


def read_inputs(spec, cells, dialect):
    """What the model sees of an example: the texts of each field, the numbers of each numeric (None: missing). Raises
    Malformed."""
    texts = [categories(field, cells[field["column"]], dialect) for field in spec.fields]
    numbers = []
    for numeric in spec.numerics:
        cell = cells[numeric["column"]]
        numbers.append(None if dialect.is_missing(cell) else parse_float(cell))
    return {"texts": texts, "numbers": numbers}


def categories(field, cell, dialect):
    """The texts of the cell that a field looks up: values, or the numbers of their buckets."""
    if dialect.is_missing(cell):
        return []
    values = [cell]
    if field.get("separator"):
        values = [dialect.plain(value) for value in cell.split(field["separator"])]
        values = [value for value in values if not dialect.is_missing(value)]
        if len(values) > MAX_VALUES:
            raise Malformed("too many values")
    if not field.get("bucket"):
        return values
    numbers = [parse_number(value) for value in values]
    return [b"%d" % sum(number >= boundary for boundary in field["bucket"]) for number in numbers]


def is_equal(text, pattern):
    """Whether a value is that of a label's `equals`: as text or, below 2^53, as a number."""
    if text == pattern:
        return True
    try:
        number = parse_number(pattern)
        return abs(number) < 2**53 and parse_number(text) == number
    except Malformed:
        return False


def apply_rule(rule, text):
    """The number that a label's rule makes of a value that is not missing."""
    if "equals" in rule:
        return float(is_equal(text, rule["equals"]))
    if "prefix" in rule:
        return float(text.startswith(rule["prefix"]))
    number = parse_float(text)
    return float(number >= rule["at_least"]) if "at_least" in rule else number


def read_label(task, row, dialect):
    """The label and the weight of an example; the label is None where the task has none."""
    weight = 1.0
    label = None
    space = task.get("sample_space")
    is_part = True
    if space:
        is_part = not dialect.is_missing(row[space["column"]]) and apply_rule(space, row[space["column"]]) == 1
    text = row[task["label"]["column"]]
    if is_part and not dialect.is_missing(text):
        label = apply_rule(task["label"], text)
        if task.get("loss") == "binary_cross_entropy" and not 0 <= label <= 1:
            raise Malformed("no label of a probability")
    if task.get("weight_column") and not dialect.is_missing(row[task["weight_column"]]):
        weight = parse_float(row[task["weight_column"]])
        if weight < 0:
            raise Malformed("a weight below 0")
    return label, weight
