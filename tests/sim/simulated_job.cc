#include "tests/sim/simulated_job.h"

#include <algorithm>
#include <sstream>

#include "common/net/role_map.h"
#include "launch/job/load_job.h"
#include "launch/rank/run_rank.h"
#include "tests/support/files.h"

namespace zhiyin::testing {

std::string SimulatedJob::Describe() const {
  return std::to_string(n_servers) + "x" + std::to_string(n_workers) + " --network='" +
         network.ToText() + "'";
}

std::string Outcome::error() const {
  std::string text;
  for (const std::string& line : errors) text += line + "\n";
  return text;
}

Outcome Simulate(const SimulatedJob& job, const net::SimNetwork::Tamper& tamper) {
  // Whole files are synced, which is what a job on a disk mostly waits for.
  TempFolder folder(TempFolder::kInMemory);
  Outcome outcome;
  launch::rank::RankOptions options;
  const bool trains = job.checkpoint.empty();
  options.command = trains ? launch::rank::Command::kTrain : launch::rank::Command::kEvaluate;
  options.checkpoint = job.checkpoint;
  options.config = folder.Write("job.textproto", launch::job::JobToText(job.job));
  options.n_servers = job.n_servers;
  options.timeout_s = job.timeout_s;
  options.output = job.output.empty() ? folder.Path("out") : job.output;
  options.resume = job.resume;
  options.profile = job.profile;
  options.stop_requested = job.stop_requested;
  options.network = "simulated";
  options.progress = job.progress;
  options.print = [&](const std::string& text) { outcome.printed += text; };
  options.print_error = [&](const std::string& line) { outcome.errors.push_back(line); };
  net::SimNetwork network(job.n_ranks(), job.network, tamper);
  network.Run([&](net::Endpoint& endpoint) {
    const int code = launch::rank::RunRank(endpoint, options);
    outcome.exit_code = std::max(outcome.exit_code, code);
    if (code != 0) ++outcome.n_failed;
  });
  outcome.crashed = network.crashed();
  if (!outcome.crashed.empty()) outcome.exit_code = std::max(outcome.exit_code, 1);
  outcome.trace = network.trace_hash();
  outcome.now_s = network.now();
  for (int kind = static_cast<int>(net::FrameKind::kHandshakeReply);
       kind <= static_cast<int>(net::FrameKind::kShutdown); ++kind) {
    const net::FrameKind k = static_cast<net::FrameKind>(kind);
    if (k != net::FrameKind::kHeartbeat && k != net::FrameKind::kWaiting)
      outcome.n_left += network.n_left(k);
  }
  for (int s = 0; s < job.n_servers; ++s) {
    for (int r = job.n_servers; r < job.n_ranks(); ++r)
      outcome.peak_bytes =
          std::max({outcome.peak_bytes, network.peak_bytes(s, r), network.peak_bytes(r, s)});
  }
  if (outcome.exit_code == 0) {
    outcome.summary = worker::train::Json::parse(ReadFile(options.output + "/summary.json"));
    if (trains) outcome.metrics = ReadFile(options.output + "/metrics.jsonl");
  }
  return outcome;
}

Outcome RunJob(const Job& job, int n_servers, int n_workers, uint64_t seed) {
  SimulatedJob simulated{job, n_servers, n_workers, {}};
  simulated.network.seed = seed;
  return Simulate(simulated);
}

std::vector<worker::train::Json> LinesOf(const std::string& metrics, const std::string& split,
                                         const std::string& task) {
  std::vector<worker::train::Json> lines;
  std::istringstream in(metrics);
  for (std::string line; std::getline(in, line);) {
    worker::train::Json json = worker::train::Json::parse(line);
    if (json["split"] == split && json["task"] == task) lines.push_back(std::move(json));
  }
  return lines;
}

}  // namespace zhiyin::testing
