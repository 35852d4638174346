#include "launch/apps/export/onnx_file.h"

#include <onnx/onnx_pb.h>

#include <bit>

#include "common/error.h"

namespace zhiyin::launch::apps {
namespace {

using worker::model::nn::Graph;

// Numbers are written as they are in memory.
static_assert(std::endian::native == std::endian::little);

void AddTensor(const Graph::Constant& constant, onnx::TensorProto* tensor) {
  tensor->set_name(constant.name);
  for (const int64_t d : constant.shape) tensor->add_dims(d);
  const bool is_floats = constant.ints.empty();
  tensor->set_data_type(is_floats ? onnx::TensorProto::FLOAT : onnx::TensorProto::INT64);
  if (is_floats) {
    tensor->set_raw_data(constant.floats.data(), constant.floats.size() * sizeof(float));
  } else {
    tensor->set_raw_data(constant.ints.data(), constant.ints.size() * sizeof(int64_t));
  }
}

void AddNode(const Graph::Node& node, onnx::NodeProto* to) {
  to->set_op_type(node.op);
  for (const Graph::Value& input : node.inputs) to->add_input(input);
  to->add_output(node.output);
  for (const auto& [name, value] : node.attributes) {
    onnx::AttributeProto* attribute = to->add_attribute();
    attribute->set_name(name);
    attribute->set_type(onnx::AttributeProto::INT);
    attribute->set_i(value);
  }
  for (const auto& [name, values] : node.list_attributes) {
    onnx::AttributeProto* attribute = to->add_attribute();
    attribute->set_name(name);
    attribute->set_type(onnx::AttributeProto::INTS);
    for (const int64_t value : values) attribute->add_ints(value);
  }
}

/// [rows, columns], `any` in place of a number of columns.
void AddValue(const std::string& name, bool is_integer, int columns, onnx::ValueInfoProto* value) {
  value->set_name(name);
  onnx::TypeProto::Tensor* type = value->mutable_type()->mutable_tensor_type();
  type->set_elem_type(is_integer ? onnx::TensorProto::INT64 : onnx::TensorProto::FLOAT);
  type->mutable_shape()->add_dim()->set_dim_param("rows");
  auto* second = type->mutable_shape()->add_dim();
  if (columns > 0) {
    second->set_dim_value(columns);
  } else {
    second->set_dim_param(name + " values");
  }
}

}  // namespace

std::string OnnxBytes(const Graph& graph, const std::string& name) {
  int64_t n_bytes = 0;
  for (const Graph::Constant& constant : graph.constants())
    n_bytes += static_cast<int64_t>(constant.floats.size() * sizeof(float));
  if (n_bytes > kMaxOnnxBytes - (int64_t{16} << 20))
    Fail("model.onnx: would have ", n_bytes, " bytes of rows and weights, expected less than ",
         kMaxOnnxBytes, ": export with --noonnx");
  onnx::ModelProto model;
  model.set_ir_version(7);
  model.set_producer_name("zhiyin");
  onnx::OperatorSetIdProto* set = model.add_opset_import();
  set->set_domain("");
  set->set_version(Graph::kOperatorSet);
  onnx::GraphProto* to = model.mutable_graph();
  to->set_name(name);
  for (const Graph::Input& input : graph.inputs())
    AddValue(input.name, input.is_integer, input.columns, to->add_input());
  for (const Graph::Value& output : graph.outputs()) AddValue(output, false, 1, to->add_output());
  for (const Graph::Constant& constant : graph.constants())
    AddTensor(constant, to->add_initializer());
  for (const Graph::Node& node : graph.nodes()) AddNode(node, to->add_node());
  return model.SerializeAsString();
}

}  // namespace zhiyin::launch::apps
