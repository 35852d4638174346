// A server: a loop over messages around the tables that it owns. Nobody else touches them, so
// nothing is locked.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "common/net/mailbox.h"
#include "common/net/role_map.h"
#include "configs/job.pb.h"
#include "ps/protocol.h"
#include "ps/save/row_saver.h"
#include "ps/server/consistency.h"
#include "ps/server/lease_manager.h"
#include "ps/server/repeats.h"
#include "ps/server/step_sum.h"
#include "ps/table/table.h"

namespace zhiyin::ps::server {

/// Used by the rank's thread; borrows the mailbox.
///
/// At staleness 0 the pushes of a step are kept until all have come, then applied at once, in slice
/// order; otherwise each is applied as it comes.
class Server {
 public:
  /// `output_folder` is where models are saved, and refused pushes, in poisoned/; "": those are
  /// only counted, and a request to save is refused. `profile`: reports say what the time went to.
  /// `first_step`: what an earlier run of the job, whose rows will be loaded, has not done.
  Server(net::Mailbox* mailbox, const net::RoleMap& roles, const Job& job,
         const std::string& output_folder = "", bool profile = false, uint64_t first_step = 0);

  /// What the tables hold before the first message, for loading a model.
  std::vector<table::Table>& tables() { return tables_; }

  /// Serves until the chief says that all is done, which is true, or ends early, which is false.
  /// Throws Error on a message that makes no sense, naming the rank it came from.
  bool Run();

 private:
  /// The next request. Meanwhile, while there is none, goes on with a save.
  net::Frame NextRequest();
  /// Does some of what a save still has to do; false: it waits for the disk.
  bool GoOnSaving();

  /// What a pull leaves behind for its push.
  struct PendingPull {
    net::Frame request;  // empty: nothing was pulled
    uint64_t version = 0;
    std::vector<std::byte*> rows;  // of all sections in turn; nullptr where a key was refused
    std::vector<std::vector<float>>
        weights;  // [table], as they were read, where the optimizer wants them

    uint64_t id() const { return request.header().request_id; }
  };
  /// A push that waits for the other slices of its step.
  struct WaitingSlice {
    PendingPull pull;
    net::Frame push;
  };
  using WaitingStep = std::map<uint32_t, WaitingSlice>;  // by slice

  void Handle(net::Frame frame);
  void CountTraffic(const net::Frame& frame);
  void Reply(int to, net::Frame frame);
  void OnPull(net::Frame frame);
  void AnswerPull(net::Frame frame);
  void AnswerPeek(const net::Frame& frame);
  /// Looks rows up (made where absent, for a pull) and fills the reply.
  net::Frame ReadRows(const net::Frame& frame, std::vector<std::byte*>* rows);
  void OnPush(net::Frame frame);
  void ApplyPush(const PendingPull& pull, const net::Frame& push);
  void Gather(const PushPrelude& prelude, uint64_t step, PendingPull pull, net::Frame push);
  /// Throws Error on a slice that no honest worker pushes now.
  void CheckSlice(const PushPrelude& prelude, const net::Frame& push);
  void ApplyStep(uint64_t step, WaitingStep* slices);
  void OnAssign(const net::Frame& frame);
  void OnLease(const net::Frame& frame);
  void OnSave(const net::Frame& frame);
  void OnReport(const net::Frame& frame);
  void AnswerDeferred();
  /// Whether a pull or a peek has come before. Ids of a worker's requests rise.
  bool IsRepeated(const net::Frame& frame);
  /// Answers a pull, or keeps it until the bound on staleness allows.
  void AnswerOrDefer(net::Frame frame);

  /// The sections of a pull or an assignment, checked: tables exist, the keys are all there,
  /// distinct, and belong here.
  std::span<const Section> CheckSections(const net::Frame& frame, bool one_section);
  /// Of a pull that CheckSections has passed.
  std::span<const Section> SectionsOf(const net::Frame& frame) const;
  PendingPull TakePendingPull(const net::Frame& push, uint64_t id);
  PendingPull NewPendingPull();
  size_t GradientBytes(const PendingPull& pull) const;
  /// visit(table, its rows in the pull, their gradients, and the weights they were pulled with or
  /// nullptr).
  template <typename Visit>
  void ForEachSection(const PendingPull& pull, const net::Frame& push, const Visit& visit);
  bool HasNonFinite(const PendingPull& pull, const net::Frame& push);
  void DumpNonFinite(const PendingPull& pull, const net::Frame& push);
  void CountApplied(const PendingPull& pull);
  void EndStep(uint64_t step, uint64_t oldest_in_use);
  /// The clock of ages where steps are not synchronous: the step that the slowest worker pushed
  /// last. A row that somebody pulled in his step s is so kept until every worker is ttl_steps past
  /// s, those who use it among them. The clock of the fastest would expire what a slow one, fewer
  /// of its own steps ago, has used; a mean would too, less. The price: rows of the fast wait, and
  /// while a worker that was never heard of here is awaited, nothing ages. Workers meet at the end
  /// of each epoch, which bounds how far they part.
  uint64_t SlowestStep() const;
  /// The earliest step that has pulled rows and not pushed yet.
  uint64_t OldestInUse() const;

  net::Mailbox* mailbox_;
  net::RoleMap roles_;
  StageClock<ServerStage> stages_;
  std::vector<table::Table> tables_;
  StepClock clock_;
  uint64_t version_ = 0;  // pushes applied
  LeaseManager leases_;   // used at server 0
  ServerReport report_;

  float max_gradient_;  // infinity: every finite one will do
  std::string output_folder_;
  std::string dump_folder_;
  std::unique_ptr<save::RowSaver> saver_;  // while the chief waits for a file
  uint64_t save_request_ = 0;
  int n_dumped_ = 0;
  std::vector<uint64_t> latest_step_;  // [worker], that it pushed; 0 before its first

  std::vector<std::vector<PendingPull>> pending_;  // [worker]
  std::vector<uint64_t> last_sequence_;            // [worker], of its pushes
  std::vector<uint64_t> last_request_;             // [worker], of its pulls and peeks
  std::vector<PendingPull> spare_;                 // for their memory
  std::deque<net::Frame> deferred_;                // pulls ahead of the bound
  uint32_t n_slices_ = 0;                          // of every step; 0 before the first push
  std::deque<WaitingStep> gathering_;              // [step - steps complete], at staleness 0
  std::vector<RowSum> sums_;                       // [table]

  // Workspaces.
  Repeats repeats_;
  std::vector<std::byte*> peeked_rows_;
  std::vector<float> widened_;
};

}  // namespace zhiyin::ps::server
