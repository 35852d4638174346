// From a batch's keys to the model's input, and from the input's gradient back to the rows.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

#include "common/matrix.h"
#include "common/unique_keys.h"
#include "configs/job.pb.h"
#include "worker/data/rows.h"
#include "worker/model/input_layout.h"

namespace zhiyin::worker::model {

/// One batch at a time; one thread; allocates nothing once warm.
///
///   input.Prepare(rows);            // distinct keys of each table
///   ... fill input.weights(t) for input.keys(t) ...
///   input.Pool(&x);                 // x [n, layout.dim]
///   input.Scatter(dx);              // sums dx into input.gradients(t)
///   input.AddL2(step_rows);
class EmbeddingInput {
 public:
  EmbeddingInput(const Job& job, const InputLayout& layout);

  /// Takes over what it needs of the rows.
  void Prepare(const data::Rows& rows);
  int64_t n_rows() const { return n_rows_; }

  /// Tables of the job, so table t is TableId t + 1.
  int n_tables() const { return static_cast<int>(tables_.size()); }
  std::span<const Key> keys(int table) const {
    return tables_[static_cast<size_t>(table)].keys.keys();
  }
  float* weights(int table) {
    return tables_[static_cast<size_t>(table)].weights.data();
  }  // [keys, dim]
  float* gradients(int table) {
    return tables_[static_cast<size_t>(table)].gradients.data();
  }  // [keys, dim]

  void Pool(Matrix* x) const;
  void Scatter(const Matrix& dx);
  /// Adds the gradient of Table.l2 of the rows' data, divided by the rows of the step, to
  /// gradients.
  void AddL2(int64_t step_rows);

 private:
  struct TableRows {
    int dim = 0;
    float l2 = 0;
    UniqueKeys keys;
    std::vector<float> weights;
    std::vector<float> gradients;
  };
  struct FieldPlan {
    size_t table = 0;
    InputLayout::Part part;  // of x
    Field::Pooling pooling = Field::SUM;
  };

  /// A field's columns in a row of x, from the rows of its values; and the way back from a row of
  /// dx.
  void PoolField(const FieldPlan& field, std::span<const uint32_t> positions, float* row) const;
  void ScatterField(const FieldPlan& field, std::span<const uint32_t> positions, const float* row);
  /// The values of a row's field: of a sequence the last ones, as many as x has.
  struct Range {
    uint32_t begin = 0;
    uint32_t end = 0;
  };
  Range ValuesOf(size_t row, size_t field) const {
    const size_t at = row * fields_.size() + field;
    const InputLayout::Part& part = fields_[field].part;
    Range values = {key_begin_[at], key_begin_[at + 1]};
    if (part.is_sequence())
      values.begin = std::max(
          values.begin, values.end - std::min(values.end, static_cast<uint32_t>(part.length)));
    return values;
  }
  std::span<const uint32_t> PositionsOf(size_t row, size_t field) const {
    const Range values = ValuesOf(row, field);
    return {positions_.data() + values.begin, values.end - values.begin};
  }

  std::vector<TableRows> tables_;
  std::vector<FieldPlan> fields_;
  InputLayout layout_;
  int64_t n_rows_ = 0;
  std::vector<uint32_t> positions_;  // of each key of the batch among its table's distinct keys
  std::vector<uint32_t> key_begin_;  // as in Rows
  std::vector<float> numerics_;      // as in Rows
};

}  // namespace zhiyin::worker::model
