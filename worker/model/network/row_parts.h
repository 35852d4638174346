// Embedding rows that consist of a part for each of several networks.
#pragma once

#include <vector>

#include "common/matrix.h"
#include "worker/model/input_layout.h"
#include "worker/model/nn/graph.h"

namespace zhiyin::worker::model {

/// Divides embedding rows among P networks. The row of a field, of dim P * d, is [part 0 | ... |
/// part P - 1] with d columns each. Network p reads part p of every field, in order, then all
/// numerics. REQUIRES: there are no sequences, and P divides all dims.
class RowParts {
 public:
  RowParts(const InputLayout& layout, int n_parts) : n_parts_(n_parts) {
    for (const InputLayout::Part& field : layout.fields) {
      fields_.push_back({field.begin, n_fields_dim_, field.dim / n_parts});
      n_fields_dim_ += field.dim / n_parts;
    }
    n_numerics_ = static_cast<int>(layout.numerics.size());
  }

  int n_parts() const { return n_parts_; }
  /// The number of columns that a network reads.
  int dim() const { return n_fields_dim_ + n_numerics_; }
  /// The number of these columns that come from fields.
  int fields_dim() const { return n_fields_dim_; }

  /// y [n, dim()] = part p of x.
  void Take(const ConstMatrixView& x, int p, Matrix* y) const {
    y->resize(x.rows(), dim());
    for (const Slice& f : fields_)
      y->middleCols(f.to, f.width) = x.middleCols(f.from + p * f.width, f.width);
    y->rightCols(n_numerics_) = x.rightCols(n_numerics_);
  }
  nn::Graph::Value AddTo(nn::Graph* graph, const nn::Graph::Value& x, int p) const {
    std::vector<nn::Graph::Value> parts;
    for (const Slice& f : fields_)
      parts.push_back(graph->Columns(x, f.from + p * f.width, f.width));
    if (n_numerics_ > 0) parts.push_back(graph->Columns(x, n_fields_dim_ * n_parts_, n_numerics_));
    return graph->Concat(parts);
  }
  /// Sets the columns of part p of dx to those of dy; adds those of the numerics.
  void Return(const Matrix& dy, int p, Matrix* dx) const {
    for (const Slice& f : fields_)
      dx->middleCols(f.from + p * f.width, f.width) = dy.middleCols(f.to, f.width);
    dx->rightCols(n_numerics_) += dy.rightCols(n_numerics_);
  }

 private:
  struct Slice {
    int from = 0;  // in x, of part 0
    int to = 0;    // in a part
    int width = 0;
  };

  int n_parts_;
  std::vector<Slice> fields_;
  int n_fields_dim_ = 0;
  int n_numerics_ = 0;
};

}  // namespace zhiyin::worker::model
