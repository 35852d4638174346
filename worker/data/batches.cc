#include "worker/data/batches.h"

#include <glog/logging.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <thread>
#include <utility>

#include "common/error.h"
#include "worker/data/shuffled_stream.h"

namespace zhiyin::worker {

std::vector<int> StreamPlan::StreamsOfWorker(int worker) const {
  std::vector<int> streams;
  for (int s = worker; s < n_streams; s += n_workers) streams.push_back(s);
  return streams;
}

int64_t StreamPlan::StepsPerEpoch() const {
  int64_t n_longest = 0;
  for (const int64_t n : stream_rows) n_longest = std::max(n_longest, n);
  return (n_longest + rows_per_slice - 1) / rows_per_slice;
}

int64_t StreamPlan::SliceRows(int stream, int64_t step) const {
  return std::clamp<int64_t>(stream_rows[static_cast<size_t>(stream)] - step * rows_per_slice, 0,
                             rows_per_slice);
}

int64_t StreamPlan::StepRows(int64_t step) const {
  int64_t n = 0;
  for (int s = 0; s < n_streams; ++s) n += SliceRows(s, step);
  return n;
}

void StreamPlan::SetRows(const BlockSummaries& blocks) {
  stream_rows.assign(static_cast<size_t>(n_streams), 0);
  for (const auto& [block, summary] : blocks)
    stream_rows[static_cast<size_t>(StreamOfBlock(block))] += summary.n_rows;
}

namespace {

/// Slices on their way from the reader's thread to the rank's: a ring whose slots are used again and again.
/// The one that was popped last is the caller's until the next Pop.
class SliceQueue {
 public:
  // In the reader's thread.

  /// The slot to fill; waits until there is one. nullptr once the queue is closed.
  Rows* WaitForSlot() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return closed_ || n_pushed_ - n_released_ < kSlots; });
    return closed_ ? nullptr : &slots_[static_cast<size_t>(n_pushed_ % kSlots)];
  }
  void Push() {
    const std::lock_guard lock(mutex_);
    ++n_pushed_;
    changed_.notify_all();
  }
  /// No more slices come: all were pushed, or `error` happened.
  void End(std::exception_ptr error) {
    const std::lock_guard lock(mutex_);
    ended_ = true;
    error_ = std::move(error);
    changed_.notify_all();
  }
  bool IsClosed() {
    const std::lock_guard lock(mutex_);
    return closed_;
  }

  // In the rank's thread.

  const Rows& Pop(const std::function<void()>& tick) {
    tick();
    std::unique_lock lock(mutex_);
    if (n_released_ < n_popped_) {
      ++n_released_;
      changed_.notify_all();
    }
    while (!changed_.wait_for(lock, kTickEvery, [&] { return ended_ || n_popped_ < n_pushed_; })) {
      lock.unlock();
      tick();
      lock.lock();
    }
    if (n_popped_ == n_pushed_) {
      CHECK(error_ != nullptr) << "more slices taken than there are";
      std::rethrow_exception(error_);
    }
    return slots_[static_cast<size_t>(n_popped_++ % kSlots)];
  }
  void Close() {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    changed_.notify_all();
  }

 private:
  static constexpr auto kTickEvery = std::chrono::milliseconds(500);
  static constexpr int64_t kSlots = SliceReader::kSlicesAhead + 1;  // one is the caller's

  std::mutex mutex_;
  std::condition_variable changed_;
  std::array<Rows, kSlots> slots_;
  int64_t n_pushed_ = 0;
  int64_t n_popped_ = 0;
  int64_t n_released_ = 0;
  bool ended_ = false;
  bool closed_ = false;
  std::exception_ptr error_;
};

}  // namespace

struct SliceReader::Impl {
  std::unique_ptr<Source> source;
  int worker = 0;
  StreamPlan plan;
  Normalizer normalizer;
  std::vector<ShuffledStream> streams;  // the worker's own, ascending; the thread's once it runs
  SliceQueue queue;
  std::thread thread;

  bool IsOwn(int64_t block) const { return plan.WorkerOfStream(plan.StreamOfBlock(block)) == worker; }
  ShuffledStream& StreamOfBlock(int64_t block) {
    return streams[static_cast<size_t>(plan.StreamOfBlock(block) / plan.n_workers)];
  }

  void Run(int64_t first_epoch, int64_t n_epochs);
  bool RunEpoch(int64_t epoch);
};

