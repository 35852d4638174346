#include "worker/saved/permutation_importance.h"

#include <utility>

#include "common/random.h"
#include "worker/model/metric/metric.h"

namespace zhiyin::worker::saved {

using data::Rows;

double Quality(model::loss::PredictionKind kind, std::span<const float> predictions,
               std::span<const float> labels) {
  if (model::metric::HasAuc(kind)) return model::metric::Auc(predictions, labels).value_or(0.5);
  return -model::metric::ComputeMetrics("", kind, predictions, labels).rmse.value_or(0);
}

std::vector<Rows> Permuted(const std::vector<Rows>& blocks, int input, uint64_t seed) {
  std::vector<std::pair<size_t, int64_t>> from;  // block, example
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

PermutationImportance FindImportance(const Predictor& predict, const std::vector<Rows>& blocks,
                                     const std::vector<std::vector<float>>& labels,
                                     std::span<const model::loss::PredictionKind> kinds,
                                     const ImportanceOptions& options) {
  PermutationImportance found;
  std::vector<Rows> first;
  for (const Rows& block : blocks) {
    if (found.n_examples >= options.max_examples) break;
    first.push_back(block);
    found.n_examples += block.n;
  }
  const auto qualities = [&](const std::vector<std::vector<float>>& predictions) {
    std::vector<double> by_task;
    for (size_t t = 0; t < kinds.size(); ++t) {
      const std::span<const float> own(labels[t].data(), predictions[t].size());
      by_task.push_back(Quality(kinds[t], predictions[t], own));
    }
    return by_task;
  };
  const std::vector<double> as_it_is = qualities(predict(first));
  const int n_inputs = blocks[0].n_fields + blocks[0].n_numerics;
  found.lost.assign(kinds.size(), std::vector<double>(static_cast<size_t>(n_inputs)));
  for (int input = 0; input < n_inputs; ++input) {
    for (int p = 0; p < options.n_permutations; ++p) {
      const uint64_t seed =
          Random(options.seed, static_cast<uint64_t>(input), static_cast<uint64_t>(p)).Next();
      const std::vector<double> exchanged = qualities(predict(Permuted(first, input, seed)));
      for (size_t t = 0; t < kinds.size(); ++t) {
        found.lost[t][static_cast<size_t>(input)] +=
            (as_it_is[t] - exchanged[t]) / options.n_permutations;
      }
    }
  }
  return found;
}

}  // namespace zhiyin::worker::saved
