// Makes examples from the values of a line: joined columns, behaviour, parsing, negatives.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "configs/job.pb.h"
#include "worker/data/behaviour_examples.h"
#include "worker/data/joins.h"
#include "worker/data/row_parser.h"
#include "worker/data/rows.h"
#include "worker/data/schema.h"

namespace zhiyin::worker::data {

/// Makes examples from the values of lines, whatever the format of the file that held them: adds
/// the columns of data.join, then those of data.behaviour, and parses them all. Used by one thread.
class ExampleAssembler {
 public:
  /// `columns` are those of the files. Reads the files of data.join and data.behaviour; throws
  /// Error where one cannot be read or a column does not exist. REQUIRES: `split` is a split of
  /// `job`.
  ExampleAssembler(const Job& job, const Split& split, Columns columns, LabelDomains labels,
                   RowParser::Observer observer);

  /// No examples, in the shape of the job.
  Rows NewRows() const { return parser_->NewRows(); }

  /// Appends the example of the line and its negatives to *rows, or nothing if data.behaviour puts
  /// the line into the other split. `values` are those of the columns of the files, and are
  /// changed. `line` is the number of the line in the split's files (TextLines), `path` its file.
  /// Returns an empty string, or the defect of a malformed line, for which nothing is appended.
  std::string Append(int64_t line, const std::string& path, std::vector<std::string_view>* values,
                     Rows* rows);

 private:
  void AddColumns(int64_t line, std::vector<std::string_view>* values);
  /// Appends the line again with other items. REQUIRES: the line was parsed without fault.
  void AppendNegatives(int64_t line, std::vector<std::string_view>* values, Rows* rows);

  size_t n_file_columns_;
  size_t n_columns_;  // with those of joins and behaviour
  std::optional<BehaviourExamples> behaviour_;
  Joins::Plan joins_;
  std::optional<RowParser> parser_;
};

}  // namespace zhiyin::worker::data
