#include "worker/model/nn/column_layer.h"

#include "common/error.h"

namespace zhiyin::worker::model::nn {

Graph::Value ColumnLayer::AddTo(Graph*, std::span<const float>, const Graph::Value&) const {
  Fail(
      "one of the job's interactions or sequences has no form of standard operators; inputs, fm, "
      "cross_v1 and cross_v2 have one");
}

}  // namespace zhiyin::worker::model::nn
