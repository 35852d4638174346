// From the keys of a batch to the model's input x, and from dx to the gradients of embedding rows.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

#include "common/large_pages.h"
#include "common/matrix.h"
#include "common/unique_keys.h"
#include "configs/job.pb.h"
#include "worker/data/examples.h"
#include "worker/model/input_layout.h"

namespace zhiyin::worker::model {

/// Handles one batch at a time. Used by one thread; allocates nothing once it has seen the largest
/// batch. Where examples turn out to have no finite prediction, LeaveOut removes them from the
/// batch, and Pool begins anew.
///
///   input.Prepare(rows);            // finds the distinct keys of each table
///   ... fill input.weights(t) for input.keys(t) ...
///   input.Pool(&x);                 // x [n, layout.dim]
///   input.Scatter(dx);              // adds dx up in input.gradients(t)
///   input.AddL2(step_examples);         // adds the gradient of Table.l2
class EmbeddingInput {
 public:
  EmbeddingInput(const Job& job, const InputLayout& layout);

  /// Copies what it needs of the examples.
  void Prepare(const data::Examples& rows);
  /// Removes examples from the batch: those that remain are numbered anew, in their order, here and
  /// in x. The keys stay; those that no other example has get no gradient. REQUIRES: the positions
  /// are ascending and below n_rows().
  void LeaveOut(std::span<const int64_t> examples);
  /// The examples of the batch that were not left out.
  int64_t n_rows() const { return static_cast<int64_t>(rows_.size()); }
  /// The position of an example among those of Prepare.
  int64_t place(int64_t example) const {
    return static_cast<int64_t>(rows_[static_cast<size_t>(example)]);
  }
  /// The numerics of an example, in the job's order; valid until the next Prepare.
  std::span<const double> numerics(int64_t example) const;

  /// The tables of the job; table t has TableId t + 1.
  int n_tables() const { return static_cast<int>(tables_.size()); }
  std::span<const Key> keys(int table) const {
    return tables_[static_cast<size_t>(table)].keys.keys();
  }
  /// [keys(table).size(), dim], here and below.
  float* weights(int table) { return tables_[static_cast<size_t>(table)].weights.data(); }
  float* gradients(int table) { return tables_[static_cast<size_t>(table)].gradients.data(); }

  /// Fills x [n, layout.dim] from the weights.
  void Pool(Matrix* x) const;
  /// Sets the gradients from dx [n, layout.dim].
  void Scatter(const Matrix& dx);
  /// Sets the gradients to 0.
  void ClearGradients();
  /// Adds to the gradients those of Table.l2 for the embedding rows of each example, divided by the
  /// number of examples of the step.
  void AddL2(int64_t step_examples);

 private:
  struct TableRows {
    int dim = 0;
    float l2 = 0;
    UniqueKeys keys;
    LargeVector<float> weights;
    LargeVector<float> gradients;
  };
  struct FieldPlan {
    size_t table = 0;
    InputLayout::Part part;  // of x
    Field::Pooling pooling = Field::SUM;
  };

  /// Fills a field's columns of an example's row of x from the embedding rows of its values; and
  /// the backward pass from a row of dx. `positions` are those of the values' keys among the
  /// distinct keys.
  void PoolField(const FieldPlan& field, std::span<const uint32_t> positions, float* row) const;
  void ScatterField(const FieldPlan& field, std::span<const uint32_t> positions, const float* row);
  /// The values of an example's field; where a sequence is longer than x allows, its last values.
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
  std::vector<size_t> rows_;         // [n]: the examples, by their positions in Prepare
  std::vector<uint32_t> positions_;  // [keys of the batch]: among the distinct keys of the table
  std::vector<uint32_t> key_begin_;  // as in Examples
  std::vector<double> numerics_;     // as in Examples
};

}  // namespace zhiyin::worker::model
