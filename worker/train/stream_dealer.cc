#include <algorithm>

#include "common/error.h"
#include "worker/train/dealer.h"

namespace zhiyin::worker::train {
namespace {

/// Rounds of an epoch, if that leaves each enough steps to measure speeds by.
constexpr int64_t kRoundsPerEpoch = 4;
constexpr int64_t kMinRoundSteps = 16;

class StreamDealer : public Dealer {
 public:
  StreamDealer(const Job& job, data::StreamPlan plan, int worker, int n_workers,
               data::SliceReader* reader, ps::client::Client* client)
      : plan_(std::move(plan)),
        n_epochs_(job.train().epochs()),
        worker_(static_cast<uint32_t>(worker)),
        n_workers_(n_workers),
        reader_(reader),
        client_(client),
        round_steps_(
            std::max(kMinRoundSteps, (plan_.n_steps() + kRoundsPerEpoch - 1) / kRoundsPerEpoch)),
        rounds_per_epoch_((plan_.n_steps() + round_steps_ - 1) / round_steps_) {}

  int64_t steps_per_epoch() const override { return plan_.n_steps(); }
  int64_t n_slices() const override { return plan_.n_slices(); }

  void Resume(int64_t epoch, int64_t next_step, std::span<const int64_t>) override {
    n_done_before_ = epoch * plan_.n_steps();
    first_step_ = std::max<int64_t>(next_step - n_done_before_, 0);
    n_rounds_begun_ = epoch * rounds_per_epoch_ + first_step_ / round_steps_;
  }

  void BeginEpoch(int64_t epoch) override {
    epoch_ = epoch;
    if (n_done_before_ != epoch * plan_.n_steps()) first_step_ = 0;
    if (first_step_ == 0) n_rounds_begun_ = epoch * rounds_per_epoch_;
    step_ = 0;
    end_step_ = 0;
    at_ = 0;
    own_.clear();
  }

  std::optional<SliceTask> Next() override {
    while (at_ == own_.size() || step_ == end_step_) {
      if (step_ + 1 < end_step_) {
        ++step_;
        at_ = 0;
      } else if (!BeginRound()) {
        return std::nullopt;
      }
    }
    const int stream = own_[at_++];
    const int64_t number = plan_.SliceNumber(step_, stream);
    return SliceTask{number,
                     static_cast<uint64_t>(epoch_ * plan_.n_steps() + step_),
                     stream,
                     plan_.n_streams(),
                     plan_.StepExamples(step_),
                     IsLate(number + 1, plan_.n_steps() * plan_.n_streams())};
  }

  void AskAhead() override {
    if (end_step_ - step_ <= round_steps_ / 2) Ask();
    if (!asked_ || next_) return;
    if (const std::optional<ps::LeaseReply> reply = client_->TakeLease(ps::LeaseKind::kRound))
      Take(*reply);
  }

  void Pushed(const SliceTask&, double seconds) override {
    computed_s_ += seconds;
    ++n_computed_;
  }

  void EndEpoch() override {}

 private:
  /// Asks for the next round, of this epoch or the one after.
  void Ask() {
    if (asked_ || n_rounds_begun_ == n_epochs_ * rounds_per_epoch_) return;
    ps::LeaseRequest request;
    request.kind = ps::LeaseKind::kRound;
    request.round = static_cast<uint64_t>(n_rounds_begun_);
    request.n_slices = static_cast<uint32_t>(plan_.n_streams());
    if (n_computed_ > 0) request.slice_s = computed_s_ / static_cast<double>(n_computed_);
    computed_s_ = 0;
    n_computed_ = 0;
    client_->AskLease(request);
    asked_ = true;
  }

  /// Takes the workers of all slices of the next round, and orders the examples of this worker's
  /// slices.
  void Take(const ps::LeaseReply& reply) {
    if (reply.owners.size() != static_cast<size_t>(plan_.n_streams()))
      Fail("server 0: a round of ", reply.owners.size(), " slices, expected ", plan_.n_streams());
    next_.emplace();
    for (size_t s = 0; s < reply.owners.size(); ++s) {
      if (reply.owners[s] >= static_cast<uint32_t>(n_workers_))
        Fail("server 0: slice ", s, " is worker ", reply.owners[s], "'s of ", n_workers_);
      if (reply.owners[s] == worker_) next_->push_back(static_cast<int>(s));
    }
    reader_->SetMaxKeptRows(plan_.KeptExamples(static_cast<int64_t>(next_->size())));
    const int64_t round_step = n_rounds_begun_ % rounds_per_epoch_ * round_steps_;
    const int64_t end_step = std::min(round_step + round_steps_, plan_.n_steps());
    for (int64_t step = FirstStepOf(n_rounds_begun_); step < end_step; ++step) {
      for (const int stream : *next_)
        reader_->Order(n_rounds_begun_ / rounds_per_epoch_, plan_.Pieces(step, stream));
    }
  }

  /// Steps of a round that this job computes in the epoch.
  int64_t FirstStepOf(int64_t round) const {
    const int64_t first = round % rounds_per_epoch_ * round_steps_;
    const bool is_resumed = round / rounds_per_epoch_ * plan_.n_steps() == n_done_before_;
    return is_resumed ? std::max(first, first_step_) : first;
  }

  /// False when the epoch has no more rounds.
  bool BeginRound() {
    if (n_rounds_begun_ == (epoch_ + 1) * rounds_per_epoch_) return false;
    Ask();
    if (!next_) Take(client_->AwaitLease(ps::LeaseKind::kRound));
    own_ = std::move(*next_);
    next_.reset();
    asked_ = false;
    step_ = FirstStepOf(n_rounds_begun_);
    end_step_ = std::min(n_rounds_begun_ % rounds_per_epoch_ * round_steps_ + round_steps_,
                         plan_.n_steps());
    at_ = 0;
    ++n_rounds_begun_;
    return true;
  }

  data::StreamPlan plan_;
  int64_t n_epochs_;
  uint32_t worker_;
  int n_workers_;
  data::SliceReader* reader_;
  ps::client::Client* client_;
  int64_t round_steps_;
  int64_t rounds_per_epoch_;

  int64_t n_done_before_ = -1;  // steps of the epochs before the one that is resumed; -1: none is
  int64_t first_step_ = 0;      // of that epoch, that is not done
  int64_t epoch_ = 0;
  int64_t n_rounds_begun_ = 0;  // over all epochs
  std::vector<int> own_;        // streams of this round, ascending
  int64_t step_ = 0;            // of the epoch
  int64_t end_step_ = 0;        // of the round
  size_t at_ = 0;               // in own_
  bool asked_ = false;          // for the round after this one
  std::optional<std::vector<int>> next_;
  double computed_s_ = 0;  // since the last request
  int64_t n_computed_ = 0;
};

}  // namespace

std::unique_ptr<Dealer> MakeStreamDealer(const Job& job, data::StreamPlan plan, int worker,
                                         int n_workers, data::SliceReader* reader,
                                         ps::client::Client* client) {
  return std::make_unique<StreamDealer>(job, std::move(plan), worker, n_workers, reader, client);
}

}  // namespace zhiyin::worker::train
