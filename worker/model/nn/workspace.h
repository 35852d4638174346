// A matrix whose shape differs from batch to batch.
#pragma once

#include <span>

#include "common/large_pages.h"
#include "common/matrix.h"

namespace zhiyin::worker::model::nn {

/// A matrix whose memory only grows, so that it allocates nothing once it has had its largest
/// shape. (Eigen's own matrices allocate whenever their size changes.) A copy has its own memory.
class Workspace {
 public:
  /// Sets the shape; the contents are undefined afterwards.
  void resize(Eigen::Index rows, Eigen::Index cols) {
    rows_ = rows;
    cols_ = cols;
    if (storage_.size() < static_cast<size_t>(rows * cols))
      storage_.resize(static_cast<size_t>(rows * cols));
  }
  Eigen::Index rows() const { return rows_; }
  Eigen::Index cols() const { return cols_; }

  /// Valid until the next resize.
  MatrixView view() { return {storage_.data(), rows_, cols_}; }
  ConstMatrixView view() const { return {storage_.data(), rows_, cols_}; }
  /// The elements, row after row; valid until the next resize.
  std::span<float> values() {
    return std::span(storage_).first(static_cast<size_t>(rows_ * cols_));
  }

 private:
  LargeVector<float> storage_;  // always aligned alike, as Model requires
  Eigen::Index rows_ = 0;
  Eigen::Index cols_ = 0;
};

}  // namespace zhiyin::worker::model::nn
