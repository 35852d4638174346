// A whole cluster in one process, for tests and for first steps.
//
// Every rank is a thread, but only the one that holds the baton runs; it passes the baton on when
// it waits or polls. Which rank runs next, how long each frame is under way, and which frames of
// different pairs overtake each other is drawn from a seed: a seed and options determine the run,
// event by event. Time is virtual and passes only while all ranks wait. The faults of ranks and
// links are in the options (sim_options.h).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "common/net/endpoint.h"
#include "common/net/sim_options.h"

namespace zhiyin::net {

/// The network of n ranks. Run starts and joins the threads; everything else is for the thread that
/// calls it.
class SimNetwork {
 public:
  /// A function for tests that plant a fault: sees every frame as it leaves, alone in `frames`, and
  /// may change it, remove it, or add others, which follow it. Called by one thread at a time.
  using Tamper = std::function<void(int from, int to, std::vector<Frame>* frames)>;

  SimNetwork(int n_ranks, SimOptions options, Tamper tamper = {});
  ~SimNetwork();

  /// Runs body(endpoint) once for every rank and returns when all have returned, or are gone by a
  /// crash, which leaves a body as an exception that is no std::exception. Then throws the first
  /// other exception that left a body, if any. When every rank waits for something and nothing is
  /// under way, all waiting ranks fail with an Error that names each and what it waits for; not so
  /// after a crash, when silence is no deadlock. Call once.
  void Run(const std::function<void(Endpoint&)>& body);

  // Results of the run. REQUIRES: Run has returned.

  /// A hash of all deliveries: sender, receiver, times and headers.
  uint64_t trace_hash() const;
  int64_t n_delivered() const;
  /// The virtual time in seconds.
  double now() const;
  /// The ranks that crashed before they were done.
  const std::vector<int>& crashed() const;
  /// The most bytes that were ever under way at once, including those that wait at the sender: from
  /// one rank to another, and to and from a rank.
  int64_t peak_bytes(int from, int to) const;
  int64_t peak_bytes_at(int rank) const;
  /// The number of frames of this kind that no rank has taken.
  int64_t n_left(FrameKind kind) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace zhiyin::net
