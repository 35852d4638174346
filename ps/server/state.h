// The state that the parts of a server share.
#pragma once

#include <cstdint>
#include <vector>

#include "common/net/role_map.h"
#include "common/stage_clock.h"
#include "configs/job.pb.h"
#include "ps/protocol.h"
#include "ps/server/consistency.h"
#include "ps/table/table.h"

namespace zhiyin::ps::server {

/// The tables of one server, the steps that are complete, and the counts for its report. Owned by
/// the Server; outlives the server's parts. Used by the rank's thread only, hence without locks.
struct ServerState {
  /// `first_step`: the first step that an earlier run of the job has not done. `profile`: reports
  /// hold the time of each ServerStage.
  ServerState(const net::RoleMap& role_map, int server_number, const Job& job, bool profile,
              uint64_t first_step)
      : roles(role_map),
        server(server_number),
        stages(profile, ServerStage::kOther),
        tables(table::EmptyTables(job)),
        clock(job.train().staleness(), job.train().staleness() < 0 ? 0 : first_step) {
    report.staleness.resize(ServerReport::kStalenessBins);
    report.traffic.resize(static_cast<size_t>(roles.n_servers));
  }

  net::RoleMap roles;
  int server;  // its number
  StageClock<ServerStage> stages;
  std::vector<table::Table> tables;  // by TableId
  StepClock clock;
  uint64_t version = 0;  // updates applied: pushes, or whole steps at staleness 0
  ServerReport report;
};

}  // namespace zhiyin::ps::server
