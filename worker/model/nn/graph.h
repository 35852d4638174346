// A model as an inference graph of standard operators, which other programs can run: the operators
// of ONNX, operator set 13 (https://onnx.ai/onnx/operators). Every layer that can be exported has a
// function AddTo, which adds what the layer computes when it does not train.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace zhiyin::worker::model::nn {

/// Built by one thread; a plain value.
class Graph {
 public:
  static constexpr int kOperatorSet = 13;

  /// The name of a node's output, of an input or of a constant.
  using Value = std::string;

  struct Node {
    std::string op;
    std::vector<Value> inputs;
    Value output;
    std::map<std::string, int64_t> attributes;
    std::map<std::string, std::vector<int64_t>> list_attributes;
  };
  struct Constant {
    Value name;
    std::vector<int64_t> shape;
    std::vector<float> floats;  // empty where `ints` has the values
    std::vector<int64_t> ints;
  };
  struct Input {
    Value name;
    bool is_integer = false;
    int columns = 1;  // [n, columns]; 0: [n, any]
  };

  Value AddInput(Input input) {
    inputs_.push_back(std::move(input));
    return inputs_.back().name;
  }
  Value Floats(std::vector<int64_t> shape, std::span<const float> values) {
    return AddConstant({"", std::move(shape), {values.begin(), values.end()}, {}});
  }
  Value Scalar(float value) { return Floats({}, {&value, 1}); }
  Value Ints(std::vector<int64_t> values) {
    return AddConstant({"", {static_cast<int64_t>(values.size())}, {}, std::move(values)});
  }

  Value Op(const std::string& op, std::vector<Value> inputs) {
    return AddNode({op, std::move(inputs), "", {}, {}});
  }
  Value OpAlong(const std::string& op, std::vector<Value> inputs, int64_t axis) {
    return AddNode({op, std::move(inputs), "", {{"axis", axis}}, {}});
  }
  Value OpWith(const std::string& op, std::vector<Value> inputs,
               std::map<std::string, int64_t> attributes,
               std::map<std::string, std::vector<int64_t>> list_attributes = {}) {
    return AddNode({op, std::move(inputs), "", std::move(attributes), std::move(list_attributes)});
  }
  /// Returns columns begin to begin + width of x, [n, width].
  Value Columns(const Value& x, int64_t begin, int64_t width) {
    return Op("Slice", {x, Ints({begin}), Ints({begin + width}), Ints({1})});
  }
  /// Returns the parts side by side: [n, sum of their widths].
  Value Concat(std::vector<Value> parts) {
    return parts.size() == 1 ? parts[0] : OpAlong("Concat", std::move(parts), 1);
  }
  Value Sum(const std::vector<Value>& parts) {
    Value sum = parts[0];
    for (size_t i = 1; i < parts.size(); ++i) sum = Op("Add", {sum, parts[i]});
    return sum;
  }
  /// Returns the sum of each row of x, [n, 1].
  Value RowSums(const Value& x) { return Op("ReduceSum", {x, Ints({1})}); }

  void AddOutput(const Value& value, const std::string& name) {
    AddNode({"Identity", {value}, name, {}, {}});
    outputs_.push_back(name);
  }

  const std::vector<Input>& inputs() const { return inputs_; }
  const std::vector<Constant>& constants() const { return constants_; }
  const std::vector<Node>& nodes() const { return nodes_; }
  const std::vector<Value>& outputs() const { return outputs_; }

 private:
  Value AddConstant(Constant constant) {
    constant.name = "c." + std::to_string(constants_.size());
    constants_.push_back(std::move(constant));
    return constants_.back().name;
  }
  Value AddNode(Node node) {
    if (node.output.empty()) node.output = "v." + std::to_string(nodes_.size());
    nodes_.push_back(std::move(node));
    return nodes_.back().output;
  }

  std::vector<Input> inputs_;
  std::vector<Constant> constants_;
  std::vector<Node> nodes_;
  std::vector<Value> outputs_;
};

}  // namespace zhiyin::worker::model::nn