namespace {

/// Where an epoch's sequence of slices is.
struct SlicePosition {
  int64_t step = 0;
  size_t stream = 0;
};

}  // namespace

SliceReader::SliceReader(std::unique_ptr<Source> source, int worker, StreamPlan plan, int64_t shuffle_rows,
                         uint64_t seed)
    : impl_(std::make_unique<Impl>()) {
  impl_->source = std::move(source);
  impl_->worker = worker;
  impl_->plan = std::move(plan);
  for (const int s : impl_->plan.StreamsOfWorker(worker)) impl_->streams.emplace_back(s, shuffle_rows, seed);
}

SliceReader::~SliceReader() {
  impl_->queue.Close();
  if (impl_->thread.joinable()) impl_->thread.join();
}

BlockSummaries SliceReader::FirstPass(const std::function<void(const BadLine&)>& on_bad,
                                      const std::function<void()>& tick) {
  CHECK(!impl_->thread.joinable());
  BlockSummaries summaries;
  if (impl_->streams.empty()) return summaries;
  const auto take = [&](int64_t block, const Rows& rows, const std::vector<BadLine>& bad) {
    BlockSummary& summary = summaries[block];
    summary = BlockSummary::Of(rows);
    summary.n_bad = static_cast<int64_t>(bad.size());
    if (!bad.empty()) summary.first_bad = bad[0].what;
    for (const BadLine& line : bad) on_bad(line);
    impl_->StreamOfBlock(block).KeepIfFits(rows);
    return true;
  };
  const auto wanted = [&](int64_t block) {
    tick();
    return impl_->IsOwn(block);
  };
  impl_->source->Scan(wanted, take);
  for (ShuffledStream& stream : impl_->streams) stream.EndFirstPass();
  return summaries;
}

void SliceReader::Start(StreamPlan plan, Normalizer normalizer, int64_t first_epoch, int64_t n_epochs) {
  CHECK(!impl_->thread.joinable());
  CHECK_EQ(plan.stream_rows.size(), static_cast<size_t>(impl_->plan.n_streams));
  impl_->plan = std::move(plan);
  impl_->normalizer = std::move(normalizer);
  impl_->thread =
      std::thread([impl = impl_.get(), first_epoch, n_epochs] { impl->Run(first_epoch, n_epochs); });
}

const Rows& SliceReader::Next(const std::function<void()>& tick) {
  return impl_->queue.Pop(tick);
}

void SliceReader::Impl::Run(int64_t first_epoch, int64_t n_epochs) {
  std::exception_ptr error;
  try {
    for (int64_t epoch = first_epoch; epoch < first_epoch + n_epochs && RunEpoch(epoch); ++epoch) {
    }
  } catch (...) {
    error = std::current_exception();
  }
  queue.End(std::move(error));
}

/// False when the queue was closed.
bool SliceReader::Impl::RunEpoch(int64_t epoch) {
  bool all_kept = true;
  for (ShuffledStream& stream : streams) {
    stream.BeginEpoch(epoch, plan.stream_rows[static_cast<size_t>(stream.stream())]);
    all_kept = all_kept && stream.is_kept();
  }
  const int64_t n_steps = streams.empty() ? 0 : plan.StepsPerEpoch();
  SlicePosition at;
  // Gives all slices whose rows are there; false when the queue was closed.
  const auto give = [&] {
    while (at.step < n_steps) {
      ShuffledStream& stream = streams[at.stream];
      const int64_t n = plan.SliceRows(stream.stream(), at.step);
      if (stream.n_ready() < n) return true;
      Rows* slice = queue.WaitForSlot();
      if (slice == nullptr) return false;
      slice->Clear();
      stream.Take(n, slice);
      normalizer.Apply(slice->numerics);
      queue.Push();
      if (++at.stream == streams.size()) at = {at.step + 1, 0};
    }
    return true;
  };
  if (!give()) return false;
  if (all_kept) return true;
  bool go_on = true;
  source->Scan([&](int64_t block) { return IsOwn(block) && !StreamOfBlock(block).is_kept(); },
               [&](int64_t block, const Rows& rows, const std::vector<BadLine>&) {
                 StreamOfBlock(block).Add(rows);
                 go_on = give() && !queue.IsClosed();
                 return go_on;
               });
  if (go_on && at.step < n_steps) {
    Fail("training data: fewer good rows than the first pass found, expected files that stay as they are");
  }
  return go_on;
}

}  // namespace zhiyin::worker
