#include "worker/train/training_data.h"

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "common/error.h"
#include "ps/slices.h"
#include "ps/table/table_spec.h"
#include "worker/data/seen_columns.h"
#include "worker/data/source.h"
#include "worker/model/first_outputs.h"
#include "worker/model/label_domains.h"
#include "worker/train/data_pass.h"
#include "worker/train/label_classes.h"
#include "worker/train/split_pass.h"
#include "worker/train/stopping_rule.h"

namespace zhiyin::worker::train {

TrainingData ReadTrainingData(const Job& job, const Progress* resumed, const net::RoleMap& roles,
                              SplitIndexes* indexes, Tools* tools) {
  TrainingData result;
  const int n_workers = roles.n_workers;
  const int worker = tools->group.worker();
  const int64_t shuffle_rows = job.data().shuffle_rows();
  const bool synchronous = job.train().staleness() == 0;
  const int n_slices = ps::SlicesOfStep(job.train(), n_workers);
  result.n_planned_workers = resumed != nullptr ? resumed->n_workers() : n_workers;
  const Tick tick = [group = &tools->group] { group->SendHeartbeat(); };
  if (tools->group.IsChief()) {
    result.files = indexes->DigestsOf(data::SplitKind::kTrain);
    if (resumed != nullptr) CheckResumedFiles(*resumed, result.files);
  }
  const int64_t n_kept = shuffle_rows * (synchronous ? (n_slices + n_workers - 1) / n_workers : 1);
  std::unique_ptr<data::Source> source =
      data::MakeSource(job, data::SplitKind::kTrain, model::LabelDomainsOf(job), /*observer=*/{},
                       tick, &tools->reads, tools->side);
  if (source->joins() != nullptr) {
    result.n_bad_joined = source->joins()->n_bad();
    result.notes = source->joins()->BadLineNotes();
  }
  result.reader = std::make_unique<data::SliceReader>(std::move(source), job.train().seed(), n_kept,
                                                      data::Augmenter(job));
  const int64_t examples_per_slice = std::max(job.train().batch_size() / n_slices, 1);
  // Made by the first counts, be they of an index or of the pass: they are equal.
  std::optional<data::StreamPlan> streams;
  std::optional<data::RangePlan> ranges;
  const auto stream_plan = [&](const data::RecordCounts& records) -> data::StreamPlan& {
    if (!streams) streams.emplace(records, n_slices, examples_per_slice, shuffle_rows);
    return *streams;
  };
  const auto range_plan = [&](const data::RecordCounts& records) -> data::RangePlan& {
    if (!ranges) {
      ranges.emplace(records, result.n_planned_workers, examples_per_slice, shuffle_rows,
                     ps::kMaxRanges);
    }
    return *ranges;
  };
  const auto wanted = [&](const data::RecordCounts& records, int w) {
    return synchronous ? stream_plan(records).FirstBlocks(w, n_workers)
                       : range_plan(records).FirstBlocks(w, n_workers);
  };
  SplitPass pass(job, data::SplitKind::kTrain, result.reader->source(), n_kept, wanted,
                 &tools->group, n_workers, indexes);
  const SharedFindings train = pass.Read(FirstDeal(job.train(), n_workers));
  const data::SplitSummary& summary = train.summary;
  result.n_rows = summary.n_rows;
  result.n_bad = summary.n_bad;
  for (const std::string& note : ConstantNumerics(job, summary))
    result.notes.push_back("note: " + note);
  result.normalizer = NormalizerFor(job, summary);
  result.first_outputs = model::FirstOutputs(job, summary.RoundedLabelSums());
  const auto take_notes = [&](data::SplitKind split, const data::SplitSummary& found) {
    for (std::string& note : SplitNotes(job, split, found)) result.notes.push_back(std::move(note));
    result.joins.emplace_back(split, found.joins);
  };
  take_notes(data::SplitKind::kTrain, summary);
  std::vector<data::SplitSummary> held_out;
  for (const std::unique_ptr<Evaluator>& evaluator : tools->evaluators) {
    const data::SplitKind split = evaluator->split();
    const bool has_known_files =
        std::ranges::equal(data::SplitOf(job.data(), split).file(), job.data().train().file());
    const data::SplitSummary evaluated = evaluator->Load(
        indexes, has_known_files ? result.reader->source()->shared_files() : nullptr);
    result.n_bad += evaluated.n_bad;
    // The first one is the one that decides (Evaluations::Deciding).
    if (job.train().has_early_stopping() && evaluator == tools->evaluators.front())
      CheckStoppingMetrics(job, split, evaluated);
    if (tools->group.IsChief()) NoteLabels(job, split, evaluated);
    take_notes(split, evaluated);
    for (std::string& note : SeenNotes(job, split, data::LabelUse::kNeeded, evaluated.seen))
      result.notes.push_back(std::move(note));
    held_out.push_back(evaluated);
  }
  CheckTrainingLabels(job, summary, held_out, tools->side, &tools->group);
  pass.Deliver(
      [&](int64_t block, data::Examples rows) { result.reader->Keep(block, std::move(rows)); });
  if (synchronous) {
    data::StreamPlan& plan = stream_plan(train.records);
    result.reader->Start(plan.runs(), result.normalizer, /*in_one_pass=*/true);
    result.dealer = MakeStreamDealer(job, std::move(plan), worker, n_workers, result.reader.get(),
                                     &tools->client);
  } else {
    data::RangePlan& plan = range_plan(train.records);
    result.reader->Start(plan.runs(), result.normalizer, /*in_one_pass=*/false);
    result.dealer = MakeRangeDealer(job, std::move(plan), worker, n_workers, result.reader.get(),
                                    &tools->client);
  }
  result.n_slices = result.dealer->n_slices();
  CheckSteps(job, result.dealer->steps_per_epoch());
  if (resumed != nullptr) {
    CheckResumedData(*resumed, result.n_rows, result.n_slices, result.dealer->steps_per_epoch());
  }
  return result;
}

void CheckResumedFiles(const Progress& resumed, const std::vector<data::FileDigest>& files) {
  std::unordered_map<std::string_view, const Progress::DataFile*> all_saved;
  for (const Progress::DataFile& saved : resumed.data_file())
    all_saved.emplace(saved.path(), &saved);
  for (const data::FileDigest& file : files) {
    const auto found = all_saved.find(file.path);
    if (found == all_saved.end()) continue;
    const Progress::DataFile& saved = *found->second;
    if (saved.n_bytes() == file.n_bytes && saved.digest() == file.digest) continue;
    Fail("--resume: ", file.path, ": has another content than when the checkpoint was written (",
         saved.n_bytes(), " bytes then, ", file.n_bytes,
         " now), expected the same data: to train on other data, begin anew in another "
         "--output, with train.warm_start to keep what was learned");
  }
}

void CheckResumedData(const Progress& resumed, int64_t n_rows, int64_t n_slices,
                      int64_t steps_per_epoch) {
  if (resumed.n_rows() != n_rows || resumed.n_slices() != n_slices) {
    Fail("data.train: has ", n_rows, " rows in ", n_slices, " slices, expected ", resumed.n_rows(),
         " in ", resumed.n_slices(), " as when the checkpoint was written");
  }
  if (resumed.next_step() < resumed.epoch() * steps_per_epoch ||
      resumed.next_step() > (resumed.epoch() + 1) * steps_per_epoch) {
    Fail("the checkpoint: damaged: step ", resumed.next_step(), " is none of epoch ",
         resumed.epoch() + 1);
  }
}

void CheckSteps(const Job& job, int64_t steps_per_epoch) {
  constexpr int64_t kMostSteps = static_cast<int64_t>(ps::table::kMaxKeptStep) + 1;
  const int64_t n_epochs = job.train().epochs();
  if (steps_per_epoch <= kMostSteps / n_epochs || job.train().has_early_stopping()) return;
  for (const ps::table::TableSpec& spec : ps::table::TableSpecs(job)) {
    if (!ps::table::KeepsSteps(spec)) continue;
    Fail("train.epochs: ", n_epochs, " epochs of ", steps_per_epoch, " steps, expected at most ",
         kMostSteps, " steps in all with table.eviction or table.admission.exact, which table ",
         spec.name, " has: take fewer epochs, or a larger train.batch_size");
  }
}

}  // namespace zhiyin::worker::train
