#include <algorithm>
#include <numeric>

#include "worker/model/metric/metric.h"

namespace zhiyin::worker::model::metric {

namespace {

enum class Order { kAscending, kDescending };

/// Calls visit(positive, negative) for every prediction in this order, with the weights of the
/// examples of each class that have it. `Weight` is the type of sums of weights.
template <typename Weight, Order kOrder, typename WeightOf, typename Visit>
void ForEachPrediction(std::span<const float> predictions, std::span<const double> labels,
                       const WeightOf& weight_of, const Visit& visit) {
  std::vector<uint32_t> order(predictions.size());
  std::iota(order.begin(), order.end(), 0u);
  // Weights of equal predictions are added in their own order, so that the sums, which are rounded,
  // do not depend on the order of the examples.
  std::sort(order.begin(), order.end(), [&](uint32_t a, uint32_t b) {
    if (predictions[a] == predictions[b]) return weight_of(a) < weight_of(b);
    return kOrder == Order::kAscending ? predictions[a] < predictions[b]
                                       : predictions[a] > predictions[b];
  });
  for (size_t i = 0; i < order.size();) {
    Weight positive = 0;
    Weight negative = 0;
    const float prediction = predictions[order[i]];
    for (; i < order.size() && predictions[order[i]] == prediction; ++i)
      (labels[order[i]] > 0.5 ? positive : negative) += weight_of(order[i]);
    visit(positive, negative);
  }
}

/// Adds up the pairs in the right order, twice, ties counting half. `Pairs` is the type of sums of
/// products of weights.
template <typename Weight, typename Pairs, typename WeightOf>
std::optional<double> AucOf(std::span<const float> predictions, std::span<const double> labels,
                            const WeightOf& weight_of) {
  Pairs twice_right = 0;
  Weight n_positive = 0;
  Weight n_negative = 0;
  ForEachPrediction<Weight, Order::kAscending>(
      predictions, labels, weight_of, [&](Weight positive, Weight negative) {
        twice_right += static_cast<Pairs>(positive) * (2 * n_negative + negative);
        n_positive += positive;
        n_negative += negative;
      });
  if (n_positive == 0 || n_negative == 0) return std::nullopt;
  return static_cast<double>(twice_right) / 2 / static_cast<double>(n_positive) /
         static_cast<double>(n_negative);
}

/// Adds up the precision at each prediction, times the positives that it adds.
template <typename Weight, typename WeightOf>
std::optional<double> AveragePrecisionOf(std::span<const float> predictions,
                                         std::span<const double> labels,
                                         const WeightOf& weight_of) {
  double sum = 0;
  Weight n_positive = 0;
  Weight n = 0;
  ForEachPrediction<Weight, Order::kDescending>(
      predictions, labels, weight_of, [&](Weight positive, Weight negative) {
        n_positive += positive;
        n += positive + negative;
        if (positive == 0) return;
        sum += static_cast<double>(positive) *
               (static_cast<double>(n_positive) / static_cast<double>(n));
      });
  if (n_positive == 0) return std::nullopt;
  return sum / static_cast<double>(n_positive);
}

// Without weights the sums are integers, and therefore exact.
constexpr auto kEachOnce = [](uint32_t) { return uint64_t{1}; };

}  // namespace

std::optional<double> Auc(std::span<const float> predictions, std::span<const double> labels,
                          std::span<const double> weights) {
  if (weights.empty()) return AucOf<uint64_t, unsigned __int128>(predictions, labels, kEachOnce);
  return AucOf<double, double>(predictions, labels, [&](uint32_t i) { return weights[i]; });
}

std::optional<double> AveragePrecision(std::span<const float> predictions,
                                       std::span<const double> labels,
                                       std::span<const double> weights) {
  if (weights.empty()) return AveragePrecisionOf<uint64_t>(predictions, labels, kEachOnce);
  return AveragePrecisionOf<double>(predictions, labels, [&](uint32_t i) { return weights[i]; });
}

}  // namespace zhiyin::worker::model::metric
