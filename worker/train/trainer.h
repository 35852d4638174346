// The training loop of one worker. For each slice:
//
//   examples -> distinct keys -> pull -> embedding rows pooled into x -> forward -> loss ->
//   backward
//   -> gradients summed per key -> push
//
// Examples without a finite prediction are left out of their slice, which is then computed anew
// from the embedding rows on (left_out.h).
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
#include "worker/data/statistics.h"
#include "worker/model/balance/task_balance.h"
#include "worker/model/dense_weights.h"
#include "worker/model/embedding_input.h"
#include "worker/model/model.h"
#include "worker/model/nn/batch_statistics.h"
#include "worker/model/nn/rounding.h"
#include "worker/model/task_heads.h"
#include "worker/train/chunked_pass.h"
#include "worker/train/dealer.h"
#include "worker/train/epoch_sums.h"
#include "worker/train/profile.h"
#include "worker/train/progress.h"

namespace zhiyin::worker::train {

/// Trains on the slices that the dealer assigns to this worker. Used by the rank's thread; borrows
/// all arguments of the constructor.
class Trainer {
 public:
  /// `slices` are those that the dealer orders, `normalizer` is that of the slices, `epoch_rows`
  /// how many examples all workers together train on in an epoch, at most. `tick` is called during
  /// long waits for data, for heartbeats.
  Trainer(const Job& job, Dealer* dealer, data::SliceStream* slices, const net::Endpoint* clock,
          const data::Normalizer* normalizer, int64_t epoch_rows, ps::client::Client* client,
          model::Model* model, model::DenseWeights* dense, model::TaskHeads* heads,
          model::balance::TaskBalance* balance, Profile* profile, std::function<void()> tick);

  /// Begins an epoch, counted from 0. For every epoch in order, the caller calls BeginEpoch, then
  /// Run until it returns true, then EndEpoch.
  void BeginEpoch(int64_t epoch);
  /// Trains until the epoch has no more slices for this worker and returns true, or until the next
  /// slice is of step `until` or later and returns false; the next Run begins with that slice.
  /// `after_slice` is called after every slice, with the tally of this epoch so far. Throws Error
  /// when a loss is not finite that no example explains, and when too many examples were left out
  /// (CheckLeftOut).
  bool Run(uint64_t until, const std::function<void(const EpochTally&)>& after_slice);
  /// Waits until the servers have acknowledged all gradients of this worker.
  void Settle();
  void EndEpoch();

  /// The sums of the current epoch so far, or of the last one if it has ended.
  const EpochSums& epoch_sums() const { return epoch_sums_; }
  const EpochTally& tally() const { return tally_; }
  /// The statistics of batch normalisation over this worker's late slices (SliceTask::is_late), so
  /// that they fit the weights at the end of the epoch.
  const model::nn::BatchStatistics& batch_statistics() const { return batch_statistics_; }

 private:
  /// A slice between its pull and its push. There are two slots: while one slice is computed, the
  /// embedding rows of the next one are pulled.
  struct Slot {
    explicit Slot(const model::EmbeddingInput& like) : input(like) {}
    SliceTask task;
    int64_t n_rows = 0;  // examples, those that are left out included
    model::EmbeddingInput input;
    model::Targets targets;
    ps::client::Exchange exchange;
  };

  /// Takes the next slice and pulls its rows. Returns false when there is none.
  bool Start(Slot* slot);
  /// From the rows to the push of their gradients.
  void Finish(Slot* slot);
  /// Computes outputs_, predictions_, sums_ and the gradients of the slice, without the examples
  /// that have no finite prediction; in bfloat16 if the job asks for it.
  void Compute(Slot* slot);
  /// Sets x_, outputs_ and predictions_; in chunks also the dense gradients and dx_.
  void Forward(const Slot& slot, const model::nn::Pass& pass);
  /// Leaves examples out of the slice. Returns whether there are any.
  bool LeaveOut(Slot* slot, std::span<const int64_t> examples);
  /// Sets sums_ but for own_loss. Throws Error where one is not finite.
  void SumUp(const Slot& slot);
  /// Whether the auxiliary losses and the figures of the balance are finite.
  bool AreFigures() const;
  /// Adds the slice's losses and predictions to the tally.
  void Record(const Slot& slot);
  /// Sets the gradients of the dense weights and of the rows, for the outputs of the forward pass.
  /// Sets own_loss of sums_.
  void ComputeGradients(Slot* slot, const model::nn::Pass& pass);
  /// Takes the figures of the balance for a slice whose gradients were computed in chunks.
  void Observe(Slot* slot, const model::nn::Pass& pass);
  /// Backpropagates doutputs_, and what the auxiliary loss adds: sets the gradients of the rows,
  /// and adds to those of the dense weights.
  void Backward(const ConstMatrixView& x, model::EmbeddingInput* input);
  ConstMatrixView X() const { return {x_.data(), x_.rows(), x_.cols()}; }

  const Job& job_;
  Dealer* dealer_;
  data::SliceStream* slices_;
  const net::Endpoint* clock_;
  const data::Normalizer* normalizer_;
  int64_t epoch_rows_;
  ps::client::Client* client_;
  model::Model* model_;
  model::DenseWeights* dense_;
  model::TaskHeads* heads_;
  model::balance::TaskBalance* balance_;
  Profile* profile_;
  std::function<void()> tick_;
  bool prefetch_;
  bool synchronous_;
  int64_t epoch_ = 0;
  double waited_before_ = 0;  // the client's waits before the epoch, in seconds
  uint64_t until_ = 0;
  std::optional<SliceTask> held_;        // the first of the next Run
  std::optional<uint64_t> dense_clock_;  // the step that the dense weights were fetched for
  model::nn::Rounded rounded_weights_;   // of the dense weights, with train.compute: BF16
  bool rounded_is_fresh_ = false;        // whether they are of the dense weights as they are now
  Slot slots_[2];
  Matrix x_;
  Matrix outputs_;
  Matrix observed_outputs_;  // what Observe computes anew
  Matrix doutputs_, dx_;
  std::vector<float> predictions_;
  std::vector<double> objectives_;  // [n_tasks]
  std::vector<double> own_losses_;  // [n_tasks]
  ChunkedPass chunked_;
  model::nn::BatchStatistics slice_statistics_;
  model::nn::BatchStatistics batch_statistics_;
  SumsShape sums_shape_;
  std::vector<model::TaskSums> sums_;  // [n_tasks], of the slice in hand
  EpochSums epoch_sums_;
  EpochTally tally_;
};

}  // namespace zhiyin::worker::train
