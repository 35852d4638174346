// From the rows of a request to examples.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "configs/job.pb.h"
#include "launch/apps/serve/request_json.h"
#include "worker/data/example_parser.h"
#include "worker/data/examples.h"
#include "worker/data/format/delimited.h"

namespace zhiyin::launch::apps {

/// Makes examples of rows in JSON as worker::data makes them of the lines of a file: a value means
/// what it means in a file without quotes and escapes. Immutable: used by any number of threads at
/// once.
class RequestRows {
 public:
  /// `max_rows`: the most examples of a request. Throws Error where a column that the job reads for
  /// its inputs has no name.
  RequestRows(const Job& job, int max_rows);

  /// Returns the examples of [{COLUMN: text, number or null, ...}, ...]. A column that is left out
  /// is a missing value. Throws RequestError for anything else.
  worker::data::Examples Of(const nlohmann::json& rows) const;

  /// Returns a value as the data has it: without the spaces around it, if data.text.trim is set.
  /// Throws RequestError, which begins with `where`, when it is no value that a file can hold.
  std::string Value(const nlohmann::json& value, const std::string& where) const;

 private:
  int max_rows_;
  std::vector<std::string> columns_;
  worker::data::Dialect dialect_;
  worker::data::ExampleParser parser_;
};

}  // namespace zhiyin::launch::apps
