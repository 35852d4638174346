// Is the derivative the derivative?
#pragma once

#include <functional>
#include <span>

namespace zhiyin::testing {

/// Compares df(x) with two-sided differences of f at every coordinate of x, in float32 with double
/// sums: the error is taken relative to the larger of |df| and the root mean square of all of df.
/// Where the one-sided differences disagree, f has a kink (a ReLU) within the step; a shorter one
/// is tried there, and where the error is not small (a kink too slight to see), and counts if it is
/// better. A coordinate with a kink in both is left out. Returns the largest error; the test fails
/// when more than a tenth of the coordinates had to be left out.
double GradientError(const std::function<double(std::span<const float>)>& f,
                     std::span<const float> x, std::span<const float> df);

/// GradientError for functions that are strongly curved: the differences are of fourth order
/// (Richardson's extrapolation of two steps). Where the two steps tell of different slopes or
/// bends, f has a kink.
double CurvedGradientError(const std::function<double(std::span<const float>)>& f,
                           std::span<const float> x, std::span<const float> df);

}  // namespace zhiyin::testing
