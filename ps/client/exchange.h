// One pull and the push that answers it.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "common/net/frame.h"
#include "common/types.h"
#include "ps/client/replica.h"

namespace zhiyin::ps::client {

/// The keys, weights and gradients of one pull and its push, for every table. Owned by the caller,
/// who keeps it, and all that it points to, in place from PullStart until PushStart. Reused from
/// step to step, it allocates nothing once warm. Used by the rank's thread.
class Exchange {
 public:
  struct Part {
    std::span<const Key> keys;         // distinct
    bool fetch = true;                 // false: the weights are not sent, only gradients are
    float* weights = nullptr;          // [keys.size(), dim], written by PullFinish if `fetch`
    const float* gradients = nullptr;  // [keys.size(), dim], read by PushStart
  };
  /// [n_tables]: what is wanted of each table, the dense one first.
  std::vector<Part> parts;
  /// The step, counted from 0 over all epochs. Bounds on staleness are in these steps.
  uint64_t clock = 0;

 private:
  friend class Client;
  /// Fills `routes` for `asked`: each key goes to its server.
  void MakeRoutes(int n_servers);
  /// Keys of a part that go to a server.
  uint64_t n_keys(size_t part, size_t server) const {
    return routes[part].begin[server + 1] - routes[part].begin[server];
  }

  /// The parts that the servers are asked for: `parts` without the rows that a replica has.
  std::vector<Part> asked;
  std::vector<Replica::Selection> selections;  // [n_tables]
  bool is_pull = false;
  /// The positions of a part's keys, grouped by server: those of server s are
  /// order[begin[s] .. begin[s + 1]).
  struct Route {
    std::vector<uint32_t> order;
    std::vector<uint32_t> begin;
  };
  std::vector<Route> routes;
  std::vector<uint64_t> pull_ids;       // [n_servers], 0: nothing was asked of that server
  std::vector<net::Frame> replies;      // [n_servers]
  std::vector<bool> has_reply;          // [n_servers], since PullStart
  std::vector<uint16_t> server_of_key;  // workspace of MakeRoutes
  /// [n_servers]: bytes of the pull, its reply, and the addresses of its rows at the server.
  std::vector<int64_t> n_bytes;
  std::vector<uint64_t> key_sums;  // [n_servers], see ReplyPrelude
  int n_missing = 0;               // replies
};

}  // namespace zhiyin::ps::client
