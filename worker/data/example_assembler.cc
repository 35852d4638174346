#include "worker/data/example_assembler.h"

#include <span>
#include <utility>

#include "worker/data/behaviour_columns.h"

namespace zhiyin::worker::data {

ExampleAssembler::ExampleAssembler(const Job& job, SplitKind split, Columns columns,
                                   LabelDomains labels, ExampleParser::Observer observer,
                                   const SideInputs& side)
    : n_file_columns_(static_cast<size_t>(columns.n)) {
  std::vector<std::string>& names = columns.names;
  if (job.data().has_behaviour()) behaviour_.emplace(job, split, columns, side.behaviour);
  if (job.data().join_size() > 0) joins_ = Joins::Plan(side.joins, columns.where, &names);
  if (behaviour_) names.insert(names.end(), kBehaviourColumns.begin(), kBehaviourColumns.end());
  if (!names.empty()) columns.n = static_cast<int>(names.size());
  n_columns_ = static_cast<size_t>(columns.n);
  joined_ = JoinMatches(joins_.n_joins());
  const LabelUse use = UseOf(labels);
  parser_.emplace(job, Schema::Of(job, columns, use), std::move(labels), std::move(observer));
}

Examples ExampleAssembler::NewExamples() {
  joined_ = JoinMatches(joins_.n_joins());
  return parser_->NewExamples();
}

std::string ExampleAssembler::Append(int64_t line, const std::string& path,
                                     std::vector<Value>* values, Examples* examples) {
  if (values->size() == n_file_columns_) {
    if (behaviour_) {
      if (!behaviour_->IsInSplit(line, path)) return "";
      if (std::string wrong = behaviour_->Defect(line, *values); !wrong.empty()) return wrong;
    }
    AddColumns(line, values);
  } else if (n_columns_ != n_file_columns_) {
    return std::to_string(values->size()) + " columns, expected " + std::to_string(n_file_columns_);
  }
  std::string wrong = parser_->Parse(*values, examples);
  if (!wrong.empty()) return wrong;
  CountJoined(line, *values);
  if (behaviour_) AppendNegatives(line, values, examples);
  return "";
}

void ExampleAssembler::AddColumns(int64_t line, std::vector<Value>* values) {
  joins_.Append(values, &found_);
  if (behaviour_) behaviour_->AppendColumns(line, values);
}

void ExampleAssembler::CountJoined(int64_t line, const std::vector<Value>& values) {
  ++joined_.n_lines;
  for (size_t j = 0; j < found_.size(); ++j) {
    std::string& missed = joined_.first_missed[j];
    if (found_[j] == Joins::Plan::kNoKey) continue;
    ++joined_.n_looked_up[j];
    if (found_[j] >= 0) {
      ++joined_.n_found[j];
      missed.clear();
      joined_.first_missed_at[j] = 0;
    } else if (joined_.n_found[j] == 0 && missed.empty()) {
      missed = joins_.DescribeMiss(j, values);
      joined_.first_missed_at[j] = line;
    }
  }
}

void ExampleAssembler::AppendNegatives(int64_t line, std::vector<Value>* values,
                                       Examples* examples) {
  behaviour_->ForNegatives(line, [&](std::string_view item) {
    values->resize(n_file_columns_);
    (*values)[behaviour_->item_column()] = item;
    AddColumns(line, values);
    // A malformed value that is joined to the item makes no example.
    if (!parser_->Parse(*values, examples).empty()) return;
    const size_t n_tasks = static_cast<size_t>(examples->n_tasks);
    behaviour_->SetNegativeLabels(std::span(examples->labels).last(n_tasks));
  });
}

}  // namespace zhiyin::worker::data
