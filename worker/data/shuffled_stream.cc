#include "worker/data/shuffled_stream.h"

#include <glog/logging.h>

#include <algorithm>
#include <utility>

#include "common/error.h"
#include "common/random.h"
#include "worker/data/source.h"

namespace zhiyin::worker {

void ShuffledStream::Window::Add(const Rows& block) {
  if (block.n == 0) return;
  blocks.push_back(block);  // a copy is just as large as it must be; what a source fills has grown in steps
  n_rows += block.n;
}

void ShuffledStream::KeepIfFits(const Rows& block) {
  if (!fits_) return;
  fits_ = kept_.n_rows + block.n <= shuffle_rows_;
  if (fits_) {
    kept_.Add(block);
  } else {
    kept_ = Window();
  }
}

void ShuffledStream::EndFirstPass() {
  is_kept_ = fits_;
}

void ShuffledStream::BeginEpoch(int64_t epoch, int64_t n_rows) {
  epoch_ = epoch;
  n_rows_ = n_rows;
  n_added_ = 0;
  n_windows_ = 0;
  n_ready_ = 0;
  complete_.clear();
  filling_ = Window();
  if (!is_kept_) return;
  CHECK_EQ(kept_.n_rows, n_rows);
  Complete(&kept_);
}

void ShuffledStream::Add(const Rows& block) {
  CHECK(!is_kept_);
  if (filling_.n_rows > 0 && filling_.n_rows + block.n > shuffle_rows_) {
    Complete(&filling_);
    complete_.push_back(std::exchange(filling_, Window()));
  }
  filling_.Add(block);
  n_added_ += block.n;
  if (n_added_ > n_rows_) {
    Fail("training data: more good rows than the ", n_rows_, " that the first pass found in stream ", stream_,
         ", expected files that stay as they are");
  }
  if (n_added_ == n_rows_ && filling_.n_rows > 0) {
    Complete(&filling_);
    complete_.push_back(std::exchange(filling_, Window()));
  }
}

void ShuffledStream::Complete(Window* window) {
  window->order.clear();
  for (size_t b = 0; b < window->blocks.size(); ++b) {
    for (int64_t i = 0; i < window->blocks[b].n; ++i)
      window->order.push_back(b * kBlockRows + static_cast<uint64_t>(i));
  }
  Random(seed_, static_cast<uint64_t>(epoch_), stream_, n_windows_).Shuffle(std::span(window->order));
  window->n_taken = 0;
  n_ready_ += window->n_rows;
  ++n_windows_;
}

void ShuffledStream::Take(int64_t n, Rows* to) {
  CHECK_LE(n, n_ready_);
  n_ready_ -= n;
  while (n > 0) {
    Window& window = is_kept_ ? kept_ : complete_.front();
    to->n_fields = window.blocks[0].n_fields;
    to->n_numerics = window.blocks[0].n_numerics;
    to->n_tasks = window.blocks[0].n_tasks;
    const int64_t n_here = std::min(n, window.n_rows - window.n_taken);
    for (int64_t i = 0; i < n_here; ++i) {
      const uint64_t at = window.order[static_cast<size_t>(window.n_taken + i)];
      to->Append(window.blocks[at / kBlockRows], static_cast<int64_t>(at % kBlockRows));
    }
    window.n_taken += n_here;
    n -= n_here;
    if (!is_kept_ && window.n_taken == window.n_rows) complete_.pop_front();
  }
}

}  // namespace zhiyin::worker
