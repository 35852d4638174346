#include "launch/rank/run_rank.h"

#include <glog/logging.h>

#include <algorithm>
#include <memory>
#include <new>
#include <system_error>

#include "common/denormals.h"
#include "common/error.h"
#include "common/net/mailbox.h"
#include "common/net/role_map.h"
#include "common/processors.h"
#include "configs/manifest.pb.h"
#include "launch/job/load_job.h"
#include "launch/job/load_saved.h"
#include "launch/job/resume.h"
#include "launch/rank/handshake.h"
#include "launch/rank/out_of_memory.h"
#include "launch/rank/output_folder.h"
#include "ps/save/checkpoint.h"
#include "ps/save/row_carry.h"
#include "ps/server/server.h"
#include "worker/saved/saved_model.h"
#include "worker/train/job.h"

namespace zhiyin::launch::rank {
namespace {

/// Why this rank ends.
struct Failure {
  std::string what;
  bool is_silence = false;
  bool is_of_rank_zero = false;  // it is rank 0 that has fallen silent
  bool host_is_lost = false;
};

/// How long a failed rank waits for rank 0 to have heard of it.
constexpr double kFarewellS = 5;

bool IsRankZero(int rank) {
  return rank == 0;
}

net::RoleMap RolesFor(int n_ranks, int n_servers) {
  if (n_servers < 1) Fail("--servers=", n_servers, ": expected at least 1");
  if (n_ranks < 2) {
    Fail(
        "one rank alone cannot both serve and work: start at least 2 (mpirun -n 2 zhiyin ...), or "
        "use "
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

/// Returns the job, and the model that it is about, which rank 0 sends to all others.
job::JobStart ReadManifest(const RankOptions& options, const net::RoleMap& roles,
                           net::Mailbox* mailbox) {
  if (options.command != Command::kTrain) {
    CheckModelOverrides(options);
    job::JobStart start = {
        .manifest = {}, .rows = worker::saved::FindModel(options.checkpoint), .inits_dense = false};
    mailbox->WaitForDisk(
        [&] { start.manifest = job::LoadSaved(start.rows, options.overrides).back().manifest; });
    return start;
  }
  // Folders of many files, on the disk of another host, take long.
  Job job;
  mailbox->WaitForDisk([&] { job = job::LoadJob(options.config, options.overrides); });
  const auto note = [&](const std::string& text) { options.print("note: " + text + "\n"); };
  std::optional<job::JobStart> start;
  if (options.resume)
    start = job::ResumeFrom(options.output, job, note, [&] { mailbox->SendHeartbeat(); });
  if (!start) start = job::BeginAnew(job, note);
  job::CheckAgainstRoles(start->manifest, roles.n_workers, note);
  return *std::move(start);
}

job::JobStart ShareManifest(const RankOptions& options, const net::RoleMap& roles,
                            net::Mailbox* mailbox) {
  HandshakeReply reply;
  if (mailbox->endpoint().rank() != 0) {
    SendHandshake(mailbox);
    reply = ParseHandshakeReply(
        mailbox->Await({net::FrameKind::kHandshakeReply}, "the job's configuration", IsRankZero),
        options.command, roles);
  } else {
    reply.hosts = AwaitHandshakes(mailbox);
    reply.start = ReadManifest(options, roles, mailbox);
    const std::string bytes = SerializeHandshakeReply(reply);
    for (int rank = 1; rank < roles.n_ranks(); ++rank)
      mailbox->Send(rank,
                    net::Frame(net::FrameKind::kHandshakeReply, mailbox->NewRequestId(), 0, bytes));
  }
  mailbox->SetHosts(std::move(reply.hosts));
  return std::move(reply.start);
}

/// Into the empty tables of a server.
void LoadRows(const RankOptions& options, const job::JobStart& job, const net::RoleMap& roles,
              net::Mailbox* mailbox, std::vector<ps::table::Table>* tables) {
  const ps::save::SavedChain saved = job::LoadSaved(job.rows);
  const Job& before = saved.back().manifest.job();
  const ps::save::RowCarry carry =
      options.command != Command::kTrain ? ps::save::CarryAll(tables->size())
      : job.manifest.has_progress()
          ? ps::save::CarryOn(before, job.manifest.job(), job.manifest.progress().next_step())
          : ps::save::CarryOver(before, job.manifest.job());
  ps::save::LoadRows(
      saved, carry, roles, roles.ServerOfRank(mailbox->endpoint().rank()), tables,
      [&] { mailbox->SendHeartbeat(); },
      mailbox->endpoint().TimeIsVirtual() ? Beside::kNobody : Beside::kThread);
}

/// False: the job ended early.
bool Serve(const RankOptions& options, const job::JobStart& job, const net::RoleMap& roles,
           net::Mailbox* mailbox) {
  const Manifest& manifest = job.manifest;
  // Servers write files to the output folder only. The output of a prediction is a file; there they
  // write nothing.
  ps::server::Server server(
      mailbox, roles, manifest.job(), options.command == Command::kPredict ? "" : options.output,
      options.profile, static_cast<uint64_t>(manifest.progress().next_step()));
  try {
    if (!job.rows.empty()) LoadRows(options, job, roles, mailbox, &server.tables());
    return server.Run();
  } catch (const std::bad_alloc&) {
    std::vector<TableMemory> tables;
    for (const ps::table::Table& table : server.tables())
      tables.push_back({table.name(), table.n_rows(), table.n_bytes()});
    Fail(ServerOutOfMemory(mailbox->Name(mailbox->endpoint().rank()), tables));
  }
}

std::unique_ptr<OutputLock> PrepareOutput(const RankOptions& options, bool has_checkpoint) {
  if (options.command == Command::kPredict) {
    CheckOutputFile(options.output, options.overwrite);
  } else if (!options.output.empty()) {
    return PrepareOutputFolder(options.output, has_checkpoint      ? EarlierRun::kContinued
                                               : options.resume    ? EarlierRun::kUnfinished
                                               : options.overwrite ? EarlierRun::kReplaced
                                                                   : EarlierRun::kRefused);
  }
  return nullptr;
}

/// False: the job ended early.
bool Work(const RankOptions& options, const job::JobStart& job, const net::RoleMap& roles,
          net::Mailbox* mailbox) {
  const worker::train::JobOptions job_options{.output = options.output,
                                              .progress = options.progress,
                                              .print = options.print,
                                              .n_threads = options.n_threads,
                                              .network = options.network,
                                              .profile = options.profile,
                                              .stop_requested = options.stop_requested,
                                              .died_at = options.died_at,
                                              .inits_dense = job.inits_dense,
                                              .loaded_from = job.rows,
                                              .take_summary = options.take_summary};
  const bool is_chief = mailbox->endpoint().rank() == roles.ChiefRank();
  std::unique_ptr<OutputLock> lock;
  if (is_chief) {
    mailbox->WaitForDisk([&] { lock = PrepareOutput(options, job.manifest.has_progress()); });
  }
  if (const int n_cores = NumProcessors(); is_chief && options.n_threads > n_cores) {
    options.print("note: --threads=" + std::to_string(options.n_threads) +
                  ", but this rank may run on " + std::to_string(n_cores) +
                  (n_cores == 1 ? " core" : " cores") +
                  " only: mpirun binds ranks to cores, see docs/operations.md, Threads\n");
  }
  bool is_done = true;
  switch (options.command) {
    case Command::kTrain:
      is_done = worker::train::RunTraining(job.manifest, roles, job_options, mailbox);
      break;
    case Command::kEvaluate:
      worker::train::RunEvaluation(job.manifest, roles, job_options, mailbox);
      break;
    case Command::kPredict:
      worker::train::RunPrediction(job.manifest, roles, job_options, mailbox);
      break;
  }
  if (!is_chief) {
    mailbox->Await({net::FrameKind::kShutdown}, "word that the job is done",
                   [&](int rank) { return rank == roles.ChiefRank(); });
    return is_done;
  }
  for (int rank = 0; rank < roles.n_ranks(); ++rank) {
    if (rank != mailbox->endpoint().rank())
      mailbox->Send(
          rank, net::Frame(net::FrameKind::kShutdown, mailbox->NewRequestId(), is_done ? 0 : 1, 0));
  }
  return is_done;
}

/// Returns when all ranks have nothing more to say: without it, a rank could wait without a limit
/// in MPI_Finalize for one that has fallen silent.
void SayGoodbye(const net::RoleMap& roles, net::Mailbox* mailbox) {
  const auto bye = [&] {
    return net::Frame(net::FrameKind::kGoodbye, mailbox->NewRequestId(), 0, 0);
  };
  if (mailbox->endpoint().rank() != 0) {
    mailbox->Send(0, bye());
    mailbox->Await({net::FrameKind::kGoodbye}, "its goodbye", IsRankZero);
    return;
  }
  std::vector<bool> has_left(static_cast<size_t>(roles.n_ranks()));
  for (int n = 1; n < roles.n_ranks(); ++n) {
    const net::Frame frame =
        mailbox->Await({net::FrameKind::kGoodbye}, "its goodbye",
                       [&](int rank) { return !has_left[static_cast<size_t>(rank)]; });
    has_left[static_cast<size_t>(frame.source())] = true;
  }
  for (int rank = 1; rank < roles.n_ranks(); ++rank) mailbox->Send(rank, bye());
}

/// Whether another rank has reported the failure already: it timed out while this one was stopped,
/// and its message arrives only now.
bool HasBeenSaid(net::Endpoint* endpoint) {
  try {
    const double deadline = endpoint->Now() + kFarewellS;
    while (std::optional<net::Frame> frame = endpoint->Receive(deadline)) {
      if (frame->kind() == net::FrameKind::kStop) return true;
    }
  } catch (const Error&) {
    // The network itself fails: nobody else can say it.
  }
  return false;
}

/// On rank 0: prints the failure and stops the others.
void StopAll(const Failure& failure, const RankOptions& options, net::Endpoint* endpoint) {
  if (failure.is_of_rank_zero && HasBeenSaid(endpoint)) return;
  options.print_error(failure.what);
  for (int rank = 1; rank < endpoint->n_ranks(); ++rank)
    endpoint->Send(
        rank, net::Frame(net::FrameKind::kStop, 0, failure.host_is_lost ? 1 : 0, failure.what));
  endpoint->Flush(endpoint->Now() + kFarewellS);
}

/// On another rank: tells rank 0, and prints the failure itself only if rank 0 does not answer.
/// Then many ranks may be about to print: they wait for different times, and the first stops the
/// others. Returns this rank's exit code.
int ReportFailure(const Failure& failure, const RankOptions& options, net::Endpoint* endpoint) {
  const uint64_t kind = failure.is_of_rank_zero ? 2 : failure.is_silence ? 1 : 0;
  endpoint->Send(0, net::Frame(net::FrameKind::kAbort, 0, kind, failure.what));
  const double deadline = endpoint->Now() + (failure.is_of_rank_zero ? 0 : kFarewellS) +
                          0.2 * std::min(endpoint->rank(), 20);
  try {
    while (std::optional<net::Frame> frame = endpoint->Receive(deadline)) {
      if (frame->kind() == net::FrameKind::kStop) return frame->header().clock != 0 ? kHostLost : 1;
    }
  } catch (const Error&) {
    // The network itself fails: there is nobody to wait for.
  }
  for (int rank = 0; rank < endpoint->n_ranks(); ++rank) {
    if (rank != endpoint->rank())
      endpoint->Send(
          rank, net::Frame(net::FrameKind::kStop, 0, failure.host_is_lost ? 1 : 0, failure.what));
  }
  options.print_error(failure.what + " (rank 0 does not answer, rank " +
                      std::to_string(endpoint->rank()) + " on " + endpoint->host() + " says this)");
  endpoint->Flush(endpoint->Now() + 1);
  return failure.host_is_lost ? kHostLost : 1;
}

}  // namespace

int RunRank(net::Endpoint& endpoint, const RankOptions& options) {
  FlushDenormals();
  net::Mailbox mailbox(&endpoint, options.timeout_s, options.on_life);
  Failure failure;
  try {
    const net::RoleMap roles = RolesFor(endpoint.n_ranks(), options.n_servers);
    const job::JobStart job = ShareManifest(options, roles, &mailbox);
    const bool is_done = roles.IsServer(endpoint.rank()) ? Serve(options, job, roles, &mailbox)
                                                         : Work(options, job, roles, &mailbox);
    SayGoodbye(roles, &mailbox);
    if (!endpoint.Flush(endpoint.Now() + options.timeout_s)) {
      Fail(mailbox.Name(endpoint.rank()), ": waited ", options.timeout_s,
           " s (the limit is --timeout_s) for its last messages to leave");
    }
    return is_done || endpoint.rank() != 0 ? 0 : kEndedEarly;
  } catch (const net::JobStopped& e) {
    return e.host_is_lost() ? kHostLost : 1;
  } catch (const net::TimeoutError& e) {
    failure = {e.what(), /*is_silence=*/true, e.of_rank_zero(), /*host_is_lost=*/false};
  } catch (const std::bad_alloc&) {
    failure.what = OutOfMemory(mailbox.Name(endpoint.rank()));
  } catch (const std::system_error& e) {
    failure.what = mailbox.Name(endpoint.rank()) +
                   ": the system refuses a thread or a file: " + e.what() +
                   ": raise its limits (ulimit -u, ulimit -n, ulimit -v)";
  } catch (const std::exception& e) {
    failure.what = e.what();
  }
  failure.host_is_lost = mailbox.HostIsLost();
  if (endpoint.rank() != 0) return ReportFailure(failure, options, &endpoint);
  StopAll(failure, options, &endpoint);
  return failure.host_is_lost ? kHostLost : 1;
}

}  // namespace zhiyin::launch::rank
