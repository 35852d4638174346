// Orders for slices on their way to the thread that reads ahead, and slices on their way back.
#pragma once

#include <array>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <exception>
#include <mutex>
#include <vector>

#include "common/tick.h"
#include "worker/data/epoch_plan.h"
#include "worker/data/examples.h"

namespace zhiyin::worker::data {

/// A slice that is wanted: these pieces of an epoch, one after the other.
struct SliceOrder {
  int64_t epoch = 0;
  std::vector<Piece> pieces;
};

/// A ring of slices whose memory is used again and again. The rank's thread orders and pops, the
/// reader's thread fills and pushes; slices come in the order of their orders. The slice that was
/// popped last belongs to the caller until the next Pop.
class SliceQueue {
 public:
  /// The most slices that are ready before they are popped.
  static constexpr int kSlicesAhead = 4;
  /// The least time from one tick of a long wait to the next.
  static constexpr auto kTickEvery = std::chrono::milliseconds(100);

  // In the reader's thread.

  /// Waits for the next order, which stays in the queue until its slice is pushed. Returns nullptr
  /// once the queue is closed.
  const SliceOrder* WaitForOrder();
  /// Waits for a free slice, to be filled and pushed. Returns nullptr once the queue is closed.
  Examples* WaitForSlot();
  void Push();
  /// Pushes a slice of an order that has more slices, the last of which Push ends.
  void PushMore();
  /// Notes that the reader has made progress with a slice that is not pushed yet.
  void NoteProgress();
  /// No more slices come: Pop throws `error` once those that were pushed are taken.
  void Fail(std::exception_ptr error);

  // In any thread.

  /// The runs of all pieces whose slices are not yet pushed, repetitions included.
  std::vector<int64_t> OrderedRuns() const;
  bool IsClosed() const;

  // In the rank's thread.

  void Order(SliceOrder order);
  /// Waits for the next slice. `tick` is called once, and again during the wait whenever the reader
  /// has made progress (NoteProgress) since the last call, at most every kTickEvery. REQUIRES:
  /// fewer calls than orders before.
  const Examples& Pop(const Tick& tick);
  /// Ends the waits of the reader's thread.
  void Close();

 private:
  static constexpr int64_t kSlots = kSlicesAhead + 1;  // one is the caller's

  mutable std::mutex mutex_;  // guards all below
  std::condition_variable changed_;
  std::deque<SliceOrder> orders_;  // not yet pushed; references stay valid while others are added
  std::array<Examples, kSlots> slots_;
  int64_t n_ordered_ = 0;
  int64_t n_pushed_ = 0;
  int64_t n_popped_ = 0;
  uint64_t n_progressed_ = 0;  // calls of NoteProgress
  bool closed_ = false;
  std::exception_ptr error_;
};

}  // namespace zhiyin::worker::data
