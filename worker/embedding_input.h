// From a batch's keys to the model's input, and from the input's gradient back to the rows.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "common/matrix.h"
#include "common/unique_keys.h"
#include "configs/job.pb.h"
#include "worker/data/rows.h"
#include "worker/model/model.h"

namespace zhiyin::worker {

/// One batch at a time; one thread; allocates nothing once warm.
///
///   input.Prepare(rows);            // distinct keys of each table
///   ... fill input.weights(t) for input.keys(t) ...
///   input.Pool(&x);                 // x [n, layout.dim]
///   input.Scatter(dx);              // sums dx into input.gradients(t)
class EmbeddingInput {
 public:
  EmbeddingInput(const Job& job, const InputLayout& layout);

  /// Takes over what it needs of the rows.
  void Prepare(const Rows& rows);
  int64_t n_rows() const { return n_rows_; }

  /// Tables of the job, so table t is TableId t + 1.
  int n_tables() const { return static_cast<int>(tables_.size()); }
  std::span<const Key> keys(int table) const { return tables_[static_cast<size_t>(table)].keys.keys(); }
  float* weights(int table) { return tables_[static_cast<size_t>(table)].weights.data(); }  // [keys, dim]
  const float* gradients(int table) const {
    return tables_[static_cast<size_t>(table)].gradients.data();
  }  // [keys, dim]

  void Pool(Matrix* x) const;
  void Scatter(const Matrix& dx);

 private:
  struct TableRows {
    int dim = 0;
    UniqueKeys keys;
    std::vector<float> weights;
    std::vector<float> gradients;
  };
  struct FieldPlan {
    size_t table = 0;
    int begin = 0;  // in x
    bool mean = false;
  };

  std::vector<TableRows> tables_;
  std::vector<FieldPlan> fields_;
  InputLayout layout_;
  int64_t n_rows_ = 0;
  std::vector<uint32_t> positions_;  // of each key of the batch among its table's distinct keys
  std::vector<uint32_t> key_begin_;  // as in Rows
  std::vector<float> numerics_;      // as in Rows
};

}  // namespace zhiyin::worker
