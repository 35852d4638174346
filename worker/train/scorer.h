// A model's predictions for blocks of examples: equal digits for any number of workers and
// servers.
#pragma once

#include <cstdint>
#include <vector>

#include "common/matrix.h"
#include "configs/job.pb.h"
#include "ps/client/client.h"
#include "worker/data/rows.h"
#include "worker/data/statistics.h"
#include "worker/model/dense_weights.h"
#include "worker/model/embedding_input.h"
#include "worker/model/model.h"
#include "worker/model/task_heads.h"

namespace zhiyin::worker::train {

/// A block is one batch, so that an example is always computed in the same batch, bit for bit.
/// Pulls are read-only: no embedding row is made. The next block's rows are on their way while this
/// one computes. Used by the rank's thread; borrows all it is given.
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
    model::Targets targets;
    std::vector<float> predictions;  // [n, n_tasks]
    Matrix outputs;                  // [n, n_tasks], what the losses take
  };

  /// The model's weights may have changed. REQUIRES: nothing is started.
  void Begin() { dense_is_fresh_ = false; }
  /// Asks for what the rows need; they are normalized here. REQUIRES: n_started() < 2, and there
  /// are rows.
  void Start(int64_t block, const data::Rows& rows, const data::Normalizer& normalizer);
  int n_started() const { return n_started_; }
  /// The scores of the block that was started first; valid until the next call. REQUIRES:
  /// n_started() > 0.
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
  data::Rows normalized_;
  Matrix x_;
  Scored scored_;
};

}  // namespace zhiyin::worker::train
