#include "launch/run_rank.h"

#include <glog/logging.h>
#include <immintrin.h>

#include <algorithm>

#include "common/config.h"
#include "common/error.h"
#include "common/net/mailbox.h"
#include "common/role_map.h"
#include "configs/manifest.pb.h"
#include "launch/hello.h"
#include "launch/output_folder.h"
#include "ps/checkpoint.h"
#include "ps/server.h"
#include "worker/job.h"
#include "worker/saved_model.h"

namespace zhiyin::launch {
namespace {

/// How long a failed rank waits for rank 0 to have heard of it.
constexpr double kFarewellS = 5;

RoleMap RolesFor(int n_ranks, int n_servers) {
  if (n_servers < 1) Fail("--servers=", n_servers, ": expected at least 1");
  if (n_ranks < 2) {
    Fail(
        "one rank alone cannot both serve and work: start at least 2 (mpirun -n 2 zhiyin ...), or use "
        "--simulate=1x1");
  }
  if (n_servers >= n_ranks) {
    Fail("--servers=", n_servers, " leaves no worker among ", n_ranks, " ranks: start at least ",
         n_servers + 1, " (mpirun -n), or ask for fewer servers");
  }
  return {n_servers, n_ranks - n_servers};
}

/// A model is what was trained: an evaluation or a prediction may choose other rows, nothing else.
void CheckModelOverrides(const RankOptions& options) {
  for (const std::string& text : options.overrides) {
    if (!text.starts_with("data.") && !text.starts_with("evaluation."))
      Fail("--set ", text, options.command == Command::kEvaluate ? ": evaluate" : ": predict",
           " takes the model as it was trained, expected a field of data or evaluation");
  }
}

/// What rank 0 tells all others: the job, and for an evaluation the model that it is about.
Manifest ReadManifest(const RankOptions& options, const RoleMap& roles) {
  Manifest manifest;
  if (options.command == Command::kTrain) {
    *manifest.mutable_job() = LoadJob(options.config, options.overrides);
    CheckAgainstRoles(manifest.job(), roles.n_workers);
  } else {
    CheckModelOverrides(options);
    const std::string folder = worker::FindModel(options.checkpoint);
    manifest = worker::LoadManifest(folder);
    *manifest.mutable_job() =
        ParseJob(JobToText(manifest.job()), folder + "/manifest.textproto: job", folder, options.overrides);
  }
  return manifest;
}

Manifest ShareManifest(const RankOptions& options, const RoleMap& roles, Mailbox* mailbox) {
  Endpoint& endpoint = mailbox->endpoint();
  Manifest manifest;
  if (endpoint.rank() != 0) {
    return ParseHello(mailbox->Await({FrameKind::kHello}, "the job's configuration"), options.command, roles);
  }
  manifest = ReadManifest(options, roles);
  const std::string bytes = manifest.SerializeAsString();
  for (int rank = 1; rank < endpoint.n_ranks(); ++rank) {
    mailbox->Send(rank, Frame(FrameKind::kHello, mailbox->NewRequestId(), 0, bytes));
  }
  return manifest;
}

void Serve(const RankOptions& options, const Manifest& manifest, const RoleMap& roles, Mailbox* mailbox) {
  const std::string poison_folder = options.output.empty() ? "" : options.output + "/poisoned";
  ps::Server server(mailbox, roles, manifest.job(), poison_folder);
  if (options.command != Command::kTrain) {
    const int number = roles.ServerOfRank(mailbox->endpoint().rank());
    ps::LoadRows(worker::FindModel(options.checkpoint), manifest, roles, number, &server.tables(),
                 [&] { mailbox->SayAlive(); });
  }
  server.Run();
}

void PrepareOutput(const RankOptions& options) {
  if (options.command == Command::kPredict) {
    CheckOutputFile(options.output, options.overwrite);
  } else if (!options.output.empty()) {
    PrepareOutputFolder(options.output, options.overwrite);
  }
}

void Work(const RankOptions& options, const Manifest& manifest, const RoleMap& roles, Mailbox* mailbox) {
  worker::JobOptions job_options{options.output, options.progress, options.print, options.network};
  const bool is_chief = mailbox->endpoint().rank() == roles.ChiefRank();
  if (is_chief) PrepareOutput(options);
  switch (options.command) {
    case Command::kTrain:
      worker::RunTraining(manifest.job(), roles, job_options, mailbox);
      break;
    case Command::kEvaluate:
      worker::RunEvaluation(manifest, roles, job_options, mailbox);
      break;
    case Command::kPredict:
      worker::RunPrediction(manifest, roles, job_options, mailbox);
      break;
  }
  if (!is_chief) {
    mailbox->Await({FrameKind::kShutdown}, "the chief to end the job");
    return;
  }
  for (int rank = 0; rank < roles.n_ranks(); ++rank) {
    if (rank != mailbox->endpoint().rank())
      mailbox->Send(rank, Frame(FrameKind::kShutdown, mailbox->NewRequestId(), 0, 0));
  }
}

/// On rank 0: prints the failure and stops the others.
void StopAll(const std::string& what, const RankOptions& options, Endpoint* endpoint) {
  options.print_error(what);
  for (int rank = 1; rank < endpoint->n_ranks(); ++rank)
    endpoint->Send(rank, Frame(FrameKind::kStop, 0, 0, what));
  endpoint->Flush(endpoint->Now() + kFarewellS);
}

/// On another rank: tells rank 0, and prints the failure itself only if rank 0 does not answer. Then many
/// ranks may be about to print: they wait for different times, and the first to end has mpirun end the
/// others.
void ReportFailure(const std::string& what, bool is_silence, const RankOptions& options, Endpoint* endpoint) {
  endpoint->Send(0, Frame(FrameKind::kAbort, 0, is_silence ? 1 : 0, what));
  const double deadline = endpoint->Now() + kFarewellS + 0.2 * std::min(endpoint->rank(), 20);
  try {
    while (std::optional<Frame> frame = endpoint->Receive(deadline)) {
      if (frame->kind() == FrameKind::kStop) return;
    }
  } catch (const Error&) {
    // The network itself fails: there is nobody to wait for.
  }
  options.print_error(what);
}

}  // namespace

int RunRank(Endpoint& endpoint, const RankOptions& options) {
  // Denormal numbers are a hundred times slower and mean nothing here.
  _mm_setcsr(_mm_getcsr() | 0x8040);  // flush to zero, denormals are zero
  Mailbox mailbox(&endpoint, options.timeout_s);
  std::string failure;
  bool is_silence = false;
  try {
    const RoleMap roles = RolesFor(endpoint.n_ranks(), options.n_servers);
    const Manifest manifest = ShareManifest(options, roles, &mailbox);
    if (roles.IsServer(endpoint.rank())) {
      Serve(options, manifest, roles, &mailbox);
    } else {
      Work(options, manifest, roles, &mailbox);
    }
    endpoint.Flush(endpoint.Now() + options.timeout_s);
    return 0;
  } catch (const JobStopped&) {
    return 1;
  } catch (const Silence& e) {
    failure = e.what();
    is_silence = true;
  } catch (const std::bad_alloc&) {
    failure = "rank " + std::to_string(endpoint.rank()) + " on " + endpoint.host() +
              ": out of memory: use more servers, fewer ranks on a host, or a smaller data.shuffle_rows";
  } catch (const std::exception& e) {
    failure = e.what();
  }
  if (endpoint.rank() == 0) {
    StopAll(failure, options, &endpoint);
  } else {
    ReportFailure(failure, is_silence, options, &endpoint);
  }
  return 1;
}

}  // namespace zhiyin::launch
