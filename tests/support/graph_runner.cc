#include "tests/support/graph_runner.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>

namespace zhiyin::testing {
namespace {

int64_t Size(const std::vector<int64_t>& shape) {
  return std::accumulate(shape.begin(), shape.end(), int64_t{1}, std::multiplies<>());
}

/// Position in a tensor of `shape` of what stands at `at` in a tensor that it is broadcast to.
size_t PositionIn(const std::vector<int64_t>& shape, const std::vector<int64_t>& at) {
  int64_t position = 0;
  const size_t skipped = at.size() - shape.size();
  for (size_t d = 0; d < shape.size(); ++d)
    position = position * shape[d] + (shape[d] == 1 ? 0 : at[skipped + d]);
  return static_cast<size_t>(position);
}

/// visit(at) for every place of a tensor of this shape, in order.
template <typename Visit>
void ForEachPlace(const std::vector<int64_t>& shape, const Visit& visit) {
  std::vector<int64_t> at(shape.size(), 0);
  for (int64_t i = 0; i < Size(shape); ++i) {
    visit(at);
    for (size_t d = shape.size(); d-- > 0;) {
      if (++at[d] < shape[d]) break;
      at[d] = 0;
    }
  }
}

std::vector<int64_t> Broadcast(const std::vector<int64_t>& a, const std::vector<int64_t>& b) {
  std::vector<int64_t> shape(std::max(a.size(), b.size()), 1);
  for (size_t d = 0; d < shape.size(); ++d) {
    const int64_t of_a = d + a.size() < shape.size() ? 1 : a[d + a.size() - shape.size()];
    const int64_t of_b = d + b.size() < shape.size() ? 1 : b[d + b.size() - shape.size()];
    EXPECT_TRUE(of_a == of_b || of_a == 1 || of_b == 1);
    shape[d] = of_a == 1 ? of_b : of_a;
  }
  return shape;
}

Tensor Pairwise(const Tensor& a, const Tensor& b, const std::function<double(double, double)>& f) {
  Tensor y = {Broadcast(a.shape, b.shape), {}};
  ForEachPlace(y.shape, [&](const auto& at) {
    y.values.push_back(f(a.values[PositionIn(a.shape, at)], b.values[PositionIn(b.shape, at)]));
  });
  return y;
}

Tensor Each(Tensor x, const std::function<double(double)>& f) {
  std::transform(x.values.begin(), x.values.end(), x.values.begin(), f);
  return x;
}

/// Along one axis: f(values along it) gives as many, or one.
Tensor Along(const Tensor& x, int64_t axis, bool keeps,
             const std::function<std::vector<double>(const std::vector<double>&)>& f) {
  const size_t a = static_cast<size_t>(axis);
  const int64_t n = x.shape[a];
  const int64_t inner = Size({x.shape.begin() + axis + 1, x.shape.end()});
  const int64_t outer = Size({x.shape.begin(), x.shape.begin() + axis});
  const int64_t n_out =
      static_cast<int64_t>(f(std::vector<double>(static_cast<size_t>(n), 0.5)).size());
  Tensor y = {x.shape, std::vector<double>(static_cast<size_t>(outer * n_out * inner))};
  y.shape[a] = n_out;
  for (int64_t o = 0; o < outer; ++o) {
    for (int64_t i = 0; i < inner; ++i) {
      std::vector<double> line;
      for (int64_t k = 0; k < n; ++k)
        line.push_back(x.values[static_cast<size_t>((o * n + k) * inner + i)]);
      const std::vector<double> found = f(line);
      for (int64_t k = 0; k < n_out; ++k)
        y.values[static_cast<size_t>((o * n_out + k) * inner + i)] = found[static_cast<size_t>(k)];
    }
  }
  if (!keeps) y.shape.erase(y.shape.begin() + axis);
  return y;
}

std::vector<double> Softmax(const std::vector<double>& line) {
  std::vector<double> y;
  const double largest = *std::max_element(line.begin(), line.end());
  double sum = 0;
  for (const double v : line) sum += std::exp(v - largest);
  for (const double v : line) y.push_back(std::exp(v - largest) / sum);
  return y;
}

Tensor MatMul(const Tensor& a, const Tensor& b) {
  EXPECT_EQ(a.shape.size(), 2u);
  EXPECT_EQ(a.shape[1], b.shape[0]);
  Tensor y = {{a.shape[0], b.shape[1]}, {}};
  ForEachPlace(y.shape, [&](const auto& at) {
    double sum = 0;
    for (int64_t k = 0; k < a.shape[1]; ++k)
      sum += a.values[static_cast<size_t>(at[0] * a.shape[1] + k)] *
             b.values[static_cast<size_t>(k * b.shape[1] + at[1])];
    y.values.push_back(sum);
  });
  return y;
}

Tensor Concat(const std::vector<Tensor>& parts) {
  Tensor y = {{parts[0].shape[0], 0}, {}};
  for (const Tensor& part : parts) y.shape[1] += part.shape[1];
  for (int64_t i = 0; i < y.shape[0]; ++i) {
    for (const Tensor& part : parts)
      y.values.insert(y.values.end(), part.values.begin() + i * part.shape[1],
                      part.values.begin() + (i + 1) * part.shape[1]);
  }
  return y;
}

Tensor Gather(const Tensor& rows, const Tensor& positions) {
  Tensor y = {positions.shape, {}};
  y.shape.push_back(rows.shape[1]);
  for (const double p : positions.values) {
    EXPECT_GE(p, 0);
    EXPECT_LT(p, static_cast<double>(rows.shape[0]));
    y.values.insert(y.values.end(), rows.values.begin() + static_cast<int64_t>(p) * rows.shape[1],
                    rows.values.begin() + (static_cast<int64_t>(p) + 1) * rows.shape[1]);
  }
  return y;
}

Tensor Run(const worker::model::nn::Graph::Node& node, const std::vector<Tensor>& x) {
  const std::string& op = node.op;
  const auto keeps = [&] {
    return !node.attributes.contains("keepdims") || node.attributes.at("keepdims") != 0;
  };
  if (op == "Identity" || op == "Cast") return x[0];
  if (op == "MatMul") return MatMul(x[0], x[1]);
  if (op == "Add") return Pairwise(x[0], x[1], [](double a, double b) { return a + b; });
  if (op == "Sub") return Pairwise(x[0], x[1], [](double a, double b) { return a - b; });
  if (op == "Mul") return Pairwise(x[0], x[1], [](double a, double b) { return a * b; });
  if (op == "Div") return Pairwise(x[0], x[1], [](double a, double b) { return a / b; });
  if (op == "Min") return Pairwise(x[0], x[1], [](double a, double b) { return std::min(a, b); });
  if (op == "Max") return Pairwise(x[0], x[1], [](double a, double b) { return std::max(a, b); });
  if (op == "GreaterOrEqual")
    return Pairwise(x[0], x[1], [](double a, double b) { return a >= b ? 1.0 : 0.0; });
  if (op == "Relu") return Each(x[0], [](double v) { return std::max(v, 0.0); });
  if (op == "Neg") return Each(x[0], [](double v) { return -v; });
  if (op == "Exp") return Each(x[0], [](double v) { return std::exp(v); });
  if (op == "Log") return Each(x[0], [](double v) { return std::log(v); });
  if (op == "Abs") return Each(x[0], [](double v) { return std::abs(v); });
  if (op == "Sqrt") return Each(x[0], [](double v) { return std::sqrt(v); });
  if (op == "Sign") return Each(x[0], [](double v) { return v > 0 ? 1.0 : v < 0 ? -1.0 : 0.0; });
  if (op == "IsNaN") return Each(x[0], [](double v) { return std::isnan(v) ? 1.0 : 0.0; });
  if (op == "Sigmoid") return Each(x[0], [](double v) { return 1 / (1 + std::exp(-v)); });
  if (op == "Softplus")
    return Each(x[0],
                [](double v) { return std::max(v, 0.0) + std::log1p(std::exp(-std::abs(v))); });
  if (op == "Softmax") return Along(x[0], node.attributes.at("axis"), true, Softmax);
  if (op == "ReduceSum")
    return Along(x[0], static_cast<int64_t>(x[1].values[0]), keeps(), [](const auto& line) {
      return std::vector<double>{std::accumulate(line.begin(), line.end(), 0.0)};
    });
  if (op == "ReduceMax")
    return Along(x[0], node.list_attributes.at("axes")[0], keeps(), [](const auto& line) {
      return std::vector<double>{*std::max_element(line.begin(), line.end())};
    });
  if (op == "Slice") {
    EXPECT_EQ(x[3].values[0], 1);
    const auto begin = static_cast<std::ptrdiff_t>(x[1].values[0]);
    const auto end = static_cast<std::ptrdiff_t>(x[2].values[0]);
    return Along(x[0], 1, true, [&](const auto& line) {
      return std::vector<double>(line.begin() + begin, line.begin() + end);
    });
  }
  if (op == "Concat") return Concat(x);
  if (op == "Gather") return Gather(x[0], x[1]);
  if (op == "Unsqueeze") {
    Tensor y = x[0];
    y.shape.insert(y.shape.begin() + static_cast<std::ptrdiff_t>(x[1].values[0]), 1);
    return y;
  }
  if (op == "Where") {
    const Tensor chosen = Pairwise(x[1], x[2], [](double a, double) { return a; });
    Tensor y = {Broadcast(x[0].shape, chosen.shape), {}};
    ForEachPlace(y.shape, [&](const auto& at) {
      const bool is = x[0].values[PositionIn(x[0].shape, at)] != 0;
      y.values.push_back(is ? x[1].values[PositionIn(x[1].shape, at)]
                            : x[2].values[PositionIn(x[2].shape, at)]);
    });
    return y;
  }
  ADD_FAILURE() << "no such operator: " << op;
  return {};
}

}  // namespace

std::map<std::string, Tensor> RunGraph(const worker::model::nn::Graph& graph,
                                       const std::map<std::string, Tensor>& inputs) {
  std::map<std::string, Tensor> values = inputs;
  for (const worker::model::nn::Graph::Constant& constant : graph.constants()) {
    Tensor& tensor = values[constant.name];
    tensor.shape = constant.shape;
    tensor.values.assign(constant.floats.begin(), constant.floats.end());
    if (!constant.ints.empty()) tensor.values.assign(constant.ints.begin(), constant.ints.end());
    EXPECT_EQ(Size(tensor.shape), static_cast<int64_t>(tensor.values.size()));
  }
  for (const worker::model::nn::Graph::Node& node : graph.nodes()) {
    std::vector<Tensor> x;
    for (const std::string& name : node.inputs) {
      if (!values.contains(name)) {
        ADD_FAILURE() << node.op << " reads " << name << ", which nobody gives";
        return {};
      }
      x.push_back(values.at(name));
    }
    values[node.output] = Run(node, x);
  }
  std::map<std::string, Tensor> outputs;
  for (const std::string& name : graph.outputs()) outputs[name] = values.at(name);
  return outputs;
}

}  // namespace zhiyin::testing
