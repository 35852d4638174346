// All workers together: what each has goes to the chief, what the chief decides goes to all.
//
//   kGather     any bytes, clock = number of the call; kBroadcast the same
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/net/mailbox.h"
#include "common/net/role_map.h"

namespace zhiyin::worker::train {

/// Every worker makes equal calls in one order. Used by the rank's thread; borrows the
/// mailbox.
class Group {
 public:
  Group(net::Mailbox* mailbox, const net::RoleMap& roles)
      : mailbox_(mailbox), roles_(roles), worker_(roles.WorkerOfRank(mailbox->endpoint().rank())) {}

  int worker() const { return worker_; }
  bool IsChief() const { return worker_ == 0; }
  int RankOfWorker(int worker) const { return roles_.RankOfWorker(worker); }

  /// At the chief: every worker's bytes, by worker. Elsewhere: nothing, at once. `what` names the
  /// gathering in messages. Throws Error on a part that nobody should have sent.
  std::vector<std::string> Gather(std::string mine, const char* what);
  /// Everywhere: the chief's bytes.
  std::string Broadcast(std::string from_chief, const char* what);
  /// Returns once every worker has called it.
  void Barrier(const char* what);
  /// For long work between calls: see Mailbox.
  void SendHeartbeat() { mailbox_->SendHeartbeat(); }

 private:
  net::Mailbox* mailbox_;
  net::RoleMap roles_;
  int worker_;
  uint64_t n_calls_ = 0;
  std::vector<net::Frame> early_;  // at the chief: of calls that this rank has not made yet
};

}  // namespace zhiyin::worker::train
