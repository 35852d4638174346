// A server: a loop over messages around the tables that it owns. Nobody else touches them, so nothing is
// locked.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <vector>

#include "common/net/mailbox.h"
#include "common/role_map.h"
#include "configs/job.pb.h"
#include "ps/consistency.h"
#include "ps/protocol.h"
#include "ps/step_sum.h"
#include "ps/table.h"

namespace zhiyin::ps {

/// Used by the rank's thread; borrows the mailbox.
///
/// At staleness 0 the pushes of a step are kept until all have come, then applied at once, in slice order;
/// otherwise each is applied as it comes.
class Server {
 public:
  Server(Mailbox* mailbox, const RoleMap& roles, const Job& job);

  /// What the tables hold before the first message, for loading a model.
  std::vector<Table>& tables() { return tables_; }

  /// Serves until the chief says that all is done. Throws Error on a message that makes no sense, naming the
  /// rank it came from.
  void Run();

 private:
  /// What a pull leaves behind for its push.
  struct PendingPull {
    uint64_t id = 0;
    uint64_t version = 0;
    std::vector<Section> sections;
    std::vector<float*> rows;
  };
  /// A push that waits for the other slices of its step.
  struct WaitingSlice {
    PendingPull pull;
    Frame push;
  };
  using WaitingStep = std::map<uint32_t, WaitingSlice>;  // by slice

  void Handle(Frame frame);
  void OnPull(Frame frame);
  void AnswerPull(const Frame& frame);
  void OnPush(Frame frame);
  void ApplyPush(const PendingPull& pull, const float* gradients);
  void Gather(const PushPrelude& prelude, uint64_t step, PendingPull pull, Frame push);
  /// Throws Error on a slice that no honest worker pushes now.
  void CheckSlice(const PushPrelude& prelude, const Frame& push);
  void ApplyStep(WaitingStep* slices);
  void OnAssign(const Frame& frame);
  void OnSave(const Frame& frame);
  void OnReport(const Frame& frame);
  void AnswerDeferred();

  /// The sections of a pull or an assignment, checked: tables exist, the keys are all there and belong here.
  std::span<const Section> CheckSections(const Frame& frame, bool one_section);
  PendingPull TakePendingPull(const Frame& push, uint64_t id);
  PendingPull NewPendingPull();
  uint64_t n_gradients(const PendingPull& pull) const;

  Mailbox* mailbox_;
  RoleMap roles_;
  std::vector<Table> tables_;
  StepClock clock_;
  uint64_t version_ = 0;  // pushes applied
  ServerReport report_;

  std::vector<std::vector<PendingPull>> pending_;  // [worker]
  std::vector<PendingPull> spare_;                 // for their memory
  std::deque<Frame> deferred_;                     // pulls ahead of the bound
  uint32_t n_slices_ = 0;                          // of every step; 0 before the first push
  std::deque<WaitingStep> gathering_;              // [step - steps complete], at staleness 0
  std::vector<RowSum> sums_;                       // [table]
};

}  // namespace zhiyin::ps
