// The results of a survey of a job's data, from which text, JSON and the page are made.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "configs/job.pb.h"
#include "worker/data/survey/findings.h"
#include "worker/data/survey/signal.h"
#include "worker/data/survey/survey.h"

namespace zhiyin::launch::apps {

/// A value of an input and its share of the occurrences in each split.
struct ValueShare {
  std::string value;  // on one line
  worker::data::BySplit<double> share;
};

/// The figures of one input.
struct InputResults {
  std::vector<worker::data::Signal> signals;  // [tasks]
  // Figures of the splits that are held out.
  worker::data::BySplit<std::optional<worker::data::Drift>> drift;
  worker::data::BySplit<double> unseen_share;
  std::vector<ValueShare> most_frequent;  // in training, ten at most
  /// The task that the input tells most of, and the better figure of its signal.
  std::optional<std::pair<size_t, double>> best;
};

struct SurveyResults {
  Job job;
  worker::data::Survey survey;
  std::vector<InputResults> inputs;  // of survey.columns
  std::vector<worker::data::Finding> findings;
};

/// Surveys the data of a checked job. Throws Error when it cannot be read.
SurveyResults SurveyOf(const Job& job);

/// The splits that were surveyed, training's first.
std::vector<worker::data::SplitKind> SplitsOf(const SurveyResults& results);
/// "data.train" and so on.
std::string PathOf(worker::data::SplitKind kind);
/// The better figure of a signal, if it has one.
std::optional<double> BestOf(const worker::data::Signal& signal);
/// Returns what the figures of a task's signals are: "AUC" or "R2".
const char* SignalName(const worker::data::TaskSurvey& task);
/// "warning" or "note".
const char* SeverityName(worker::data::Severity severity);

/// The histogram of a numeric: the shares of each split's values in `n` intervals of equal width
/// from the least to the most value of all splits.
struct Histogram {
  double least = 0;
  double width = 0;  // of an interval
  std::vector<worker::data::BySplit<double>> shares;
};
/// REQUIRES: the column is a numeric. Has no intervals where the column has fewer than two values.
Histogram HistogramOf(const worker::data::ColumnSurvey& column, size_t n);

}  // namespace zhiyin::launch::apps
