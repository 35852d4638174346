#include "worker/saved/scored_split.h"

#include <memory>
#include <numeric>

#include "common/error.h"
#include "common/in_parallel.h"
#include "common/random.h"
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

std::vector<Rows> Permuted(const std::vector<Rows>& blocks, int input, uint64_t seed) {
  std::vector<std::pair<size_t, int64_t>> from;  // block, row
  for (size_t b = 0; b < blocks.size(); ++b) {
    for (int64_t i = 0; i < blocks[b].n; ++i) from.emplace_back(b, i);
  }
  Random(seed).Shuffle(std::span(from));
  const int n_fields = blocks[0].n_fields;
  std::vector<Rows> permuted;
  size_t next = 0;
  for (const Rows& block : blocks) {
    Rows& rows = permuted.emplace_back(block);
    const size_t first = next;
    next += static_cast<size_t>(block.n);
    if (input >= n_fields) {
      const int64_t column = input - n_fields;
      for (int64_t i = 0; i < block.n; ++i) {
        const auto [b, row] = from[first + static_cast<size_t>(i)];
        rows.numerics[static_cast<size_t>(i * block.n_numerics + column)] =
            blocks[b].numerics[static_cast<size_t>(row * block.n_numerics + column)];
      }
      continue;
    }
    rows.keys.clear();
    rows.key_begin.assign(1, 0);
    for (int64_t i = 0; i < block.n; ++i) {
      for (int f = 0; f < n_fields; ++f) {
        const auto [b, row] = from[first + static_cast<size_t>(i)];
        const auto keys = f == input ? blocks[b].KeysOf(row, f) : block.KeysOf(i, f);
        rows.keys.insert(rows.keys.end(), keys.begin(), keys.end());
        rows.key_begin.push_back(static_cast<uint32_t>(rows.keys.size()));
      }
    }
  }
  return permuted;
}

}  // namespace zhiyin::worker::saved
