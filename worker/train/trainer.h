// The training loop of one worker. For each slice:
//
//   examples -> distinct keys -> pull -> embedding rows pooled into x -> forward -> loss ->
//   backward
//   -> gradients summed per key -> push
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "common/matrix.h"
#include "configs/job.pb.h"
#include "ps/client/client.h"
#include "worker/data/slice_reader.h"
#include "worker/model/balance/task_balance.h"
#include "worker/model/dense_weights.h"
#include "worker/model/embedding_input.h"
#include "worker/model/model.h"
#include "worker/model/nn/batch_statistics.h"
#include "worker/model/task_heads.h"
#include "worker/train/dealer.h"
#include "worker/train/epoch_sums.h"
#include "worker/train/profile.h"
#include "worker/train/progress.h"

namespace zhiyin::worker::train {

/// Trains on the slices that the dealer assigns to this worker. Used by the rank's thread; borrows
/// all arguments of the constructor.
class Trainer {
 public:
  /// `tick` is called during long waits for data, for heartbeats.
  Trainer(const Job& job, Dealer* dealer, data::SliceReader* reader, const net::Endpoint* clock,
          ps::client::Client* client, model::Model* model, model::DenseWeights* dense,
          model::TaskHeads* heads, model::balance::TaskBalance* balance, Profile* profile,
          std::function<void()> tick);

  /// Begins an epoch, counted from 0. For every epoch in order, the caller calls BeginEpoch, then
  /// Run until it returns true, then EndEpoch.
  void BeginEpoch(int64_t epoch);
  /// Trains until the epoch has no more slices for this worker and returns true, or until the next
  /// slice is of step `until` or later and returns false; the next Run begins with that slice.
  /// `after_slice` is called after every slice, with the tally of this epoch so far. Throws Error
  /// when a loss is not finite.
  bool Run(uint64_t until, const std::function<void(const EpochTally&)>& after_slice);
  /// Waits until the servers have acknowledged all gradients of this worker.
  void Settle();
  void EndEpoch();

  /// The sums of the current epoch so far, or of the last one if it has ended.
  const SliceSums& slice_sums() const { return slice_sums_; }
  const EpochTally& tally() const { return tally_; }
  /// The statistics of batch normalisation over this worker's slices in the last eighth of the
  /// epoch.
  const model::nn::BatchStatistics& batch_statistics() const { return batch_statistics_; }

 private:
  /// A slice between its pull and its push. There are two slots: while one slice is computed, the
  /// embedding rows of the next one are pulled.
  struct Slot {
    explicit Slot(const model::EmbeddingInput& like) : input(like) {}
    SliceTask task;
    model::EmbeddingInput input;
    model::Targets targets;
    ps::client::Exchange exchange;
  };

  /// Takes the next slice and pulls its rows. Returns false when there is none.
  bool Start(Slot* slot);
  void Finish(Slot* slot);
  /// The backward pass of all tasks at once: gradients of the dense weights and of the rows.
  void Backward(const ConstMatrixView& x, model::EmbeddingInput* input);

  Dealer* dealer_;
  data::SliceReader* reader_;
  const net::Endpoint* clock_;
  ps::client::Client* client_;
  model::Model* model_;
  model::DenseWeights* dense_;
  model::TaskHeads* heads_;
  model::balance::TaskBalance* balance_;
  Profile* profile_;
  std::function<void()> tick_;
  uint64_t seed_;
  bool prefetch_;
  bool synchronous_;
  int64_t epoch_ = 0;
  double waited_before_ = 0;  // the client's waits before the epoch, in seconds
  uint64_t until_ = 0;
  std::optional<SliceTask> held_;        // the first of the next Run
  std::optional<uint64_t> dense_clock_;  // the step that the dense weights were fetched for
  Slot slots_[2];
  Matrix x_;
  Matrix outputs_;
  Matrix doutputs_, dx_;
  std::vector<float> predictions_;
  std::vector<double> objectives_;  // [n_tasks]
  std::vector<double> own_losses_;  // [n_tasks]
  model::nn::BatchStatistics batch_statistics_;
  int64_t n_first_slices_ = 0;  // slices of an epoch whose batch statistics are left out
  SliceSums slice_sums_;
  EpochTally tally_;
};

}  // namespace zhiyin::worker::train
