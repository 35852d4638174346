#include "worker/model/metric/curves.h"

#include <algorithm>
#include <cmath>

#include "common/exact_sum.h"
#include "common/random.h"
#include "worker/model/metric/metric.h"

namespace zhiyin::worker::model::metric {
namespace {

struct Scored {
  float prediction;
  double label;
  double weight;
};

/// Examples that count, sorted by prediction.
std::vector<Scored> Sorted(std::span<const float> predictions, std::span<const double> labels,
                           std::span<const double> weights, bool descending) {
  std::vector<Scored> rows;
  for (size_t i = 0; i < labels.size(); ++i) {
    if (Counts(predictions[i], labels[i]))
      rows.push_back({predictions[i], labels[i], weights.empty() ? 1.0 : weights[i]});
  }
  std::stable_sort(rows.begin(), rows.end(), [&](const Scored& a, const Scored& b) {
    return descending ? a.prediction > b.prediction : a.prediction < b.prediction;
  });
  return rows;
}

}  // namespace

std::vector<RocPoint> RocCurve(std::span<const float> predictions, std::span<const double> labels,
                               std::span<const double> weights, int n_points) {
  const std::vector<Scored> rows = Sorted(predictions, labels, weights, true);
  // In the order in which the curve adds them up, so that it ends at (1, 1).
  double n_positives = 0;
  double n_negatives = 0;
  for (const Scored& row : rows) (row.label > 0.5 ? n_positives : n_negatives) += row.weight;
  if (n_positives == 0 || n_negatives == 0) return {};
  std::vector<RocPoint> all = {{0, 0}};
  double positives = 0;
  double negatives = 0;
  for (size_t i = 0; i < rows.size(); ++i) {
    (rows[i].label > 0.5 ? positives : negatives) += rows[i].weight;
    if (i + 1 == rows.size() || rows[i + 1].prediction != rows[i].prediction)
      all.push_back({negatives / n_negatives, positives / n_positives});
  }
  if (all.size() <= static_cast<size_t>(n_points)) return all;
  std::vector<RocPoint> some;
  for (int p = 0; p < n_points; ++p)
    some.push_back(
        all[static_cast<size_t>(p) * (all.size() - 1) / static_cast<size_t>(n_points - 1)]);
  return some;
}

std::vector<CalibrationBin> CalibrationBins(std::span<const float> predictions,
                                            std::span<const double> labels,
                                            std::span<const double> weights, int n_bins) {
  const std::vector<Scored> rows = Sorted(predictions, labels, weights, false);
  std::vector<CalibrationBin> bins;
  const size_t n = static_cast<size_t>(n_bins);
  for (size_t b = 0; b < n; ++b) {
    CalibrationBin bin;
    for (size_t i = b * rows.size() / n; i < (b + 1) * rows.size() / n; ++i) {
      ++bin.n;
      bin.weight += rows[i].weight;
      bin.prediction += rows[i].weight * rows[i].prediction;
      bin.label += rows[i].weight * rows[i].label;
    }
    if (bin.weight == 0) continue;
    bin.prediction /= bin.weight;
    bin.label /= bin.weight;
    bins.push_back(bin);
  }
  return bins;
}

std::optional<double> ExpectedCalibrationError(std::span<const CalibrationBin> bins) {
  double sum = 0;
  double weight = 0;
  for (const CalibrationBin& bin : bins) {
    sum += bin.weight * std::abs(bin.prediction - bin.label);
    weight += bin.weight;
  }
  if (weight == 0) return {};
  return sum / weight;
}

std::optional<GroupAuc> ComputeGroupAuc(std::span<const float> predictions,
                                        std::span<const double> labels,
                                        std::span<const double> weights,
                                        std::span<const Key> groups) {
  std::vector<size_t> order;
  for (size_t i = 0; i < labels.size(); ++i) {
    if (Counts(predictions[i], labels[i]) && groups[i] != 0) order.push_back(i);
  }
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return groups[a] < groups[b]; });
  GroupAuc all;
  double sum = 0;
  double all_weight = 0;
  std::vector<float> own_predictions;
  std::vector<double> own_labels;
  std::vector<double> own_weights;
  for (size_t begin = 0; begin < order.size();) {
    own_predictions.clear();
    own_labels.clear();
    own_weights.clear();
    ExactSum weights_of_group;
    size_t end = begin;
    for (; end < order.size() && groups[order[end]] == groups[order[begin]]; ++end) {
      own_predictions.push_back(predictions[order[end]]);
      own_labels.push_back(labels[order[end]]);
      if (!weights.empty()) own_weights.push_back(weights[order[end]]);
      weights_of_group.Add(weights.empty() ? 1.0 : weights[order[end]]);
    }
    const double weight = weights_of_group.Value();
    if (const std::optional<double> auc = Auc(own_predictions, own_labels, own_weights)) {
      sum += *auc * weight;
      all_weight += weight;
      ++all.n_groups;
    }
    begin = end;
  }
  if (all.n_groups == 0) return {};
  all.auc = sum / all_weight;
  return all;
}

std::optional<Interval> AucInterval(std::span<const float> predictions,
                                    std::span<const double> labels, std::span<const double> weights,
                                    int n_samples, uint64_t seed) {
  const std::vector<Scored> rows = Sorted(predictions, labels, weights, false);
  std::vector<double> aucs;
  std::vector<int> times(rows.size());
  for (int s = 0; s < n_samples; ++s) {
    Random random(seed, static_cast<uint64_t>(s));
    std::fill(times.begin(), times.end(), 0);
    for (size_t i = 0; i < rows.size(); ++i) ++times[random.Below(rows.size())];
    // One pass over the examples, which are sorted once for all samples: a positive example counts
    // the negatives below it, and half of those that tie with it.
    double negatives = 0;
    double positives = 0;
    double won = 0;
    for (size_t begin = 0; begin < rows.size();) {
      double tied_negatives = 0;
      double tied_positives = 0;
      size_t end = begin;
      for (; end < rows.size() && rows[end].prediction == rows[begin].prediction; ++end)
        (rows[end].label > 0.5 ? tied_positives : tied_negatives) += times[end] * rows[end].weight;
      won += tied_positives * (negatives + tied_negatives / 2);
      negatives += tied_negatives;
      positives += tied_positives;
      begin = end;
    }
    if (negatives > 0 && positives > 0) aucs.push_back(won / negatives / positives);
  }
  if (aucs.empty()) return {};
  std::sort(aucs.begin(), aucs.end());
  const auto quantile = [&](double q) {
    return aucs[static_cast<size_t>(q * static_cast<double>(aucs.size() - 1) + 0.5)];
  };
  return Interval{quantile(0.025), quantile(0.975)};
}

}  // namespace zhiyin::worker::model::metric
