#include "worker/data/slice_queue.h"

#include <glog/logging.h>

#include <utility>

namespace zhiyin::worker::data {

const SliceOrder* SliceQueue::WaitForOrder() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return closed_ || !orders_.empty(); });
  return closed_ ? nullptr : &orders_.front();
}

Examples* SliceQueue::WaitForSlot() {
  std::unique_lock lock(mutex_);
  // The slot behind those that are ready is never the caller's, see kSlots.
  changed_.wait(lock, [&] { return closed_ || n_pushed_ - n_popped_ < kSlicesAhead; });
  return closed_ ? nullptr : &slots_[static_cast<size_t>(n_pushed_ % kSlots)];
}

void SliceQueue::Push() {
  const std::lock_guard lock(mutex_);
  orders_.pop_front();
  ++n_pushed_;
  changed_.notify_all();
}

void SliceQueue::PushMore() {
  const std::lock_guard lock(mutex_);
  ++n_ordered_;
  ++n_pushed_;
  changed_.notify_all();
}

void SliceQueue::NoteProgress() {
  const std::lock_guard lock(mutex_);
  ++n_progressed_;
}

void SliceQueue::Fail(std::exception_ptr error) {
  const std::lock_guard lock(mutex_);
  error_ = std::move(error);
  changed_.notify_all();
}

std::vector<int64_t> SliceQueue::OrderedRuns() const {
  const std::lock_guard lock(mutex_);
  std::vector<int64_t> runs;
  for (const SliceOrder& order : orders_) {
    for (const Piece& piece : order.pieces) runs.push_back(piece.run);
  }
  return runs;
}

bool SliceQueue::IsClosed() const {
  const std::lock_guard lock(mutex_);
  return closed_;
}

void SliceQueue::Order(SliceOrder order) {
  const std::lock_guard lock(mutex_);
  orders_.push_back(std::move(order));
  ++n_ordered_;
  changed_.notify_all();
}

const Examples& SliceQueue::Pop(const Tick& tick) {
  tick();
  std::unique_lock lock(mutex_);
  uint64_t n_seen = n_progressed_;
  CHECK_LT(n_popped_, n_ordered_) << "more slices taken than ordered";
  while (!changed_.wait_for(lock, kTickEvery,
                            [&] { return error_ != nullptr || n_popped_ < n_pushed_; })) {
    if (std::exchange(n_seen, n_progressed_) == n_progressed_) continue;
    lock.unlock();
    tick();
    lock.lock();
  }
  if (n_popped_ == n_pushed_) std::rethrow_exception(error_);
  changed_.notify_all();
  return slots_[static_cast<size_t>(n_popped_++ % kSlots)];
}

void SliceQueue::Close() {
  const std::lock_guard lock(mutex_);
  closed_ = true;
  changed_.notify_all();
}

}  // namespace zhiyin::worker::data
