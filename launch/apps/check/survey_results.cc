#include "launch/apps/check/survey_results.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "common/text.h"
#include "worker/model/label_domains.h"

namespace zhiyin::launch::apps {
namespace {

using worker::data::BySplit;
using worker::data::ColumnSurvey;
using worker::data::SplitKind;
using worker::data::ValueTally;

constexpr SplitKind kSplits[] = {SplitKind::kTrain, SplitKind::kValidation, SplitKind::kTest};

/// The number of occurrences that a column keeps, in each split.
BySplit<double> KeptOccurrences(const ColumnSurvey& column) {
  BySplit<double> n;
  for (const auto& [value, tally] : column.values.kept()) {
    for (const SplitKind kind : kSplits) n.of(kind) += static_cast<double>(tally.n.of(kind));
  }
  return n;
}

BySplit<double> SharesOf(const ValueTally& tally, const BySplit<double>& all) {
  BySplit<double> shares;
  for (const SplitKind kind : kSplits)
    shares.of(kind) = static_cast<double>(tally.n.of(kind)) / std::max(all.of(kind), 1.0);
  return shares;
}

std::vector<ValueShare> MostFrequent(const ColumnSurvey& column) {
  constexpr size_t kShown = 10;
  std::vector<std::pair<uint64_t, const ValueTally*>> values;
  for (const auto& [value, tally] : column.values.kept()) {
    if (tally.n.train > 0) values.emplace_back(value, &tally);
  }
  const size_t n_shown = std::min(values.size(), kShown);
  std::partial_sort(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(n_shown),
                    values.end(), [](const auto& a, const auto& b) {
                      return std::pair(-a.second->n.train, a.first) <
                             std::pair(-b.second->n.train, b.first);
                    });
  values.resize(n_shown);
  const BySplit<double> all = KeptOccurrences(column);
  std::vector<ValueShare> shares;
  for (const auto& [value, tally] : values) {
    shares.push_back(
        {column.is_numeric ? TextOf(worker::data::NumberOfValue(value)) : OneLine(tally->text),
         SharesOf(*tally, all)});
  }
  return shares;
}

InputResults ResultsOf(const ColumnSurvey& column, const worker::data::Survey& survey) {
  InputResults results;
  for (size_t t = 0; t < survey.tasks.size(); ++t) {
    results.signals.push_back(
        worker::data::SignalOf(column, t, survey.tasks[t].splits.train.is_binary));
    const std::optional<double> figure = BestOf(results.signals.back());
    if (figure && (!results.best || *figure > results.best->second)) results.best = {t, *figure};
  }
  for (const SplitKind kind : survey.held_out) {
    results.drift.of(kind) = worker::data::DriftOf(column, kind);
    results.unseen_share.of(kind) = worker::data::UnseenShare(column, kind);
  }
  results.most_frequent = MostFrequent(column);
  return results;
}

}  // namespace

SurveyResults SurveyOf(const Job& job) {
  SurveyResults results;
  results.job = job;
  results.survey = worker::data::SurveyData(job, worker::model::LabelDomainsOf(job),
                                            worker::data::SurveyLimits::For(job), /*tick=*/[] {});
  for (const ColumnSurvey& column : results.survey.columns)
    results.inputs.push_back(ResultsOf(column, results.survey));
  results.findings = worker::data::FindingsOf(job, results.survey);
  return results;
}

std::vector<SplitKind> SplitsOf(const SurveyResults& results) {
  std::vector<SplitKind> kinds = {SplitKind::kTrain};
  for (const SplitKind kind : results.survey.held_out) kinds.push_back(kind);
  return kinds;
}

std::string PathOf(SplitKind kind) {
  return TextOf("data.", worker::data::SplitName(kind));
}

std::optional<double> BestOf(const worker::data::Signal& signal) {
  if (!signal.by_value || !signal.in_order)
    return signal.by_value ? signal.by_value : signal.in_order;
  return std::max(*signal.by_value, *signal.in_order);
}

const char* SignalName(const worker::data::TaskSurvey& task) {
  return task.splits.train.is_binary ? "AUC" : "R2";
}

const char* SeverityName(worker::data::Severity severity) {
  return severity == worker::data::Severity::kWarning ? "warning" : "note";
}

Histogram HistogramOf(const ColumnSurvey& column, size_t n) {
  Histogram histogram;
  double least = std::numeric_limits<double>::infinity();
  double most = -least;
  for (const SplitKind kind : kSplits) {
    const worker::data::ColumnSplit& split = column.splits.of(kind);
    if (split.n_values == 0) continue;
    least = std::min(least, split.least);
    most = std::max(most, split.most);
  }
  if (!(least <= most)) return histogram;
  histogram.least = least;
  histogram.width = (most - histogram.least) / static_cast<double>(n);
  if (!(histogram.width > 0) || !std::isfinite(histogram.width)) return histogram;
  histogram.shares.resize(n);
  const BySplit<double> all = KeptOccurrences(column);
  for (const auto& [value, tally] : column.values.kept()) {
    const double at = (worker::data::NumberOfValue(value) - histogram.least) / histogram.width;
    BySplit<double>& share = histogram.shares[std::min(static_cast<size_t>(at), n - 1)];
    const BySplit<double> more = SharesOf(tally, all);
    for (const SplitKind kind : kSplits) share.of(kind) += more.of(kind);
  }
  return histogram;
}

}  // namespace zhiyin::launch::apps
