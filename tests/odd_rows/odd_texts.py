"""Texts, numbers and files that are as odd as users' are."""
from odd_job import FIELDS, FILE_COLUMNS, INPUT_COLUMNS, MISSING, NUMERICS

# Texts of categories. Those that only quotes can hold are among them.
TEXTS = [text.encode() for text in (
    "a", "b", "A", "tea", " ", "  lead", "trail  ", "in  side", "\t", "tab\tinside", "\ttab", "tab\t", "a,b", ",",
    ",,", '"', '""', '"quoted"', 'a"b', '"a', 'a"', '""a""', "'", "'single'", '","', '"\n"', "line\nend", "\n",
    "\n\n", "\r", "a\rb", "end\r", "\r\n", "crlf\r\ninside", "x\n\r", "|", "a|b", "||", ":", "::", "a::b", ":::",
    ";", "a;b", "\\", "\\n", "\\t", "\\\\", "\\N ", "na", "NA ", " NA", "N/A", "null ", "NULL", "None", "nan",
    "NaN", "inf", "-inf", "0", "00", "-0", "+0", "007", "7", "7.0", "+7", "1e5", "1E5", "100000", "0x10", "1_000",
    "1,000", "true", "#", "#7", "# comment", "//", "=1+1", "@a", "-", "--", "+", "é", "e\u0301", "É", "ß", "ẞ", "İ",
    "ı", "知音", "知 音", "日本語", "עברית", "مرحبا", "ไทย", "😀", "👩‍👩‍👧", "🇫🇷", "\u200b", "a\u200bb", "\u00a0", "\u00a0a",
    "\u3000", "\u2028", "\u2029", "\u0085", "\ufeff", "\ufeffa", "\ufffd", "\u0001", "\u0007", "\u001b[31m",
    "\u007f", "\x0b", "\x0c", "\U0010ffff", "\ud7ff", "\ue000", "a" * 1000, "é" * 700,
    " ".join("words" for _ in range(300)), "{", "{}", '{"a": 1}', "[1]", "<b>", "&amp;", "%00", "%s", "$x", "`",
    "~", "*", "?", "a=b", "SELECT 1; --", "../..", "C:\\x", "\\x00", "\\u0000")]

GOOD_NUMBERS = [text.encode() for text in (
    "0", "-0", "+0", "1", "+1", "-1", "01", "007", "-007", "1.", ".5", "-.5", "+.5e-3", "1.e1", "0.1", "0.10",
    "1e5", "1E5", "1e+5", "1e-5", "1e05", "1e-400", "-1e-400", "1e-310", "1e-320", "4.9e-324", "1e-45", "1e-40",
    "1.17549435e-38", "1.1754942e-38", "2e-38", "0e400", "0e99999999999999999999", "1e-99999999999999999999",
    "0.0000000000000000000001e22", "3.14159265358979323846264338327950288419716939937510",
    "0.1000000000000000055511151231257827021181583404541015625", "16777217", "16777219", "9007199254740993",
    "18446744073709551616", "123456789012345678901234567890", "1000000000000000000000000000000e-30",
    "0." + "0" * 500 + "1", "0" * 400 + "1", "1" + "0" * 37, "17.99999999999999999999", "18", "18.000000000000001",
    "0.09999999999999999", "0.1", "-0.9999999999999999", "2.5", "1e-300", "9e-301", "999", "1e30")]
HUGE_NUMBERS = [b"3.4028234663852886e38", b"-3.4028234663852886e38", b"340282346638528859811704183484516925440",
                b"3e38", b"3.4028235e38"]
BAD_NUMBERS = [text.encode() for text in (
    "nan", "NaN", "inf", "-inf", "+inf", "infinity", "nan(1)", "0x10", "0x1p3", "1e400", "-1e400", "9" * 400,
    "3.4028236e38", "1e39", "1,5", "1_000", "１２", "٣", "--1", "++1", "+-1", "-+1", "+ 1", "- 1", "1 2", "1e", "1e+",
    "e5", ".", "+", "-", "1d", "1f", "1.5.2", "1e5.5", "True", "one", "na", "N/A", "\t1", "1\t", "\u00a01",
    "1\u00a0", "\ufeff1", "1\n2", "1\r", "1%", "$1", "(1)", "1/2", "½", "0b1", "1L", "1e 5", "#1", "''", '"1"',
    "null0", "²", "−1")]
# Bytes that are no text: a record with them is malformed.
NO_TEXTS = [b"\xff", b"a\xc3", b"\xc3\x28", b"\xe2\x82", b"\xed\xa0\x80", b"\xc0\xaf", b"\xf4\x90\x80\x80", b"\xf8\x88",
            b"\x80", b"\0", b"a\0b", b"\xfe\xff"]


