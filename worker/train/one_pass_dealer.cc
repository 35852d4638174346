#include <deque>
#include <utility>

#include "common/error.h"
#include "ps/slices.h"
#include "worker/train/one_pass.h"

namespace zhiyin::worker::train {
namespace {

/// The numbers of the slices of a range begin at a multiple of this.
constexpr int64_t kSlicesOfRange = int64_t{1} << 32;
/// A worker has so many ranges at most: one in work, and one that is read behind it.
constexpr size_t kRangesHeld = 2;

class OnePassDealer final : public Dealer {
 public:
  OnePassDealer(const Job& job, int64_t n_ranges, int worker, int n_workers,
                data::UnitReader* reader, ps::client::Client* client, Tick tick)
      : n_ranges_(n_ranges),
        worker_(worker),
        n_workers_(n_workers),
        n_slices_(ps::SlicesOfStep(job.train(), n_workers)),
        reader_(reader),
        client_(client),
        tick_(std::move(tick)) {}

  int64_t steps_per_epoch() const override { return 0; }
  int64_t n_slices() const override { return 0; }

  void Resume(int64_t, int64_t, std::span<const int64_t>) override {
    Fail("a job with data.one_pass cannot be resumed");
  }

  void BeginEpoch(int64_t) override { Ask(/*wants_more=*/true); }

  std::optional<SliceTask> Next() override {
    while (true) {
      if (in_work_.empty()) {
        if (!is_asked_ && !none_left_) Ask(/*wants_more=*/true);
        if (is_asked_) Take(client_->AwaitLease(ps::LeaseKind::kRange));
        if (in_work_.empty()) return std::nullopt;
      }
      if (const data::Examples* const batch = reader_->Peek(tick_)) return TaskOf(*batch);
      ended_.push_back({in_work_.front(), n_dealt_});
      in_work_.pop_front();
      n_dealt_here_ = 0;
      NotePushed();
    }
  }

  void AskAhead() override {
    if (is_asked_) {
      if (const std::optional<ps::LeaseReply> reply = client_->TakeLease(ps::LeaseKind::kRange))
        Take(*reply);
    }
    if (!is_asked_ && !none_left_ && in_work_.size() < kRangesHeld) Ask(/*wants_more=*/true);
  }

  void Pushed(const SliceTask&, double) override {
    ++n_pushed_;
    NotePushed();
  }

  void EndEpoch() override {
    Ask(/*wants_more=*/false);
    Take(client_->AwaitLease(ps::LeaseKind::kRange));
  }

 private:
  /// A range that the reader has come to the end of, and how many slices were dealt until then.
  struct EndedRange {
    int64_t range = 0;
    int64_t n_dealt = 0;
  };
  struct PushedRange {
    uint64_t range = 0;
    ps::client::Client::PushMark mark;
  };

  SliceTask TaskOf(const data::Examples& batch) {
    SliceTask task;
    task.number = in_work_.front() * kSlicesOfRange + n_dealt_here_++;
    task.n_slices = n_slices_;
    task.slice = worker_ % n_slices_;
    task.step_examples = batch.n * n_slices_;
    // About how many steps all would have made together if all were equally fast.
    task.clock = static_cast<uint64_t>(n_dealt_++ * n_workers_ / n_slices_);
    return task;
  }

  /// Notes the ranges whose slices were all pushed.
  void NotePushed() {
    while (!ended_.empty() && ended_.front().n_dealt <= n_pushed_) {
      pushed_.push_back({static_cast<uint64_t>(ended_.front().range), client_->PushesSoFar()});
      ended_.pop_front();
    }
  }

  void Ask(bool wants_more) {
    ps::LeaseRequest request;
    request.kind = ps::LeaseKind::kRange;
    request.epoch = 0;
    request.n_ranges = static_cast<uint64_t>(n_ranges_);
    request.in_file_order = true;
    request.wants_more = wants_more;
    while (!pushed_.empty() && client_->IsAcknowledged(pushed_.front().mark)) {
      request.finished.push_back(pushed_.front().range);
      pushed_.pop_front();
    }
    client_->AskLease(request);
    is_asked_ = true;
  }

  void Take(const ps::LeaseReply& reply) {
    is_asked_ = false;
    none_left_ = !reply.range.has_value();
    if (none_left_) return;
    const uint64_t range = reply.range->range;
    if (range >= static_cast<uint64_t>(n_ranges_) || reply.range->n_done != 0) {
      Fail("server 0: range ", range, " of ", n_ranges_, ", of which ", reply.range->n_done,
           " batches are done, expected one of these that nobody has begun");
    }
    in_work_.push_back(static_cast<int64_t>(range));
    reader_->Order(in_work_.back());
  }

  int64_t n_ranges_;
  int worker_;
  int n_workers_;
  int n_slices_;  // of a step
  data::UnitReader* reader_;
  ps::client::Client* client_;
  Tick tick_;

  bool is_asked_ = false;
  bool none_left_ = false;
  std::deque<int64_t> in_work_;  // ranges that were ordered and have not ended
  std::deque<EndedRange> ended_;
  std::deque<PushedRange> pushed_;  // not yet reported as finished
  int64_t n_dealt_ = 0;             // slices
  int64_t n_dealt_here_ = 0;        // of the first range in work
  int64_t n_pushed_ = 0;            // slices
};

}  // namespace

std::unique_ptr<Dealer> MakeOnePassDealer(const Job& job, int64_t n_ranges, int worker,
                                          int n_workers, data::UnitReader* reader,
                                          ps::client::Client* client, Tick tick) {
  return std::make_unique<OnePassDealer>(job, n_ranges, worker, n_workers, reader, client,
                                         std::move(tick));
}

}  // namespace zhiyin::worker::train
