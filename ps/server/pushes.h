// Applies pushes: each at once, or, at staleness 0, the sum over all slices of a step.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <vector>

#include "common/net/frame.h"
#include "ps/protocol.h"
#include "ps/server/gradient_check.h"
#include "ps/server/pending_pulls.h"
#include "ps/server/push_gradients.h"
#include "ps/server/replies.h"
#include "ps/server/state.h"
#include "ps/server/step_sum.h"

namespace zhiyin::ps::server {

/// At staleness 0 the pushes of a step are kept until all slices have arrived, then summed in slice
/// order and applied as one update; otherwise each push is applied when it arrives. A repeated push
/// is acknowledged but not applied again. Borrows all pointers that it is given; used by the rank's
/// thread.
class Pushes {
 public:
  /// `first_step`: the first step that an earlier run of the job has not done.
  Pushes(ServerState* state, Replies* replies, PendingPulls* pending, PushGradients* gradients,
         GradientCheck* gradient_check, uint64_t first_step);

  /// Applies the push or keeps it for its step, and acknowledges it. Returns whether it completed
  /// one or more steps. Throws Error on a push that no correct worker sends.
  bool OnPush(net::Frame frame);

  /// Pushes that wait for other slices of their step.
  int64_t n_gathering() const;

 private:
  /// A push that waits for the other slices of its step.
  struct WaitingSlice {
    PendingPull pull;
    net::Frame push;
  };
  using WaitingStep = std::map<uint32_t, WaitingSlice>;  // by slice

  PendingPull TakePull(const PushPrelude& prelude, const net::Frame& push);
  void CheckSlice(const PushPrelude& prelude, const net::Frame& push);
  void ApplyOne(const PendingPull& pull, const net::Frame& push);
  void Gather(const PushPrelude& prelude, PendingPull pull, net::Frame push);
  void ApplyStep(uint64_t step, WaitingStep* slices);
  void CountApplied(const PendingPull& pull);
  void EndStep(uint64_t step, uint64_t oldest_in_use);
  /// The latest step that the slowest worker has pushed. The ages of rows are measured by it where
  /// steps are not synchronous: a row that some worker pulled in its step s is kept until every
  /// worker is ttl_steps past s. By the step of the fastest worker, or by the mean, rows would
  /// expire that a slow worker used a few of its own steps ago. The price is that rows of fast
  /// workers stay longer, and that no row ages before every worker has pushed to this server.
  /// Workers synchronise at the end of each epoch, which bounds how far they drift apart.
  uint64_t SlowestStep() const;

  ServerState* state_;
  Replies* replies_;
  PendingPulls* pending_;
  PushGradients* gradients_;
  GradientCheck* gradient_check_;
  std::vector<uint64_t> last_sequence_;  // [worker], of its pushes
  std::vector<uint64_t> latest_step_;    // [worker], that it pushed
  uint32_t n_slices_ = 0;                // of every step; 0 before the first push
  std::deque<WaitingStep> gathering_;    // [step - steps complete], at staleness 0
  std::vector<RowSum> sums_;             // [table], workspace
};

}  // namespace zhiyin::ps::server
