#include "worker/saved/scored_split.h"

#include <algorithm>
#include <cmath>
#include <memory>

#include "common/error.h"
#include "common/in_parallel.h"
#include "worker/data/seen_columns.h"
#include "worker/model/label_domains.h"

namespace zhiyin::worker::saved {

using data::Examples;

namespace {

/// A block of a split.
struct ScoredBlock {
  std::vector<float> predictions;     // [n, n_tasks]
  std::vector<model::TaskSums> sums;  // [n_tasks], where they were asked for
};

/// Throws Error for a task without any prediction. `predictions` [n_tasks][n] are NaN where there
/// is none.
void CheckPredicted(const Job& job, const std::vector<std::vector<float>>& predictions) {
  for (size_t t = 0; t < predictions.size(); ++t) {
    if (!std::ranges::all_of(predictions[t], [](float p) { return std::isnan(p); })) continue;
    Fail("task ", job.task(static_cast<int>(t)).name(), ": none of the model's ",
         predictions[t].size(),
         " predictions is finite, expected some: look for extreme values in the numeric columns");
  }
}

std::vector<ScoredBlock> ScoreBlocks(const FrozenModel& model, const std::vector<Examples>& blocks,
                                     bool with_sums) {
  return InParallel<ScoredBlock>(blocks.size(), [&] {
    auto session = std::make_shared<FrozenModel::Session>(model);
    return [session, with_sums, &blocks](size_t b) {
      session->Run(blocks[b]);
      ScoredBlock block;
      block.predictions.assign(session->predictions().begin(), session->predictions().end());
      if (with_sums) block.sums = session->Sums(blocks[b]);
      return block;
    };
  });
}

std::vector<std::vector<float>> PredictionsByTask(const std::vector<ScoredBlock>& blocks,
                                                  int n_tasks) {
  std::vector<std::vector<float>> by_task(static_cast<size_t>(n_tasks));
  for (const ScoredBlock& block : blocks) {
    for (size_t at = 0; at < block.predictions.size(); ++at)
      by_task[at % by_task.size()].push_back(block.predictions[at]);
  }
  return by_task;
}

}  // namespace

ScoredSplit ScoreSplit(const FrozenModel& model, data::SplitKind kind) {
  const Job& job = model.job();
  ScoredSplit split;
  split.names.resize(static_cast<size_t>(job.field_size()));
  const auto observe = [&](int field, std::string_view value, Key key) {
    split.names[static_cast<size_t>(field)].try_emplace(key, value);
  };
  const auto source = data::MakeSource(job, kind, model::LabelDomainsOf(job), observe);
  if (source->joins() != nullptr) source->joins()->LogBadLines();
  split.labels.resize(static_cast<size_t>(job.task_size()));
  split.weights.resize(split.labels.size());
  Examples rows;
  std::vector<data::BadLine> bad;
  std::vector<int64_t> numbers;  // of split.blocks
  std::vector<uint8_t> seen;
  for (int64_t block = 0; source->Read(block, &rows, &bad) > 0; ++block) {
    split.n_bad += static_cast<int64_t>(bad.size());
    data::MergeSeen(source->seen(), &seen);
    if (rows.n == 0) continue;
    split.n += rows.n;
    for (size_t at = 0; at < rows.labels.size(); ++at)
      split.labels[at % split.labels.size()].push_back(rows.labels[at]);
    for (size_t at = 0; at < rows.weights.size(); ++at)
      split.weights[at % split.weights.size()].push_back(rows.weights[at]);
    split.blocks.push_back(rows);
    numbers.push_back(block);
  }
  if (split.n == 0) Fail("data.", data::SplitName(kind), ": has no examples, expected some");
  data::CheckSeen(job, kind, data::LabelUse::kNeeded, seen);
  const std::vector<ScoredBlock> scored = ScoreBlocks(model, split.blocks, /*with_sums=*/true);
  split.predictions = PredictionsByTask(scored, job.task_size());
  CheckPredicted(job, split.predictions);
  split.losses.resize(split.predictions.size());
  for (const ScoredBlock& block : scored) {
    for (size_t t = 0; t < split.losses.size(); ++t) split.losses[t] += block.sums[t].loss;
  }
  for (size_t t = 0; t < split.labels.size(); ++t) {
    for (size_t i = 0; i < split.labels[t].size(); ++i) {
      if (std::isnan(split.predictions[t][i])) split.labels[t][i] = kMissing;
    }
  }
  for (size_t b = 0; b < scored.size(); ++b)
    split.unpredicted.Add(numbers[b],
                          data::WithoutPrediction(scored[b].predictions, split.predictions.size()));
  split.unpredicted.Name(job, model.normalizer(), source.get(), [] {});
  return split;
}

std::vector<std::vector<float>> Predict(const FrozenModel& model,
                                        const std::vector<Examples>& blocks) {
  return PredictionsByTask(ScoreBlocks(model, blocks, /*with_sums=*/false),
                           model.job().task_size());
}

std::optional<int> FieldOfName(const Job& job, const std::string& name) {
  for (int f = 0; f < job.field_size(); ++f) {
    if (job.field(f).name() == name) return f;
  }
  return std::nullopt;
}

std::optional<int> FieldOfColumn(const Job& job, const std::string& column) {
  for (int f = 0; f < job.field_size(); ++f) {
    if (job.field(f).column() == column && job.field(f).separator().empty() &&
        job.field(f).bucket().empty())
      return f;
  }
  return std::nullopt;
}

std::vector<Key> FirstKeys(const std::vector<Examples>& blocks, int field) {
  std::vector<Key> keys;
  for (const Examples& block : blocks) {
    const std::vector<Key> own = block.FirstKeys(field);
    keys.insert(keys.end(), own.begin(), own.end());
  }
  return keys;
}

}  // namespace zhiyin::worker::saved
