// A graph as an ONNX file.
#pragma once

#include <string>

#include "worker/model/nn/graph.h"

namespace zhiyin::launch::apps {

/// Most bytes that a file may have, by the format of its messages.
inline constexpr int64_t kMaxOnnxBytes = int64_t{1} << 31;

/// The file's bytes. Throws Error where there would be too many.
std::string OnnxBytes(const worker::model::nn::Graph& graph, const std::string& name);

}  // namespace zhiyin::launch::apps
