// Writes a graph in the format of ONNX files.
#pragma once

#include <string>

#include "worker/model/nn/graph.h"

namespace zhiyin::launch::apps {

/// The limit of protobuf on the size of a file.
inline constexpr int64_t kMaxOnnxBytes = int64_t{1} << 31;

/// Returns the bytes of the file. Throws Error if there are more than kMaxOnnxBytes.
std::string OnnxBytes(const worker::model::nn::Graph& graph, const std::string& name);

}  // namespace zhiyin::launch::apps
