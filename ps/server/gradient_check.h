// Refuses pushes with non-finite or too large gradients.
#pragma once

#include <string>

#include "common/net/frame.h"
#include "common/net/mailbox.h"
#include "configs/job.pb.h"
#include "ps/server/pending_pulls.h"
#include "ps/server/push_gradients.h"
#include "ps/server/state.h"

namespace zhiyin::ps::server {

/// Finds pushes with non-finite or too large gradients, counts them, and writes the first ten to
/// files: a header line, then a line for each embedding row with its table, key and gradient,
/// separated by tabs. A table with more than 10,000 numbers is shortened to its first rows; lines
/// that begin with # then say so, and list its first 1,000 refused numbers: table, key, position in
/// the row, number. A file that cannot be written is a warning: the push is refused and the job
/// goes on. Borrows all pointers that it is given; used by the rank's thread.
class GradientCheck {
 public:
  /// `folder` is where refused pushes are written; "": they are only logged and counted.
  GradientCheck(const Job& job, const std::string& folder, net::Mailbox* mailbox,
                ServerState* state, PushGradients* gradients);

  /// Whether the push must not be applied, since a gradient is non-finite, exceeds
  /// train.max_gradient in absolute value, or exceeds what optimizers take: table::kMaxGradient, of
  /// which each slice has an equal part at staleness 0, where the gradients of a step are summed.
  /// Counts such a push in the report, logs it, and writes it to a file. REQUIRES: at staleness 0,
  /// the push belongs to a step.
  bool Refuses(const PendingPull& pull, const net::Frame& push);

 private:
  /// The largest gradient that is accepted in a push, in absolute value.
  float LimitOf(const net::Frame& push) const;
  bool HasNonFinite(const PendingPull& pull, const net::Frame& push, float limit);
  /// Logs a refused push, and writes it to a file, unless ten were written already.
  void Dump(const PendingPull& pull, const net::Frame& push, float limit);
  /// The content of the file.
  std::string TextOfPush(const PendingPull& pull, const net::Frame& push, float limit);

  float max_gradient_;  // of the job; kMaxGradient where it sets none
  std::string folder_;
  net::Mailbox* mailbox_;
  ServerState* state_;
  PushGradients* gradients_;
  int n_dumped_ = 0;
};

}  // namespace zhiyin::ps::server
