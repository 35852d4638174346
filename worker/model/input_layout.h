// The columns of the input matrix x that each field and numeric takes.
#pragma once

#include <string>
#include <vector>

#include "configs/job.pb.h"

namespace zhiyin::worker::model {

/// The columns of x [n, dim], one row an example: for each field in the job's order its pooled
/// embedding, or, for a sequence, the embedding rows of its values in order, padded with zeros, and
/// a column with the number of values; then one column for each numeric. A plain value.
struct InputLayout {
  struct Part {
    std::string name;
    int begin = 0;
    int dim = 0;     // of an embedding row; 1 for a numeric
    int length = 0;  // largest number of values of a sequence; 0: the field is pooled

    bool is_sequence() const { return length > 0; }
    /// The number of columns that the part takes.
    int width() const { return is_sequence() ? length * dim + 1 : dim; }
    /// The column with the number of values. REQUIRES: is_sequence().
    int count_column() const { return begin + length * dim; }
  };
  std::vector<Part> fields;    // [n_fields]
  std::vector<Part> numerics;  // [n_numerics]
  int dim = 0;                 // of x

  static InputLayout Of(const Job& job);

  /// REQUIRES: there is a field of that name.
  const Part& FieldNamed(const std::string& name) const;
  /// The fields of these names, in the layout's order; all fields where `names` is empty.
  std::vector<Part> FieldsNamed(const google::protobuf::RepeatedPtrField<std::string>& names) const;
};

}  // namespace zhiyin::worker::model
