// A simulated network whose ranks are threads of one process, for tests and for `--simulate`.
//
// Only one rank runs at a time, until it waits or polls. The rank that runs next, the delay of each
// frame, and with it the order of frames of different pairs are drawn from a seed: the seed and the
// options determine the run, event by event. Time is virtual and passes only while all ranks wait.
// The options also define faults of ranks and links (sim_options.h).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "common/net/endpoint.h"
#include "common/net/sim_options.h"

namespace zhiyin::net {

/// The network of n ranks. Run starts and joins the threads of the ranks; all member functions are
/// called by one thread, which is none of them.
class SimNetwork {
 public:
  /// A function for tests that inject a fault. Called with every frame that is sent, as the only
  /// entry of `frames`; may change it, remove it, or add frames, which are sent after it. Called by
  /// one thread at a time.
  using Tamper = std::function<void(int from, int to, std::vector<Frame>* frames)>;

  SimNetwork(int n_ranks, SimOptions options, Tamper tamper = {});
  ~SimNetwork();

  /// Runs body(endpoint) once for every rank and returns when all of them have ended. Called once.
  ///
  /// An exception that leaves a body is thrown again here, after all bodies have ended; the first
  /// one, if there are several. A rank that crashes by the options is an exception too, one that is
  /// no std::exception, so that no handler in the body stops it; it is not thrown again.
  ///
  /// In a deadlock, when every rank waits for a message and no frame is under way, all waiting
  /// ranks fail with an Error that names each of them and what it waits for. This check ends with
  /// the first crash.
  void Run(const std::function<void(Endpoint&)>& body);

  // Results of the run. REQUIRES: Run has returned.

  /// A hash of all deliveries: sender, receiver, times and headers.
  uint64_t trace_hash() const;
  int64_t n_delivered() const;
  /// The virtual time in seconds.
  double now() const;
  /// The ranks that crashed before they were done.
  const std::vector<int>& crashed() const;
  /// The most bytes that were ever under way at once from one rank to another, including bytes that
  /// wait at the sender.
  int64_t peak_bytes(int from, int to) const;
  /// The most bytes that were ever under way at once to and from one rank.
  int64_t peak_bytes_at(int rank) const;
  /// The number of frames of this kind that no rank has taken.
  int64_t n_left(FrameKind kind) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace zhiyin::net
