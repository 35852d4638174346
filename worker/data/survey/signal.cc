#include "worker/data/survey/signal.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <utility>
#include <vector>

namespace zhiyin::worker::data {
namespace {

/// Examples with one prediction.
struct Scored {
  double score = 0;
  LabelSum labels;
};

/// The AUC of labels that are 0 or 1 (Mann and Whitney, 1947), ties counting half.
std::optional<double> AucOf(std::vector<Scored> groups) {
  constexpr double kMinOfClass = 10;
  std::sort(groups.begin(), groups.end(),
            [](const Scored& a, const Scored& b) { return a.score < b.score; });
  LabelSum total;
  for (const Scored& group : groups) total.Add(group.labels);
  const double n_negatives = total.n - total.sum;
  if (total.sum < kMinOfClass || n_negatives < kMinOfClass) return {};
  double n_below = 0;  // negatives with lower scores
  double n_won = 0;
  for (size_t i = 0; i < groups.size();) {
    LabelSum ties;
    const double score = groups[i].score;
    for (; i < groups.size() && groups[i].score == score; ++i) ties.Add(groups[i].labels);
    const double n_here = ties.n - ties.sum;
    n_won += ties.sum * (n_below + n_here / 2);
    n_below += n_here;
  }
  return n_won / (total.sum * n_negatives);
}

/// 1 - sum (score - label)^2 / sum (label - mean label)^2.
std::optional<double> ExplainedBy(const std::vector<Scored>& groups) {
  constexpr double kMinLabels = 50;
  LabelSum total;
  double squares = 0;
  for (const auto& [score, labels] : groups) {
    total.Add(labels);
    squares += labels.squares - 2 * score * labels.sum + labels.n * score * score;
  }
  const double variation = total.squares - total.sum * total.Mean();
  if (total.n < kMinLabels || !(variation > 1e-12 * total.squares)) return {};
  return 1 - squares / variation;
}

std::optional<double> FigureOf(std::vector<Scored> groups, bool is_binary) {
  return is_binary ? AucOf(std::move(groups)) : ExplainedBy(groups);
}

std::vector<const ValueTally*> TalliesOf(const ColumnSurvey& column) {
  std::vector<const ValueTally*> tallies = {&column.missing};
  for (const auto& [value, tally] : column.values.kept()) tallies.push_back(&tally);
  return tallies;
}

std::optional<double> SignalByValue(const ColumnSurvey& column, size_t task, bool is_binary) {
  const std::vector<const ValueTally*> tallies = TalliesOf(column);
  double sum = 0;
  for (const size_t half : {size_t{0}, size_t{1}}) {
    LabelSum others;
    for (const ValueTally* tally : tallies) others.Add(tally->LabelsOf(1 - half, task));
    std::vector<Scored> groups;
    for (const ValueTally* tally : tallies) {
      const LabelSum& known = tally->LabelsOf(1 - half, task);
      groups.push_back({(known.sum + others.Mean()) / (known.n + 1), tally->LabelsOf(half, task)});
    }
    const std::optional<double> figure = FigureOf(std::move(groups), is_binary);
    if (!figure) return {};
    sum += *figure;
  }
  return sum / 2;
}

std::optional<double> SignalInOrder(const ColumnSurvey& column, size_t task, bool is_binary) {
  std::vector<Scored> groups;
  double sum_x = 0;
  double sum_xx = 0;
  double sum_xy = 0;
  LabelSum total;
  for (const auto& [value, tally] : column.values.kept()) {
    Scored& group =
        groups.emplace_back(Scored{NumberOfValue(value) - column.splits.train.numbers.mean, {}});
    for (const size_t half : {size_t{0}, size_t{1}}) group.labels.Add(tally.LabelsOf(half, task));
    total.Add(group.labels);
    sum_x += group.score * group.labels.n;
    sum_xx += group.score * group.score * group.labels.n;
    sum_xy += group.score * group.labels.sum;
  }
  if (is_binary) {
    const std::optional<double> auc = AucOf(std::move(groups));
    return auc ? std::optional(std::max(*auc, 1 - *auc)) : auc;
  }
  const double variation = sum_xx - sum_x * sum_x / std::max(total.n, 1.0);
  if (!(variation > 0)) return {};
  const double slope = (sum_xy - sum_x * total.Mean()) / variation;
  const double start = total.Mean() - slope * sum_x / total.n;
  for (Scored& group : groups) group.score = start + slope * group.score;
  return ExplainedBy(groups);
}

/// Numbers of examples of a group of values.
struct Group {
  double train = 0;
  double held_out = 0;
};
using Groups = std::vector<Group>;

void AddTo(const ValueTally& tally, SplitKind held_out, double scale, Group* group) {
  group->train += scale * static_cast<double>(tally.n.train);
  group->held_out += scale * static_cast<double>(tally.n.of(held_out));
}

/// Whether a value occurs in training or in this split.
bool Occurs(const ValueTally& tally, SplitKind held_out) {
  return tally.n.train + tally.n.of(held_out) > 0;
}

Groups GroupsOfField(const ColumnSurvey& column, SplitKind held_out) {
  constexpr size_t kMostFrequent = 19;
  std::vector<std::pair<uint64_t, const ValueTally*>> values;
  for (const auto& [value, tally] : column.values.kept()) {
    if (Occurs(tally, held_out)) values.emplace_back(value, &tally);
  }
  std::sort(values.begin(), values.end(), [](const auto& a, const auto& b) {
    return std::pair(-a.second->n.train, a.first) < std::pair(-b.second->n.train, b.first);
  });
  Groups groups(std::min(values.size(), kMostFrequent + 1));
  for (size_t i = 0; i < values.size(); ++i)
    AddTo(*values[i].second, held_out, column.values.scale(), &groups[std::min(i, kMostFrequent)]);
  return groups;
}

Groups GroupsOfNumeric(const ColumnSurvey& column, SplitKind held_out) {
  constexpr double kIntervals = 10;
  std::vector<std::pair<double, const ValueTally*>> values;
  double n_train = 0;
  for (const auto& [value, tally] : column.values.kept()) {
    if (Occurs(tally, held_out)) values.emplace_back(NumberOfValue(value), &tally);
    n_train += static_cast<double>(tally.n.train);
  }
  std::sort(values.begin(), values.end());
  Groups groups;
  double n_before = 0;
  double boundary = 0;  // the number of training examples at which the next interval begins
  for (const auto& [number, tally] : values) {
    if (n_before >= boundary) {
      groups.emplace_back();
      boundary = (std::floor(n_before * kIntervals / n_train) + 1) * n_train / kIntervals;
    }
    AddTo(*tally, held_out, column.values.scale(), &groups.back());
    n_before += static_cast<double>(tally->n.train);
  }
  return groups;
}

}  // namespace

Signal SignalOf(const ColumnSurvey& column, size_t task, bool is_binary) {
  Signal signal;
  signal.by_value = SignalByValue(column, task, is_binary);
  if (column.is_numeric) signal.in_order = SignalInOrder(column, task, is_binary);
  return signal;
}

std::optional<Drift> DriftOf(const ColumnSurvey& column, SplitKind held_out) {
  Groups groups =
      column.is_numeric ? GroupsOfNumeric(column, held_out) : GroupsOfField(column, held_out);
  if (Occurs(column.missing, held_out)) AddTo(column.missing, held_out, 1, &groups.emplace_back());
  Group total;
  for (const Group& group : groups) {
    total.train += group.train;
    total.held_out += group.held_out;
  }
  if (groups.size() < 2 || total.train == 0 || total.held_out == 0) return {};
  const double n_groups = static_cast<double>(groups.size());
  Drift drift;
  for (const Group& group : groups) {
    // Half an example more in every group, so that an empty one has a logarithm.
    const double p = (group.train + 0.5) / (total.train + 0.5 * n_groups);
    const double q = (group.held_out + 0.5) / (total.held_out + 0.5 * n_groups);
    drift.psi += (p - q) * std::log(p / q);
  }
  drift.by_chance =
      (1 / total.train + 1 / total.held_out) * (n_groups - 1 + 3 * std::sqrt(2 * (n_groups - 1)));
  return drift;
}

double UnseenShare(const ColumnSurvey& column, SplitKind held_out) {
  int64_t n = 0;
  int64_t n_unseen = 0;
  for (const auto& [value, tally] : column.values.kept()) {
    n += tally.n.of(held_out);
    if (tally.n.train == 0) n_unseen += tally.n.of(held_out);
  }
  return n == 0 ? 0 : static_cast<double>(n_unseen) / static_cast<double>(n);
}

}  // namespace zhiyin::worker::data
