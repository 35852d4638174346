#include "launch/apps/check/survey_json.h"

#include "common/text.h"

namespace zhiyin::launch::apps {
namespace {

using nlohmann::ordered_json;
using worker::data::SplitKind;

template <typename T>
ordered_json OrNull(const std::optional<T>& value) {
  return value ? ordered_json(*value) : ordered_json(nullptr);
}

/// {"train": of(kTrain), ...}, for each of the splits.
template <typename Of>
ordered_json BySplitJson(const std::vector<SplitKind>& splits, const Of& of) {
  ordered_json json = ordered_json::object();
  for (const SplitKind kind : splits) json[SplitName(kind)] = of(kind);
  return json;
}

template <typename Of>
ordered_json BySplitJson(const SurveyResults& results, const Of& of) {
  return BySplitJson(SplitsOf(results), of);
}

ordered_json SplitJson(const worker::data::SplitSurvey& split) {
  ordered_json json = {{"examples", split.n_examples}, {"malformed", split.n_bad}};
  if (!split.first_bad.empty()) json["first_malformed"] = OneLine(split.first_bad);
  if (split.times) {
    json["first_time"] = OneLine(split.times->first);
    json["last_time"] = OneLine(split.times->last);
  }
  return json;
}

ordered_json TaskJson(const worker::data::TaskSplit& split) {
  ordered_json json = {{"labels", split.labels.n}};
  if (split.labels.n == 0) return json;
  json["mean"] = split.labels.mean;
  json["min"] = split.least;
  json["max"] = split.most;
  return json;
}

ordered_json InputSplitJson(const worker::data::ColumnSurvey& column, SplitKind kind) {
  const worker::data::ColumnSplit& split = column.splits.of(kind);
  ordered_json json = {
      {"examples", split.n_examples}, {"missing", split.n_missing}, {"values", split.n_values}};
  if (!column.is_numeric || split.n_values == 0) return json;
  json["mean"] = split.numbers.mean;
  json["stddev"] = split.numbers.Stddev();
  json["min"] = split.least;
  json["max"] = split.most;
  return json;
}

ordered_json InputJson(const SurveyResults& results, size_t i) {
  const worker::data::ColumnSurvey& column = results.survey.columns[i];
  const InputResults& input = results.inputs[i];
  ordered_json json = {{"name", column.name},
                       {"kind", column.is_numeric ? "numeric" : "field"},
                       {"column", column.column},
                       {"distinct", column.values.n_distinct()},
                       {"distinct_is_exact", column.values.is_exact()}};
  json["splits"] =
      BySplitJson(results, [&](SplitKind kind) { return InputSplitJson(column, kind); });
  ordered_json frequent = ordered_json::array();
  for (const ValueShare& value : input.most_frequent) {
    frequent.push_back({{"value", value.value}, {"share", BySplitJson(results, [&](SplitKind kind) {
                                                   return value.share.of(kind);
                                                 })}});
  }
  json["most_frequent"] = frequent;
  ordered_json tells = ordered_json::object();
  for (size_t t = 0; t < input.signals.size(); ++t) {
    const worker::data::TaskSurvey& task = results.survey.tasks[t];
    tells[task.name] = {{"figure", SignalName(task)},
                        {"by_value", OrNull(input.signals[t].by_value)}};
    if (column.is_numeric) tells[task.name]["in_order"] = OrNull(input.signals[t].in_order);
  }
  json["tells"] = tells;
  const std::vector<SplitKind>& held_out = results.survey.held_out;
  json["psi"] = BySplitJson(held_out, [&](SplitKind kind) {
    const std::optional<worker::data::Drift>& drift = input.drift.of(kind);
    return drift ? ordered_json(drift->psi) : ordered_json(nullptr);
  });
  json["unseen_share"] =
      BySplitJson(held_out, [&](SplitKind kind) { return input.unseen_share.of(kind); });
  return json;
}

}  // namespace

ordered_json SurveyJson(const SurveyResults& results) {
  const worker::data::Survey& survey = results.survey;
  ordered_json json = {{"name", results.job.name()}};
  json["splits"] =
      BySplitJson(results, [&](SplitKind kind) { return SplitJson(survey.splits.of(kind)); });
  json["repeated_share"] =
      BySplitJson(results, [&](SplitKind kind) { return survey.repeated.Share(kind); });
  json["tasks"] = ordered_json::object();
  for (const worker::data::TaskSurvey& task : survey.tasks) {
    json["tasks"][task.name] =
        BySplitJson(results, [&](SplitKind kind) { return TaskJson(task.splits.of(kind)); });
  }
  json["inputs"] = ordered_json::array();
  for (size_t i = 0; i < results.inputs.size(); ++i)
    json["inputs"].push_back(InputJson(results, i));
  json["joins"] = ordered_json::array();
  for (const worker::data::JoinSurvey& join : survey.joins) {
    json["joins"].push_back(
        {{"column", join.column},
         {"file", OneLine(join.file)},
         {"lines", join.n_lines},
         {"malformed", join.n_bad},
         {"looked_up",
          BySplitJson(results, [&](SplitKind kind) { return join.n_looked_up.of(kind); })},
         {"matched",
          BySplitJson(results, [&](SplitKind kind) { return join.n_matched.of(kind); })}});
  }
  json["findings"] = ordered_json::array();
  for (const worker::data::Finding& finding : results.findings) {
    json["findings"].push_back({{"severity", SeverityName(finding.severity)},
                                {"kind", finding.kind},
                                {"what", finding.what},
                                {"text", OneLine(finding.text)}});
  }
  return json;
}

}  // namespace zhiyin::launch::apps
