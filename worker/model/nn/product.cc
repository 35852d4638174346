#include "worker/model/nn/product.h"

#include <glog/logging.h>

#include <atomic>

#include "worker/model/nn/team.h"
#ifdef ZHIYIN_HAS_ONEDNN
#include "worker/model/nn/onednn.h"
#endif

namespace zhiyin::worker::model::nn {
namespace {

#ifndef ZHIYIN_HAS_ONEDNN
bool OneDnnIsOfUse() {
  return false;
}
bool OneDnnHasBfloat16() {
  return false;
}
std::string DescribeOneDnn() {
  return "";
}
void OneDnnProduct(const Factor&, const Factor&, bool, bool, MutableBlock) {
  LOG(FATAL) << "built without oneDNN";
}
#endif

std::atomic<Backend>& TheBackend() {
  static std::atomic<Backend> backend = OneDnnIsOfUse() ? Backend::kOneDnn : Backend::kEigen;
  return backend;
}

template <typename A, typename B>
void EigenProduct(const A& a, const B& b, bool adds, MutableBlock c) {
  if (adds) {
    c.noalias() += a * b;
  } else {
    c.noalias() = a * b;
  }
}

void EigenProduct(const Factor& a, const Factor& b, bool adds, MutableBlock c) {
  if (a.is_transposed() && b.is_transposed()) {
    EigenProduct(a.stored().transpose(), b.stored().transpose(), adds, c);
  } else if (a.is_transposed()) {
    EigenProduct(a.stored().transpose(), b.stored(), adds, c);
  } else if (b.is_transposed()) {
    EigenProduct(a.stored(), b.stored().transpose(), adds, c);
  } else {
    EigenProduct(a.stored(), b.stored(), adds, c);
  }
}

/// With less work, what oneDNN does before it multiplies takes longer than the product, and with
/// one column or row it is no product of matrices.
bool IsWorthOneDnn(const Factor& a, const Factor& b) {
  constexpr Eigen::Index kMinShape = 8;
  constexpr Eigen::Index kMinProduct = 32 * 32 * 32;
  return a.rows() >= kMinShape && a.cols() >= kMinShape && b.cols() >= kMinShape &&
         a.rows() * a.cols() * b.cols() >= kMinProduct;
}

/// The parts of a product begin at multiples of so many rows where oneDNN has code for its shape.
constexpr int64_t kRowsForShape = 64;

/// Whether oneDNN makes code for the shape of a product of bfloat16 numbers. A layer has few shapes
/// where the number of its examples, the rows of `a` as they are stored, is one of few.
bool IsOfFewShapes(const Factor& a, const MutableBlock& c) {
  constexpr Eigen::Index kMostExamples = 1024;
  const Eigen::Index n_examples = a.is_transposed() ? a.cols() : a.rows();
  return a.is_bfloat16() && n_examples % kRowsForShape == 0 && n_examples <= kMostExamples &&
         c.outerStride() == c.cols();
}

void Product(const Factor& a, const Factor& b, bool adds, MutableBlock c) {
  CHECK(a.rows() == c.rows() && b.cols() == c.cols() && a.cols() == b.rows())
      << a.rows() << "x" << a.cols() << " times " << b.rows() << "x" << b.cols() << " to "
      << c.rows() << "x" << c.cols();
  if (c.size() == 0) return;
  if (a.cols() == 0) {
    if (!adds) c.setZero();
    return;
  }
  // Only now: factors without elements may have no memory that tells their kind.
  CHECK_EQ(a.is_bfloat16(), b.is_bfloat16());
  const bool in_onednn =
      a.is_bfloat16() || (CurrentBackend() == Backend::kOneDnn && IsWorthOneDnn(a, b));
  const bool for_shape = in_onednn && IsOfFewShapes(a, c);
  const double flops = 2.0 * static_cast<double>(c.size()) * static_cast<double>(a.cols());
  const auto multiply = [&](Eigen::Index begin, Eigen::Index n) {
    auto part = c.middleRows(begin, n);
    if (in_onednn) {
      OneDnnProduct(a.MiddleRows(begin, n), b, adds, for_shape, part);
    } else {
      EigenProduct(a.MiddleRows(begin, n), b, adds, part);
    }
  };
  ForRows(c.rows(), flops, multiply, for_shape ? kRowsForShape : kRowsAtOnce);
}

}  // namespace

bool HasBackend(Backend backend) {
  return backend == Backend::kEigen || OneDnnIsOfUse();
}

Backend CurrentBackend() {
  return TheBackend().load(std::memory_order_relaxed);
}

void SetBackend(Backend backend) {
  CHECK(HasBackend(backend));
  TheBackend() = backend;
}

std::string DescribeBackend() {
  if (CurrentBackend() == Backend::kOneDnn) return DescribeOneDnn();
  return "Eigen " + std::to_string(EIGEN_WORLD_VERSION) + "." +
         std::to_string(EIGEN_MAJOR_VERSION) + "." + std::to_string(EIGEN_MINOR_VERSION) + " (" +
         Eigen::SimdInstructionSetsInUse() + ")";
}

bool HasBfloat16Instructions() {
  return CurrentBackend() == Backend::kOneDnn && OneDnnHasBfloat16();
}

Factor Factor::MiddleRows(Eigen::Index begin, Eigen::Index n) const {
  Factor part = *this;
  const Eigen::Index skipped = is_transposed_ ? begin : begin * stride_;
  if (floats_ != nullptr) part.floats_ += skipped;
  if (halves_ != nullptr) part.halves_ += skipped;
  (is_transposed_ ? part.cols_ : part.rows_) = n;
  return part;
}

void Multiply(const Factor& a, const Factor& b, MutableBlock c) {
  Product(a, b, false, c);
}

void MultiplyAdd(const Factor& a, const Factor& b, MutableBlock c) {
  Product(a, b, true, c);
}

}  // namespace zhiyin::worker::model::nn
