// Matrix products of layers: by Eigen, which is always there, or by oneDNN, which chooses among the
// instructions of the processor at run time; of floats, or of factors that are rounded to bfloat16.
//
//   Multiply(a, b, c):     c  = a b       a [m, k]   b [k, n]   c [m, n]
//   MultiplyAdd(a, b, c):  c += a b
//
// Products are summed in floats whatever the factors: a product of two bfloat16 numbers is exact in
// a float. Where the processor has no instructions for them, rounded factors are kept as floats,
// and only the order of the sums differs.
//
// The bits of a product depend on its shape, the backend and the processor's instructions, not on
// the number of threads of the caller's team (team.h).
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "common/matrix.h"
#include "worker/model/nn/bfloat16.h"

namespace zhiyin::worker::model::nn {

/// A block of columns of a row-major matrix.
using ConstBlock = Eigen::Ref<const Matrix, 0, Eigen::OuterStride<>>;
using MutableBlock = Eigen::Ref<Matrix, 0, Eigen::OuterStride<>>;

enum class Backend { kEigen, kOneDnn };

/// Whether this build has the backend, and this processor the instructions with which it is of use:
/// oneDNN needs AVX-512. With less it is no faster than Eigen.
bool HasBackend(Backend backend);
/// The backend of all threads; at first oneDNN where HasBackend says so.
Backend CurrentBackend();
/// REQUIRES: HasBackend(backend), and no other thread multiplies.
void SetBackend(Backend backend);
/// The backend with its version and the instructions that it uses: "oneDNN 2.6.3 (AMX)".
std::string DescribeBackend();
/// Whether the current backend multiplies bfloat16 numbers by instructions for them.
bool HasBfloat16Instructions();

/// A factor of a product: a view, valid as long as what it was made of.
class Factor {
 public:
  explicit Factor(const ConstBlock& m)
      : floats_(m.data()), rows_(m.rows()), cols_(m.cols()), stride_(m.outerStride()) {}
  Factor(const Bfloat16* data, Eigen::Index rows, Eigen::Index cols)
      : halves_(data), rows_(rows), cols_(cols), stride_(cols) {}

  Factor Transposed() const {
    Factor factor = *this;
    factor.is_transposed_ = !is_transposed_;
    return factor;
  }
  /// The rows from `begin` on, `n` of them, of the factor as it is multiplied.
  Factor MiddleRows(Eigen::Index begin, Eigen::Index n) const;

  Eigen::Index rows() const { return is_transposed_ ? cols_ : rows_; }
  Eigen::Index cols() const { return is_transposed_ ? rows_ : cols_; }
  bool is_bfloat16() const { return halves_ != nullptr; }
  bool is_transposed() const { return is_transposed_; }
  /// Where the elements are, row after row as they are stored, `stride` apart.
  const float* floats() const { return floats_; }
  const Bfloat16* halves() const { return halves_; }
  Eigen::Index stride() const { return stride_; }
  /// The floats as they are stored. REQUIRES: !is_bfloat16().
  Eigen::Map<const Matrix, 0, Eigen::OuterStride<>> stored() const {
    return {floats_, rows_, cols_, Eigen::OuterStride<>(stride_)};
  }

 private:
  const float* floats_ = nullptr;
  const Bfloat16* halves_ = nullptr;
  Eigen::Index rows_;
  Eigen::Index cols_;
  Eigen::Index stride_;
  bool is_transposed_ = false;
};

/// c = a b. Divided among the threads of the caller's team, if it has one. REQUIRES: the shapes
/// match, both factors are of one kind, and c overlaps neither.
void Multiply(const Factor& a, const Factor& b, MutableBlock c);
/// c += a b, likewise.
void MultiplyAdd(const Factor& a, const Factor& b, MutableBlock c);

}  // namespace zhiyin::worker::model::nn
