// Layers as their papers write them, loop by loop in double precision: what the fast ones are
// checked against.
#pragma once

#include <algorithm>
#include <cmath>
#include <span>
#include <vector>

namespace zhiyin::testing {

using Values = std::vector<double>;

/// Takes weights off a flat vector in the order in which a model lays them out.
class Taker {
 public:
  explicit Taker(std::span<const float> weights) : weights_(weights.begin(), weights.end()) {}
  explicit Taker(const Values& weights) : weights_(weights) {}
  double Take() { return weights_.at(at_++); }
  Values Take(size_t n) {
    Values values(n);
    for (double& v : values) v = Take();
    return values;
  }
  bool AtEnd() const { return at_ == weights_.size(); }

 private:
  Values weights_;
  size_t at_ = 0;
};

/// [in][out]
struct PlainMatrix {
  std::vector<Values> w;

  PlainMatrix(size_t in, size_t out, Taker* from) {
    for (size_t i = 0; i < in; ++i) w.push_back(from->Take(out));
  }
  Values operator()(const Values& x) const {
    Values y(w[0].size());
    for (size_t i = 0; i < x.size(); ++i) {
      for (size_t o = 0; o < y.size(); ++o) y[o] += x[i] * w[i][o];
    }
    return y;
  }
};

/// y = x W + b, then ReLU or nothing.
struct PlainLayer {
  PlainMatrix w;
  Values b;

  PlainLayer(size_t in, size_t out, Taker* from) : w(in, out, from), b(from->Take(out)) {}
  Values operator()(const Values& x, bool relu) const {
    Values y = w(x);
    for (size_t o = 0; o < y.size(); ++o) y[o] = relu ? std::max(y[o] + b[o], 0.0) : y[o] + b[o];
    return y;
  }
};

inline Values PlainSoftmax(Values z) {
  double sum = 0;
  for (double& v : z) sum += v = std::exp(v);
  for (double& v : z) v /= sum;
  return z;
}

inline double Dot(const Values& a, const Values& b) {
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

}  // namespace zhiyin::testing
