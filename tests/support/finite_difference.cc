#include "tests/support/finite_difference.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

namespace zhiyin::testing {

double GradientError(const std::function<double(std::span<const float>)>& f, std::span<const float> x,
                     std::span<const float> df) {
  double mean_square = 1e-12;
  for (float d : df) mean_square += static_cast<double>(d) * d / static_cast<double>(df.size());
  const double typical = std::sqrt(mean_square);
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

}  // namespace zhiyin::testing
