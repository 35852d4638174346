// A worker's end of the parameter server.
//
//   Exchange step;                             // lives until the push has been started
//   step.clock = 17;
//   step.parts = {{dense_keys, true, weights, gradients},   // one for every table
//                 {keys, true, rows, row_gradients}};
//   client.PullStart(&step);                   // returns at once
//   ...                                        // do not touch the weights: PullFinish writes them
//   client.PullFinish(&step);                  // the weights are there
//   ...                                        // compute the gradients
//   client.PushStart(&step, slice, n_slices);  // returns at once, gradients have been copied
//   client.Drain();                            // all pushes are applied or wait for their step
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "common/net/mailbox.h"
#include "common/net/role_map.h"
#include "common/types.h"
#include "configs/job.pb.h"
#include "ps/client/exchange.h"
#include "ps/client/replica.h"
#include "ps/client/save_call.h"
#include "ps/client/traffic.h"
#include "ps/protocol.h"

namespace zhiyin::ps::client {

/// The counts of a client, for the invariants of a job.
struct ClientCounts {
  int64_t n_pushes = 0;
  int64_t n_pulled_keys = 0;
  int64_t n_peeked_keys = 0;  // of read-only pulls
  int64_t n_assigned_keys = 0;
  /// Replies to pulls of step t that a server gave when fewer than t - staleness steps were
  /// complete.
  int64_t n_stale_reads = 0;
  /// Replies to requests that had been answered already: dropped.
  int64_t n_late_replies = 0;
  /// Requests that have not been answered, and pulls whose push has not been sent.
  int64_t n_waiting = 0;
  /// Traffic::peak_bytes and bound_bytes of the server with the largest ratio of the two.
  int64_t peak_bytes = 0;
  int64_t bound_bytes = 0;
};

/// Used by the rank's thread; borrows the mailbox. Every wait is bounded by the mailbox's limit;
/// all waits throw as Mailbox::Await does.
class Client {
 public:
  Client(net::Mailbox* mailbox, const net::RoleMap& roles, const Job& job);

  /// Asks for rows; absent ones are made. The servers answer when the job's bound on staleness
  /// allows. REQUIRES: fewer than kMaxPullsInFlight exchanges wait for their PushStart.
  void PullStart(Exchange* exchange);
  /// Read-only pull: asks for rows; absent ones read as zeros and stay absent. Answered at once; no
  /// push may follow.
  void PeekStart(Exchange* exchange);
  /// Waits for the rows that PullStart or PeekStart asked for. REQUIRES, where a table has copies
  /// of hot rows: the exchanges of PullStart are finished in the order in which they were started.
  void PullFinish(Exchange* exchange);

  /// Sends the gradients of the rows that PullStart asked for. At a bounded staleness every server
  /// receives a push of every slice, if only an empty one, so that it can tell when a step is
  /// complete.
  void PushStart(Exchange* exchange, int slice, int n_slices);
  /// Sends the gradients that replicas still hold, and waits until every push of this worker has
  /// been acknowledged. REQUIRES: no exchange is under way.
  void Drain();
  /// Takes replies that have come, so that transfers go on while this rank computes.
  void Progress();
  /// Runs a call that may wait for the disk for long, see net::Mailbox.
  void WaitForDisk(const std::function<void()>& call) { mailbox_->WaitForDisk(call); }

  /// Sends a request to the lease manager at server 0; AwaitLease returns the answer. REQUIRES: no
  /// other request of this kind is under way.
  void AskLease(const LeaseRequest& request);
  LeaseReply AwaitLease(LeaseKind kind);
  /// Returns the answer if it has arrived, without waiting.
  std::optional<LeaseReply> TakeLease(LeaseKind kind);

  /// A point in the sequence of pushes: everything that was pushed before PushesSoFar() is applied,
  /// or waits for other slices of its step, once IsAcknowledged().
  struct PushMark {
    std::vector<uint64_t> last_id;  // [server], of the requests sent to it
  };
  PushMark PushesSoFar() const;
  bool IsAcknowledged(const PushMark& mark) const;

  /// Sets the weights [keys.size(), dim] of rows; absent rows are made. Waits for the
  /// acknowledgement.
  void Assign(TableId table, std::span<const Key> keys, std::span<const float> weights);

  /// Makes every server begin to write its current rows to a file of its own in `folder`. Workers
  /// may push again once it has returned: later changes are not in the files. REQUIRES: no worker
  /// pushes meanwhile; no other save is under way.
  void SaveStart(const std::string& folder, SaveKind kind);
  /// Returns the files if all are on disk, otherwise nothing; with `wait`, waits until they are.
  /// The save is over once this returns files or throws. Throws FileError, with the server's
  /// message, when a server cannot write its file.
  std::optional<std::vector<SavedFile>> SaveFinish(bool wait);
  /// The seconds spent waiting for replies so far.
  double waited_s() const { return waited_s_; }
  /// The counts of all servers.
  ServerReport Report();
  ClientCounts counts() const;

 private:
  void Ask(net::FrameKind kind, Exchange* exchange);
  void TakeReplies(Exchange* exchange);
  void SendGradients(Exchange* exchange, int slice, int n_slices);
  void SettleReplicas();
  /// Takes a reply: a pull reply goes to its exchange, a push reply to its push, a lease to its
  /// request. A second reply to a request is dropped and counted. Throws Error on a reply to a
  /// request that was never made.
  void Accept(net::Frame frame);
  void AcceptPushReply(size_t server, const net::Frame& frame);
  /// Counts a reply to a request that has been answered. Throws Error, saying `what` it does, when
  /// there was no such request.
  void DropLate(size_t server, const net::Frame& reply, const char* what);
  /// The id of the next request to the server.
  uint64_t NewRequestTo(size_t server);
  /// Bytes of the payload of a server's reply.
  size_t ReplyBytes(const Exchange& exchange, size_t server) const;
  void AcceptLease(const net::Frame& frame);
  /// The server that a reply comes from. Throws Error when it comes from another rank.
  size_t SenderOf(const net::Frame& reply) const;
  /// Waits until at most `max_in_flight` pushes are on their way to the server.
  void AwaitPushRoom(size_t server, int max_in_flight);
  /// The next reply to a pull or push; it is awaited from the servers `from`.
  net::Frame AwaitReply(const char* what, const net::AwaitedRanks& from);
  /// Waits for a reply to one of the requests `ids` [n_servers], and sets its id to 0; 0 stands for
  /// no request.
  net::Frame AwaitOneOf(net::FrameKind kind, const char* what, std::vector<uint64_t>* ids);
  size_t dim(TableId table) const { return tables_[table].dim; }
  /// The bytes on the wire of the weights or gradients of n_keys rows.
  size_t PartBytes(TableId table, size_t n_keys) const {
    return WireBytes(tables_[table].wire, n_keys * tables_[table].dim);
  }

  net::Mailbox* mailbox_;
  net::RoleMap roles_;
  int staleness_;
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
  SaveCall save_;
  int n_pulls_in_flight_ = 0;     // exchanges that wait for their push
  std::vector<Traffic> traffic_;  // [server]
  ClientCounts counts_;
  double waited_s_ = 0;
};

}  // namespace zhiyin::ps::client