class OddRows:
    """Draws rows. `rng` is a random.Random."""

    def __init__(self, rng):
        self.rng = rng
        self.separators = {field["column"]: field["separator"] for field in FIELDS if "separator" in field}
        self.numbers = {numeric["column"] for numeric in NUMERICS} | {
            field["column"] for field in FIELDS if "bucket" in field}

    def text(self):
        r = self.rng.random()
        if r < 0.75:
            return self.rng.choice(TEXTS)
        if r < 0.85:  # not seen in training
            return self.rng.choice(TEXTS) + self.rng.choice(TEXTS)
        if r < 0.95:
            alphabet = 'abAB01 ,"\n\r\t|:;\\é知😀'
            return "".join(self.rng.choice(alphabet) for _ in range(self.rng.randrange(1, 12))).encode()
        if r < 0.9505:
            return self.rng.choice([b"x", b" ", b'"', "é".encode()]) * self.rng.randrange(1, 100_000)
        return b"%d" % self.rng.randrange(10**self.rng.randrange(1, 25))

    def number(self, bad_share=0.008):
        r = self.rng.random()
        if r < bad_share:
            return self.rng.choice(BAD_NUMBERS)
        if r < bad_share + 0.003:
            return self.rng.choice(HUGE_NUMBERS)
        if r < 0.5:
            return self.rng.choice(GOOD_NUMBERS)
        if r < 0.7:
            return repr(self.rng.gauss(0, 10)).encode()
        if r < 0.8:
            return b"%.*e" % (self.rng.randrange(0, 30), self.rng.uniform(-9, 9) * 10.0**self.rng.randrange(-320, 30))
        return b"%s%0*d" % (self.rng.choice([b"", b"-", b"+"]), self.rng.randrange(1, 9), self.rng.randrange(1000))

    def several(self, separator, one):
        n = self.rng.choice([0, 1, 1, 2, 2, 3, 4, 5, 8, 20])
        if self.rng.random() < 0.002:
            n = self.rng.choice([1000, 1001])
        values = [self.rng.choice([b"", b" ", b"  "]) * (self.rng.random() < 0.2) + one() +
                  self.rng.choice([b"", b" "]) * (self.rng.random() < 0.2) for _ in range(n)]
        values = [v if self.rng.random() > 0.05 else self.rng.choice([b"", b" ", *MISSING]) for v in values]
        return separator.join(values)

    def cell(self, column):
        r = self.rng.random()
        if r < 0.1:
            return self.rng.choice([b"", b"", b" ", *MISSING])
        if column in self.separators:
            one = (lambda: self.number(0.003)) if column in self.numbers else self.text
            if self.rng.random() < 0.01:
                one = lambda: self.rng.choice([b"a", b"1"])
            return self.several(self.separators[column], one)
        if column in self.numbers:
            return self.number()
        if column == "item":
            return self.rng.choice([b"item " + self.text(), b"other %d" % self.rng.randrange(60), self.text()])
        if column == "ignored":
            return self.rng.choice([self.text(), *BAD_NUMBERS])
        if column == "verdict":
            return self.rng.choice([b"1", b"+1", b"1.0", b"1e0", b"01", b"0", b"-1", b"one", b"1 1", b"1\t", b"10e-1"])
        if column == "answer":
            return self.rng.choice(["yes, é", "yes, e\u0301", "yes, éa", "yes", "no", "Yes, é", " yes, é",
                                    "\"yes, é\""]).encode()
        if column == "counts":
            weights = [b"0", b"1", b"2", b"0.5", b"+3", b"1e-400", b"0.1", b"7e2", b"-0"]
            return self.rng.choice(weights * 8 + [b"-1", b"1e39", b"x"])
        if column == "stars":
            return self.rng.choice([b"3.5", b"3.50", b"3.4999999999999999", b"3.49999999999999", b"5", b"-5", b"+4"])
        # A label.
        return self.number(0.0005) if self.rng.random() < 0.3 else b"%.3f" % self.rng.gauss(0, 1)

    def row(self):
        cells = {column: self.cell(column) for column in FILE_COLUMNS}
        if self.rng.random() < 0.8:  # other rows have spaces that are removed
            cells = {column: cell.strip(b" ") for column, cell in cells.items()}
        if self.rng.random() < 0.004:
            cells[self.rng.choice(INPUT_COLUMNS[:4] + ["ignored"])] = self.rng.choice(NO_TEXTS)
        for column in cells:
            if column.startswith("y_") and abs(_size(cells[column])) > 1e6:
                cells[column] = b"1"  # would hide all others in the metrics
        return cells


def _size(text):
    try:
        return float(text)
    except ValueError:
        return 0.0


def written(cell, rng, wild_share=0.0):
    """A cell as it is written in a file: quoted where it must be, and sometimes where it need not; now and then as it
    is, whatever becomes of the record."""
    needs_quotes = (any(b in cell for b in (b",", b"\n", b"\r")) or cell.strip(b" ") != cell or cell.startswith(b'"'))
    if rng.random() < wild_share:
        return cell
    if needs_quotes or rng.random() < 0.15:
        spaces = [b" " * rng.randrange(3) if rng.random() < 0.1 else b"" for _ in range(2)]
        return spaces[0] + b'"' + cell.replace(b'"', b'""') + b'"' + spaces[1]
    return (b"  " if rng.random() < 0.05 else b"") + cell + (b" " if rng.random() < 0.05 else b"")


def write_table(path, names, rows, rng, wild_share=0.0):
    """Writes rows, dicts from column to text, as a CSV file whose line ends, quotes and blank lines vary."""
    out = [b"\xef\xbb\xbf" if rng.random() < 0.5 else b""]
    line_end = lambda: b"\r\n" if rng.random() < 0.3 else b"\n"
    out.append(b",".join(written(name.encode(), rng) for name in names) + line_end())
    for row in rows:
        cells = [written(row.get(name, b""), rng, wild_share) for name in names]
        if rng.random() < wild_share:
            cells = cells[:-1] if rng.random() < 0.5 else cells + [b"more"]
        line = b",".join(cells)
        if wild_share and rng.random() < 0.0003:
            line = b"," * (len(cells) - 1) + b"x" * (1 << 20)
        out.append(line + line_end())
        if rng.random() < 0.002:
            out.append(line_end())
    if rng.random() < 0.5:
        out[-1] = out[-1].rstrip(b"\r\n")
    with open(path, "wb") as file:
        file.write(b"".join(out))
