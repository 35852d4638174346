#include <algorithm>
#include <deque>

#include "common/error.h"
#include "ps/slices.h"
#include "worker/train/dealer.h"

namespace zhiyin::worker::train {
namespace {

/// The next range is asked for when so many batches of the last one are left: soon enough for the
/// answer to be there in time, late enough for a slow worker not to hold what others could do.
/// Ranges that have to be read from files are asked for a whole range ahead.
constexpr int64_t kBatchesAhead = 2;

class RangeDealer : public Dealer {
 public:
  RangeDealer(const Job& job, data::RangePlan plan, int worker, int n_workers,
              data::SliceReader* reader, ps::client::Client* client)
      : plan_(std::move(plan)),
        takes_tickets_(job.train().staleness() > 0),
        worker_(worker),
        n_workers_(n_workers),
        n_slices_(ps::SlicesOfStep(job.train(), n_workers)),
        reader_(reader),
        client_(client) {}

  int64_t steps_per_epoch() const override {
    return (plan_.n_batches() + n_slices_ - 1) / n_slices_;
  }
  int64_t n_slices() const override { return plan_.n_batches(); }

  void Resume(int64_t epoch, int64_t next_step, std::span<const int64_t> done) override {
    last_clock_ = static_cast<uint64_t>(next_step);
    if (worker_ != 0) return;
    ps::LeaseRequest request;
    request.kind = ps::LeaseKind::kResume;
    request.epoch = static_cast<uint64_t>(epoch);
    request.n_ranges = static_cast<uint64_t>(plan_.n_ranges());
    request.in_file_order = plan_.in_file_order();
    request.next_ticket = static_cast<uint64_t>(next_step * n_slices_);
    // Batches of a range are done in order.
    std::vector<int64_t> sorted(done.begin(), done.end());
    std::sort(sorted.begin(), sorted.end());
    size_t at = 0;
    for (int64_t range = 0; range < plan_.n_ranges(); ++range) {
      const int64_t first = plan_.FirstBatch(range);
      int64_t n_done = 0;
      while (at < sorted.size() && sorted[at] < first + plan_.n_batches(range)) {
        if (sorted[at] != first + n_done)
          Fail("progress: slice ", sorted[at], " is done before slice ", first + n_done);
        ++n_done;
        ++at;
      }
      if (n_done > 0)
        request.done.push_back({static_cast<uint64_t>(range), static_cast<uint64_t>(n_done),
                                n_done == plan_.n_batches(range)});
    }
    client_->AskLease(request);
    client_->AwaitLease(ps::LeaseKind::kResume);
  }

  void BeginEpoch(int64_t epoch) override {
    epoch_ = epoch;
    is_first_request_ = true;
    none_left_ = false;
    Ask(true);
  }

  std::optional<SliceTask> Next() override {
    while (!now_ || now_->n_dealt == plan_.n_batches(now_->range)) {
      now_.reset();
      if (!next_ && !asked_ && !none_left_) Ask(true);
      if (asked_) Take(client_->AwaitLease(ps::LeaseKind::kRange));
      if (!next_) return std::nullopt;
      now_ = std::exchange(next_, std::nullopt);
    }
    SliceTask task;
    task.number = plan_.FirstBatch(now_->range) + now_->n_dealt;
    task.step_examples = plan_.Batch(now_->range, now_->n_dealt).n * n_slices_;
    task.n_slices = n_slices_;
    if (takes_tickets_) {
      AskTicket();
      const uint64_t ticket = client_->AwaitLease(ps::LeaseKind::kTicket).ticket;
      ticket_asked_ = false;
      task.clock = ticket / static_cast<uint64_t>(n_slices_);
      task.slice = static_cast<int>(ticket % static_cast<uint64_t>(n_slices_));
    } else {
      task.clock = ClockOf(*now_);
      task.slice = worker_ % n_slices_;
    }
    ++now_->n_dealt;
    // Slice numbers follow the file; what tells the time is how many ranges were granted before.
    const int64_t n_batches = plan_.n_batches(now_->range);
    task.is_late = IsLate(now_->n_before * n_batches + now_->n_dealt, plan_.n_ranges() * n_batches);
    return task;
  }

  void AskAhead() override {
    if (asked_) {
      if (const std::optional<ps::LeaseReply> reply = client_->TakeLease(ps::LeaseKind::kRange))
        Take(*reply);
    }
    const int64_t n_left = now_ ? plan_.n_batches(now_->range) - now_->n_dealt : 0;
    if (now_ && !next_ && !asked_ && !none_left_ &&
        (plan_.in_file_order() || n_left <= kBatchesAhead))
      Ask(true);
    // A ticket that is asked for is used: others wait for its step.
    if (takes_tickets_ && (n_left > 0 || (next_ && plan_.n_batches(next_->range) > next_->n_dealt)))
      AskTicket();
  }

