// Matrices for layers, with Eigen's arithmetic. They are row-major: one matrix row for each
// example.
#pragma once

#include <Eigen/Core>

namespace zhiyin {

using Matrix = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using Vector = Eigen::Matrix<float, 1, Eigen::Dynamic, Eigen::RowMajor>;

/// Views on memory that is owned elsewhere.
using MatrixView = Eigen::Map<Matrix>;
using ConstMatrixView = Eigen::Map<const Matrix>;
using VectorView = Eigen::Map<Vector>;
using ConstVectorView = Eigen::Map<const Vector>;

}  // namespace zhiyin
