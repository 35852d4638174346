// The training loop of one worker: one sample's way, in order.
//
//   rows -> distinct keys -> pull -> rows pooled into x -> forward -> loss -> backward -> gradients summed
//   per key -> push
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "common/matrix.h"
#include "configs/job.pb.h"
#include "ps/client.h"
#include "worker/data/batches.h"
#include "worker/dense_weights.h"
#include "worker/embedding_input.h"
#include "worker/model/model.h"
#include "worker/progress.h"
#include "worker/task_heads.h"

namespace zhiyin::worker {

/// Trains on this worker's slices. Used by the rank's thread; borrows all it is given.
class Trainer {
 public:
  Trainer(const Job& job, const StreamPlan& plan, int worker, SliceReader* reader, ps::Client* client,
          Model* model, DenseWeights* dense, TaskHeads* heads, std::function<void()> tick);

  /// One epoch, counted from 0; returns when the servers have all gradients. `after_slice` is called after
  /// every slice, with what was done in this epoch so far. Throws Error when a loss is not finite.
  void TrainEpoch(int64_t epoch, const std::function<void(const EpochTally&)>& after_slice);

  /// Of the last epoch, in the order in which they were taken: [slices, n_tasks].
  std::span<const TaskSums> slice_sums() const { return slice_sums_; }
  const EpochTally& tally() const { return tally_; }

 private:
  /// A slice between its pull and its push. Two take turns: while one computes, the other's rows are on their
  /// way.
  struct Slot {
    explicit Slot(const EmbeddingInput& like) : input(like) {}
    int64_t step = 0;  // within the epoch
    int stream = 0;
    EmbeddingInput input;
    Targets targets;
    ps::Exchange exchange;
  };

  void Start(int64_t epoch, int64_t nth, Slot* slot);
  void Finish(int64_t epoch, Slot* slot);

  StreamPlan plan_;
  std::vector<int> streams_;  // own
  SliceReader* reader_;
  ps::Client* client_;
  Model* model_;
  DenseWeights* dense_;
  TaskHeads* heads_;
  std::function<void()> tick_;
  uint64_t seed_;
  bool prefetch_;
  Slot slots_[2];
  Matrix x_;
  Matrix dx_;
  Matrix outputs_;
  Matrix doutputs_;
  std::vector<float> predictions_;
  std::vector<double> own_losses_;  // [n_tasks]
  std::vector<TaskSums> slice_sums_;
  EpochTally tally_;
};

}  // namespace zhiyin::worker
