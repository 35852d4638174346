// Refuses pushes with non-finite or too large gradients.
#pragma once

#include <string>

#include "common/net/frame.h"
#include "configs/job.pb.h"
#include "ps/server/pending_pulls.h"
#include "ps/server/push_gradients.h"
#include "ps/server/state.h"

namespace zhiyin::ps::server {

/// Finds pushes with non-finite or too large gradients, counts them, and writes the first ten to
/// files: a header line, then a line for each embedding row with its table, key and gradient,
/// separated by tabs. Borrows the state and the gradients; used by the rank's thread.
class GradientCheck {
 public:
  /// `folder` is where refused pushes are written; "": they are only logged and counted.
  GradientCheck(const Job& job, const std::string& folder, ServerState* state,
                PushGradients* gradients);

  /// Whether the push must not be applied, since a gradient is non-finite or exceeds
  /// train.max_gradient in absolute value. Counts such a push in the report and writes it to a
  /// file. Throws FileError when the file cannot be written.
  bool Refuses(const PendingPull& pull, const net::Frame& push);

 private:
  bool HasNonFinite(const PendingPull& pull, const net::Frame& push);
  void Dump(const PendingPull& pull, const net::Frame& push);

  float max_gradient_;  // the largest float: every finite gradient is accepted
  std::string folder_;
  ServerState* state_;
  PushGradients* gradients_;
  int n_dumped_ = 0;
};

}  // namespace zhiyin::ps::server
