// A server: owns tables and answers requests for their rows, in a loop over messages.
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
  /// `output_folder` is where models are saved, and refused pushes, in poisoned/; "": refused
  /// pushes are only counted, and requests to save are refused. `profile`: reports hold the time of
  /// each ServerStage. `first_step`: the first step that the earlier run of a resumed job has not
  /// done; its rows are loaded before Run.
  Server(net::Mailbox* mailbox, const net::RoleMap& roles, const Job& job,
         const std::string& output_folder = "", bool profile = false, uint64_t first_step = 0);
  Server(const Server&) = delete;  // the parts borrow from each other
  Server& operator=(const Server&) = delete;

  /// The tables, for loading a model before Run.
  std::vector<table::Table>& tables() { return state_.tables; }

  /// Answers requests until the chief shuts the servers down. Returns true when the job is done,
  /// false when it ends early. Throws Error, naming the sender, on a request that no correct worker
  /// sends; throws as Mailbox::Await does.
  bool Run();

 private:
  /// Returns the next request. Continues a save until one arrives.
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
