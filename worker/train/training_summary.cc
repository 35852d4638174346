#include "worker/train/training_summary.h"

#include <cstdio>

#include "common/bytes.h"
#include "common/error.h"
#include "worker/train/profile.h"

namespace zhiyin::worker::train {
namespace {

std::string CountOf(int n, const char* what) {
  return std::to_string(n) + " " + what + (n == 1 ? "" : "s");
}

}  // namespace

Json TrainingSummary(const Job& job, const net::RoleMap& roles, const JobOptions& options,
                     const TrainingTotals& totals, const JobCounts& counts,
                     const std::vector<double>& worker_stages) {
  const std::optional<EvaluationResult>& test = totals.evaluated.test;
  Json summary = {
      {"name", job.name()},
      {"network", options.network},
      {"servers", roles.n_servers},
      {"workers", roles.n_workers},
      {"threads", options.n_threads},
      {"compute",
       {{"precision", Train::Compute_Name(job.train().compute())}, {"products", totals.products}}},
      {"seed", job.train().seed()},
      {"started", totals.started},
      {"seconds", totals.seconds},
      {"seconds_reading", totals.reading_s},
      {"seconds_training", totals.training_s},
      {"epochs", totals.n_epochs},
      {"steps", totals.n_steps},
      {"train_rows", totals.n_rows},
      {"malformed_lines", totals.n_bad},
      {"bytes_read", totals.reads.n_bytes},
      {"bytes_read_before_training", totals.reads.n_bytes_before},
      {"files_opened", totals.reads.n_files},
      {"samples", totals.n_samples},
      {"samples_left_out", totals.n_left_out},
      {"worker_samples", totals.worker_samples},
      {"samples_per_second", static_cast<double>(totals.n_samples) / totals.training_s},
      {"wait_share", totals.is_timed ? Json(totals.WaitShare(roles.n_workers)) : Json(nullptr)},
      {"train_loss", totals.train_loss},
      {"test_loss", test ? Json(test->loss) : Json(nullptr)},
      {"rows_without_prediction", test ? Json(test->unpredicted.n) : Json(nullptr)},
      {"tasks", test ? TasksObject(*test) : Json::object()}};
  if (const auto& validation = totals.evaluated.validation) {
    summary["validation"] = {{"loss", validation->loss},
                             {"rows_without_prediction", validation->unpredicted.n},
                             {"tasks", TasksObject(*validation)}};
  }
  if (!totals.joins.is_null()) summary["joins"] = totals.joins;
  if (!totals.task_balance.empty()) summary["balance"] = totals.task_balance;
  if (totals.resumed_at_step) summary["resumed_at_step"] = *totals.resumed_at_step;
  if (options.died_at > 0) summary["seconds_from_death_to_step"] = totals.death_to_step_s;
  if (totals.early_stopping) {
    summary["early_stopping"] = {{"stopped", totals.early_stopping->stopped},
                                 {"best_epoch", totals.early_stopping->best_epoch}};
  }
  summary.update(ReportJson(counts.servers));
  summary.update(InvariantsJson(CheckInvariants(counts), counts));
  if (options.profile) {
    summary["profile"] = {{"workers", ProfileJson(kStageNames, worker_stages)},
                          {"servers", ProfileJson(ps::kServerStageNames, counts.servers.stage_s)}};
  }
  summary["config"] = ConfigJson(job);
  return summary;
}

std::vector<std::string> ClosingLines(const Job& job, const net::RoleMap& roles,
                                      const JobOptions& options, const TrainingTotals& totals,
                                      const ps::ServerReport& report,
                                      const std::vector<double>& worker_stages) {
  std::vector<std::string> lines;
  char line[160];
  std::snprintf(line, sizeof(line), "%lld samples in %.1f s (%.0f samples/s), reading took %.1f s",
                static_cast<long long>(totals.n_samples), totals.training_s,
                static_cast<double>(totals.n_samples) / totals.training_s, totals.reading_s);
  lines.push_back(line);
  if (totals.n_left_out > 0)
    lines.push_back(std::to_string(totals.n_left_out) +
                    " samples were left out: the model had no finite prediction for them");
  for (const ps::ServerReport::NonFinite& refused : report.non_finite) {
    lines.push_back(std::to_string(refused.n_pushes) + " pushes of rank " +
                    std::to_string(refused.rank) + " were refused for gradients of table " +
                    refused.table + ", see " +
                    (options.output.empty() ? "the log" : options.output + "/poisoned"));
  }
  if (totals.is_timed) {
    std::snprintf(line, sizeof(line), "workers waited for servers in %.0f %% of %s time",
                  100 * totals.WaitShare(roles.n_workers),
                  totals.earlier_s > 0 ? "this run's part of that" : "that");
    lines.push_back(line);
  }
  if (options.profile) {
    std::string products = "\nmatrix products: " + Train::Compute_Name(job.train().compute());
    for (const std::string& backend : totals.products) products += ", " + backend;
    lines.push_back(products);
    lines.push_back("\n" +
                    ProfileTable(CountOf(roles.n_workers, "worker"), kStageNames, worker_stages));
    lines.push_back(
        ProfileTable(CountOf(roles.n_servers, "server"), ps::kServerStageNames, report.stage_s));
  }
  if (!options.output.empty())
    lines.push_back("model, metrics and summary are in " + options.output);
  return lines;
}

std::vector<std::string> TaskNamesOf(const Job& job) {
  std::vector<std::string> names;
  for (const Task& task : job.task()) names.push_back(task.name());
  return names;
}

int64_t RowsMade(const ps::ServerReport& report) {
  int64_t n = 0;
  for (const ps::ServerReport::TableCount& table : report.tables) n += table.counts.created;
  return n;
}

JobCounts CountsOf(const Job& job, const net::RoleMap& roles, const TrainingTotals& totals,
                   const std::vector<std::string>& workers, const ps::ServerReport& servers) {
  JobCounts counts;
  counts.staleness = job.train().staleness();
  counts.n_rows = totals.n_rows;
  counts.n_epochs = totals.n_epochs;
  counts.n_samples = totals.n_samples;
  counts.n_rows_made_by_evaluation = totals.n_rows_made_by_evaluation;
  counts.servers = servers;
  for (int w = 0; w < roles.n_workers; ++w) {
    counts.workers.push_back(FromRank(
        roles.RankOfWorker(w), [&] { return ParseCounts(workers[static_cast<size_t>(w)]); }));
  }
  return counts;
}

TrainingTotals::Reads GatherReads(const data::ReadCounts& own, int64_t n_bytes_before,
                                  Group* group) {
  ByteWriter out;
  out.Put(own.n_bytes.load());
  out.Put(n_bytes_before);
  out.Put(own.n_files.load());
  const std::vector<std::string> parts = group->Gather(out.Take(), "what it has read");
  TrainingTotals::Reads total;
  for (size_t w = 0; w < parts.size(); ++w) {
    FromRank(group->RankOfWorker(static_cast<int>(w)), [&] {
      ByteReader in(parts[w], "what a worker has read");
      constexpr int64_t kMost = int64_t{1} << 56;
      const int64_t n_bytes = in.Get<int64_t>();
      const int64_t n_before = in.Get<int64_t>();
      const int64_t n_files = in.Get<int64_t>();
      if (n_bytes < 0 || n_bytes > kMost || n_before < 0 || n_before > n_bytes || n_files < 0 ||
          n_files > kMost || !in.AtEnd())
        in.Refuse("no counts");
      total.n_bytes += n_bytes;
      total.n_bytes_before += n_before;
      total.n_files += n_files;
    });
  }
  return total;
}

std::vector<double> GatherSeconds(Profile* profile, const net::RoleMap& roles, Group* group) {
  const std::vector<std::string> all =
      group->Gather(SerializeSeconds(profile->Seconds()), "its profile");
  std::vector<double> sum(kStageNames.size());
  for (size_t w = 0; w < all.size(); ++w) {
    const std::vector<double> own =
        FromRank(roles.RankOfWorker(static_cast<int>(w)), [&] { return ParseSeconds(all[w]); });
    for (size_t s = 0; s < sum.size(); ++s) sum[s] += own[s];
  }
  return sum;
}

}  // namespace zhiyin::worker::train
