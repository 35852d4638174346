// The invariants of training jobs, over MPI and simulated. Every job checks them at its end, from
// counts of its workers and servers.
//
//   evaluation_makes_no_rows  servers have made as many rows after each evaluation as before it
//   pushes_applied            pushes that servers applied or refused = pushes that workers sent
//   keys_pushed               keys that workers pulled = keys of pulls at servers
//                             = keys of their pushes, refused ones included;
//                             keys of read-only pulls agree likewise
//   samples_counted           examples that workers trained on = examples of the split * epochs
//   staleness_bound           no worker got a reply to a pull of step t before t - staleness steps
//                             were complete
//   row_counts                the equations of ps/row_counts.h hold
//   all_answered              no request or pull is left waiting at a client or a server
//   memory_bound              the bytes between a worker and a server stayed within the bound of
//                             docs/protocol.md
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "ps/client/client.h"

namespace zhiyin::worker::train {

/// One worker's counts as bytes, which it sends to the chief.
std::string SerializeCounts(const ps::client::ClientCounts& counts);
/// The inverse. Throws Error on bytes that SerializeCounts did not write, and on impossible counts.
ps::client::ClientCounts ParseCounts(std::string_view bytes);

/// The counts that the invariants relate to each other, at the chief. Plain data.
struct JobCounts {
  int staleness = 0;
  int64_t n_rows = 0;  // of the training split
  int64_t n_epochs = 0;
  int64_t n_samples = 0;  // examples trained on, by the workers' counts
  int64_t n_rows_made_by_evaluation = 0;
  std::vector<ps::client::ClientCounts> workers;  // [worker]
  ps::ServerReport servers;                       // of all servers, merged

  /// The sum of a count over all workers.
  int64_t Sum(int64_t ps::client::ClientCounts::*count) const;
};

/// Checks the invariants that apply to the job, in the order above, and returns their names. Throws
/// Error on the first one that is broken: "invariant NAME broken: what, expected".
std::vector<std::string> CheckInvariants(const JobCounts& counts);

}  // namespace zhiyin::worker::train
