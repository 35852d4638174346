#include "worker/train/training_data.h"

#include <algorithm>
#include <numeric>
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
#include "worker/data/unseen_source.h"
#include "worker/model/first_outputs.h"
#include "worker/model/label_domains.h"
#include "worker/train/data_pass.h"
#include "worker/train/label_classes.h"
#include "worker/train/one_pass.h"
#include "worker/train/piped_split.h"
#include "worker/train/row_sample.h"
#include "worker/train/split_pass.h"
#include "worker/train/stopping_rule.h"

namespace zhiyin::worker::train {

namespace {

/// How the examples of an epoch are divided. Made by the first counts, be they of an index or of
/// the pass: they are equal.
class Plans {
 public:
  /// `n_planned_workers`: see TrainingData.
  Plans(const Job& job, int n_workers, int n_planned_workers)
      : job_(job),
        n_workers_(n_workers),
        n_planned_workers_(n_planned_workers),
        n_slices_(ps::SlicesOfStep(job.train(), n_workers)) {}

  /// How many examples each worker keeps at most.
  int64_t n_kept() const {
    return job_.data().shuffle_rows() *
           (is_synchronous() ? (n_slices_ + n_workers_ - 1) / n_workers_ : 1);
  }
  /// The blocks that a worker reads first.
  std::vector<int64_t> FirstBlocks(const data::RecordCounts& records, int worker) {
    Make(records);
    return is_synchronous() ? streams_->FirstBlocks(worker, n_workers_)
                            : ranges_->FirstBlocks(worker, n_workers_);
  }
  /// Starts the reader, and returns the dealer of its slices. Call once.
  std::unique_ptr<Dealer> Start(const data::RecordCounts& records,
                                const data::Normalizer& normalizer, int worker,
                                data::SliceReader* reader, ps::client::Client* client) {
    Make(records);
    reader->Start(is_synchronous() ? streams_->runs() : ranges_->runs(), normalizer,
                  /*in_one_pass=*/is_synchronous());
    if (is_synchronous())
      return MakeStreamDealer(job_, std::move(*streams_), worker, n_workers_, reader, client);
    return MakeRangeDealer(job_, std::move(*ranges_), worker, n_workers_, reader, client);
  }

 private:
  bool is_synchronous() const { return job_.train().staleness() == 0; }
  void Make(const data::RecordCounts& records) {
    const int64_t examples_per_slice = std::max(job_.train().batch_size() / n_slices_, 1);
    const int64_t shuffle_rows = job_.data().shuffle_rows();
    if (is_synchronous() && !streams_)
      streams_.emplace(records, n_slices_, examples_per_slice, shuffle_rows);
    if (!is_synchronous() && !ranges_)
      ranges_.emplace(records, n_planned_workers_, examples_per_slice, shuffle_rows,
                      ps::kMaxRanges);
  }

