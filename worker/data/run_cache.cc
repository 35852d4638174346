#include "worker/data/run_cache.h"

#include <algorithm>
#include <span>
#include <utility>

#include "common/error.h"
#include "common/random.h"

namespace zhiyin::worker::data {
namespace {

/// Distinguishes the draws of the augmenter from other random numbers of the seed.
constexpr uint64_t kAugments = 0x617567;

bool Contains(const std::vector<int64_t>& runs, int64_t run) {
  return std::find(runs.begin(), runs.end(), run) != runs.end();
}

}  // namespace

RunCache::RunCache(std::unique_ptr<Source> source, uint64_t seed, int64_t n_kept_max,
                   Augmenter augmenter)
    : source_(std::move(source)),
      seed_(seed),
      augmenter_(std::move(augmenter)),
      max_kept_(n_kept_max) {}

void RunCache::Keep(int64_t block, Examples examples) {
  n_kept_ += examples.n;
  blocks_.emplace(block, std::move(examples));
}

void RunCache::SetRuns(std::vector<BlockRun> runs) {
  runs_ = std::move(runs);
  {
    const std::lock_guard lock(mutex_);
    is_kept_.resize(runs_.size());
  }
  for (size_t r = 0; r < runs_.size() && !blocks_.empty(); ++r) {
    const BlockRun& run = runs_[r];
    int64_t n_kept = 0;
    for (int64_t i = 0; i < run.n; ++i) n_kept += blocks_.contains(run.Block(i));
    if (n_kept > 0) states_.try_emplace(static_cast<int64_t>(r));
    if (n_kept == run.n) Complete(static_cast<int64_t>(r));
  }
}

bool RunCache::Use(int64_t run) {
  if (!IsWhole(run)) return false;
  states_.at(run).last_used = ++n_uses_;
  return true;
}

bool RunCache::Load(int64_t run, const std::vector<int64_t>& together, std::vector<int64_t> spared,
                    const std::function<bool()>& is_cancelled) {
  std::vector<int64_t> loading = {run};
  for (const int64_t other : together) {
    const bool interleaves =
        RunOf(other).first < RunOf(run).last() && RunOf(run).first < RunOf(other).last();
    if (interleaves && !IsWhole(other) && !Contains(loading, other)) loading.push_back(other);
  }
  std::vector<int64_t> missing;
  int64_t n_needed = 0;
  for (const int64_t r : loading) {
    const BlockRun& blocks = RunOf(r);
    n_needed += blocks.n_rows;
    for (int64_t i = 0; i < blocks.n; ++i) {
      const auto block = blocks_.find(blocks.Block(i));
      if (block == blocks_.end()) missing.push_back(blocks.Block(i));
      if (block != blocks_.end()) n_needed -= block->second.n;
    }
  }
  spared.insert(spared.end(), loading.begin(), loading.end());
  MakeRoom(n_needed, spared);
  for (const int64_t r : loading) states_.try_emplace(r);
  std::sort(missing.begin(), missing.end());
  for (const int64_t block : missing) {
    if (is_cancelled()) return false;
    tick_();
    source_->Read(block, &scratch_, &bad_);
    // A copy is just as large as it must be; what a source fills has grown in steps.
    Keep(block, Examples(scratch_));
  }
  for (const int64_t r : loading) {
    Complete(r);
    states_.at(r).last_used = ++n_uses_;
  }
  return true;
}

void RunCache::Append(int64_t epoch, const Piece& piece, Examples* to) {
  RunState& state = states_.at(piece.run);
  const BlockRun& run = RunOf(piece.run);
  if (state.order_epoch != epoch) {
    Shuffle(epoch, run, &state);
    state.order_epoch = epoch;
  }
  const Examples& first = blocks_.at(run.first);
  to->n_fields = first.n_fields;
  to->n_numerics = first.n_numerics;
  to->n_tasks = first.n_tasks;
  for (int64_t i = piece.begin; i < piece.begin + piece.n; ++i) {
    const uint64_t at = state.order[static_cast<size_t>(i)];
    const Examples& block = *state.blocks[at / kMaxExamplesOfBlock];
    const int64_t row = static_cast<int64_t>(at % kMaxExamplesOfBlock);
    if (!augmenter_.IsActive()) {
      to->Append(block, row);
    } else {
      augmenter_.Append(
          block, row,
          Random(seed_, static_cast<uint64_t>(epoch), run.stream, run.window, at, kAugments), to);
    }
  }
}

void RunCache::SetTick(Tick tick) {
  tick_ = tick;
  source_->SetTick(std::move(tick));
}

void RunCache::SetMaxKept(int64_t n_examples) {
  const std::lock_guard lock(mutex_);
  max_kept_ = n_examples;
}

std::vector<uint64_t> RunCache::KeptRuns() const {
  const std::lock_guard lock(mutex_);
  std::vector<uint64_t> kept;
  for (size_t r = 0; r < is_kept_.size(); ++r) {
    if (is_kept_[r]) kept.push_back(r);
  }
  return kept;
}

bool RunCache::IsWhole(int64_t run) const {
  const auto state = states_.find(run);
  return state != states_.end() && state->second.is_whole;
}

void RunCache::MakeRoom(int64_t n_examples, const std::vector<int64_t>& spared) {
  const int64_t n_max = max_kept();
  while (n_kept_ + n_examples > n_max) {
    auto oldest = states_.end();
    for (auto at = states_.begin(); at != states_.end(); ++at) {
      if (Contains(spared, at->first)) continue;
      if (oldest == states_.end() || at->second.last_used < oldest->second.last_used) oldest = at;
    }
    if (oldest == states_.end()) return;
    Remove(oldest->first);
  }
}

void RunCache::Remove(int64_t run) {
  const BlockRun& blocks = RunOf(run);
  for (int64_t i = 0; i < blocks.n; ++i) {
    const auto block = blocks_.find(blocks.Block(i));
    if (block == blocks_.end()) continue;
    n_kept_ -= block->second.n;
    blocks_.erase(block);
  }
  states_.erase(run);
  MarkKept(run, false);
}

void RunCache::Complete(int64_t run) {
  const BlockRun& blocks = RunOf(run);
  RunState& state = states_[run];
  state = RunState();
  int64_t n_here = 0;
  for (int64_t i = 0; i < blocks.n; ++i) {
    const Examples& examples = blocks_.at(blocks.Block(i));
    n_here += examples.n;
    if (examples.n > 0) state.blocks.push_back(&examples);
  }
  if (n_here != blocks.n_rows) {
    Fail("training data: ", n_here, " examples in lines ", blocks.first * kBlockRecords, " to ",
         (blocks.last() + 1) * kBlockRecords - 1, ", expected ", blocks.n_rows,
         " as in the first pass: files that stay as they are");
  }
  state.is_whole = true;
  MarkKept(run, true);
}

void RunCache::Shuffle(int64_t epoch, const BlockRun& run, RunState* state) const {
  state->order.clear();
  for (size_t b = 0; b < state->blocks.size(); ++b) {
    for (int64_t i = 0; i < state->blocks[b]->n; ++i)
      state->order.push_back(b * kMaxExamplesOfBlock + static_cast<uint64_t>(i));
  }
  Random(seed_, static_cast<uint64_t>(epoch), run.stream, run.window)
      .Shuffle(std::span(state->order));
}

int64_t RunCache::max_kept() const {
  const std::lock_guard lock(mutex_);
  return max_kept_;
}

void RunCache::MarkKept(int64_t run, bool kept) {
  const std::lock_guard lock(mutex_);
  is_kept_[static_cast<size_t>(run)] = kept;
}

}  // namespace zhiyin::worker::data
