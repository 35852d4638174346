// The requests of a client to one server that are on their way.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "ps/protocol.h"

namespace zhiyin::ps::client {

/// A push that the server has not acknowledged.
struct PushInFlight {
  uint64_t id = 0;  // of the request
  int64_t n_bytes = 0;
};

/// Requests to one server, and the bytes that they occupy in the network and at the server, from a
/// request to the end of it. A plain record, kept by the Client.
struct Traffic {
  std::vector<PushInFlight> pushes;
  uint64_t last_sequence = 0;  // of the pushes sent to the server
  uint64_t last_id = 0;        // of the requests sent to the server
  int64_t n_bytes = 0;         // now
  int64_t peak_bytes = 0;      // the most that n_bytes ever was
  int64_t largest_pull = 0;    // bytes of a pull with its reply and the addresses of its rows
  int64_t largest_push = 0;    // bytes

  void Add(int64_t n) {
    n_bytes += n;
    peak_bytes = std::max(peak_bytes, n_bytes);
  }
  /// Bytes that docs/protocol.md allows: a bounded number of the largest pulls and pushes.
  int64_t bound_bytes() const {
    return kMaxPullsInFlight * largest_pull + kMaxPushesPerServer * largest_push;
  }
};

}  // namespace zhiyin::ps::client
