// Collective operations among the workers: gather to the chief, broadcast from the chief, barrier.
//
//   kGather      any bytes; clock = the number of the call
//   kBroadcast   any bytes; clock = the number of the call
//   kExamples    any bytes, from one worker to another
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/net/mailbox.h"
#include "common/net/role_map.h"

namespace zhiyin::worker::train {

/// The operations are collective: all workers call them in one order. They throw as Mailbox::Await
/// does. Used by the rank's thread; borrows the mailbox.
class Group {
 public:
  Group(net::Mailbox* mailbox, const net::RoleMap& roles)
      : mailbox_(mailbox), roles_(roles), worker_(roles.WorkerOfRank(mailbox->endpoint().rank())) {}

  int worker() const { return worker_; }
  bool IsChief() const { return worker_ == 0; }
  int RankOfWorker(int worker) const { return roles_.RankOfWorker(worker); }

  /// Sends `mine` to the chief. Returns the bytes of all workers, [n_workers], at the chief;
  /// returns an empty vector at once elsewhere. `what` names the operation in messages. Throws
  /// Error on a part that no correct worker sends.
  std::vector<std::string> Gather(std::string mine, const char* what);
  /// Returns the chief's bytes, at all workers.
  std::string Broadcast(std::string from_chief, const char* what);
  /// Returns once every worker has called this.
  void Barrier(const char* what);
  /// Sends bytes to another worker, which receives them in the order in which they were sent.
  void Send(int worker, std::string_view bytes);
  /// Returns the next bytes that a worker has sent to this one.
  std::string Receive(int worker, const char* what);
  /// Returns them if they have arrived, without waiting.
  std::optional<std::string> TakeArrived(int worker);
  /// For long work between calls: see Mailbox.
  void SendHeartbeat() { mailbox_->SendHeartbeat(); }
  void WaitForDisk(const std::function<void()>& call) { mailbox_->WaitForDisk(call); }

 private:
  /// Keeps bytes that a worker has sent. Throws Error where they come from a server.
  void Keep(net::Frame frame);
  /// Returns the first bytes of a rank that are kept.
  std::optional<std::string> TakeKept(int rank);

  net::Mailbox* mailbox_;
  net::RoleMap roles_;
  int worker_;
  uint64_t n_calls_ = 0;
  std::vector<net::Frame> early_;  // at the chief: parts of calls that it has not made yet
  std::vector<net::Frame> sent_;   // to this worker, and not received yet
};

}  // namespace zhiyin::worker::train
