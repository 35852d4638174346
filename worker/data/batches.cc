#include "worker/data/batches.h"

#include <glog/logging.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <exception>
#include <map>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include "common/error.h"
#include "common/random.h"

namespace zhiyin::worker::data {

namespace {

/// A stream of random numbers of its own.
constexpr uint64_t kAugments = 0x617567;

struct SliceOrder {
  int64_t epoch = 0;
  std::vector<Piece> pieces;
};

/// Orders on their way from the rank's thread to the reader's, and slices on their way back: a ring
/// whose slots are used again and again. The one that was popped last is the caller's until the
/// next Pop.
class SliceQueue {
 public:
  // In the reader's thread.

  /// The next order, which stays in the queue until the slice is pushed; waits until there is one.
  /// nullptr once the queue is closed.
  const SliceOrder* WaitForOrder() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return closed_ || !orders_.empty(); });
    return closed_ ? nullptr : &orders_.front();
  }
  /// Of all pieces that are ordered, the runs.
  std::vector<int64_t> OrderedRuns() {
    const std::lock_guard lock(mutex_);
    std::vector<int64_t> runs;
    for (const SliceOrder& order : orders_) {
      for (const Piece& piece : order.pieces) runs.push_back(piece.run);
    }
    return runs;
  }
  /// The slot to fill; waits until there is one. nullptr once the queue is closed.
  Rows* WaitForSlot() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return closed_ || n_pushed_ - n_released_ < kSlots; });
    return closed_ ? nullptr : &slots_[static_cast<size_t>(n_pushed_ % kSlots)];
  }
  void Push() {
    const std::lock_guard lock(mutex_);
    orders_.pop_front();
    ++n_pushed_;
    changed_.notify_all();
  }
  /// No more slices come.
  void Fail(std::exception_ptr error) {
    const std::lock_guard lock(mutex_);
    error_ = std::move(error);
    changed_.notify_all();
  }
  bool IsClosed() {
    const std::lock_guard lock(mutex_);
    return closed_;
  }

  // In the rank's thread.

  void Order(SliceOrder order) {
    const std::lock_guard lock(mutex_);
    orders_.push_back(std::move(order));
    ++n_ordered_;
    changed_.notify_all();
  }
  const Rows& Pop(const std::function<void()>& tick) {
    tick();
    std::unique_lock lock(mutex_);
    CHECK_LT(n_popped_, n_ordered_) << "more slices taken than ordered";
    if (n_released_ < n_popped_) {
      ++n_released_;
      changed_.notify_all();
    }
    while (!changed_.wait_for(lock, kTickEvery,
                              [&] { return error_ != nullptr || n_popped_ < n_pushed_; })) {
      lock.unlock();
      tick();
      lock.lock();
    }
    if (n_popped_ == n_pushed_) std::rethrow_exception(error_);
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
  std::deque<SliceOrder> orders_;  // not yet pushed; references stay valid while others are added
  std::array<Rows, kSlots> slots_;
  int64_t n_ordered_ = 0;
  int64_t n_pushed_ = 0;
  int64_t n_popped_ = 0;
  int64_t n_released_ = 0;
  bool closed_ = false;
  std::exception_ptr error_;
};

}  // namespace

struct SliceReader::Impl {
  Impl(std::unique_ptr<Source> source_, uint64_t seed_, int64_t max_kept_rows_,
       Augmenter augmenter_)
      : source(std::move(source_)),
        seed(seed_),
        augmenter(std::move(augmenter_)),
        max_kept_rows(max_kept_rows_) {}

  std::unique_ptr<Source> source;
  uint64_t seed;
  Augmenter augmenter;
  Normalizer normalizer;
  std::vector<BlockRun> runs;
  bool in_one_pass = false;
  SliceQueue queue;
  std::thread thread;

  // Of the thread, once it runs.
  struct RunState {
    int64_t order_epoch = -1;
    /// [n_rows], number of the block among those that have rows * kMaxRowsOfBlock + row in it,
    /// shuffled.
    std::vector<uint64_t> order;
    std::vector<const Rows*> blocks;  // those that have rows
    uint64_t last_used = 0;
  };
  std::map<int64_t, Rows> blocks;
  std::map<int64_t, RunState> states;  // by run: of all that have blocks in memory
  uint64_t n_uses = 0;
  int64_t n_kept_rows = 0;
  std::vector<BadLine> bad;
  Rows scratch;

  mutable std::mutex mutex;  // guards:
  int64_t max_kept_rows;
  std::vector<bool> is_kept;  // [run], all of it

  void Keep(int64_t block, const Rows& rows) {
    // A copy is just as large as it must be; what a source fills has grown in steps.
    n_kept_rows += rows.n;
    blocks.emplace(block, rows);
  }
  void MarkKept(int64_t run, bool kept) {
    const std::lock_guard lock(mutex);
    is_kept[static_cast<size_t>(run)] = kept;
  }

