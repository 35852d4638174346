#include "worker/train/piped_batches.h"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "common/bytes.h"
#include "common/error.h"
#include "ps/slices.h"

namespace zhiyin::worker::train {
namespace {

constexpr char kDealtBatchName[] = "a batch of data.train";
/// The batches that are on their way to a worker at most, or there and not begun.
constexpr int kBatchesDealtAhead = 4;

// A message of the chief: i64 the number of the batch, its examples; or i64 kPipeEnd behind the
// last batch. A worker answers every batch that it takes with a message without bytes, which asks
// for one more.
constexpr int64_t kPipeEnd = -1;

/// What the dealers of all workers have in common. The batches of the pipe are numbered in the
/// order in which they are cut, and as many of them as a step has slices advance the clock.
class PipeDealer : public Dealer {
 public:
  PipeDealer(const Job& job, int n_workers, Group* group)
      : group_(group), n_slices_(ps::SlicesOfStep(job.train(), n_workers)) {}

  int64_t steps_per_epoch() const override { return 0; }
  int64_t n_slices() const override { return 0; }
  void Resume(int64_t, int64_t, std::span<const int64_t>) override {
    Fail("a job with data.one_pass cannot be resumed");
  }
  void Pushed(const SliceTask&, double) override {}

 protected:
  SliceTask TaskOf(int64_t number, const data::Examples& batch) const {
    SliceTask task;
    task.number = number;
    task.clock = static_cast<uint64_t>(number / n_slices_);
    task.slice = group_->worker() % n_slices_;
    task.n_slices = n_slices_;
    task.step_examples = batch.n * n_slices_;
    return task;
  }

  Group* group_;

 private:
  int n_slices_;  // of a step
};

class ChiefsPipeDealer final : public PipeDealer {
 public:
  ChiefsPipeDealer(const Job& job, int n_workers, data::UnitReader* reader, Group* group)
      : PipeDealer(job, n_workers, group),
        reader_(reader),
        tick_([group] { group->SendHeartbeat(); }),
        n_wanted_(static_cast<size_t>(n_workers), kBatchesDealtAhead) {}

  void BeginEpoch(int64_t) override { reader_->Order(0); }

  std::optional<SliceTask> Next() override {
    Serve();
    const data::Examples* const batch = Peek();
    if (batch == nullptr) return std::nullopt;
    return TaskOf(n_dealt_++, *batch);
  }

  void AskAhead() override { Serve(); }

  void EndEpoch() override {
    for (size_t w = 1; w < n_wanted_.size(); ++w) {
      for (; n_wanted_[w] < kBatchesDealtAhead; ++n_wanted_[w])
        group_->Receive(static_cast<int>(w), "word that it has taken its last batches");
    }
  }

 private:
  /// Returns the next batch; null at the end of the pipe, which all workers are then told.
  const data::Examples* Peek() {
    if (at_end_) return nullptr;
    const data::Examples* const batch = reader_->Peek(tick_);
    if (batch != nullptr) return batch;
    at_end_ = true;
    for (size_t w = 1; w < n_wanted_.size(); ++w) {
      ByteWriter out;
      out.Put(kPipeEnd);
      group_->Send(static_cast<int>(w), out.Take());
    }
    return nullptr;
  }

  /// Sends the batches that the other workers want by now, one each in turn. Waits for the pipe
  /// where that has no more yet.
  void Serve() {
    int n_most = 0;
    for (size_t w = 1; w < n_wanted_.size(); ++w) {
      while (group_->TakeArrived(static_cast<int>(w))) ++n_wanted_[w];
      n_most = std::max(n_most, n_wanted_[w]);
    }
    for (; n_most > 0; --n_most) {
      for (size_t w = 1; w < n_wanted_.size(); ++w) {
        if (n_wanted_[w] < n_most) continue;
        if (Peek() == nullptr) return;
        ByteWriter out;
        out.Put(n_dealt_++);
        reader_->NextSlice(tick_).Write(&out);
        group_->Send(static_cast<int>(w), out.Take());
        --n_wanted_[w];
      }
    }
  }

  data::UnitReader* reader_;
  Tick tick_;
  std::vector<int> n_wanted_;  // [worker], batches
  int64_t n_dealt_ = 0;        // batches, to all workers
  bool at_end_ = false;
};

class WorkersPipeDealer final : public PipeDealer {
 public:
  WorkersPipeDealer(const Job& job, int n_workers, DealtBatch* batch, Group* group)
      : PipeDealer(job, n_workers, group), job_(job), batch_(batch) {}

  void BeginEpoch(int64_t) override {}

  std::optional<SliceTask> Next() override {
    if (at_end_) return std::nullopt;
    const std::string dealt = group_->Receive(0, kDealtBatchName);
    const int64_t number = FromRank(group_->RankOfWorker(0), [&] { return Take(dealt); });
    at_end_ = number == kPipeEnd;
    if (at_end_) return std::nullopt;
    group_->Send(0, "");
    return TaskOf(number, batch_->examples);
  }

  void AskAhead() override {}
  void EndEpoch() override {}

 private:
  /// Takes a message of the chief. Returns the number of its batch, or kPipeEnd.
  int64_t Take(const std::string& bytes) {
    ByteReader in(bytes, kDealtBatchName);
    const int64_t number = in.Get<int64_t>();
    if (number < kPipeEnd) in.Refuse("an impossible number");
    if (number != kPipeEnd) {
      batch_->examples =
          data::Examples::Read(job_.field_size(), job_.numeric_size(), job_.task_size(), &in);
    }
    if (!in.AtEnd()) in.Refuse("not the last");
    return number;
  }

  const Job& job_;
  DealtBatch* batch_;
  bool at_end_ = false;
};

}  // namespace

std::unique_ptr<Dealer> MakeChiefsPipeDealer(const Job& job, int n_workers,
                                             data::UnitReader* reader, Group* group) {
  return std::make_unique<ChiefsPipeDealer>(job, n_workers, reader, group);
}

std::unique_ptr<Dealer> MakePipeDealer(const Job& job, int n_workers, DealtBatch* batch,
                                       Group* group) {
  return std::make_unique<WorkersPipeDealer>(job, n_workers, batch, group);
}

}  // namespace zhiyin::worker::train
