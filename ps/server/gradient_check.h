// Refuses pushes with non-finite or too large gradients.
#pragma once

#include <string>

#include "common/net/frame.h"
#include "configs/job.pb.h"
#include "ps/server/pending_pulls.h"
#include "ps/server/push_gradients.h"
#include "ps/server/state.h"

namespace zhiyin::ps::server {

/// Finds pushes that would ruin the model, counts them, and writes the first ten to files: a header
/// line, then table, key and gradient of each embedding row, separated by tabs. Borrows both; used
/// by the rank's thread.
class GradientCheck {
 public:
  /// `folder` is where refused pushes are written; "": they are only logged and counted.
  GradientCheck(const Job& job, const std::string& folder, ServerState* state,
                PushGradients* gradients);

  /// Whether the push must not be applied: some gradient is not finite, or above
  /// train.max_gradient in absolute value. Counts it in the report and writes it to a file. Throws
  /// FileError.
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
