// Threads that share the matrix products of one rank.
//
// A product is divided by rows of its result, never within the sum of one element: the bits of the
// result do not depend on the number of threads.
#pragma once

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace zhiyin::worker::model::nn {

/// A team belongs to the thread that makes it, which works in it, too, and which finds it through
/// Current() as long as the team lives. REQUIRES: a thread has one team at a time.
class Team {
 public:
  /// REQUIRES: n_threads >= 1.
  explicit Team(int n_threads);
  ~Team();
  Team(const Team&) = delete;
  Team& operator=(const Team&) = delete;

  /// The team of the calling thread; nullptr where it has none and works alone.
  static Team* Current();

  int n_threads() const { return static_cast<int>(others_.size()) + 1; }

  /// Calls part(0) ... part(n_parts - 1), each once, in whichever thread is free. Returns when all
  /// are done; the caller sees what they wrote. REQUIRES: the caller is the owner and not inside a
  /// part; parts throw nothing.
  void Run(int64_t n_parts, const std::function<void(int64_t)>& part);

 private:
  /// The arguments and progress of one Run. A thread that wakes up late still shares it, and finds
  /// no part left.
  struct Round {
    const std::function<void(int64_t)>* part;
    int64_t n_parts;
    std::atomic<int64_t> next = 0;
    std::atomic<int64_t> n_done = 0;
  };
  static void TakeParts(Round* round);
  void Work();

  std::mutex mutex_;
  std::condition_variable changed_;
  std::shared_ptr<Round> round_;       // under mutex_
  std::atomic<int64_t> n_rounds_ = 0;  // changed under mutex_
  std::atomic<bool> ending_ = false;   // changed under mutex_
  std::vector<std::jthread> others_;
};

/// The innermost loop of a product handles so many rows at once; parts begin at multiples of it, so
/// that no row is summed in another order.
inline constexpr int64_t kRowsAtOnce = 16;

/// Calls work(begin, n) for ranges of matrix rows that together are [0, n_rows), spread over the
/// team of the calling thread; once for all rows where there is no team or too little work for it.
/// `flops` is the number of floating-point operations for all rows. Ranges begin at multiples of
/// `rows_at_once`.
template <typename Work>
void ForRows(int64_t n_rows, double flops, const Work& work, int64_t rows_at_once = kRowsAtOnce) {
  // More than one part a thread, so that a thread that is held up leaves parts to the others.
  constexpr int64_t kPartsOfThread = 2;
  // With fewer rows, packing the other factor for each part costs more than is gained.
  constexpr int64_t kRowsOfPart = 64;
  // About 5 us, which is how long waking the other threads takes.
  constexpr double kFlopsOfPart = 500'000;
  Team* const team = Team::Current();
  int64_t n_parts = 1;
  if (team != nullptr && team->n_threads() > 1) {
    n_parts = std::min({team->n_threads() * kPartsOfThread, n_rows / kRowsOfPart,
                        static_cast<int64_t>(flops / kFlopsOfPart)});
  }
  if (n_parts < 2) return work(int64_t{0}, n_rows);
  const int64_t n_groups = (n_rows + rows_at_once - 1) / rows_at_once;
  team->Run(n_parts, [&](int64_t part) {
    const int64_t begin = part * n_groups / n_parts * rows_at_once;
    const int64_t end = std::min(n_rows, (part + 1) * n_groups / n_parts * rows_at_once);
    work(begin, end - begin);
  });
}

}  // namespace zhiyin::worker::model::nn
