// doctor and supervise, which look after hosts and jobs.
#include "common/error.h"
#include "launch/apps/console.h"
#include "launch/apps/doctor/doctor.h"
#include "launch/apps/flags.h"
#include "launch/apps/run_commands.h"
#include "launch/apps/supervise/supervise.h"
#include "launch/rank/launcher.h"

namespace zhiyin::launch::apps {

int Examine(const CommandLine& line) {
  if (FLAGS_timeout_s <= 0) Fail("--timeout_s=", FLAGS_timeout_s, ": expected more than 0");
  if (FLAGS_ranks < 0) Fail("--ranks=", FLAGS_ranks, ": expected at least 1");
  if (FLAGS_config.empty() && !line.overrides.empty())
    Fail("--set ", line.overrides[0], ": means nothing to doctor without --config");
  DoctorOptions options;
  options.config = FLAGS_config;
  options.overrides = line.overrides;
  options.n_servers = FLAGS_servers;
  options.n_servers_given = IsSet("servers");
  options.output = FLAGS_output;
  options.hostfile = FLAGS_hostfile;
  options.n_wanted = FLAGS_ranks;
  if (IsSet("timeout_s")) options.limit_s = FLAGS_timeout_s;
  options.under_mpirun = rank::StartedByLauncher();
  options.print = Print;
  options.print_error = PrintError;
  return RunDoctor(std::move(options));
}

int RunSupervise(const CommandLine& line) {
  CheckStartedAlone("supervise");
  if (!line.overrides.empty())
    Fail("--set ", line.overrides[0],
         ": means nothing to supervise: expected it behind the command");
  if (FLAGS_restarts < 0) Fail("--restarts=", FLAGS_restarts, ": expected 0 or more");
  if (!(FLAGS_backoff_s >= 0)) Fail("--backoff_s=", FLAGS_backoff_s, ": expected 0 or more");
  if (!(FLAGS_start_s > 0)) Fail("--start_s=", FLAGS_start_s, ": expected more than 0");
  if (!(FLAGS_silence_s > 0)) Fail("--silence_s=", FLAGS_silence_s, ": expected more than 0");
  if (!(FLAGS_grace_s > 0)) Fail("--grace_s=", FLAGS_grace_s, ": expected more than 0");
  SuperviseOptions options;
  options.command = line.rest;
  options.max_restarts = FLAGS_restarts;
  options.backoff_s = FLAGS_backoff_s;
  options.start_s = FLAGS_start_s;
  options.silence_s = FLAGS_silence_s;
  options.grace_s = FLAGS_grace_s;
  options.print_error = PrintError;
  return Supervise(options);
}

}  // namespace zhiyin::launch::apps
