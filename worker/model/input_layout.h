// The columns of the input matrix x that each field and numeric takes.
#pragma once

#include <string>
#include <vector>

#include "configs/job.pb.h"

namespace zhiyin::worker::model {

/// The columns of x [n, dim], whose row i is example i. The fields come first, in the job's order:
/// a pooled field takes the columns of its pooled embedding, a sequence those of `length` embedding
/// rows in the order of its values, padded with zeros, and one for the number of values. Then each
/// numeric takes one column. A plain value.
struct InputLayout {
  /// The columns [begin, begin + width()) of a field or a numeric.
  struct Part {
    std::string name;
    int begin = 0;
    int dim = 0;     // of an embedding row; 1 for a numeric
    int length = 0;  // largest number of values of a sequence; 0: the field is pooled

    bool is_sequence() const { return length > 0; }
    /// The number of columns that the part takes.
    int width() const { return is_sequence() ? length * dim + 1 : dim; }
    /// The column that holds the number of values. REQUIRES: is_sequence().
    int count_column() const { return begin + length * dim; }
  };
  std::vector<Part> fields;    // [n_fields]
  std::vector<Part> numerics;  // [n_numerics]
  int dim = 0;                 // number of columns of x

  /// Returns the layout for a job. REQUIRES: the table of every field exists.
  static InputLayout Of(const Job& job);

  /// Returns the field of this name. REQUIRES: it exists.
  const Part& FieldNamed(const std::string& name) const;
  /// Returns the fields with these names, in the layout's order; all fields if `names` is empty.
  std::vector<Part> FieldsNamed(const google::protobuf::RepeatedPtrField<std::string>& names) const;
};

}  // namespace zhiyin::worker::model
