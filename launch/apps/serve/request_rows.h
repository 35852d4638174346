// From the rows of a request to examples.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "configs/job.pb.h"
#include "launch/apps/serve/request_json.h"
#include "worker/data/example_parser.h"
#include "worker/data/examples.h"
#include "worker/data/format/delimited.h"
#include "worker/data/format/sent_column.h"

namespace zhiyin::launch::apps {

/// Makes examples of rows in JSON as worker::data makes them of the records of files: a value means
/// what it means in a file without quotes and escapes. Immutable: used by any number of threads at
/// once.
class RequestRows {
 public:
  /// `max_rows`: the most examples of a request. Throws Error where a column that the job reads for
  /// its inputs has no name.
  RequestRows(const Job& job, int max_rows);

  /// Returns the examples of [{COLUMN: text, number or null, ...}, ...]. A column of many values
  /// may have an array of them, as a record of JSON Lines may. A column that is left out is a
  /// missing value, or the 0 that libsvm leaves out. Throws RequestError for anything else.
  worker::data::Examples Of(const nlohmann::json& rows) const;

  /// Returns a value as the data has it: without the spaces around it, if data.text.trim is set.
  /// Throws RequestError, which begins with `where`, when it is no value that a file can hold.
  std::string Value(const nlohmann::json& value, const std::string& where) const;

 private:
  /// What a row has of a column. Its value borrows the others.
  struct Cell {
    bool is_sent = false;
    std::vector<std::string> texts;
    std::vector<std::string_view> pieces;
    worker::data::Value value;
  };

  /// Sets the cells of a row, [columns]; `where` is its place in the request.
  void Take(const nlohmann::json& row, const std::string& where, std::vector<Cell>* cells) const;
  void TakeValue(const nlohmann::json& value, const std::string& where,
                 const worker::data::SentColumn& column, Cell* cell) const;

  int max_rows_;
  std::unordered_map<std::string, size_t> places_;  // of columns, by name
  std::vector<worker::data::SentColumn> columns_;
  worker::data::Dialect dialect_;
  std::optional<worker::data::ExampleParser> parser_;
};

}  // namespace zhiyin::launch::apps
