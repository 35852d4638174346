#include "worker/data/exact_moments.h"

#include <algorithm>
#include <cmath>

namespace zhiyin::worker::data {
namespace {

/// Adds a * b exactly: the product, and what rounding takes from it.
void AddProduct(double a, double b, ExactSum* sum) {
  const double product = a * b;
  sum->Add(product);
  const double rest = std::fma(a, b, -product);
  if (rest != 0) sum->Add(rest);
}

}  // namespace

void ExactMoments::Add(double x) {
  ++n_;
  least_ = std::min(least_, x);
  most_ = std::max(most_, x);
  if (x == 0) return;
  sum_.Add(x);
  AddProduct(x, x, &squares_);
}

void ExactMoments::Merge(const ExactMoments& other) {
  n_ += other.n_;
  least_ = std::min(least_, other.least_);
  most_ = std::max(most_, other.most_);
  sum_.Add(other.sum_);
  squares_.Add(other.squares_);
}

Moments ExactMoments::Rounded() const {
  if (n_ == 0) return {};
  const double mean = Mean();
  return {n_, mean, IsConstant() ? 0 : std::max(SquaresAround(mean), 0.0)};
}

double ExactMoments::Mean() const {
  const double n = static_cast<double>(n_);
  const double about = sum_.Value() / n;
  ExactSum rest = sum_;
  AddProduct(-about, n, &rest);
  return std::clamp(about + rest.Value() / n, least_, most_);
}

double ExactMoments::SquaresAround(double mean) const {
  // The sum of x^2 - 2 mean x + mean^2. The sum of x is taken apart into doubles.
  ExactSum total = squares_;
  ExactSum rest = sum_;
  for (double part = rest.Value(); part != 0; part = rest.Value()) {
    rest.Add(-part);
    AddProduct(-2 * mean, part, &total);
  }
  const double n = static_cast<double>(n_);
  const double square = mean * mean;
  AddProduct(square, n, &total);
  AddProduct(std::fma(mean, mean, -square), n, &total);
  return total.Value();
}

// Format: i64 n; where it is not 0, f64 least, f64 most, and the sums.
void ExactMoments::Write(ByteWriter* out) const {
  out->Put(n_);
  if (n_ == 0) return;
  out->Put(least_);
  out->Put(most_);
  sum_.Write(out);
  squares_.Write(out);
}

ExactMoments ExactMoments::Read(ByteReader* in, int64_t n_max) {
  ExactMoments moments;
  moments.n_ = in->Get<int64_t>();
  if (moments.n_ < 0 || moments.n_ > n_max) in->Refuse("an impossible number of values");
  if (moments.n_ == 0) return moments;
  moments.least_ = in->Get<double>();
  moments.most_ = in->Get<double>();
  if (!(moments.least_ <= moments.most_) || !(moments.least_ >= -kMost) ||
      !(moments.most_ <= kMost))
    in->Refuse("impossible moments");
  moments.sum_ = ExactSum::Read(in);
  moments.squares_ = ExactSum::Read(in);
  // Bounds with room for rounding; what is within them overflows nowhere.
  constexpr double kAbove = 1 + 1e-9;
  constexpr double kRoundedAway = 1e-280;
  const double n = static_cast<double>(moments.n_) * kAbove;
  const double largest = std::max(std::abs(moments.least_), std::abs(moments.most_));
  if (std::abs(moments.sum_.Value()) > n * largest ||
      std::abs(moments.squares_.Value()) > n * largest * largest + kRoundedAway ||
      moments.SquaresAround(moments.Mean()) < -kRoundedAway)
    in->Refuse("impossible moments");
  return moments;
}

}  // namespace zhiyin::worker::data
