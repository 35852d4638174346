#include "worker/data/survey/survey.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <memory>
#include <string_view>
#include <tuple>
#include <unordered_map>
#include <utility>

#include "worker/data/event_time.h"
#include "worker/data/join_matches.h"
#include "worker/data/joins.h"
#include "worker/data/source.h"

namespace zhiyin::worker::data {
namespace {

/// Stands for no vocabulary of a job, as a line break cannot be part of a name.
constexpr char kOneVocabulary[] = "survey\n";

/// Returns the job as a survey reads it. All fields have one vocabulary, so that equal values of
/// any columns have equal keys. Behind its own fields it has one for the times of data.behaviour.
Job SurveyJob(const Job& job) {
  Job survey = job;
  if (survey.data().has_behaviour()) survey.mutable_data()->mutable_behaviour()->clear_negatives();
  if (job.data().has_behaviour()) survey.add_field()->set_column(job.data().behaviour().time());
  for (int i = job.field_size(); i < survey.field_size(); ++i)
    survey.mutable_field(i)->set_name(survey.field(i).column());
  for (Field& field : *survey.mutable_field()) field.set_vocabulary(kOneVocabulary);
  for (Numeric& numeric : *survey.mutable_numeric()) numeric.set_log1p(false);
  return survey;
}

void AddLabel(double label, TaskSplit* split) {
  if (std::isnan(label)) return;
  if (split->labels.n == 0) split->least = split->most = label;
  split->least = std::min(split->least, label);
  split->most = std::max(split->most, label);
  split->is_binary = split->is_binary && (label == 0 || label == 1);
  split->labels.Add(label);
}

/// Reads the splits of a job, one after the other, into a Survey.
class SurveyPass {
 public:
  SurveyPass(const Job& job, const LabelDomains& labels, const SurveyLimits& limits,
             const Tick& tick)
      : job_(SurveyJob(job)),
        n_fields_(job.field_size()),
        domains_(labels),
        tick_(tick),
        rows_(limits.n_rows) {
    for (const Field& field : job.field())
      survey_.columns.emplace_back(field.name(), field.column(), /*is_numeric=*/false,
                                   job.task_size(), limits.n_values);
    for (const Numeric& numeric : job.numeric())
      survey_.columns.emplace_back(numeric.name(), numeric.column(), /*is_numeric=*/true,
                                   job.task_size(), limits.n_values);
    for (const Task& task : job.task())
      survey_.tasks.push_back({task.name(), task.label().column(), {}});
    for (const Join& join : job.data().join()) {
      JoinSurvey& survey = survey_.joins.emplace_back();
      survey.column = join.column();
      survey.file = join.file(0);
    }
  }

  void Read(SplitKind split) {
    const auto observer = [this](int, std::string_view value, Key key) {
      texts_.try_emplace(key, value);
    };
    const std::unique_ptr<Source> source = MakeSource(job_, split, domains_, observer, tick_);
    SplitSurvey& found = survey_.splits.of(split);
    Examples examples;
    std::vector<BadLine> bad;
    int64_t n_lines = 1;
    for (int64_t block = 0; n_lines > 0; ++block) {
      texts_.clear();
      n_lines = source->Read(block, &examples, &bad);
      found.n_bad += static_cast<int64_t>(bad.size());
      if (found.first_bad.empty() && !bad.empty()) found.first_bad = bad[0].Text();
      for (int64_t i = 0; i < examples.n; ++i) AddExample(split, examples, i);
      AddJoins(split, source->joined());
      tick_();
    }
    if (split != SplitKind::kTrain) return;
    CountRepeated();
    if (source->joins() != nullptr) AddJoinedFiles(*source->joins());
  }

  Survey Take() { return std::move(survey_); }

 private:
  void AddExample(SplitKind split, const Examples& examples, int64_t i) {
    const size_t n_tasks = survey_.tasks.size();
    labels_.clear();
    for (size_t t = 0; t < n_tasks; ++t) {
      labels_.push_back(examples.labels[static_cast<size_t>(i) * n_tasks + t]);
      AddLabel(labels_.back(), &survey_.tasks[t].splits.of(split));
    }
    const ExampleView example = {split, survey_.splits.of(split).n_examples++, labels_};
    uint64_t row = 0;
    for (size_t c = 0; c < survey_.columns.size(); ++c) {
      ColumnSurvey& column = survey_.columns[c];
      AddValues(example, examples, i, static_cast<int>(c), &column);
      column.EndExample(example);
      row = Mix(row ^ column.last_example());
    }
    for (const double label : labels_)
      row = Mix(row ^ (std::isnan(label) ? 1 : 2 + std::bit_cast<uint64_t>(label)));
    AddRow(split, row);
    AddTime(split, examples, i);
  }

