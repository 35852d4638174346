// zhiyin doctor: examines the hosts that a job is to run on and prints, in plain words, what is
// wrong.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "common/net/endpoint.h"
#include "launch/apps/doctor/facts.pb.h"

namespace zhiyin::launch::apps {

/// The options of the command line, equal on every rank.
struct DoctorOptions {
  std::string config;  // "": the job's data and tables are not examined
  std::vector<std::string> overrides;
  int n_servers = 1;
  bool n_servers_given = false;
  std::string output;    // "": no folder and no disk is examined
  std::string hostfile;  // "": slots are those of mpirun, Slurm or this machine (slots.h)
  int n_wanted = 0;      // ranks that the job will have; 0: as many as the doctor has
  double limit_s = 30;   // the longest time of a step
  bool under_mpirun = true;
  std::function<void(const std::string&)> print;  // the report, on rank 0
  /// Prints one line, on a rank that no longer receives messages from rank 0.
  std::function<void(const std::string&)> print_error;
  std::function<RankFacts()> gather;   // GatherRankFacts, or a substitute in tests
  std::function<double()> wall_clock;  // WallClock, or a substitute in tests
};

struct DoctorOutcome {
  int exit_code = 0;            // 1: something is wrong; on rank 0, and on a rank without rank 0
  bool all_are_ending = false;  // false: some rank may never end, so that MPI_Finalize could hang
};

/// Runs the doctor on one rank, on any network. Rank 0 sends questions, the others answer. A rank
/// that does not answer within the limit is named in the report and receives no more questions.
DoctorOutcome ExamineRank(net::Endpoint& endpoint, const DoctorOptions& options);

/// Runs the doctor on this process as one rank of mpirun's world, or as the only one. Fills in
/// `gather` and `wall_clock`. Returns the exit code, or ends the process if another rank may never
/// end.
int RunDoctor(DoctorOptions options);

}  // namespace zhiyin::launch::apps