  const Job& job_;
  int n_workers_;
  int n_planned_workers_;
  int n_slices_;
  std::optional<data::StreamPlan> streams_;
  std::optional<data::RangePlan> ranges_;
};

/// Keeps what people are told of a split.
void TakeNotes(const Job& job, data::SplitKind split, const data::SplitSummary& summary,
               TrainingData* to) {
  for (std::string& note : SplitNotes(job, split, summary)) to->notes.push_back(std::move(note));
  to->joins.emplace_back(split, summary.joins);
}

/// Loads the splits that are evaluated, and returns what was found in them.
std::vector<data::SplitSummary> LoadEvaluated(const Job& job, SplitIndexes* indexes, Tools* tools,
                                              TrainingData* to) {
  std::vector<data::SplitSummary> all;
  for (const std::unique_ptr<Evaluator>& evaluator : tools->evaluators) {
    const data::SplitKind split = evaluator->split();
    const bool has_known_files =
        std::ranges::equal(data::SplitOf(job.data(), split).file(), job.data().train().file());
    const bool is_known = has_known_files && to->reader != nullptr;
    all.push_back(
        evaluator->Load(indexes, is_known ? to->reader->source()->shared_files() : nullptr));
    const data::SplitSummary& found = all.back();
    to->n_bad += found.n_bad;
    // The first one is the one that decides (Evaluations::Deciding).
    if (job.train().has_early_stopping() && evaluator == tools->evaluators.front())
      CheckStoppingMetrics(job, split, found);
    if (tools->group.IsChief()) NoteLabels(job, split, found);
    TakeNotes(job, split, found, to);
    for (std::string& note : SeenNotes(job, split, data::LabelUse::kNeeded, found.seen))
      to->notes.push_back(std::move(note));
  }
  return all;
}

std::vector<int64_t> AllBlocksOf(const data::RecordCounts& records) {
  std::vector<int64_t> blocks(static_cast<size_t>(records.n_blocks()));
  std::iota(blocks.begin(), blocks.end(), int64_t{0});
  return blocks;
}

/// Opens the training split. The chief alone reads a pipe.
std::unique_ptr<data::Source> OpenTraining(const Job& job, bool is_piped, Tools* tools,
                                           TrainingData* to) {
  if (is_piped && !tools->group.IsChief()) return data::MakeUnseenSource();
  std::unique_ptr<data::Source> source = data::MakeSource(
      job, data::SplitKind::kTrain, model::LabelDomainsOf(job), /*observer=*/{},
      [group = &tools->group] { group->SendHeartbeat(); }, &tools->reads, tools->side);
  if (source->joins() != nullptr) {
    to->n_bad_joined = source->joins()->n_bad();
    to->notes = source->joins()->BadLineNotes();
  }
  return source;
}

/// Returns a sample of the training examples where training begins with its statistics.
std::optional<RowSample> SampleIfAsked(const Job& job, const saved::FirstStatistics* known,
                                       int n_workers, data::Source* source, Tools* tools) {
  if (known != nullptr || !job.data().statistics().has_sample_rows()) return {};
  return SampleRows(job, job.data().statistics().sample_rows(), source, n_workers, &tools->group);
}

/// What is found in no examples.
data::SplitSummary NothingFound(const Job& job) {
  data::SplitSummary summary;
  summary.numerics.resize(static_cast<size_t>(job.numeric_size()));
  summary.label_sums.resize(static_cast<size_t>(job.task_size()));
  return summary;
}

/// Makes all ready for training in one pass.
TrainingData BeginOnePass(const Job& job, const saved::FirstStatistics* known, int n_workers,
                          SplitIndexes* indexes, Tools* tools) {
  TrainingData result;
  result.n_planned_workers = n_workers;
  const bool is_piped = IsPiped(job, data::SplitKind::kTrain, &tools->group);
  std::unique_ptr<data::Source> source = OpenTraining(job, is_piped, tools, &result);
  const std::optional<RowSample> sample = SampleIfAsked(job, known, n_workers, source.get(), tools);
  if (sample) {
    for (std::string& note : SampleNotes(job, *sample)) result.notes.push_back(std::move(note));
  }
  result.statistics = known != nullptr
                          ? *known
                          : FirstStatisticsOf(job, sample ? sample->summary : NothingFound(job));
  result.first_outputs = model::FirstOutputs(job, result.statistics.labels);
  LoadEvaluated(job, indexes, tools, &result);
  result.ranges = DivideIntoRanges(job, *source->shared_files(), n_workers);
  if (is_piped && !tools->group.IsChief()) {
    result.dealt = std::make_unique<DealtBatch>();
    result.dealer = MakePipeDealer(job, n_workers, result.dealt.get(), &tools->group);
    return result;
  }
  const int n_slices = ps::SlicesOfStep(job.train(), n_workers);
  const data::UnitReader::Settings settings = {
      .seed = job.train().seed(),
      .batch_examples = std::max(job.train().batch_size() / n_slices, 1),
      .window_examples = job.data().shuffle_rows(),
      .allows_bad = job.data().max_bad_share() > 0};
  result.units =
      std::make_unique<data::UnitReader>(std::move(source), result.ranges, settings,
                                         data::Augmenter(job), result.statistics.normalizer);
  if (is_piped) {
    result.dealer = MakeChiefsPipeDealer(job, n_workers, result.units.get(), &tools->group);
    return result;
  }
  result.dealer = MakeOnePassDealer(
      job, static_cast<int64_t>(result.ranges.size()), tools->group.worker(), n_workers,
      result.units.get(), &tools->client, [group = &tools->group] { group->SendHeartbeat(); });
  return result;
}

}  // namespace

TrainingData ReadTrainingData(const Job& job, const Progress* resumed,
                              const saved::FirstStatistics* known, const net::RoleMap& roles,
                              SplitIndexes* indexes, Tools* tools) {
  const int n_workers = roles.n_workers;
  if (job.data().one_pass()) return BeginOnePass(job, known, n_workers, indexes, tools);
  TrainingData result;
  result.n_planned_workers = resumed != nullptr ? resumed->n_workers() : n_workers;
  const bool is_piped = IsPiped(job, data::SplitKind::kTrain, &tools->group);
  if (tools->group.IsChief()) {
    result.files = indexes->DigestsOf(data::SplitKind::kTrain);
    if (resumed != nullptr) CheckResumedFiles(*resumed, result.files);
  }
  Plans plans(job, n_workers, result.n_planned_workers);
  result.reader =
      std::make_unique<data::SliceReader>(OpenTraining(job, is_piped, tools, &result),
                                          job.train().seed(), plans.n_kept(), data::Augmenter(job));
  const std::optional<RowSample> sample =
      SampleIfAsked(job, known, n_workers, result.reader->source(), tools);
  const auto wanted = [&](const data::RecordCounts& records, int w) {
    // Slices move from worker to worker, and nobody can read what he lacks in a pipe.
    return is_piped ? AllBlocksOf(records) : plans.FirstBlocks(records, w);
  };
  SplitPass pass(job, data::SplitKind::kTrain, result.reader->source(), plans.n_kept(), wanted,
                 &tools->group, n_workers, indexes);
  const SharedFindings train = pass.Read(FirstDeal(job.train(), n_workers));
  const data::SplitSummary& summary = train.summary;
  result.n_rows = summary.n_rows;
  result.n_bad = summary.n_bad;
  for (const std::string& note : ConstantNumerics(job, summary))
    result.notes.push_back("note: " + note);
  if (sample) {
    for (std::string& note : SampleNotes(job, *sample)) result.notes.push_back(std::move(note));
  }
  result.statistics =
      known != nullptr ? *known : FirstStatisticsOf(job, sample ? sample->summary : summary);
  result.first_outputs = model::FirstOutputs(job, result.statistics.labels);
  TakeNotes(job, data::SplitKind::kTrain, summary, &result);
  const std::vector<data::SplitSummary> evaluated = LoadEvaluated(job, indexes, tools, &result);
  CheckTrainingLabels(job, summary, evaluated, tools->side, &tools->group);
  pass.Deliver(
      [&](int64_t block, data::Examples rows) { result.reader->Keep(block, std::move(rows)); });
  result.dealer = plans.Start(train.records, result.statistics.normalizer, tools->group.worker(),
                              result.reader.get(), &tools->client);
  result.n_slices = result.dealer->n_slices();
  CheckSteps(job, result.dealer->steps_per_epoch());
  if (resumed != nullptr) {
    CheckResumedData(*resumed, result.n_rows, result.n_slices, result.dealer->steps_per_epoch());
  }
  return result;
}

void TakeUnits(const Job& job, const data::UnitFindings& found, TrainingData* data,
               const std::function<void(const std::string&)>& say) {
  const data::SplitSummary& summary = found.summary;
  data->n_rows = summary.n_rows;
  data->n_bad += summary.n_bad;
  data->joins.emplace(data->joins.begin(), data::SplitKind::kTrain, summary.joins);
  for (const std::string& note : ConstantNumerics(job, summary)) say("note: " + note);
  for (const std::string& note : SplitNotes(job, data::SplitKind::kTrain, summary)) say(note);
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
