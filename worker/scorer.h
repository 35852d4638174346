// A model's predictions for blocks of rows: the same digits whatever the number of workers and servers.
#pragma once

#include <cstdint>
#include <vector>

#include "common/matrix.h"
#include "configs/job.pb.h"
#include "ps/client.h"
#include "worker/data/rows.h"
#include "worker/data/statistics.h"
#include "worker/dense_weights.h"
#include "worker/embedding_input.h"
#include "worker/model/model.h"
#include "worker/task_heads.h"

namespace zhiyin::worker {

/// A block is one batch, so that a row's company, and with it every rounding, is the same everywhere. Rows are
/// peeked at, never made. The next block's rows are on their way while this one computes. Used by the rank's
/// thread; borrows all it is given.
///
///   scorer.Begin();
///   for each block: scorer.Start(...); if (scorer.n_started() == 2) use(scorer.Finish());
///   while (scorer.n_started() > 0) use(scorer.Finish());
class Scorer {
 public:
  Scorer(const Job& job, ps::Client* client, Model* model, DenseWeights* dense, const TaskHeads* heads);

  struct Scored {
    int64_t block = 0;
    Targets targets;
    std::vector<float> predictions;  // [n, n_tasks]
    Matrix outputs;                  // [n, n_tasks], what the losses take
  };

  /// The model's weights may have changed. REQUIRES: nothing is started.
  void Begin() { dense_is_fresh_ = false; }
  /// Asks for what the rows need; they are normalized here. REQUIRES: n_started() < 2, and there are rows.
  void Start(int64_t block, const Rows& rows, const Normalizer& normalizer);
  int n_started() const { return n_started_; }
  /// Of the block that was started first; valid until the next call. REQUIRES: n_started() > 0.
  const Scored& Finish();

 private:
  struct Slot {
    explicit Slot(const EmbeddingInput& like) : input(like) {}
    int64_t block = 0;
    Targets targets;
    EmbeddingInput input;
    ps::Exchange exchange;
  };

  ps::Client* client_;
  Model* model_;
  DenseWeights* dense_;
  const TaskHeads* heads_;
  Slot slots_[2];
  int next_ = 0;  // the slot to start
  int n_started_ = 0;
  bool dense_is_fresh_ = false;
  Rows normalized_;
  Matrix x_;
  Scored scored_;
};

}  // namespace zhiyin::worker
