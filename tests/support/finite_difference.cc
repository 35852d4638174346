#include "tests/support/finite_difference.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

namespace zhiyin::testing {
namespace {

double RootMeanSquare(std::span<const float> values) {
  double mean_square = 1e-12;
  for (float v : values)
    mean_square += static_cast<double>(v) * v / static_cast<double>(values.size());
  return std::sqrt(mean_square);
}

}  // namespace

double GradientError(const std::function<double(std::span<const float>)>& f,
                     std::span<const float> x, std::span<const float> df) {
  const double typical = RootMeanSquare(df);
  std::vector<float> moved(x.begin(), x.end());
  const double here = f(moved);
  double worst = 0;
  size_t n_kinks = 0;
  for (size_t i = 0; i < x.size(); ++i) {
    double error = std::numeric_limits<double>::infinity();
    for (const float relative : {1e-2f, 2e-3f}) {
      const float step = relative * std::max(0.1f, std::abs(x[i]));
      moved[i] = x[i] + step;
      const double up_step = static_cast<double>(moved[i]) - x[i];
      const double above = f(moved);
      moved[i] = x[i] - step;
      const double down_step = static_cast<double>(x[i]) - moved[i];
      const double below = f(moved);
      moved[i] = x[i];
      const double scale = std::max<double>(std::abs(df[i]), typical);
      const double up = (above - here) / up_step;
      const double down = (here - below) / down_step;
      if (std::abs(up - down) > 0.02 * scale) continue;
      error = std::min(error, std::abs((above - below) / (up_step + down_step) - df[i]) / scale);
      if (error < 5e-4) break;
    }
    if (std::isinf(error)) {
      ++n_kinks;
    } else {
      worst = std::max(worst, error);
    }
  }
  EXPECT_LE(n_kinks, x.size() / 10) << "of " << x.size() << " coordinates";
  return worst;
}

double CurvedGradientError(const std::function<double(std::span<const float>)>& f,
                           std::span<const float> x, std::span<const float> df) {
  constexpr double kKink = 4e-3;
  const double typical = RootMeanSquare(df);
  std::vector<float> moved(x.begin(), x.end());
  const double here = f(moved);
  double worst = 0;
  size_t n_kinks = 0;
  for (size_t i = 0; i < x.size(); ++i) {
    struct Difference {
      double slope = 0;
      double bend = 0;
    };
    const auto difference = [&](float step) {
      step *= std::max(1.0f, std::abs(x[i]));
      moved[i] = x[i] + step;
      const double up_step = static_cast<double>(moved[i]) - x[i];
      const double above = f(moved);
      moved[i] = x[i] - step;
      const double down_step = static_cast<double>(x[i]) - moved[i];
      const double below = f(moved);
      moved[i] = x[i];
      return Difference{(above - below) / (up_step + down_step),
                        (above - here) / up_step - (here - below) / down_step};
    };
    const Difference wide = difference(1e-2f);
    const Difference narrow = difference(5e-3f);
    const double scale = std::max<double>(std::abs(df[i]), typical);
    if (std::abs(wide.slope - narrow.slope) + std::abs(wide.bend - 2 * narrow.bend) >
        kKink * scale) {
      ++n_kinks;
      continue;
    }
    worst = std::max(worst, std::abs((4 * narrow.slope - wide.slope) / 3 - df[i]) / scale);
  }
  EXPECT_LE(n_kinks, x.size() / 10) << "of " << x.size() << " coordinates";
  return worst;
}

}  // namespace zhiyin::testing
