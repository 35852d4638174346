// Answers pulls once the bound on staleness allows it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <vector>

#include "common/net/frame.h"
#include "ps/server/pending_pulls.h"
#include "ps/server/replies.h"
#include "ps/server/request_check.h"
#include "ps/server/state.h"

namespace zhiyin::ps::server {

/// Reads rows for workers. A pull of a step that is too far ahead of the complete ones is deferred,
/// and answered once enough steps are complete. A read-only pull is answered at once, makes no row
/// and is followed by no push. Borrows all arguments of the constructor; used by the rank's thread.
class Pulls {
 public:
  Pulls(ServerState* state, Replies* replies, RequestCheck* check, PendingPulls* pending)
      : state_(state), replies_(replies), check_(check), pending_(pending) {}

  /// Answers a pull or defers it; drops a repeated one. Throws Error on a pull that no correct
  /// worker sends.
  void OnPull(net::Frame frame);
  void OnReadOnlyPull(const net::Frame& frame);
  /// Answers the deferred pulls that the bound on staleness now allows; called when steps have
  /// become complete.
  void AnswerDeferred();

  /// Whether pulls are deferred, but none of this rank: then a push of this rank may be what they
  /// wait for.
  bool MayWaitFor(int rank) const;
  int64_t n_deferred() const { return static_cast<int64_t>(deferred_.size()); }

 private:
  bool IsRepeated(const net::Frame& frame);
  void AnswerOrDefer(net::Frame frame);
  /// Throws Error for a step that no job has, or that is too large for one of the tables.
  void CheckStep(const net::Frame& frame) const;
  void Answer(net::Frame frame);
  /// Looks rows up (made where absent, for a pull) and fills the reply.
  net::Frame ReadRows(const net::Frame& frame, std::vector<std::byte*>* rows);
  /// Copies the weights that optimizers want beside the gradients.
  void KeepPulledWeights(const net::Frame& frame, PendingPull* pull);

  ServerState* state_;
  Replies* replies_;
  RequestCheck* check_;
  PendingPulls* pending_;
  std::deque<net::Frame> deferred_;    // ahead of the bound, in the order in which they came
  std::vector<std::byte*> read_rows_;  // workspace of read-only pulls
};

}  // namespace zhiyin::ps::server
