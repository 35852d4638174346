"""Writes Parquet and Arrow files for tests/worker/data/format/arrow_plugin_test.cc.

usage: arrow_files.py FOLDER
"""
import datetime
import decimal
import os
import sys

import pyarrow as pa
import pyarrow.parquet as pq


def table(n):
    """Row i holds i, in all types."""
    text = [None if i % 7 == 3 else f"text {i % 5}" for i in range(n)]
    seconds = [datetime.datetime.fromtimestamp(i, datetime.timezone.utc) for i in range(n)]
    pairs = [[i, i + 1] if i % 3 else [] for i in range(n)]
    return pa.table({
        "id": pa.array(range(n), pa.int64()),
        "byte": pa.array([i % 100 for i in range(n)], pa.uint8()),
        "float": pa.array([i / 10 for i in range(n)], pa.float32()),
        "double": pa.array([i / 10 for i in range(n)], pa.float64()),
        "half": pa.array([i % 100 / 10 for i in range(n)], pa.float32()).cast(pa.float16()),
        "bool": pa.array([i % 2 == 0 for i in range(n)]),
        "text": pa.array(text),
        "large": pa.array(text, pa.large_string()),
        "view": pa.array(text, pa.string_view()),
        "bytes": pa.array([b"\xff" if i == 2 else b"ok" for i in range(n)]),
        "category": pa.array(text).dictionary_encode(),
        "list": pa.array(pairs, pa.list_(pa.int32())),
        "texts": pa.array([[f"t{i}", None] for i in range(n)], pa.list_(pa.string())),
        "pair": pa.array([[i, i] for i in range(n)], pa.list_(pa.float32(), 2)),
        "struct": pa.array([{"a": i, "b": {"c": str(i)}} for i in range(n)]),
        "time": pa.array(seconds, pa.timestamp("us", "UTC")),
        "date": pa.array([second.date() for second in seconds], pa.date32()),
        "decimal": pa.array([decimal.Decimal(i) / 4 for i in range(n)], pa.decimal128(12, 2)),
        "nothing": pa.nulls(n),
        "map": pa.array([[("k", i)] for i in range(n)], pa.map_(pa.string(), pa.int64())),
    })


def write_ipc(path, data, compression, stream, max_chunksize=100):
    options = pa.ipc.IpcWriteOptions(compression=compression, unify_dictionaries=True)
    new = pa.ipc.new_stream if stream else pa.ipc.new_file
    with new(path, data.schema, options=options) as writer:
        writer.write_table(data, max_chunksize=max_chunksize)


def main():
    folder = sys.argv[1]
    data = table(1000)
    for compression in ["none", "snappy", "gzip", "zstd", "lz4", "brotli"]:
        pq.write_table(data.drop_columns(["view"]), os.path.join(folder, compression + ".parquet"),
                       compression=compression, row_group_size=300, write_page_checksum=True)
    pq.write_table(data.drop_columns(["view"]), os.path.join(folder, "plain.parquet"),
                   use_dictionary=False, data_page_version="2.0", row_group_size=300)
    pq.write_table(data.slice(0, 0), os.path.join(folder, "empty.parquet"))
    for compression in [None, "lz4", "zstd"]:
        name = compression or "none"
        write_ipc(os.path.join(folder, name + ".arrow"), data, compression, stream=False)
        write_ipc(os.path.join(folder, name + ".arrows"), data, compression, stream=True)
    # One page, one batch.
    large = pa.table({"x": pa.array([i * i for i in range(100_000)], pa.int64()),
                      "unused": pa.array(range(100_000), pa.int64())})
    pq.write_table(large, os.path.join(folder, "large.parquet"), use_dictionary=False)
    for name, stream in [("large.arrow", False), ("large.arrows", True)]:
        write_ipc(os.path.join(folder, name), large, None, stream, max_chunksize=100_000)


if __name__ == "__main__":
    main()
