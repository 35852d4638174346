// Pulls that have been answered and wait for their push.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "common/net/frame.h"

namespace zhiyin::ps::server {

/// An answered pull. It keeps the addresses of its rows, so that its push needs neither keys nor
/// look-ups.
struct PendingPull {
  net::Frame request;            // empty: the push carries no gradients
  uint64_t version = 0;          // ServerState::version when the pull was answered
  std::vector<std::byte*> rows;  // of all sections in turn; nullptr where a key was refused a row
  /// [table][n_keys * dim]: the weights as they were read, where the optimizer wants them; empty
  /// for other tables.
  std::vector<std::vector<float>> weights;

  uint64_t id() const { return request.header().request_id; }
  uint64_t step() const { return request.header().clock; }
};

/// Holds at most kMaxPullsInFlight pulls of each worker. Errors name the rank. Used by one thread.
class PendingPulls {
 public:
  explicit PendingPulls(int n_workers) : pending_(static_cast<size_t>(n_workers)) {}

  /// Throws Error when the worker has as many pulls waiting as are allowed.
  void CheckRoom(int worker, const net::Frame& pull) const;
  /// Returns an empty pull, which reuses the memory of a recycled one.
  PendingPull New(uint64_t version);
  void Add(int worker, PendingPull pull);
  /// Removes and returns the pull that a push of the worker belongs to. Throws Error when no pull
  /// of this worker with this id waits for its push.
  PendingPull Take(int worker, uint64_t pull_id, const net::Frame& push);
  /// Keeps the memory of a pull that is done.
  void Recycle(PendingPull pull) { spare_.push_back(std::move(pull)); }

  /// The earliest step of the waiting pulls, whose rows are in use; table::Table::kNoneInUse when
  /// no pull waits.
  uint64_t OldestStep() const;
  /// The number of waiting pulls of all workers.
  int64_t size() const;

 private:
  std::vector<std::vector<PendingPull>> pending_;  // [worker]
  std::vector<PendingPull> spare_;                 // for their memory
};

}  // namespace zhiyin::ps::server
