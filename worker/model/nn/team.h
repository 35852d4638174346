// Threads that share the matrix products of one rank.
//
// A product is cut by rows of its result, never along the sum of an element: the result has the
// same bits whatever the number of threads.
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

/// Belongs to the thread that makes it, which is one of them, and is found by that thread through
/// Current() as long as it lives. REQUIRES: one team at a time in a thread.
class Team {
 public:
  /// REQUIRES: n_threads >= 1.
  explicit Team(int n_threads);
  ~Team();
  Team(const Team&) = delete;
  Team& operator=(const Team&) = delete;

  /// The team of the calling thread; nullptr: it has none, and works alone.
  static Team* Current();

  /// Cores that this process may run on.
  static int CoresOfThisProcess();

  int n_threads() const { return static_cast<int>(others_.size()) + 1; }

  /// part(0) ... part(n_parts - 1), each once, by whichever thread is free; returns when all are
  /// done, and the caller sees what they wrote. For the owner alone, and not from inside a part.
  /// REQUIRES: parts throw nothing.
  void Run(int64_t n_parts, const std::function<void(int64_t)>& part);

 private:
  /// What Run was called with. A thread that wakes when all is done still holds it, and finds
  /// nothing to do.
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
  std::atomic<bool> ending_ = false;   // the same
  std::vector<std::jthread> others_;
};

/// Calls work(begin, n) for ranges of rows that together are [0, n_rows), spread over the team of
/// the calling thread; at once and in one piece where there is no team, or too little to do for it.
/// `flops`: of all rows.
template <typename Work>
void ForRows(int64_t n_rows, double flops, const Work& work) {
  // Rows that a product's innermost loop takes at once: a part that begins elsewhere would be
  // summed in another order.
  constexpr int64_t kRowsAtOnce = 16;
  constexpr int64_t kPartsOfThread =
      2;  // so that a thread that is held up leaves some to the others
  constexpr int64_t kRowsOfPart =
      64;  // fewer, and the preparation of the other factor costs more than is won
  constexpr double kFlopsOfPart = 500'000;  // about 5 us, as long as it takes to wake the others
  Team* const team = Team::Current();
  int64_t n_parts = 1;
  if (team != nullptr && team->n_threads() > 1) {
    n_parts = std::min({team->n_threads() * kPartsOfThread, n_rows / kRowsOfPart,
                        static_cast<int64_t>(flops / kFlopsOfPart)});
  }
  if (n_parts < 2) return work(int64_t{0}, n_rows);
  const int64_t n_groups = (n_rows + kRowsAtOnce - 1) / kRowsAtOnce;
  team->Run(n_parts, [&](int64_t part) {
    const int64_t begin = part * n_groups / n_parts * kRowsAtOnce;
    const int64_t end = std::min(n_rows, (part + 1) * n_groups / n_parts * kRowsAtOnce);
    work(begin, end - begin);
  });
}

}  // namespace zhiyin::worker::model::nn
