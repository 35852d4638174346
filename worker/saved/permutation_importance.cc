#include "worker/saved/permutation_importance.h"

#include <cstddef>
#include <numeric>
#include <utility>

#include "common/random.h"
#include "worker/model/metric/metric.h"

namespace zhiyin::worker::saved {

using data::Examples;

namespace {

/// Some blocks of a split, in its order, with their labels and weights [tasks][examples].
struct Sample {
  std::vector<Examples> blocks;
  std::vector<std::vector<double>> labels;
  std::vector<std::vector<double>> weights;
  int64_t n_examples = 0;
};

/// Draws blocks until they hold so many examples, or all blocks: a file may be sorted.
Sample DrawBlocks(const std::vector<Examples>& blocks,
                  const std::vector<std::vector<double>>& labels,
                  const std::vector<std::vector<double>>& weights, int64_t n_examples,
                  uint64_t seed) {
  std::vector<size_t> order(blocks.size());
  std::iota(order.begin(), order.end(), size_t{0});
  Random(seed).Shuffle(std::span(order));
  std::vector<bool> is_drawn(blocks.size());
  Sample sample;
  for (size_t i = 0; i < order.size() && sample.n_examples < n_examples; ++i) {
    is_drawn[order[i]] = true;
    sample.n_examples += blocks[order[i]].n;
  }
  sample.labels.resize(labels.size());
  sample.weights.resize(labels.size());
  std::ptrdiff_t begin = 0;
  for (size_t b = 0; b < blocks.size(); ++b) {
    const std::ptrdiff_t end = begin + blocks[b].n;
    if (is_drawn[b]) {
      sample.blocks.push_back(blocks[b]);
      for (size_t t = 0; t < labels.size(); ++t) {
        sample.labels[t].insert(sample.labels[t].end(), labels[t].begin() + begin,
                                labels[t].begin() + end);
        if (weights[t].empty()) continue;
        sample.weights[t].insert(sample.weights[t].end(), weights[t].begin() + begin,
                                 weights[t].begin() + end);
      }
    }
    begin = end;
  }
  return sample;
}

}  // namespace

double Quality(model::loss::PredictionKind kind, std::span<const float> predictions,
               std::span<const double> labels, std::span<const double> weights) {
  const model::metric::TaskMetrics metrics =
      model::metric::ComputeMetrics("", kind, predictions, labels, weights);
  return model::metric::HasAuc(kind) ? metrics.auc.value_or(0.5) : -metrics.rmse.value_or(0);
}

std::vector<Examples> Permuted(const std::vector<Examples>& blocks, int input, uint64_t seed) {
  std::vector<std::pair<size_t, int64_t>> from;  // block, example
  for (size_t b = 0; b < blocks.size(); ++b) {
    for (int64_t i = 0; i < blocks[b].n; ++i) from.emplace_back(b, i);
  }
  Random(seed).Shuffle(std::span(from));
  const int n_fields = blocks[0].n_fields;
  std::vector<Examples> permuted;
  size_t next = 0;
  for (const Examples& block : blocks) {
    Examples& rows = permuted.emplace_back(block);
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

PermutationImportance FindImportance(const Predictor& predict, const std::vector<Examples>& blocks,
                                     const std::vector<std::vector<double>>& labels,
                                     const std::vector<std::vector<double>>& weights,
                                     std::span<const model::loss::PredictionKind> kinds,
                                     const ImportanceOptions& options) {
  const Sample sample = DrawBlocks(blocks, labels, weights, options.max_examples, options.seed);
  PermutationImportance found;
  found.n_examples = sample.n_examples;
  const auto qualities = [&](const std::vector<std::vector<float>>& predictions) {
    std::vector<double> by_task;
    for (size_t t = 0; t < kinds.size(); ++t)
      by_task.push_back(Quality(kinds[t], predictions[t], sample.labels[t], sample.weights[t]));
    return by_task;
  };
  const std::vector<double> as_it_is = qualities(predict(sample.blocks));
  const int n_inputs = blocks[0].n_fields + blocks[0].n_numerics;
  found.lost.assign(kinds.size(), std::vector<double>(static_cast<size_t>(n_inputs)));
  for (int input = 0; input < n_inputs; ++input) {
    for (int p = 0; p < options.n_permutations; ++p) {
      const uint64_t seed =
          Random(options.seed, static_cast<uint64_t>(input), static_cast<uint64_t>(p)).Next();
      const std::vector<double> exchanged =
          qualities(predict(Permuted(sample.blocks, input, seed)));
      for (size_t t = 0; t < kinds.size(); ++t) {
        found.lost[t][static_cast<size_t>(input)] +=
            (as_it_is[t] - exchanged[t]) / options.n_permutations;
      }
    }
  }
  return found;
}

}  // namespace zhiyin::worker::saved
