// A matrix for shapes that differ from batch to batch.
#pragma once

#include <span>
#include <vector>

#include "common/matrix.h"

namespace zhiyin::worker::model::nn {

/// Its memory only ever grows, so that it allocates nothing once it has had its largest shape.
/// (Eigen's own matrices allocate anew whenever their size changes.) A copy is a copy.
class Workspace {
 public:
  /// What was in it is lost, and what is in it now is undefined.
  void resize(Eigen::Index rows, Eigen::Index cols) {
    rows_ = rows;
    cols_ = cols;
    if (storage_.size() < static_cast<size_t>(rows * cols))
      storage_.resize(static_cast<size_t>(rows * cols));
  }
  Eigen::Index rows() const { return rows_; }
  Eigen::Index cols() const { return cols_; }

  /// Good until the next resize.
  MatrixView view() { return {storage_.data(), rows_, cols_}; }
  ConstMatrixView view() const { return {storage_.data(), rows_, cols_}; }
  /// The same, row after row.
  std::span<float> values() {
    return std::span(storage_).first(static_cast<size_t>(rows_ * cols_));
  }

 private:
  std::vector<float, Eigen::aligned_allocator<float>>
      storage_;  // at the same alignment always, as Model asks
  Eigen::Index rows_ = 0;
  Eigen::Index cols_ = 0;
};

}  // namespace zhiyin::worker::model::nn
