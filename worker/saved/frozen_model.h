// A trained model in the memory of one process, for predictions only; needs no ranks and no
// network.
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
#include "worker/data/examples.h"
#include "worker/data/statistics.h"
#include "worker/model/dense_weights.h"
#include "worker/model/embedding_input.h"
#include "worker/model/model.h"
#include "worker/model/task_heads.h"

namespace zhiyin::worker::saved {

/// Holds the weights of a trained model. Filled by one thread, then read by any number of threads.
class FrozenModel {
 public:
  /// Makes a model without rows, which are added by AddRow. Throws Error when the manifest's number
  /// of weights is not that of its job's model.
  explicit FrozenModel(const Manifest& manifest);

  const Job& job() const { return job_; }
  /// Adds a row of a table with its weights [dim].
  void AddRow(TableId table, Key key, std::span<const float> weights);

  /// The weights [dim] of a row; nullptr if the key has no row.
  const float* Find(TableId table, Key key) const;
  int64_t n_rows(TableId table) const { return static_cast<int64_t>(tables_[table].at.size()); }
  const data::Normalizer& normalizer() const { return normalizer_; }
  /// The dense weights.
  model::DenseWeights OwnWeights() const;

  /// Workspaces of one thread; borrows the model.
  class Session {
   public:
    explicit Session(const FrozenModel& model);

    /// Computes predictions() and vectors() for examples of the job's shape, whose numerics are not
    /// normalized yet. A category without an embedding row reads as zeros.
    void Run(const data::Examples& rows);
    /// [n, n_tasks]; NaN where the model has no finite prediction. They differ from those of
    /// `zhiyin predict` by rounding only, since an example is computed in another batch here.
    std::span<const float> predictions() const { return predictions_; }
    /// [n_tasks]: sums of losses and labels over those of `rows` that have a prediction. REQUIRES:
    /// they are those of the last Run.
    std::vector<model::TaskSums> Sums(const data::Examples& rows);
    /// As Model::vectors; valid until the next Run.
    std::optional<model::TowerVectors> vectors() const { return network_->vectors(); }

   private:
    const FrozenModel& model_;
    std::unique_ptr<model::Model> network_;
    model::TaskHeads heads_;
    model::EmbeddingInput input_;
    model::DenseWeights dense_;
    data::Examples normalized_;
    Matrix x_;
    Matrix outputs_;
    std::vector<float> predictions_;
    model::Targets targets_;
  };

 private:
  struct KeptExamples {
    int dim = 0;
    std::unordered_map<Key, size_t> at;
    std::vector<float> weights;
  };

  Job job_;
  data::Normalizer normalizer_;
  int64_t n_weights_;
  std::vector<KeptExamples> tables_;  // by TableId
};

}  // namespace zhiyin::worker::saved