  void Pushed(const SliceTask& task, double) override {
    const int64_t range = in_work_.front();
    if (task.number + 1 < plan_.FirstBatch(range) + plan_.n_batches(range)) return;
    in_work_.pop_front();
    pushed_.push_back({static_cast<uint64_t>(range), client_->PushesSoFar()});
  }

  void EndEpoch() override {
    Ask(false);
    Take(client_->AwaitLease(ps::LeaseKind::kRange));
  }

 private:
  struct Lease {
    int64_t range = 0;
    int64_t n_before = 0;
    int64_t n_dealt = 0;  // batches
  };
  struct PushedRange {
    uint64_t range = 0;
    ps::client::Client::PushMark mark;
  };

  void Ask(bool wants_more) {
    ps::LeaseRequest request;
    request.kind = ps::LeaseKind::kRange;
    request.epoch = static_cast<uint64_t>(epoch_);
    request.n_ranges = static_cast<uint64_t>(plan_.n_ranges());
    request.in_file_order = plan_.in_file_order();
    request.wants_more = wants_more;
    while (!pushed_.empty() && client_->IsAcknowledged(pushed_.front().mark)) {
      request.finished.push_back(pushed_.front().range);
      pushed_.pop_front();
    }
    if (is_first_request_ && !plan_.in_file_order())
      request.held = plan_.PreferredRanges(worker_, reader_->KeptRuns());
    is_first_request_ = false;
    client_->AskLease(request);
    asked_ = true;
  }

  /// Schedules reading of a granted range.
  void Take(const ps::LeaseReply& reply) {
    asked_ = false;
    none_left_ = !reply.range.has_value();
    if (none_left_) return;
    if (reply.range->range >= static_cast<uint64_t>(plan_.n_ranges()))
      Fail("server 0: range ", reply.range->range, " of ", plan_.n_ranges());
    const int64_t range = static_cast<int64_t>(reply.range->range);
    const int64_t n_batches = plan_.n_batches(range);
    const int64_t n_done = static_cast<int64_t>(reply.range->n_done);
    if (n_done < 0 || n_done > n_batches)
      Fail("server 0: ", n_done, " batches of ", n_batches, " of range ", range, " are done");
    next_ = Lease{range, static_cast<int64_t>(reply.range->n_before), n_done};
    if (n_done == n_batches) {
      pushed_.push_back({reply.range->range, client_->PushesSoFar()});
      return;
    }
    in_work_.push_back(range);
    for (int64_t nth = n_done; nth < n_batches; ++nth)
      reader_->Order(epoch_, {plan_.Batch(range, nth)});
  }

  void AskTicket() {
    if (ticket_asked_) return;
    client_->AskLease(ps::LeaseRequest());
    ticket_asked_ = true;
  }

  /// About how many steps all would have made together if all were equally fast; never goes back.
  uint64_t ClockOf(const Lease& lease) {
    const int64_t n_steps = steps_per_epoch();
    const int64_t in_epoch = std::min(
        lease.n_before * n_steps / plan_.n_ranges() + lease.n_dealt * n_workers_ / n_slices_,
        n_steps - 1);
    last_clock_ = std::max(last_clock_, static_cast<uint64_t>(epoch_ * n_steps + in_epoch));
    return last_clock_;
  }

  data::RangePlan plan_;
  bool takes_tickets_;
  int worker_;
  int n_workers_;
  int n_slices_;  // of a step
  data::SliceReader* reader_;
  ps::client::Client* client_;

  int64_t epoch_ = 0;
  bool is_first_request_ = true;  // of the epoch
  bool asked_ = false;
  bool none_left_ = false;
  bool ticket_asked_ = false;
  std::optional<Lease> now_;
  std::optional<Lease> next_;
  std::deque<int64_t> in_work_;     // ranges with batches that were not all pushed
  std::deque<PushedRange> pushed_;  // not yet reported as finished
  uint64_t last_clock_ = 0;
};

}  // namespace

std::unique_ptr<Dealer> MakeRangeDealer(const Job& job, data::RangePlan plan, int worker,
                                        int n_workers, data::SliceReader* reader,
                                        ps::client::Client* client) {
  return std::make_unique<RangeDealer>(job, std::move(plan), worker, n_workers, reader, client);
}

}  // namespace zhiyin::worker::train
