// The lease manager: server 0 assigns ranges, tickets and slices to all workers. It handles numbers
// only, neither data nor the network. Used by the thread of server 0.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ps/protocol.h"

namespace zhiyin::ps::server {

/// Leases of ranges of the training examples (worker/data/epoch_plan.h), each granted once an epoch
/// to the worker that asks first, and tickets, which are numbers of steps, each given out once.
///
/// Ranges are granted in file order, or shuffled by (seed, epoch). Among the remaining ones a
/// worker gets the first that it holds, else the first that no worker holds, else the last one of
/// the worker that holds the most remaining ranges. When a job is resumed, only the
/// rest of a range that the earlier run had begun is granted.
class RangeLeases {
 public:
  RangeLeases(uint64_t seed, int n_workers) : seed_(seed), n_workers_(n_workers) {}

  /// Begins the epoch if it is the next one. Every worker calls it before anything else of the
  /// epoch. Throws Error when `epoch` is neither the current nor the next one, when workers
  /// disagree about it, and when the epoch before is not finished.
  void Enter(uint64_t epoch, uint64_t n_ranges, bool in_file_order);
  /// Notes that the worker holds these ranges, ascending: it has them in memory, or reads them
  /// first. Throws Error on one that does not exist.
  void Hold(int worker, const std::vector<uint64_t>& ranges);
  /// Grants the next range to a worker; nothing when all are granted.
  std::optional<RangeGrant> Take(int worker);
  /// Notes that all gradients of these ranges are applied. Throws Error on a range that is not
  /// leased to the worker.
  void Finish(int worker, const std::vector<uint64_t>& ranges);

  uint64_t TakeTicket() { return next_ticket_++; }

  uint64_t epoch() const { return epoch_; }
  uint64_t n_left() const { return n_left_; }
  uint64_t n_finished() const { return n_finished_; }

  /// Begins with the part of an epoch that an earlier run of the job has not done. Throws Error
  /// when an epoch has begun already, and on a request with impossible numbers.
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
  std::vector<uint64_t> n_held_;           // [worker], remaining ranges that it holds
  uint64_t n_left_ = 0;
  uint64_t n_finished_ = 0;
  size_t first_left_ = 0;  // in order_: all before it are granted
  uint64_t next_ticket_ = 0;
};

/// The assignment of the slices of a synchronous step to workers, in proportion to their speeds. It
/// is fixed for a round of steps when the first worker asks for the round. From round to round,
/// slices move one by one from the worker that takes longest, if that makes a step faster by
/// kMinGain. In the first round slice s belongs to worker s mod n_workers.
class RoundOwners {
 public:
  /// Well above the noise of the measured times, since a slice that moves must be read again by its
  /// new worker.
  static constexpr double kMinGain = 1.25;

  explicit RoundOwners(int n_workers) : seconds_(static_cast<size_t>(n_workers)) {}

  /// Returns the worker of each slice in a round, [n_slices]. `seconds` is the time that the asking
  /// worker takes for a slice, 0 when unknown. Throws Error on a round that is neither remembered
  /// nor the next one, on a number of slices that differs from before, and on a time that is not 0
  /// to 1e9 s.
  const std::vector<uint32_t>& Owners(int worker, uint64_t round, uint32_t n_slices,
                                      double seconds);

 private:
  void Fix();

  std::vector<double> seconds_;                // [worker], for a slice; 0: unknown
  uint64_t first_round_ = 0;                   // remembered
  std::vector<std::vector<uint32_t>> rounds_;  // from first_round_ on: [slice]
};

/// Answers the requests of workers for ranges, tickets and rounds.
class LeaseManager {
 public:
  LeaseManager(uint64_t seed, int n_workers) : ranges_(seed, n_workers), rounds_(n_workers) {}

  /// Returns the payload of the reply to a request's payload. Throws Error on a malformed request,
  /// and as RangeLeases and RoundOwners do.
  std::string Answer(int worker, std::string_view request);
  RangeLeases& ranges() { return ranges_; }

 private:
  RangeLeases ranges_;
  RoundOwners rounds_;
};

}  // namespace zhiyin::ps::server
