#include "worker/train/job.h"

#include <memory>

#include "common/error.h"
#include "worker/saved/saved_model.h"
#include "worker/train/data_pass.h"
#include "worker/train/prediction.h"
#include "worker/train/results.h"
#include "worker/train/tools.h"
#include "worker/train/training_run.h"

namespace zhiyin::worker::train {
namespace {

/// Throws Error unless the saved model has as many weights as this program's.
void CheckModel(const Manifest& manifest, const model::Model& model) {
  if (manifest.n_weights() == model.n_weights()) return;
  Fail("the saved model has ", manifest.n_weights(),
       " weights beside its tables, this program's model has ", model.n_weights(),
       ": it was saved by another version");
}

}  // namespace

bool RunTraining(const Manifest& manifest, const net::RoleMap& roles, const JobOptions& options,
                 net::Mailbox* mailbox) {
  return TrainingRun(manifest, roles, options, mailbox).Run();
}

void RunEvaluation(const Manifest& manifest, const net::RoleMap& roles, const JobOptions& options,
                   net::Mailbox* mailbox) {
  const Job& job = manifest.job();
  if (!job.data().has_test())
    Fail("data.test: the model's job names no test split: add --set data.test.file=...");
  Tools tools(job, roles, /*evaluates=*/true, options.n_threads, mailbox);
  CheckModel(manifest, *tools.model);
  const auto on_bad = [&](const data::BadLine& line) { CheckBadLine(line, job.data()); };
  ShareSummaries(tools.evaluator->Load(on_bad), job, "test", &tools.group);
  const EvaluationResult result = tools.evaluator->Evaluate(saved::NormalizerOf(manifest));
  if (!tools.group.IsChief()) return;
  options.print("test split, " + std::to_string(result.n_rows) + " rows:\n" +
                MetricsTable(result.tasks));
  Json summary = {{"name", job.name()},         {"network", options.network},
                  {"servers", roles.n_servers}, {"workers", roles.n_workers},
                  {"epoch", manifest.epoch()},  {"step", manifest.step()},
                  {"test_loss", result.loss},   {"tasks", Json::object()}};
  for (const model::metric::TaskMetrics& metrics : result.tasks)
    summary["tasks"][metrics.task] = MetricsObject(metrics);
  ResultFiles(options.output).WriteSummary(summary);
}

void RunPrediction(const Manifest& manifest, const net::RoleMap& roles, const JobOptions& options,
                   net::Mailbox* mailbox) {
  const Job& job = manifest.job();
  if (!job.data().has_test())
    Fail("data.test: the model's job names no examples to predict: add --set data.test.file=...");
  Tools tools(job, roles, /*evaluates=*/false, options.n_threads, mailbox);
  CheckModel(manifest, *tools.model);
  const std::unique_ptr<data::Source> source =
      data::MakeSource(job, data::SplitKind::kTest, /*labels=*/{});
  Scorer scorer(job, &tools.client, tools.model.get(), &tools.dense, &tools.heads);
  const PredictionCounts counts =
      WritePredictions(options.output, saved::NormalizerOf(manifest), tools.heads, source.get(),
                       &scorer, roles.n_workers, &tools.group);
  if (!tools.group.IsChief()) return;
  options.print("predictions of " + std::to_string(counts.n_rows) + " rows, " +
                std::to_string(counts.n_bad) + " of them malformed and left empty, are in " +
                options.output + "\n");
}

}  // namespace zhiyin::worker::train
