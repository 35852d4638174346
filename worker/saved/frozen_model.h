// A trained model in memory, to be asked and no longer to be trained: without ranks and a network.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <unordered_map>
#include <vector>

#include "common/matrix.h"
#include "common/types.h"
#include "configs/manifest.pb.h"
#include "worker/data/rows.h"
#include "worker/data/statistics.h"
#include "worker/model/dense_weights.h"
#include "worker/model/embedding_input.h"
#include "worker/model/model.h"
#include "worker/model/task_heads.h"

namespace zhiyin::worker::saved {

/// Filled by one thread, then read by any number.
class FrozenModel {
 public:
  /// Without rows: who loads adds each. Throws Error on a manifest whose job makes another model.
  explicit FrozenModel(const Manifest& manifest);

  const Job& job() const { return job_; }
  /// The weights of a row of a table (TableId), dim floats.
  void AddRow(TableId table, Key key, std::span<const float> weights);

  /// The weights of a row; null where there is none.
  const float* Find(TableId table, Key key) const;
  int64_t n_rows(TableId table) const { return static_cast<int64_t>(tables_[table].at.size()); }
  const data::Normalizer& normalizer() const { return normalizer_; }
  /// The model's own weights.
  model::DenseWeights OwnWeights() const;

  /// Workspaces of one thread; borrows the model.
  class Session {
   public:
    explicit Session(const FrozenModel& model);

    /// predictions() and vectors() of rows of the job's shape, not normalized; a category without a
    /// row is zeros.
    void Run(const data::Rows& rows);
    /// [n, n_tasks], those of `zhiyin predict` but for rounding: here a row has other company in
    /// its batch.
    std::span<const float> predictions() const { return predictions_; }
    /// As Model::vectors; valid until the next Run.
    std::optional<model::TowerVectors> vectors() const { return network_->vectors(); }

   private:
    const FrozenModel& model_;
    std::unique_ptr<model::Model> network_;
    model::TaskHeads heads_;
    model::EmbeddingInput input_;
    model::DenseWeights dense_;
    data::Rows normalized_;
    Matrix x_;
    Matrix outputs_;
    std::vector<float> predictions_;
  };

 private:
  struct KeptRows {
    int dim = 0;
    std::unordered_map<Key, size_t> at;
    std::vector<float> weights;
  };

  Job job_;
  data::Normalizer normalizer_;
  int64_t n_weights_;
  std::vector<KeptRows> tables_;  // by TableId
};

}  // namespace zhiyin::worker::saved
