// From the rows of a request to examples.
#pragma once

#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "configs/job.pb.h"
#include "launch/apps/serve/request_json.h"
#include "worker/data/behaviour.h"
#include "worker/data/example_parser.h"
#include "worker/data/examples.h"
#include "worker/data/format/delimited.h"
#include "worker/data/format/sent_column.h"
#include "worker/data/joins.h"
#include "worker/data/side_inputs.h"
#include "worker/data/value.h"

namespace zhiyin::launch::apps {

/// Makes examples of rows in JSON as worker::data makes them of the records of files other than
/// those of training: a value means what it means in a file without quotes and escapes, and
/// data.join and data.behaviour add their columns. Immutable: used by any number of threads at
/// once.
class RequestRows {
 public:
  /// `side` is what the job has. `max_rows`: the most examples of a request. Throws Error where a
  /// column that the job reads has no name.
  RequestRows(const Job& job, const worker::data::SideInputs& side, int max_rows);

  /// Returns the examples of [{COLUMN: text, number or null, ...}, ...]. A column of many values
  /// may have an array of them, as a record of JSON Lines may. A column that is left out is what
  /// joins and behaviour say; else a missing value, or the 0 that libsvm leaves out. Throws
  /// RequestError for anything else.
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

  /// A row in hand. Its values borrow the others.
  struct Row {
    std::vector<Cell> cells;  // [columns]
    std::vector<worker::data::Joins::Plan::KnownValue> known;
    std::string history;
    std::string log_share;
    std::vector<worker::data::Value> values;  // [columns]
  };

  /// Sets the cells of a row; `where` is its place in the request.
  void Take(const nlohmann::json& row, const std::string& where, Row* to) const;
  void TakeValue(const nlohmann::json& value, const std::string& where,
                 const worker::data::SentColumn& column, Cell* cell) const;
  /// Sets the values of a row: those of its cells, and those that joins and behaviour add.
  void Complete(Row* row) const;

  int max_rows_;
  std::shared_ptr<const worker::data::Behaviour> behaviour_;  // null without data.behaviour
  worker::data::Joins::Plan joins_;
  // The columns of records, those that joins add, and those that behaviour adds.
  std::vector<worker::data::SentColumn> columns_;
  size_t n_own_ = 0;                                // those of records
  size_t n_before_behaviour_ = 0;                   // and those of joins
  std::unordered_map<std::string, size_t> places_;  // of the columns that the job reads, by name
  size_t user_ = 0;                                 // of data.behaviour, as are the next three
  size_t item_ = 0;
  bool reads_history_ = false;
  bool reads_log_share_ = false;
  worker::data::Dialect dialect_;
  std::optional<worker::data::ExampleParser> parser_;
};

}  // namespace zhiyin::launch::apps
