// Parsed rows, the form in which data is kept and handed to the model.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "common/types.h"

namespace zhiyin::worker::data {

/// n rows of the same shape, row after row. A batch and a block of a file are both this. A plain
/// value: whoever holds it owns it.
struct Rows {
  /// Columns of the job: job.field, job.numeric, job.task, in their order.
  int n_fields = 0;
  int n_numerics = 0;
  int n_tasks = 0;

  int64_t n = 0;
  /// Keys of all categories: row after row, in a row field after field.
  std::vector<Key> keys;
  /// [n * n_fields + 1]: keys of (row i, field f) are keys[key_begin[i * n_fields + f]] up to the
  /// next begin.
  std::vector<uint32_t> key_begin = {0};
  /// [n, n_numerics]: kMissing where not known, until a Normalizer has run.
  std::vector<float> numerics;
  /// [n, n_tasks]: kMissing masks the task for the row.
  std::vector<float> labels;
  /// [n, n_tasks]: of each row in training; empty where no task has a weight_column.
  std::vector<float> weights;

  Rows() = default;
  Rows(int fields, int numerics_, int tasks)
      : n_fields(fields), n_numerics(numerics_), n_tasks(tasks) {}

  /// Forgets the rows, keeps the memory.
  void Clear();
  /// Appends row i of `from`, which has the same shape.
  void Append(const Rows& from, int64_t i);

  std::span<const Key> KeysOf(int64_t row, int field) const {
    const size_t at = static_cast<size_t>(row * n_fields + field);
    return {keys.data() + key_begin[at], key_begin[at + 1] - key_begin[at]};
  }
};

}  // namespace zhiyin::worker::data
