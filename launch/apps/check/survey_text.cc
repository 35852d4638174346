#include "launch/apps/check/survey_text.h"

#include <string_view>

#include "common/text.h"
#include "common/utf8.h"
#include "launch/apps/numbers.h"

namespace zhiyin::launch::apps {
namespace {

using worker::data::SplitKind;

std::string PercentText(double share) {
  return Number(100 * share, "%.2f") + " %";
}

std::string ShareText(int64_t part, int64_t all) {
  return all == 0 ? "–" : PercentText(static_cast<double>(part) / static_cast<double>(all));
}

/// The value in at most 24 bytes and an ellipsis.
std::string ShortValue(const std::string& value) {
  const std::string_view beginning = Utf8Beginning(value, 24);
  return std::string(beginning) + (beginning.size() < value.size() ? "…" : "");
}

/// "0 to 90, mean 34.5", or the most frequent values: "Private 36 %, ...".
std::string ValuesText(const worker::data::ColumnSurvey& column, const InputResults& input) {
  constexpr size_t kShownBytes = 48;
  const worker::data::ColumnSplit& train = column.splits.train;
  if (column.is_numeric) {
    if (train.n_values == 0) return "–";
    return TextOf(Number(train.least, "%.5g"), " to ", Number(train.most, "%.5g"), ", mean ",
                  Number(train.numbers.mean, "%.4g"));
  }
  std::string text;
  for (const ValueShare& value : input.most_frequent) {
    std::string next = TextOf(text.empty() ? "" : ", ", ShortValue(value.value), " ",
                              Number(100 * value.share.train, "%.0f"), " %");
    if (text.size() + next.size() > kShownBytes) break;
    text += next;
  }
  return text;
}

}  // namespace

Cells TaskCells(const SurveyResults& results) {
  Cells cells = {{"task", "split", "labels", "mean", "min", "max"}};
  for (const worker::data::TaskSurvey& task : results.survey.tasks) {
    for (const SplitKind kind : SplitsOf(results)) {
      const worker::data::TaskSplit& split = task.splits.of(kind);
      const bool has_labels = split.labels.n > 0;
      cells.push_back({task.name, PathOf(kind), std::to_string(split.labels.n),
                       has_labels ? Number(split.labels.mean) : "–",
                       has_labels ? Number(split.least, "%.5g") : "–",
                       has_labels ? Number(split.most, "%.5g") : "–"});
    }
  }
  return cells;
}

Cells InputCells(const SurveyResults& results) {
  Cells cells = {{"input", "kind", "values in training", "missing", "distinct", "tells most"}};
  const std::vector<SplitKind>& held_out = results.survey.held_out;
  for (const SplitKind kind : held_out) {
    const std::string of = held_out.size() > 1 ? TextOf(", ", SplitName(kind)) : "";
    cells[0].insert(cells[0].end(), {"PSI" + of, "unseen" + of});
  }
  for (size_t i = 0; i < results.inputs.size(); ++i) {
    const worker::data::ColumnSurvey& column = results.survey.columns[i];
    const InputResults& input = results.inputs[i];
    std::vector<std::string>& row = cells.emplace_back();
    row = {column.name, column.is_numeric ? "numeric" : "field", ValuesText(column, input),
           ShareText(column.splits.train.n_missing, column.splits.train.n_examples),
           (column.values.is_exact() ? "" : "~") + std::to_string(column.values.n_distinct())};
    if (input.best) {
      const worker::data::TaskSurvey& task = results.survey.tasks[input.best->first];
      row.push_back(
          TextOf(task.name, ", ", SignalName(task), " ", Number(input.best->second, "%.3f")));
    } else {
      row.push_back("–");
    }
    for (const SplitKind kind : held_out) {
      const std::optional<worker::data::Drift>& drift = input.drift.of(kind);
      row.push_back(drift ? Number(drift->psi, "%.3f") : "–");
      row.push_back(column.is_numeric ? "–" : PercentText(input.unseen_share.of(kind)));
    }
  }
  return cells;
}

std::string SplitLines(const SurveyResults& results) {
  const worker::data::Survey& survey = results.survey;
  std::string text;
  for (const SplitKind kind : SplitsOf(results)) {
    const worker::data::SplitSurvey& split = survey.splits.of(kind);
    text += TextOf(PathOf(kind), ": ", split.n_examples, " examples");
    if (split.n_bad > 0) text += TextOf(", malformed lines: ", split.n_bad);
    if (split.times)
      text += TextOf(", times ", OneLine(split.times->first), " to ", OneLine(split.times->last));
    text +=
        TextOf(", ", PercentText(survey.repeated.Share(kind)),
               kind == SplitKind::kTrain ? " of them more than once\n" : " in data.train, too\n");
    for (const worker::data::JoinSurvey& join : survey.joins) {
      text += TextOf(
          PathOf(kind), ": ", ShareText(join.n_matched.of(kind), join.n_looked_up.of(kind)),
          " of the examples with a key find their ", join.column, " in ", OneLine(join.file), "\n");
    }
  }
  return text;
}

std::string SurveyText(const SurveyResults& results) {
  std::string text = SplitLines(results) + "\n" + TextTable(TaskCells(results), false, 2) + "\n" +
                     TextTable(InputCells(results), false, 3) + "\n";
  for (const worker::data::Finding& finding : results.findings) {
    text += TextOf(SeverityName(finding.severity), ": ", finding.what, ": ", OneLine(finding.text),
                   " (", finding.kind, ")\n");
  }
  return text + (results.findings.empty() ? "nothing found\n" : "");
}

}  // namespace zhiyin::launch::apps
