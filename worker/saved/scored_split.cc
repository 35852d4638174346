#include "worker/saved/scored_split.h"

#include <memory>

#include "common/error.h"
#include "common/in_parallel.h"
#include "worker/model/label_domains.h"

namespace zhiyin::worker::saved {

using data::Rows;

ScoredSplit ScoreSplit(const FrozenModel& model, data::SplitKind kind) {
  const Job& job = model.job();
  ScoredSplit split;
  split.names.resize(static_cast<size_t>(job.field_size()));
  const auto observe = [&](int field, std::string_view value, Key key) {
    split.names[static_cast<size_t>(field)].try_emplace(key, value);
  };
  const auto source = data::MakeSource(job, kind, model::LabelDomainsOf(job), observe);
  split.labels.resize(static_cast<size_t>(job.task_size()));
  Rows rows;
  std::vector<data::BadLine> bad;
  for (int64_t block = 0; source->Read(block, &rows, &bad) > 0; ++block) {
    split.n_bad += static_cast<int64_t>(bad.size());
    if (rows.n == 0) continue;
    split.n += rows.n;
    for (size_t at = 0; at < rows.labels.size(); ++at)
      split.labels[at % split.labels.size()].push_back(rows.labels[at]);
    split.blocks.push_back(rows);
  }
  if (split.n == 0)
    Fail("data.", kind == data::SplitKind::kTest ? "test" : "train",
         ": has no examples, expected some");
  split.predictions = Predict(model, split.blocks);
  return split;
}

std::vector<std::vector<float>> Predict(const FrozenModel& model, const std::vector<Rows>& blocks) {
  const auto found = InParallel<std::vector<float>>(blocks.size(), [&] {
    auto session = std::make_shared<FrozenModel::Session>(model);
    return [session, &blocks](size_t b) {
      session->Run(blocks[b]);
      return std::vector<float>(session->predictions().begin(), session->predictions().end());
    };
  });
  std::vector<std::vector<float>> by_task(static_cast<size_t>(model.job().task_size()));
  for (const std::vector<float>& block : found) {
    for (size_t at = 0; at < block.size(); ++at) by_task[at % by_task.size()].push_back(block[at]);
  }
  return by_task;
}

std::optional<int> FieldOfColumn(const Job& job, const std::string& column) {
  for (int f = 0; f < job.field_size(); ++f) {
    if (job.field(f).column() == column && job.field(f).separator().empty() &&
        job.field(f).bucket().empty())
      return f;
  }
  return std::nullopt;
}

std::vector<Key> FirstKeys(const std::vector<Rows>& blocks, int field) {
  std::vector<Key> keys;
  for (const Rows& block : blocks) {
    for (int64_t i = 0; i < block.n; ++i) {
      const auto own = block.KeysOf(i, field);
      keys.push_back(own.empty() ? 0 : own[0]);
    }
  }
  return keys;
}

}  // namespace zhiyin::worker::saved
