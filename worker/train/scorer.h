// A model's predictions for blocks of examples, bitwise equal for any number of workers and
// servers.
#pragma once

#include <cstdint>
#include <vector>

#include "common/matrix.h"
#include "configs/job.pb.h"
#include "ps/client/client.h"
#include "worker/data/examples.h"
#include "worker/data/statistics.h"
#include "worker/model/dense_weights.h"
#include "worker/model/embedding_input.h"
#include "worker/model/model.h"
#include "worker/model/task_heads.h"

namespace zhiyin::worker::train {

/// Computes predictions block by block. A block is one batch, so that the batch of an example does
/// not depend on the number of workers. Pulls are read-only: no embedding row is made. The
/// embedding examples of the next block are pulled while the current one is computed. Used by the
/// rank's thread; borrows all pointers that it is given.
///
///   scorer.Begin();
///   for each block: scorer.Start(...); if (scorer.n_started() == 2) use(scorer.Finish());
///   while (scorer.n_started() > 0) use(scorer.Finish());
class Scorer {
 public:
  Scorer(const Job& job, ps::client::Client* client, model::Model* model,
         model::DenseWeights* dense, const model::TaskHeads* heads);

  struct Scored {
    int64_t block = 0;
    /// Without the labels of predictions that are NaN.
    model::Targets targets;
    std::vector<float> predictions;    // [n, n_tasks]; NaN where the model has none
    std::vector<int64_t> unpredicted;  // the examples that lack one, ascending
    Matrix outputs;                    // [n, n_tasks], the inputs of the losses
  };

  /// Begins a pass over blocks: the dense weights are pulled again. REQUIRES: n_started() == 0.
  void Begin() { dense_is_fresh_ = false; }
  /// Pulls the examples that the examples of a block need. `examples` are not normalized yet.
  /// REQUIRES: n_started() < 2, and the block has examples.
  void Start(int64_t block, const data::Examples& examples, const data::Normalizer& normalizer);
  int n_started() const { return n_started_; }
  /// Returns the predictions of the earliest block that was started; valid until the next call.
  /// REQUIRES: n_started() > 0.
  const Scored& Finish();

 private:
  struct Slot {
    explicit Slot(const model::EmbeddingInput& like) : input(like) {}
    int64_t block = 0;
    model::Targets targets;
    model::EmbeddingInput input;
    ps::client::Exchange exchange;
  };

  ps::client::Client* client_;
  model::Model* model_;
  model::DenseWeights* dense_;
  const model::TaskHeads* heads_;
  Slot slots_[2];
  int next_ = 0;  // the slot to start
  int n_started_ = 0;
  bool dense_is_fresh_ = false;
  data::Examples normalized_;
  Matrix x_;
  Scored scored_;
};

}  // namespace zhiyin::worker::train