  void Run();
  /// Has a run of an order in memory; the order's other runs stay there. False when the queue was
  /// closed.
  bool Load(int64_t run, const SliceOrder& order);
  void MakeRoom(int64_t n_rows, const std::vector<int64_t>& spared);
  void Forget(int64_t run);
  void Shuffle(int64_t epoch, const BlockRun& run, RunState* state) const;
  void Take(int64_t epoch, const Piece& piece, const RunState& state, Rows* to);
};

SliceReader::SliceReader(std::unique_ptr<Source> source, uint64_t seed, int64_t max_kept_rows,
                         Augmenter augmenter)
    : impl_(std::make_unique<Impl>(std::move(source), seed, max_kept_rows, std::move(augmenter))) {}

SliceReader::~SliceReader() {
  impl_->queue.Close();
  if (impl_->thread.joinable()) impl_->thread.join();
}

BlockSummaries SliceReader::FirstPass(const BlockDeal& deal, int worker,
                                      const std::function<void(const BadLine&)>& on_bad,
                                      const std::function<void()>& tick) {
  CHECK(!impl_->thread.joinable());
  BlockSummaries summaries;
  if (worker >= deal.n_parts) return summaries;
  bool keeps = true;
  for (int64_t block = 0;; ++block) {
    tick();
    if (deal.WorkerOf(block) != worker) continue;
    const int64_t n = impl_->source->Read(block, &impl_->scratch, &impl_->bad);
    if (n == 0) break;
    BlockSummary& summary = summaries[block] = BlockSummary::Of(impl_->scratch);
    summary.n_bad = static_cast<int64_t>(impl_->bad.size());
    if (!impl_->bad.empty()) summary.first_bad = impl_->bad[0].what;
    for (const BadLine& line : impl_->bad) on_bad(line);
    keeps = keeps && impl_->n_kept_rows + impl_->scratch.n <= impl_->max_kept_rows;
    if (keeps) impl_->Keep(block, impl_->scratch);
  }
  return summaries;
}

void SliceReader::Start(std::vector<BlockRun> runs, Normalizer normalizer, bool in_one_pass) {
  CHECK(!impl_->thread.joinable());
  Impl& impl = *impl_;
  impl.runs = std::move(runs);
  impl.normalizer = std::move(normalizer);
  impl.in_one_pass = in_one_pass;
  impl.is_kept.resize(impl.runs.size());
  for (size_t r = 0; r < impl.runs.size() && !impl.blocks.empty(); ++r) {
    const BlockRun& run = impl.runs[r];
    int64_t n_kept = 0;
    for (int64_t i = 0; i < run.n; ++i) n_kept += impl.blocks.contains(run.Block(i));
    if (n_kept > 0) impl.states.try_emplace(static_cast<int64_t>(r));
    impl.is_kept[r] = n_kept == run.n;
  }
  impl.thread = std::thread([&impl] { impl.Run(); });
}

void SliceReader::SetMaxKeptRows(int64_t n) {
  const std::lock_guard lock(impl_->mutex);
  impl_->max_kept_rows = n;
}

void SliceReader::Order(int64_t epoch, std::vector<Piece> pieces) {
  impl_->queue.Order({epoch, std::move(pieces)});
}

const Rows& SliceReader::Next(const std::function<void()>& tick) {
  return impl_->queue.Pop(tick);
}

std::vector<uint64_t> SliceReader::KeptRuns() const {
  const std::lock_guard lock(impl_->mutex);
  std::vector<uint64_t> kept;
  for (size_t r = 0; r < impl_->is_kept.size(); ++r) {
    if (impl_->is_kept[r]) kept.push_back(r);
  }
  return kept;
}

void SliceReader::Impl::Run() {
  try {
    while (const SliceOrder* order = queue.WaitForOrder()) {
      for (const Piece& piece : order->pieces) {
        if (!Load(piece.run, *order)) return;
      }
      Rows* slice = queue.WaitForSlot();
      if (slice == nullptr) return;
      slice->Clear();
      for (const Piece& piece : order->pieces) {
        RunState& state = states.at(piece.run);
        if (state.order_epoch != order->epoch) {
          Shuffle(order->epoch, runs[static_cast<size_t>(piece.run)], &state);
          state.order_epoch = order->epoch;
        }
        Take(order->epoch, piece, state, slice);
      }
      normalizer.Apply(slice->numerics);
      queue.Push();
    }
  } catch (...) {
    queue.Fail(std::current_exception());
  }
}

