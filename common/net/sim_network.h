// A whole cluster in one process, for tests and for newcomers.
//
// Every rank is a thread, but only the one that holds the baton runs; it passes the baton on when it waits or
// polls. Who runs next, how long each frame is under way and what overtakes what between different pairs is
// drawn from a seed: the same seed gives the same run, event by event. Time is virtual and passes only while
// all wait.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "common/net/endpoint.h"

namespace zhiyin {

class SimNetwork {
 public:
  struct Options {
    uint64_t seed = 1;
    /// A frame is under way for a time drawn uniformly from this range, in seconds.
    double delay_min_s = 1e-6;
    double delay_max_s = 1e-4;
  };

  SimNetwork(int n_ranks, Options options);
  ~SimNetwork();

  /// Runs body(endpoint) once for every rank and returns when all have returned. Then throws the first
  /// exception that left a body, if any. When every rank waits for something and nothing is under way, all
  /// waiting ranks fail with an Error that names each and what it waits for. Call once.
  void Run(const std::function<void(Endpoint&)>& body);

  /// Of all that was delivered: who, when, what. REQUIRES: Run has returned.
  uint64_t trace_hash() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace zhiyin
