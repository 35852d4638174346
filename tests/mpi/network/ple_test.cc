// Exports of PLE.
#include <gtest/gtest.h>

#include "tests/support/exports.h"

namespace zhiyin::testing {
namespace {

TEST(ExportOfPle, GivesThePredictionsInOtherPrograms) {
  if (!PythonRunsGraphs())
    GTEST_SKIP() << "python3 has no numpy with onnx or onnxruntime: the graph is checked by our "
                    "own evaluator elsewhere";
  ExpectExportPredictsInPython(
      "ple { level { shared_experts: 1 task_experts: 1 expert: 6 } level { shared_experts: 1 "
      "task_experts: 1 expert: 6 } tower: 3 } "
      "interaction { cross_v2 { n_layers: 2 } } interaction { fm { field: [\"user_group\", "
      "\"item_genre\", \"item_tags\"] } }");
}

}  // namespace
}  // namespace zhiyin::testing
