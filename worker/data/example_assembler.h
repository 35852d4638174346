// Makes examples from the values of a line: joined columns, behaviour, parsing, negatives.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "configs/job.pb.h"
#include "worker/data/behaviour_examples.h"
#include "worker/data/example_parser.h"
#include "worker/data/examples.h"
#include "worker/data/join_matches.h"
#include "worker/data/joins.h"
#include "worker/data/schema.h"
#include "worker/data/side_inputs.h"
#include "worker/data/split_kind.h"
#include "worker/data/value.h"

namespace zhiyin::worker::data {

/// Makes examples from the values of lines, whatever the format of the file that held them: adds
/// the columns of data.join, then those of data.behaviour, and parses them all. Used by one thread.
class ExampleAssembler {
 public:
  /// `columns` are those of the files, `side` is what the job has. Throws Error where a column does
  /// not exist.
  ExampleAssembler(const Job& job, SplitKind split, Columns columns, LabelDomains labels,
                   ExampleParser::Observer observer, const SideInputs& side);

  /// Begins a block: returns no examples, in the shape of the job.
  Examples NewExamples();
  /// Which lines of the block found a line in the joins.
  const JoinMatches& joined() const { return joined_; }
  /// The behaviour; null where the job has none, or the split reads other files.
  const Behaviour* behaviour() const { return behaviour_ ? behaviour_->of_these_files() : nullptr; }
  /// The joins; null where there are none.
  const Joins* joins() const { return joins_.joins(); }

  /// Appends the example of the line and its negatives to *examples, or nothing if data.behaviour
  /// puts the line into the other split. `values` are those of the columns of the files, and are
  /// changed. `line` is the number of the line in the split's files (TextLines), `path` its file.
  /// Returns an empty string, or the defect of a malformed line, for which nothing is appended.
  std::string Append(int64_t line, const std::string& path, std::vector<Value>* values,
                     Examples* examples);

 private:
  void AddColumns(int64_t line, std::vector<Value>* values);
  /// Counts the joins of a line in joined_. `values` are those of all columns.
  void CountJoined(int64_t line, const std::vector<Value>& values);
  /// Appends the line again with other items. REQUIRES: the line was parsed without fault.
  void AppendNegatives(int64_t line, std::vector<Value>* values, Examples* examples);

  size_t n_file_columns_;
  size_t n_columns_;  // with those of joins and behaviour
  std::optional<BehaviourExamples> behaviour_;
  Joins::Plan joins_;
  std::vector<int> found_;  // the lines that the joins found for the line in hand
  JoinMatches joined_;
  std::optional<ExampleParser> parser_;
};

}  // namespace zhiyin::worker::data
