#include "tests/support/products.h"

#include <gtest/gtest.h>

#include <cmath>

#include "common/random.h"

namespace zhiyin::testing {

using worker::model::nn::Backend;
using worker::model::nn::Rounded;

namespace {

Rounded RoundedOf(std::span<const float> weights) {
  Rounded rounded;
  rounded.Round(weights);
  return rounded;
}

std::span<const float> NumbersOf(const Matrix& matrix) {
  return {matrix.data(), static_cast<size_t>(matrix.size())};
}

}  // namespace

std::vector<Backend> BackendsOfThisBuild() {
  std::vector<Backend> backends;
  for (const Backend backend : {Backend::kEigen, Backend::kOneDnn}) {
    if (worker::model::nn::HasBackend(backend)) backends.push_back(backend);
  }
  return backends;
}

std::string BackendName(Backend backend) {
  return backend == Backend::kEigen ? "eigen" : "onednn";
}

BackendInUse::BackendInUse(Backend backend) : before_(worker::model::nn::CurrentBackend()) {
  worker::model::nn::SetBackend(backend);
}

BackendInUse::~BackendInUse() {
  worker::model::nn::SetBackend(before_);
}

RoundedPass::RoundedPass(std::span<const float> weights)
    : rounded_(RoundedOf(weights)), pass_(weights, &rounded_) {}

void KeepFromKinks(std::span<float> weights) {
  Random random(8);
  for (float& w : weights) {
    const bool is_positive = random.Below(2) == 0;
    if (w != 0) {
      w *= 0.3f;
    } else {
      w = is_positive ? 1.5f : -1.5f;
    }
  }
}

double RelativeError(std::span<const float> found, std::span<const float> expected) {
  EXPECT_EQ(found.size(), expected.size());
  double error = 0;
  double size = 0;
  for (size_t i = 0; i < expected.size(); ++i) {
    const double off = static_cast<double>(found[i]) - expected[i];
    error += off * off;
    size += static_cast<double>(expected[i]) * expected[i];
  }
  return error == 0 ? 0 : std::sqrt(error / size);
}

double RelativeError(const Matrix& found, const Matrix& expected) {
  EXPECT_EQ(found.rows(), expected.rows());
  return RelativeError(NumbersOf(found), NumbersOf(expected));
}

}  // namespace zhiyin::testing
