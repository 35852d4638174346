// Parsed examples, the form in which data is kept in memory and given to the model.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "common/types.h"

namespace zhiyin::worker::data {

/// n examples of one shape, one after the other: a block of a file, a slice or a batch. A plain
/// value.
struct Rows {
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
  /// [n, n_numerics]: kMissing where the value is missing, until a Normalizer has run.
  std::vector<float> numerics;
  /// [n, n_tasks]: kMissing where the example has no label of the task.
  std::vector<float> labels;
  /// [n, n_tasks]: weights in training; empty where no task has a weight_column.
  std::vector<float> weights;

  Rows() = default;
  Rows(int fields, int numerics_, int tasks)
      : n_fields(fields), n_numerics(numerics_), n_tasks(tasks) {}

  /// Removes the examples and keeps the memory.
  void Clear();
  /// Appends example i of `from`. REQUIRES: `from` has the shape of this.
  void Append(const Rows& from, int64_t i);

  /// The keys of a field of an example; valid until the next change.
  std::span<const Key> KeysOf(int64_t row, int field) const {
    const size_t at = static_cast<size_t>(row * n_fields + field);
    return {keys.data() + key_begin[at], key_begin[at + 1] - key_begin[at]};
  }
};

}  // namespace zhiyin::worker::data
