// Invariants of every training job, over MPI and simulated alike, checked at its end by name from
// sums that workers and servers keep anyway.
//
//   evaluation_makes_no_rows  servers have made as many rows after each evaluation as before it
//   pushes_applied            pushes that servers applied or refused = pushes that workers sent
//   keys_pushed               keys that workers pulled = keys of pulls at servers
//                             = keys of their pushes, refused ones included;
//                             keys of read-only pulls agree likewise
//   samples_counted           examples that workers trained on = examples of the split * epochs
//   staleness_bound           no worker got a reply to a pull of step t before t - staleness steps
//                             were complete
//   row_counts                those of ps/row_counts.h
//   all_answered              nothing is left waiting at a client or a server
//   memory_bound              bytes between a worker and a server stayed within what
//                             docs/protocol.md allows
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "ps/client/client.h"

namespace zhiyin::worker::train {

/// One worker's counts to the chief, as bytes.
std::string SerializeCounts(const ps::client::ClientCounts& counts);
/// Throws Error on bytes that SerializeCounts did not write, and on counts that cannot be.
ps::client::ClientCounts ParseCounts(std::string_view bytes);

/// All that the invariants are about, at the chief.
struct JobCounts {
  int staleness = 0;
  int64_t n_rows = 0;  // of the training split
  int64_t n_epochs = 0;
  int64_t n_samples = 0;  // trained on, as workers say
  int64_t n_rows_made_by_evaluation = 0;
  std::vector<ps::client::ClientCounts> workers;  // [worker]
  ps::ServerReport servers;                       // all together

  /// Over all workers.
  int64_t Sum(int64_t ps::client::ClientCounts::*count) const;
};

/// Checks all that apply to the job, in the order above; returns their names. Throws Error on the
/// first that is broken: "invariant NAME broken: what, expected".
std::vector<std::string> CheckInvariants(const JobCounts& counts);

}  // namespace zhiyin::worker::train
