// Curves and confidence intervals that explain the numbers of metric.h.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "common/types.h"

namespace zhiyin::worker::model::metric {

// All functions leave out examples that do not count, and count the others by their weights as
// metric.h says; `weights` may be empty: all 1. REQUIRES, of all: spans of equal lengths.

/// A point of the ROC curve.
struct RocPoint {
  double false_positives = 0;  // share of the negatives that score at least some threshold
  double true_positives = 0;   // share of the positives
};
/// Returns at most n_points points from (0, 0) to (1, 1); none where one class is absent.
std::vector<RocPoint> RocCurve(std::span<const float> predictions, std::span<const double> labels,
                               std::span<const double> weights, int n_points);

/// Examples with similar predictions.
struct CalibrationBin {
  int64_t n = 0;
  double weight = 0;      // of the n examples; more than 0
  double prediction = 0;  // mean
  double label = 0;       // mean
};
/// Sorts the examples by prediction and cuts them into n_bins bins of nearly as many examples each.
std::vector<CalibrationBin> CalibrationBins(std::span<const float> predictions,
                                            std::span<const double> labels,
                                            std::span<const double> weights, int n_bins);
/// Returns the mean over examples of |prediction - label| of their bins (Naeini, Cooper and
/// Hauskrecht, AAAI 2015); nullopt without bins.
std::optional<double> ExpectedCalibrationError(std::span<const CalibrationBin> bins);

/// The mean of the AUCs of groups that have both classes, weighted by the weights of their examples
/// (GAUC: Zhou et al., KDD 2018, eq. 7).
struct GroupAuc {
  double auc = 0;
  int64_t n_groups = 0;  // those with both classes
};
/// `groups` says which group an example belongs to; those of group 0 belong to none and do not
/// count. Returns nullopt where no group has both classes.
std::optional<GroupAuc> ComputeGroupAuc(std::span<const float> predictions,
                                        std::span<const double> labels,
                                        std::span<const double> weights,
                                        std::span<const Key> groups);

/// The 2.5 % and 97.5 % quantiles of a metric over bootstrap samples.
struct Interval {
  double low = 0;
  double high = 0;
};
/// Draws n_samples bootstrap samples of the examples, each with its weight, and returns the
/// interval of their AUCs (Efron and Tibshirani, 1993, section 13.3); nullopt where one class is
/// absent.
std::optional<Interval> AucInterval(std::span<const float> predictions,
                                    std::span<const double> labels, std::span<const double> weights,
                                    int n_samples, uint64_t seed);

}  // namespace zhiyin::worker::model::metric
