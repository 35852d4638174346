// Parsed examples, the form in which data is kept in memory and given to the model.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "common/bytes.h"
#include "common/types.h"

namespace zhiyin::worker::data {

/// n examples of one shape, one after the other: a block of a file, a slice or a batch. A plain
/// value.
struct Examples {
  /// The numbers of job.field, job.numeric and job.task, whose order is that of the columns.
  int n_fields = 0;
  int n_numerics = 0;
  int n_tasks = 0;

  int64_t n = 0;
  /// The keys of all categories: example after example, within an example field after field.
  std::vector<Key> keys;
  /// [n * n_fields + 1]: the keys of field f of example i are keys[key_begin[i * n_fields + f]] up
  /// to the next begin.
  std::vector<uint32_t> key_begin = {0};
  /// The keys as they are in the data, laid out as those above, where augmentation has changed
  /// them; else empty.
  std::vector<Key> data_keys;
  std::vector<uint32_t> data_key_begin;
  /// [n, n_numerics]: kMissing where the value is missing, until a Normalizer has run. Numbers of
  /// the data are doubles: a float has seven digits, which an offset such as that of a Unix time
  /// uses up.
  std::vector<double> numerics;
  /// [n, n_tasks]: kMissing where the example has no label of the task.
  std::vector<double> labels;
  /// [n, n_tasks]: how many examples of the task each stands for, by its weight_column and by
  /// negative_share; empty: one each.
  std::vector<double> weights;

  Examples() = default;
  Examples(int fields, int numerics_, int tasks)
      : n_fields(fields), n_numerics(numerics_), n_tasks(tasks) {}

  /// Removes the examples and keeps the memory.
  void Clear();
  /// Appends example i of `from`. REQUIRES: `from` has the shape of this, and its keys are those of
  /// the data.
  void Append(const Examples& from, int64_t i) { Append(from, i, 1); }
  /// Appends n examples of `from`, from example `begin` on.
  void Append(const Examples& from, int64_t begin, int64_t n);

  /// Writes the examples, augmented or not.
  void Write(ByteWriter* out) const;
  /// The inverse of Write, for examples of a known shape. Throws Error, by way of `in`, on bytes
  /// that Write did not write for examples of that shape.
  static Examples Read(int n_fields, int n_numerics, int n_tasks, ByteReader* in);

  /// The keys of a field of an example; valid until the next change.
  std::span<const Key> KeysOf(int64_t example, int field) const {
    const size_t at = static_cast<size_t>(example * n_fields + field);
    return {keys.data() + key_begin[at], key_begin[at + 1] - key_begin[at]};
  }
  /// Those that the data has there, before augmentation: what an example is known by.
  std::span<const Key> DataKeysOf(int64_t example, int field) const {
    if (data_key_begin.empty()) return KeysOf(example, field);
    const size_t at = static_cast<size_t>(example * n_fields + field);
    return {data_keys.data() + data_key_begin[at], data_key_begin[at + 1] - data_key_begin[at]};
  }
  /// [n]: the first key of the field that each example has in the data; 0 where it has none.
  std::vector<Key> FirstKeys(int field) const;
};

}  // namespace zhiyin::worker::data