  void AddValues(const ExampleView& example, const Examples& examples, int64_t i, int c,
                 ColumnSurvey* column) const {
    if (column->is_numeric) {
      const double x =
          examples.numerics[static_cast<size_t>(i * examples.n_numerics + c - n_fields_)];
      if (!std::isnan(x)) column->AddNumber(example, x);
      return;
    }
    for (const Key key : examples.KeysOf(i, c)) column->AddCategory(example, key, texts_.at(key));
  }

  void AddRow(SplitKind split, uint64_t row) {
    if (split == SplitKind::kTrain) {
      if (int64_t* const n = rows_.Add(row)) ++*n;
    } else if (rows_.Covers(row)) {
      ++survey_.repeated.n.of(split);
      survey_.repeated.n_with_twin.of(split) += rows_.kept().contains(row);
    }
  }

  void CountRepeated() {
    for (const auto& [row, n] : rows_.kept()) {
      survey_.repeated.n.train += n;
      if (n > 1) survey_.repeated.n_with_twin.train += n;
    }
  }

  void AddJoins(SplitKind split, const JoinMatches& block) {
    for (size_t j = 0; j < block.n_found.size(); ++j) {
      survey_.joins[j].n_looked_up.of(split) += block.n_looked_up[j];
      survey_.joins[j].n_matched.of(split) += block.n_found[j];
    }
  }

  void AddJoinedFiles(const Joins& joins) {
    for (size_t j = 0; j < survey_.joins.size(); ++j) {
      const JoinedFile& file = joins.file(j);
      survey_.joins[j].n_lines = file.n_lines() + file.n_bad();
      survey_.joins[j].n_bad = file.n_bad();
      if (file.n_bad() > 0) survey_.joins[j].first_bad = file.bad()[0];
    }
  }

  void AddTime(SplitKind split, const Examples& examples, int64_t i) {
    if (n_fields_ == examples.n_fields || examples.KeysOf(i, n_fields_).empty()) return;
    const std::string& text = texts_.at(examples.KeysOf(i, n_fields_)[0]);
    const std::optional<ParsedTime> parsed = ParseTime(text);
    if (!parsed) return;
    const EventTime time = parsed->time;
    std::optional<TimeRange>& range = survey_.splits.of(split).times;
    if (!range) range = {parsed->kind, time, time, text, text};
    if (parsed->kind != range->kind) return;
    if (time < range->least) std::tie(range->least, range->first) = std::tie(time, text);
    if (time > range->most) std::tie(range->most, range->last) = std::tie(time, text);
  }

  const Job job_;
  const int n_fields_;  // without those that the survey adds
  const LabelDomains domains_;
  const Tick& tick_;
  Survey survey_;
  DistinctSample<int64_t> rows_;
  std::unordered_map<Key, std::string> texts_;  // of the values of the block in hand
  std::vector<double> labels_;                  // of the example in hand
};

}  // namespace

double RepeatedRows::Share(SplitKind split) const {
  return static_cast<double>(n_with_twin.of(split)) /
         static_cast<double>(std::max<int64_t>(n.of(split), 1));
}

SurveyLimits SurveyLimits::For(const Job& job) {
  constexpr size_t kBytes = size_t{256} << 20;
  const size_t n_columns = static_cast<size_t>(job.field_size() + job.numeric_size());
  const size_t n_tasks = static_cast<size_t>(job.task_size());
  // An entry of the hash table with its node, and the sums of its labels.
  const size_t bytes_of_value = 64 + sizeof(ValueTally) + 2 * n_tasks * sizeof(LabelSum);
  SurveyLimits limits;
  limits.n_values = std::clamp<size_t>(kBytes / std::max<size_t>(n_columns * bytes_of_value, 1), 64,
                                       limits.n_values);
  return limits;
}

Survey SurveyData(const Job& job, const LabelDomains& labels, const SurveyLimits& limits,
                  const Tick& tick) {
  SurveyPass pass(job, labels, limits, tick);
  pass.Read(SplitKind::kTrain);
  for (const SplitKind split : EvaluatedSplits(job.data())) pass.Read(split);
  Survey survey = pass.Take();
  survey.held_out = EvaluatedSplits(job.data());
  return survey;
}

}  // namespace zhiyin::worker::data
