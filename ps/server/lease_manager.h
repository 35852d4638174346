// Who works on what, decided in one place: server 0 keeps these books for all workers. Numbers
// alone, no data and no network.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ps/protocol.h"

namespace zhiyin::ps::server {

/// Ranges of the training rows (worker/data/row_plan.h), each handed out once an epoch to the
/// worker that asks first, and tickets, numbers of steps that nobody else has.
///
/// Ranges go out in file order, or shuffled by (seed, epoch). Among those that are left, a worker
/// gets the first that it holds in memory, then the first that nobody holds, then the last of the
/// worker with the most left. Of a range that an earlier run of the job had begun, the rest is
/// handed out.
class RangeLeases {
 public:
  RangeLeases(uint64_t seed, int n_workers) : seed_(seed), n_workers_(n_workers) {}

  /// Begins that epoch if it is the next one; every worker says so, before anything else of the
  /// epoch. Throws Error when it is another one, or others say something else of it, or the one
  /// before is not finished.
  void Enter(uint64_t epoch, uint64_t n_ranges, bool in_file_order);
  /// The worker holds these ranges, ascending. Throws Error on one that does not exist.
  void Hold(int worker, const std::vector<uint64_t>& ranges);
  /// The next range for a worker; nothing when all are handed out.
  std::optional<RangeGrant> Take(int worker);
  /// All gradients of these ranges are applied. Throws Error on one that the worker does not work
  /// on.
  void Finish(int worker, const std::vector<uint64_t>& ranges);

  uint64_t TakeTicket() { return next_ticket_++; }

  uint64_t epoch() const { return epoch_; }
  uint64_t n_left() const { return n_left_; }
  uint64_t n_finished() const { return n_finished_; }

  /// What an earlier run of the job has left of an epoch. Throws Error when the book has been used,
  /// and on what cannot be.
  void Resume(const LeaseRequest& left);

 private:
  static constexpr uint64_t kNoWorker = ~uint64_t{0};
  enum class State : uint8_t { kLeft, kTaken, kFinished };

  bool IsHeldBy(uint64_t range, int worker) const;
  void Begin(uint64_t epoch, uint64_t n_ranges, bool in_file_order);

  uint64_t seed_;
  int n_workers_;
  bool begun_ = false;
  uint64_t epoch_ = 0;
  bool in_file_order_ = true;
  std::vector<uint64_t> order_;            // [n_ranges]
  std::vector<State> states_;              // [range]
  std::vector<std::vector<int>> holders_;  // [range]
  std::vector<uint64_t> takers_;           // [range]
  std::map<uint64_t, uint64_t> n_done_;    // batches of ranges that an earlier run had begun
  std::vector<uint64_t> n_held_;           // [worker], of those that are left
  uint64_t n_left_ = 0;
  uint64_t n_finished_ = 0;
  size_t first_left_ = 0;  // in order_: all before are handed out
  uint64_t next_ticket_ = 0;
};

/// Which worker computes which slice of a synchronous step. Fixed for a round of steps at a time,
/// by the first worker that asks, in proportion to the workers' speeds; slices move one by one,
/// from the worker that takes longest, and only where a step becomes faster by kMinGain. Round 0:
/// slice s is worker s mod n_workers's.
class RoundOwners {
 public:
  /// Beyond noise: what moves has to be read by another worker.
  static constexpr double kMinGain = 1.25;

  RoundOwners(int n_workers) : seconds_(static_cast<size_t>(n_workers)) {}

  /// Who owns which slice in a round. `seconds` are what the worker takes for a slice, 0 when it
  /// does not know. Throws Error on a round that is neither fixed and remembered nor the next one,
  /// on another number of slices than before, and on a time that is none.
  const std::vector<uint32_t>& Owners(int worker, uint64_t round, uint32_t n_slices,
                                      double seconds);

 private:
  void Fix();

  std::vector<double> seconds_;                // [worker], for a slice; 0: not known
  uint64_t first_round_ = 0;                   // remembered
  std::vector<std::vector<uint32_t>> rounds_;  // from first_round_ on: [slice]
};

/// The books, and the messages about them.
class LeaseManager {
 public:
  LeaseManager(uint64_t seed, int n_workers) : ranges_(seed, n_workers), rounds_(n_workers) {}

  /// The payload of the reply to a request's payload. Throws Error on one that makes no sense.
  std::string Answer(int worker, std::string_view request);
  RangeLeases& ranges() { return ranges_; }

 private:
  RangeLeases ranges_;
  RoundOwners rounds_;
};

}  // namespace zhiyin::ps::server
