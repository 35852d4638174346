// zhiyin doctor: looks at the hosts that a job is to run on, before it does, and says in plain
// words what is wrong.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "common/net/endpoint.h"
#include "launch/apps/doctor/facts.pb.h"

namespace zhiyin::launch::apps {

/// What the command line says, equal on every rank.
struct DoctorOptions {
  std::string config;  // "": the job's data and tables are not looked at
  std::vector<std::string> overrides;
  int n_servers = 1;
  bool n_servers_given = false;
  std::string output;  // "": no folder and no disk is looked at
  std::string
      hostfile;      // "": mpirun, Slurm or the cores of this machine say how many slots there are
  int n_wanted = 0;  // ranks that the job is to have; 0: as many as are here
  double limit_s = 30;  // no step takes longer
  bool under_mpirun = true;
  std::function<void(const std::string&)> print;  // the report, on rank 0
  std::function<void(const std::string&)>
      print_error;  // one line, on a rank that rank 0 has left alone
  // What a rank says of itself and of its clock.
  std::function<RankFacts()> gather;
  std::function<double()> wall_clock;
};

struct DoctorOutcome {
  int exit_code = 0;  // 1: something is wrong; said by rank 0, and by a rank that it has left alone
  bool all_are_ending = false;  // false: some rank may be waited for in vain
};

/// One rank's part, on any network. Rank 0 asks, the others answer; a rank that does not answer
/// within the limit is named in the report and not asked again.
DoctorOutcome ExamineRank(net::Endpoint& endpoint, const DoctorOptions& options);

/// This process as one rank of mpirun's world, or alone. `gather` and `wall_clock` are filled in.
/// Ends the process itself where another rank could be waited for in vain.
int RunDoctor(DoctorOptions options);

}  // namespace zhiyin::launch::apps
