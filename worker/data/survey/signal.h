// How well one input alone tells a label, and how much its values change between the splits.
#pragma once

#include <cstddef>
#include <optional>

#include "worker/data/survey/column_survey.h"

namespace zhiyin::worker::data {

/// How well a column tells the labels of a task in training. For labels of 0 and 1 the figures are
/// AUCs, for others shares of explained variance (R2), which may be negative.
struct Signal {
  /// The example's value (or its being missing) is replaced by the mean label of that value in the
  /// other half of the split, so that a value which occurs once tells nothing. Mean of both halves.
  std::optional<double> by_value;
  /// What the order of a numeric tells, in the better of both directions: the AUC, or R2 of a
  /// straight line.
  std::optional<double> in_order;
};

/// A figure is absent where there are too few labels to tell: fewer than 10 of either class, or 50
/// in all, in a half of the split. Of a field with several values, each occurrence counts.
Signal SignalOf(const ColumnSurvey& column, size_t task, bool is_binary);

/// The population stability index (Siddiqi, Credit Risk Scorecards, 2006, chapter 8) between
/// training and a split that is held out: the sum over groups of (p - q) ln(p / q). Groups of a
/// field are its 19 most frequent values in training, all others, and missing ones; groups of a
/// numeric are ten intervals with about equally many training examples, and missing ones.
struct Drift {
  double psi = 0;
  /// What chance alone reaches once in about a thousand times: (1/n + 1/m) times the mean plus
  /// three standard deviations of chi squared with (groups - 1) degrees of freedom (Yurdakul, 2018,
  /// section 3.2).
  double by_chance = 0;
};
/// nullopt where a split has no examples or the column has one group.
std::optional<Drift> DriftOf(const ColumnSurvey& column, SplitKind held_out);

/// The share of the occurrences of values in a split that is held out whose value is not in
/// training.
double UnseenShare(const ColumnSurvey& column, SplitKind held_out);

}  // namespace zhiyin::worker::data
