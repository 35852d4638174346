// A server: a loop over messages around the tables that it owns.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/net/mailbox.h"
#include "common/net/role_map.h"
#include "configs/job.pb.h"
#include "ps/server/gradient_check.h"
#include "ps/server/lease_manager.h"
#include "ps/server/pending_pulls.h"
#include "ps/server/pulls.h"
#include "ps/server/push_gradients.h"
#include "ps/server/pushes.h"
#include "ps/server/replies.h"
#include "ps/server/request_check.h"
#include "ps/server/saves.h"
#include "ps/server/state.h"

namespace zhiyin::ps::server {

/// Hands each request to the part that answers it: Pulls, Pushes, Saves, LeaseManager. Used by the
/// rank's thread, which alone touches the tables; borrows the mailbox.
class Server {
 public:
  /// `output_folder` is where models are saved, and refused pushes, in poisoned/; "": those are
  /// only counted, and a request to save is refused. `profile`: reports say what the time went to.
  /// `first_step`: the first step that an earlier run of the job, whose rows will be loaded, has
  /// not done.
  Server(net::Mailbox* mailbox, const net::RoleMap& roles, const Job& job,
         const std::string& output_folder = "", bool profile = false, uint64_t first_step = 0);
  Server(const Server&) = delete;  // the parts borrow from each other
  Server& operator=(const Server&) = delete;

  /// The tables, for loading a model before Run.
  std::vector<table::Table>& tables() { return state_.tables; }

  /// Serves until the chief says that all is done, which returns true, or that the job ends early,
  /// which returns false. Throws Error on a message that makes no sense, naming its rank.
  bool Run();

 private:
  /// The next request. Goes on with a save until there is one.
  net::Frame NextRequest();
  void Handle(net::Frame frame);
  void OnAssign(const net::Frame& frame);
  void OnLease(const net::Frame& frame);
  void OnReport(const net::Frame& frame);

  net::Mailbox* mailbox_;
  ServerState state_;
  Replies replies_;
  RequestCheck check_;
  PendingPulls pending_;
  PushGradients gradients_;
  GradientCheck gradient_check_;
  Pulls pulls_;
  Pushes pushes_;
  Saves saves_;
  LeaseManager leases_;  // used at server 0
};

}  // namespace zhiyin::ps::server
