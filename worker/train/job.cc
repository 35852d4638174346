#include "worker/train/job.h"

#include <memory>
#include <optional>

#include "common/error.h"
#include "worker/data/pipe.h"
#include "worker/data/records.h"
#include "worker/data/seen_columns.h"
#include "worker/saved/saved_model.h"
#include "worker/train/data_pass.h"
#include "worker/train/label_classes.h"
#include "worker/train/piped_split.h"
#include "worker/train/prediction.h"
#include "worker/train/results.h"
#include "worker/train/split_indexes.h"
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

std::vector<std::string> BadLineNotes(const data::Joins* joins) {
  return joins == nullptr ? std::vector<std::string>() : joins->BadLineNotes();
}

void PrintNotes(const std::vector<std::string>& notes, const JobOptions& options) {
  for (const std::string& note : notes) options.print(note + "\n");
}

}  // namespace

bool RunTraining(const Manifest& manifest, const net::RoleMap& roles, const JobOptions& options,
                 net::Mailbox* mailbox) {
  Manifest known = manifest;
  const Tick tick = [mailbox] { mailbox->SendHeartbeat(); };
  Group group(mailbox, roles);
  const bool is_piped = IsPiped(known.job(), data::SplitKind::kTrain, &group);
  if (is_piped) CheckPiped(known, data::SplitKind::kTrain);
  std::optional<data::Pipe> pipe;
  if (is_piped && group.IsChief())
    pipe.emplace(known.job().data().train().file(0), roles.ChiefRank(), tick);
  // Only who reads the training split needs its columns.
  if (!is_piped || group.IsChief()) data::FindColumns(known.mutable_job(), tick);
  return TrainingRun(known, roles, options, mailbox).Run();
}

void RunEvaluation(const Manifest& manifest, const net::RoleMap& roles, const JobOptions& options,
                   net::Mailbox* mailbox) {
  const Job& job = manifest.job();
  if (!job.data().has_test())
    Fail("data.test: the model's job names no test split: add --set data.test.file=...");
  const std::vector<data::SplitKind> evaluated = {data::SplitKind::kTest};
  const bool is_chief = mailbox->endpoint().rank() == roles.ChiefRank();
  // Made before the sources see the files.
  SplitIndexes indexes(job, FoldersOfEvaluation(job, options.loaded_from),
                       is_chief ? evaluated : std::vector<data::SplitKind>(),
                       [mailbox] { mailbox->SendHeartbeat(); });
  Tools tools(job, roles, evaluated, options.n_threads, mailbox);
  CheckModel(manifest, *tools.model);
  Evaluator* evaluator = tools.evaluators[0].get();
  const data::SplitSummary test = evaluator->Load(&indexes);
  if (tools.group.IsChief()) NoteLabels(job, evaluator->split(), test);
  const EvaluationResult result = evaluator->Evaluate(saved::NormalizerOf(manifest));
  if (!tools.group.IsChief()) return;
  PrintNotes(BadLineNotes(evaluator->joins()), options);
  PrintNotes(SplitNotes(job, evaluator->split(), test), options);
  PrintNotes(SeenNotes(job, evaluator->split(), data::LabelUse::kNeeded, test.seen), options);
  PrintNotes(data::UnpredictedNotes(result.unpredicted, result.n_rows, kCountsInNoMetric), options);
  options.print(EvaluationTable(evaluator->split(), result));
  Json summary = {{"name", job.name()},          {"network", options.network},
                  {"servers", roles.n_servers},  {"workers", roles.n_workers},
                  {"epoch", manifest.epoch()},   {"step", manifest.step()},
                  {"test_loss", result.loss},    {"rows_without_prediction", result.unpredicted.n},
                  {"tasks", TasksObject(result)}};
  mailbox->WaitForDisk([&] { ResultFiles(options.output).WriteSummary(summary); });
}

void RunPrediction(const Manifest& manifest, const net::RoleMap& roles, const JobOptions& options,
                   net::Mailbox* mailbox) {
  const Job& job = manifest.job();
  if (!job.data().has_test())
    Fail("data.test: the model's job names no examples to predict: add --set data.test.file=...");
  const Tick tick = [mailbox] { mailbox->SendHeartbeat(); };
  Group group(mailbox, roles);
  const bool is_piped = IsPiped(job, data::SplitKind::kTestFiles, &group);
  if (is_piped) CheckPiped(manifest, data::SplitKind::kTestFiles);
  std::optional<data::Pipe> pipe;
  if (is_piped && group.IsChief()) pipe.emplace(job.data().test().file(0), roles.ChiefRank(), tick);
  Tools tools(job, roles, /*evaluated=*/{}, options.n_threads, mailbox);
  CheckModel(manifest, *tools.model);
  std::unique_ptr<data::Source> source;
  if (!is_piped || group.IsChief())
    source = data::MakeSource(job, data::SplitKind::kTestFiles, /*labels=*/{}, /*observer=*/{},
                              tick, &tools.reads, tools.side);
  const data::Normalizer normalizer = saved::NormalizerOf(manifest);
  const std::unique_ptr<BlockFeed> feed = (is_piped ? MakePipeFeed : MakeFileFeed)(
      job, normalizer, source.get(), roles.n_workers, &tools.group);
  Scorer scorer(job, &tools.client, tools.model.get(), &tools.dense, &tools.heads);
  const PredictionCounts counts =
      WritePredictions(options.output, normalizer, job, tools.heads, feed.get(), &scorer,
                       roles.n_workers, &tools.group);
  if (!tools.group.IsChief()) return;
  PrintNotes(BadLineNotes(source->joins()), options);
  PrintNotes(JoinNotes(job, "test", counts.joins), options);
  PrintNotes(SeenNotes(job, data::SplitKind::kTestFiles, data::LabelUse::kIgnored, counts.seen),
             options);
  PrintNotes(data::UnpredictedNotes(counts.unpredicted, counts.n_rows - counts.n_bad, "left empty"),
             options);
  options.print("predictions of " + std::to_string(counts.n_rows) + " rows, " +
                std::to_string(counts.n_bad) + " of them malformed and left empty, are in " +
                options.output + "\n");
}

}  // namespace zhiyin::worker::train
