// How predictions are wrong: curves and intervals behind the numbers of metric.h.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "common/types.h"

namespace zhiyin::worker::model::metric {

// Rows whose label is kMissing are left out everywhere. REQUIRES, everywhere: equal lengths.

/// Of the ROC curve, from (0, 0) to (1, 1), at most n_points of them.
struct RocPoint {
  double false_positives = 0;  // share of the negatives that score at least some threshold
  double true_positives = 0;   // share of the positives
};
/// Empty where one class is absent.
std::vector<RocPoint> RocCurve(std::span<const float> predictions, std::span<const float> labels,
                               int n_points);

/// Rows by prediction in bins of as many rows each.
struct CalibrationBin {
  int64_t n = 0;
  double prediction = 0;  // means
  double label = 0;
};
std::vector<CalibrationBin> CalibrationBins(std::span<const float> predictions,
                                            std::span<const float> labels, int n_bins);
/// Mean over rows of |prediction - label| of their bins (Naeini, Cooper and Hauskrecht, AAAI 2015).
/// Nothing without rows.
std::optional<double> ExpectedCalibrationError(std::span<const CalibrationBin> bins);

/// Mean over groups with both classes of their AUC, weighted by their rows (GAUC: Zhou et al., KDD
/// 2018, eq. 7). Nothing where no group has both.
struct GroupAuc {
  double auc = 0;
  int64_t n_groups = 0;
};
std::optional<GroupAuc> ComputeGroupAuc(std::span<const float> predictions,
                                        std::span<const float> labels, std::span<const Key> groups);

/// The 2.5 % and 97.5 % quantiles of the AUC over bootstrap samples of the rows (Efron and
/// Tibshirani, 1993, section 13.3). Nothing where one class is absent.
struct Interval {
  double low = 0;
  double high = 0;
};
std::optional<Interval> AucInterval(std::span<const float> predictions,
                                    std::span<const float> labels, int n_samples, uint64_t seed);

}  // namespace zhiyin::worker::model::metric
