// Accounting of the outstanding requests from a client to one server, in bytes.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "ps/protocol.h"

namespace zhiyin::ps::client {

/// A push that the server has not acknowledged.
struct PushInFlight {
  uint64_t id = 0;      // of the request
  int64_t n_bytes = 0;  // of its frame
};

/// The outstanding requests to one server, and the bytes that they and their replies may occupy in
/// the network and at the server. A pull counts until its push is sent, a read-only pull until its
/// reply is read, a push until it is acknowledged. Plain data, kept by the Client.
struct Traffic {
  std::vector<PushInFlight> pushes;
  uint64_t last_sequence = 0;  // sequence number of the last push; 0: none was sent
  uint64_t last_id = 0;        // id of the last request of any kind; 0: none was sent
  int64_t n_bytes = 0;         // of all outstanding requests
  int64_t peak_bytes = 0;      // the largest value of n_bytes so far
  int64_t largest_pull = 0;    // bytes of a pull, its reply and the server's 8-byte row addresses
  int64_t largest_push = 0;    // bytes of a push

  /// Adds the bytes of a request, or subtracts them (n < 0) when it ends.
  void Add(int64_t n) {
    n_bytes += n;
    peak_bytes = std::max(peak_bytes, n_bytes);
  }
  /// The upper bound on n_bytes (docs/protocol.md): kMaxPullsInFlight times the largest pull and
  /// kMaxPushesPerServer times the largest push.
  int64_t bound_bytes() const {
    return kMaxPullsInFlight * largest_pull + kMaxPushesPerServer * largest_push;
  }
};

}  // namespace zhiyin::ps::client
