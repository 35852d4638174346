// Minimization of a convex function over the simplex: weights that are not negative and add up
// to 1.
#pragma once

#include <Eigen/Core>
#include <algorithm>
#include <cmath>

namespace zhiyin::worker::model::balance {

/// Returns the weights [n] that minimize f, by coordinate descent: minimizes f along each pair of
/// weights in turn (golden-section search), until a sweep over all pairs changes nothing. Finds the
/// minimum of a convex f that is differentiable there; for two weights, within 1e-10.
template <typename Function>
Eigen::VectorXd MinimizeOnSimplex(Eigen::Index n, const Function& f) {
  constexpr double kRatio = 0.6180339887498949;
  constexpr int kSteps = 60;  // 0.618^60 is 3e-13
  constexpr int kSweeps = 200;
  Eigen::VectorXd w = Eigen::VectorXd::Constant(n, 1.0 / static_cast<double>(n));
  double least = f(w);
  for (int sweep = 0; sweep < kSweeps; ++sweep) {
    const double before = least;
    for (Eigen::Index i = 0; i < n; ++i) {
      for (Eigen::Index j = i + 1; j < n; ++j) {
        const double both = w[i] + w[j];
        const double was = w[i];
        const auto at = [&](double x) {
          w[i] = x;
          w[j] = both - x;
          return f(w);
        };
        double low = 0;
        double high = both;
        double a = high - kRatio * (high - low);
        double b = low + kRatio * (high - low);
        double fa = at(a);
        double fb = at(b);
        for (int step = 0; step < kSteps; ++step) {
          if (fa <= fb) {
            high = b;
            b = a;
            fb = fa;
            fa = at(a = high - kRatio * (high - low));
          } else {
            low = a;
            a = b;
            fa = fb;
            fb = at(b = low + kRatio * (high - low));
          }
        }
        // The ends themselves are never tried on the way.
        double best = was;
        for (const double x : {(low + high) / 2, 0.0, both}) {
          const double value = at(x);
          if (value < least) {
            least = value;
            best = x;
          }
        }
        at(best);
      }
    }
    if (before - least <= 1e-12 * std::abs(before)) break;
  }
  return w;
}

}  // namespace zhiyin::worker::model::balance
