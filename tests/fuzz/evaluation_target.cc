#include <glog/logging.h>

#include "tests/fuzz/outcome.h"
#include "tests/fuzz/targets.h"
#include "worker/model/metric/metric.h"
#include "worker/train/block_results.h"

namespace zhiyin::fuzz {
namespace {

constexpr size_t kEvaluatedTasks = 2;

worker::train::BlockResults Own() {
  worker::train::BlockResults results(kEvaluatedTasks);
  results.Add(0, {{1, 0.5f}, {0.75f, 0.25f}, {0.3, 0.4}});
  return results;
}

/// As the chief does with all blocks.
void Summarise(const worker::train::BlockResults& results) {
  for (size_t t = 0; t < kEvaluatedTasks; ++t) {
    std::vector<float> labels;
    std::vector<float> predictions;
    for (const auto& [number, block] : results.blocks()) {
      CHECK_EQ(block.loss_sums.size(), kEvaluatedTasks);
      for (size_t at = t; at < block.labels.size(); at += kEvaluatedTasks) {
        labels.push_back(block.labels[at]);
        predictions.push_back(block.predictions[at]);
      }
    }
    worker::model::metric::ComputeMetrics("task", worker::model::loss::PredictionKind::kProbability,
                                          predictions, labels);
  }
}

}  // namespace

/// What worker 1 of two sends, beside worker 0's own block.
int FuzzEvaluation(const uint8_t* data, size_t size) {
  Judge("results of an evaluation", [&] {
    worker::train::BlockResults results = Own();
    results.Merge({reinterpret_cast<const char*>(data), size});
    Summarise(results);
  });
  return 0;
}

std::vector<std::string> EvaluationSeeds() {
  worker::train::BlockResults results(kEvaluatedTasks);
  results.Add(1, {{1, 0, 0, 1}, {0.75f, 0.25f, 0.5f, 0.5f}, {0.3, 0.4}});
  results.Add(3, {{0, 2}, {0.1f, 0.9f}, {0.1, 0.2}});
  return {worker::train::BlockResults(kEvaluatedTasks).Serialize(), results.Serialize()};
}

}  // namespace zhiyin::fuzz
