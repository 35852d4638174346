// Where each input stands in a row's vector x.
#pragma once

#include <string>
#include <vector>

#include "configs/job.pb.h"

namespace zhiyin::worker::model {

/// x of a row: for each field in the job's order the pooled row of its table, or, for a sequence,
/// the rows of its values in order, padded with zeros behind the last, and one column with the
/// number of values; then the numerics.
struct InputLayout {
  struct Part {
    std::string name;
    int begin = 0;
    int dim = 0;     // of a row of the table; 1 for a numeric
    int length = 0;  // of a sequence; 0: one vector

    bool is_sequence() const { return length > 0; }
    /// Columns that the part takes.
    int width() const { return is_sequence() ? length * dim + 1 : dim; }
    /// The column with the number of values. REQUIRES: is_sequence().
    int count_column() const { return begin + length * dim; }
  };
  std::vector<Part> fields;    // [n_fields]
  std::vector<Part> numerics;  // [n_numerics]
  int dim = 0;                 // of the whole vector

  static InputLayout Of(const Job& job);

  /// REQUIRES: it is among the fields.
  const Part& FieldNamed(const std::string& name) const;
  /// The fields of these names in the layout's order; without any name all fields.
  std::vector<Part> FieldsNamed(const google::protobuf::RepeatedPtrField<std::string>& names) const;
};

}  // namespace zhiyin::worker::model
