// A whole cluster in one process, for tests and for newcomers.
//
// Every rank is a thread, but only the one that holds the baton runs; it passes the baton on when
// it waits or polls. Who runs next, how long each frame is under way and what overtakes what
// between different pairs is drawn from a seed: the same seed and options give the same run, event
// by event. Time is virtual and passes only while all wait. What may go wrong with ranks and links
// is in the options (sim_options.h).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "common/net/endpoint.h"
#include "common/net/sim_options.h"

namespace zhiyin::net {

class SimNetwork {
 public:
  /// For tests that plant a fault: sees every frame as it leaves, alone in `frames`, and may change
  /// it, take it away, or add others, which follow it. Called by one thread at a time.
  using Tamper = std::function<void(int from, int to, std::vector<Frame>* frames)>;

  SimNetwork(int n_ranks, SimOptions options, Tamper tamper = {});
  ~SimNetwork();

  /// Runs body(endpoint) once for every rank and returns when all have returned, or are gone by a
  /// crash, which leaves a body as an exception that is no std::exception. Then throws the first
  /// other exception that left a body, if any. When every rank waits for something and nothing is
  /// under way, all waiting ranks fail with an Error that names each and what it waits for; not so
  /// after a crash, when silence is no deadlock. Call once.
  void Run(const std::function<void(Endpoint&)>& body);

  // What has happened. REQUIRES: Run has returned.

  /// Of all that was delivered: who, when, what.
  uint64_t trace_hash() const;
  int64_t n_delivered() const;
  /// Seconds of virtual time.
  double now() const;
  /// Ranks that crashed before they were done.
  const std::vector<int>& crashed() const;
  /// Most bytes that were ever under way at once, waiting at the sender included: between a pair in
  /// one direction, and to and from a rank.
  int64_t peak_bytes(int from, int to) const;
  int64_t peak_bytes_at(int rank) const;
  /// Frames of this kind that nobody has taken.
  int64_t n_left(FrameKind kind) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace zhiyin::net
