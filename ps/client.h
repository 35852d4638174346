// A worker's end of the parameter server.
//
//   Exchange step;                               // lives until the push has been started
//   step.clock = 17;
//   step.parts = {{dense_keys, true, weights, gradients}, {keys, true, rows, row_gradients}};  // one a table
//   client.PullStart(&step);                     // returns at once
//   ...                                          // do not touch the weights: PullFinish writes them
//   client.PullFinish(&step);                    // the weights are there
//   ...                                          // compute the gradients
//   client.PushStart(&step, slice, n_slices);    // returns at once, gradients have been copied
//   client.Drain();                              // all pushes are applied, or wait for others of their step
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "common/net/mailbox.h"
#include "common/role_map.h"
#include "common/types.h"
#include "configs/job.pb.h"
#include "ps/protocol.h"
#include "ps/replica.h"

namespace zhiyin::ps {

/// One pull and the push that answers it. Owned by the caller, who keeps it, and all that it points to, in
/// place from PullStart until PushStart. Reused from step to step, it allocates nothing once warm.
class Exchange {
 public:
  struct Part {
    std::span<const Key> keys;         // distinct
    bool fetch = true;                 // false: only gradients will be sent, no weights are wanted
    float* weights = nullptr;          // [keys.size(), dim], written by PullFinish if `fetch`
    const float* gradients = nullptr;  // [keys.size(), dim], read by PushStart
  };
  /// [n_tables]: what is wanted of each table, the dense one first.
  std::vector<Part> parts;
  /// The step, from 0 over all epochs: what a bound on staleness counts.
  uint64_t clock = 0;

 private:
  friend class Client;
  /// What is asked of the servers: the parts, without the rows that a replica has.
  std::vector<Part> asked;
  std::vector<Replica::Selection> selections;  // [n_tables]
  bool is_pull = false;
  /// For each part: positions of its keys, grouped by server; server s has [begin[s], begin[s + 1]).
  struct Route {
    std::vector<uint32_t> order;
    std::vector<uint32_t> begin;
  };
  std::vector<Route> routes;
  std::vector<uint64_t> pull_ids;  // [n_servers], 0: nothing was asked of that server
  std::vector<Frame> replies;      // [n_servers]
  std::vector<bool> has_reply;     // [n_servers], since PullStart
  std::vector<uint16_t> server_of_key;
  int n_missing = 0;
};

/// Used by the rank's thread; borrows the mailbox. Every wait is bounded by the mailbox's limit.
class Client {
 public:
  Client(Mailbox* mailbox, const RoleMap& roles, const Job& job);

  /// Asks for rows; absent ones are made. The servers answer when the job's bound on staleness allows.
  void PullStart(Exchange* exchange);
  /// Asks for rows; absent ones read as zeros and stay absent. Answered at once; not to be followed by a
  /// push.
  void PeekStart(Exchange* exchange);
  /// Waits for what PullStart or PeekStart asked for.
  void PullFinish(Exchange* exchange);

  /// Sends the gradients of the rows of the last PullStart. At a bounded staleness all servers hear of every
  /// slice, to know when the step is complete.
  void PushStart(Exchange* exchange, int slice, int n_slices);
  /// Sends what replicas owe, and waits until every push of this worker has been acknowledged. REQUIRES: no
  /// exchange is under way.
  void Drain();
  /// Takes replies that have come, so that transfers go on while this rank computes.
  void Progress();

  /// Asks the books of server 0; the answer is there when AwaitLease returns it. REQUIRES: no other request of
  /// this kind is under way.
  void AskLease(const LeaseRequest& request);
  LeaseReply AwaitLease(LeaseKind kind);
  /// The same without waiting: nothing when the answer has not come.
  std::optional<LeaseReply> TakeLease(LeaseKind kind);

  /// How far pushes have gone: everything that was pushed before PushesSoFar() is applied, or waits for others
  /// of its step, once IsAcknowledged().
  struct PushMark {
    std::vector<uint64_t> sequence;  // [server]
  };
  PushMark PushesSoFar() const { return {last_sequence_}; }
  bool IsAcknowledged(const PushMark& mark) const;

  /// Sets weights of rows, made where absent. Waits for the acknowledgement. weights: [keys.size(), dim].
  void Assign(TableId table, std::span<const Key> keys, std::span<const float> weights);

  struct SavedFile {
    std::string name;
    int64_t n_rows = 0;
    int64_t n_bytes = 0;
    uint64_t digest = 0;
  };
  /// Has every server write its rows to a file of its own in `folder`. REQUIRES: nobody pushes meanwhile.
  std::vector<SavedFile> Save(const std::string& folder);
  /// Time spent waiting for replies so far.
  double waited_s() const { return waited_s_; }
  /// The counts of all servers.
  ServerReport Report();

 private:
  void Ask(FrameKind kind, Exchange* exchange);
  void MakeRoutes(Exchange* exchange);
  void TakeReplies(Exchange* exchange);
  void SendGradients(Exchange* exchange, int slice, int n_slices);
  void SettleReplicas();
  /// A pull reply goes to its exchange, a lease to its request; a push reply is counted. Throws Error on one that nobody waits for.
  void Accept(Frame frame);
  void AcceptLease(const Frame& frame);
  /// The server that a reply comes from. Throws Error when it comes from another rank.
  size_t SenderOf(const Frame& reply) const;
  /// Waits until at most `max_in_flight` pushes are on their way to the server.
  void AwaitPushRoom(size_t server, int max_in_flight);
  Frame AwaitReply(const char* what);
  /// A reply from one of the servers that are `awaited` [n_servers], which it then no longer is.
  Frame AwaitOneOf(FrameKind kind, const char* what, std::vector<bool>* awaited);
  size_t dim(TableId table) const { return tables_[table].dim; }
  /// Numbers of a part that go to or come from a server, as bytes on the wire.
  size_t PartBytes(TableId table, size_t n_keys) const {
    return WireBytes(tables_[table].wire, n_keys * tables_[table].dim);
  }

  Mailbox* mailbox_;
  RoleMap roles_;
  bool tell_all_servers_;
  struct TableFacts {
    size_t dim = 0;
    NumberType wire = FP32;
  };
  std::vector<TableFacts> tables_;
  std::vector<Replica> replicas_;  // [table]
  uint64_t last_clock_ = 0;        // of all pulls
  std::vector<Exchange*> waiting_;
  struct LeaseCall {
    uint64_t request_id = 0;  // 0: none is under way
    std::optional<LeaseReply> reply;
  };
  std::map<LeaseKind, LeaseCall> lease_calls_;
  std::vector<int> n_pushes_in_flight_;  // [server]
  std::vector<uint64_t> last_sequence_;  // [server], of the pushes sent to it
  double waited_s_ = 0;
};

}  // namespace zhiyin::ps
