#include "tests/support/plain_twin.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "worker/model/dense_weights.h"
#include "worker/model/model.h"

namespace zhiyin::testing {

PlainMlp::PlainMlp(size_t in, const std::vector<size_t>& widths, bool with_last_relu, Taker* from)
    : last_relu(with_last_relu) {
  for (const size_t width : widths) {
    layers.emplace_back(in, width, from);
    in = width;
  }
}

Values PlainMlp::operator()(const Values& x) const {
  Values y = x;
  for (size_t l = 0; l < layers.size(); ++l) y = layers[l](y, last_relu || l + 1 < layers.size());
  return y;
}

namespace {

size_t Sum(const std::vector<size_t>& values) {
  size_t sum = 0;
  for (const size_t value : values) sum += value;
  return sum;
}

}  // namespace

PlainBank::PlainBank(size_t in, size_t experts, std::vector<size_t> expert_widths,
                     std::vector<size_t> gates, Taker* from)
    : n_experts(experts),
      widths(std::move(expert_widths)),
      gate_widths(std::move(gates)),
      wide(in, n_experts * widths[0] + Sum(gate_widths), from) {
  for (size_t l = 1; l < widths.size(); ++l) {
    std::vector<PlainLayer>& layers = deeper.emplace_back();
    for (size_t e = 0; e < n_experts; ++e) layers.emplace_back(widths[l - 1], widths[l], from);
  }
}

std::vector<Values> PlainBank::Experts(const Values& x) const {
  const Values z = wide(x, false);
  std::vector<Values> experts;
  for (size_t e = 0; e < n_experts; ++e) {
    Values h = Slice(z, e * widths[0], widths[0]);
    for (double& v : h) v = std::max(v, 0.0);
    for (const auto& layers : deeper) h = layers[e](h, true);
    experts.push_back(h);
  }
  return experts;
}

std::vector<Values> PlainBank::Gates(const Values& x) const {
  const Values z = wide(x, false);
  std::vector<Values> gates;
  size_t begin = n_experts * widths[0];
  for (const size_t width : gate_widths) {
    gates.push_back(PlainSoftmax(Slice(z, begin, width)));
    begin += width;
  }
  return gates;
}

Values PlainMixture(const Values& gate, const std::vector<Values>& experts) {
  EXPECT_EQ(gate.size(), experts.size());
  Values mixture(experts[0].size());
  for (size_t e = 0; e < experts.size(); ++e) {
    for (size_t k = 0; k < mixture.size(); ++k) mixture[k] += gate.at(e) * experts[e][k];
  }
  return mixture;
}

Values Slice(const Values& values, size_t begin, size_t count) {
  const auto from = values.begin() + static_cast<long>(begin);
  return {from, from + static_cast<long>(count)};
}

Values PlainPart(const Values& x, size_t p, size_t n_parts) {
  Values part;
  for (size_t field = 0; field < 4; ++field) {
    for (size_t k = 0; k < 2; ++k) part.push_back(x[2 * n_parts * field + 2 * p + k]);
  }
  part.insert(part.end(), x.end() - 2, x.end());
  return part;
}

std::vector<Values> Joined(std::vector<Values> a, const std::vector<Values>& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

namespace {

/// Two-sided differences of f at every coordinate of *x, which is as before in the end.
Values Differences(Values* x, const std::function<double()>& f) {
  Values differences;
  for (double& value : *x) {
    const double here = value;
    const double step = 1e-6 * std::max(1.0, std::abs(here));
    value = here + step;
    const double above = f();
    value = here - step;
    const double below = f();
    value = here;
    differences.push_back((above - below) / (2 * step));
  }
  return differences;
}

void ExpectClose(const Values& expected, std::span<const float> gradient, const char* what) {
  ASSERT_EQ(expected.size(), gradient.size());
  double mean_square = 1e-12;
  for (const double d : expected) mean_square += d * d / static_cast<double>(expected.size());
  for (size_t i = 0; i < expected.size(); ++i) {
    const double scale = std::max(std::abs(expected[i]), std::sqrt(mean_square));
    EXPECT_LT(std::abs(expected[i] - static_cast<double>(gradient[i])) / scale, 2e-5)
        << what << " " << i << ": " << gradient[i] << ", by differences " << expected[i];
  }
}

}  // namespace

void ExpectLikeTwin(const Job& job, const Twin& twin) {
  constexpr Eigen::Index kRows = 4;
  const std::unique_ptr<worker::model::Model> model = worker::model::MakeModel(job);
  worker::model::DenseWeights dense(model->n_weights());
  Random random(6);
  for (float& w : dense.weights()) w = static_cast<float>(0.5 * random.Normal());
  Matrix x(kRows, worker::model::InputLayout::Of(job).dim);
  for (Eigen::Index i = 0; i < x.size(); ++i) x.data()[i] = static_cast<float>(random.Normal());
  Matrix doutputs(kRows, job.task_size());
  for (Eigen::Index i = 0; i < doutputs.size(); ++i)
    doutputs.data()[i] = static_cast<float>(random.Normal());
  Matrix outputs, dx;
  const ConstMatrixView view(x.data(), x.rows(), x.cols());
  model->Forward(dense.weights(), view, worker::model::nn::Pass(), &outputs);
  model->Backward(dense.weights(), view, doutputs, dense.gradients(), &dx);

  Values dweights(dense.weights().size());
  for (Eigen::Index i = 0; i < kRows; ++i) {
    Point held;
    held.weights.assign(dense.weights().begin(), dense.weights().end());
    held.x.assign(x.row(i).begin(), x.row(i).end());
    Point at = held;
    const Values expected = twin(at, held);
    ASSERT_EQ(expected.size(), static_cast<size_t>(job.task_size()));
    for (size_t t = 0; t < expected.size(); ++t)
      EXPECT_NEAR(outputs(i, static_cast<Eigen::Index>(t)), expected[t], 1e-5)
          << "row " << i << ", task " << t;

    const auto objective = [&] {
      double sum = 0;
      const Values moved = twin(at, held);
      for (size_t t = 0; t < moved.size(); ++t)
        sum += moved[t] * doutputs(i, static_cast<Eigen::Index>(t));
      return sum;
    };
    const Values of_row = Differences(&at.weights, objective);
    for (size_t w = 0; w < dweights.size(); ++w) dweights[w] += of_row[w];
    const Matrix row = dx.row(i);
    ExpectClose(Differences(&at.x, objective), {row.data(), static_cast<size_t>(row.size())},
                "input");
  }
  ExpectClose(dweights, dense.gradients(), "weight");
}

}  // namespace zhiyin::testing