bool SliceReader::Impl::Load(int64_t wanted, const SliceOrder& order) {
  const auto is_whole = [&](int64_t run) {
    const auto state = states.find(run);
    return state != states.end() && !state->second.blocks.empty();
  };
  const BlockRun& own = runs[static_cast<size_t>(wanted)];
  if (is_whole(wanted)) {
    states.at(wanted).last_used = ++n_uses;
    return true;
  }
  std::vector<int64_t> loading = {wanted};
  if (in_one_pass) {
    for (const int64_t run : queue.OrderedRuns()) {
      if (runs[static_cast<size_t>(run)].first < own.last() && !is_whole(run) &&
          std::find(loading.begin(), loading.end(), run) == loading.end())
        loading.push_back(run);
    }
  }
  std::vector<int64_t> missing;
  int64_t n_rows = 0;
  for (const int64_t run : loading) {
    const BlockRun& blocks_of = runs[static_cast<size_t>(run)];
    n_rows += blocks_of.n_rows;
    for (int64_t i = 0; i < blocks_of.n; ++i) {
      const auto block = blocks.find(blocks_of.Block(i));
      if (block == blocks.end()) missing.push_back(blocks_of.Block(i));
      if (block != blocks.end()) n_rows -= block->second.n;
    }
  }
  std::vector<int64_t> spared = loading;
  for (const Piece& piece : order.pieces) spared.push_back(piece.run);
  MakeRoom(n_rows, spared);
  std::sort(missing.begin(), missing.end());
  for (const int64_t block : missing) {
    if (queue.IsClosed()) return false;
    source->Read(block, &scratch, &bad);
    Keep(block, scratch);
  }
  for (const int64_t run : loading) {
    const BlockRun& blocks_of = runs[static_cast<size_t>(run)];
    RunState& state = states[run];
    state = RunState();
    state.last_used = ++n_uses;
    int64_t n_here = 0;
    for (int64_t i = 0; i < blocks_of.n; ++i) {
      const Rows& rows = blocks.at(blocks_of.Block(i));
      n_here += rows.n;
      if (rows.n > 0) state.blocks.push_back(&rows);
    }
    if (n_here != blocks_of.n_rows) {
      Fail("training data: ", n_here, " good rows in rows ", blocks_of.first * kBlockRows, " to ",
           (blocks_of.last() + 1) * kBlockRows - 1, ", expected ", blocks_of.n_rows,
           " as in the first pass: files that stay as they are");
    }
    MarkKept(run, true);
  }
  return true;
}

/// Forgets the runs that were used the longest ago.
void SliceReader::Impl::MakeRoom(int64_t n_rows, const std::vector<int64_t>& spared) {
  int64_t n_max = 0;
  {
    const std::lock_guard lock(mutex);
    n_max = max_kept_rows;
  }
  while (n_kept_rows + n_rows > n_max) {
    auto oldest = states.end();
    for (auto at = states.begin(); at != states.end(); ++at) {
      if (std::find(spared.begin(), spared.end(), at->first) != spared.end()) continue;
      if (oldest == states.end() || at->second.last_used < oldest->second.last_used) oldest = at;
    }
    if (oldest == states.end()) return;
    Forget(oldest->first);
  }
}

void SliceReader::Impl::Forget(int64_t run) {
  const BlockRun& blocks_of = runs[static_cast<size_t>(run)];
  for (int64_t i = 0; i < blocks_of.n; ++i) {
    const auto block = blocks.find(blocks_of.Block(i));
    if (block == blocks.end()) continue;
    n_kept_rows -= block->second.n;
    blocks.erase(block);
  }
  states.erase(run);
  MarkKept(run, false);
}

void SliceReader::Impl::Shuffle(int64_t epoch, const BlockRun& run, RunState* state) const {
  state->order.clear();
  for (size_t b = 0; b < state->blocks.size(); ++b) {
    for (int64_t i = 0; i < state->blocks[b]->n; ++i)
      state->order.push_back(b * kMaxRowsOfBlock + static_cast<uint64_t>(i));
  }
  Random(seed, static_cast<uint64_t>(epoch), run.stream, run.window)
      .Shuffle(std::span(state->order));
}

void SliceReader::Impl::Take(int64_t epoch, const Piece& piece, const RunState& state, Rows* to) {
  const BlockRun& run = runs[static_cast<size_t>(piece.run)];
  to->n_fields = state.blocks[0]->n_fields;
  to->n_numerics = state.blocks[0]->n_numerics;
  to->n_tasks = state.blocks[0]->n_tasks;
  for (int64_t i = piece.begin; i < piece.begin + piece.n; ++i) {
    const uint64_t at = state.order[static_cast<size_t>(i)];
    const Rows& block = *state.blocks[at / kMaxRowsOfBlock];
    const int64_t row = static_cast<int64_t>(at % kMaxRowsOfBlock);
    if (!augmenter.IsActive()) {
      to->Append(block, row);
    } else {
      augmenter.Append(
          block, row,
          Random(seed, static_cast<uint64_t>(epoch), run.stream, run.window, at, kAugments), to);
    }
  }
}

}  // namespace zhiyin::worker::data
