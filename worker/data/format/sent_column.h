// Values that clients send in place of a record of a file.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "configs/job.pb.h"
#include "worker/data/format/format.h"
#include "worker/data/format/record_reader.h"
#include "worker/data/missing_values.h"
#include "worker/data/value.h"

namespace zhiyin::worker::data {

/// Returns the format whose records the rows of clients stand for: that of the training files, or
/// null for delimited text. For a model that an earlier version has saved, the files tell it, or
/// where they are not there any more, the `columns` that the job reads from files: it is libsvm if
/// they all are named as libsvm names them.
const Format* FormatOfSentRows(const Job& job, std::span<const std::string> columns);

/// A column of rows that clients send. It reads a value, a text or a list of texts, as a file of
/// the format would hold it. Immutable: used by any number of threads.
class SentColumn {
 public:
  /// `format` is null for delimited text, and for columns that no file has. `has_separator`:
  /// whether all fields that read the column cut texts at separators.
  SentColumn(const WantedColumn& column, const Format* format, const Text& text,
             bool has_separator);

  /// Whether a value may be a list, as one of a file may.
  bool takes_list() const { return takes_list_; }
  /// What a row without the column has: a missing value, or the 0 that records of the format leave
  /// out.
  Value absent() const {
    return form_ == Form::kNumberOrZero ? Value(std::string_view("0")) : Value();
  }

  /// Sets *value to what a text is, or the elements of a list are. Returns what is wrong, or an
  /// empty string. *value borrows the text and *pieces, where lists are kept.
  std::string ReadText(std::string_view text, std::vector<std::string_view>* pieces,
                       Value* value) const;
  /// REQUIRES: takes_list().
  std::string ReadList(std::vector<std::string_view>* pieces, Value* value) const;

 private:
  /// What the values of a column are.
  enum class Form {
    kPlain,         // as they are
    kNumber,        // numbers
    kNumberOrZero,  // numbers, of which a record leaves out 0
    kIndices,       // whole numbers
    kTokens,        // texts that hold no separator
  };

  static Form FormOf(const WantedColumn& column, const Format* format, const Text& text);
  /// Cuts a text at spaces, tabs and delimiters.
  void Cut(std::string_view text, std::vector<std::string_view>* pieces) const;
  /// Sets *value to the pieces, which are tokens or indices. Returns as ReadText does.
  std::string TakePieces(std::vector<std::string_view>* pieces, Value* value) const;
  /// Removes the zeros before indices. Returns what is wrong with them, or an empty string.
  std::string CheckIndices(std::vector<std::string_view>* pieces) const;

  Form form_;
  WantedColumn::Use use_;
  MissingValues missing_;
  bool takes_list_;
  bool is_set_;            // whether an index may be there only once
  std::string delimiter_;  // of tokens; "": spaces and tabs alone
};

}  // namespace zhiyin::worker::data
