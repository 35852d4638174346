#include "tests/fuzz/outcome.h"
#include "tests/fuzz/targets.h"
#include "tests/support/exact_sums.h"
#include "worker/model/task_heads.h"
#include "worker/train/evaluator.h"

namespace zhiyin::fuzz {
namespace {

constexpr size_t kEvaluatedTasks = 2;

worker::train::BlockResults Own() {
  worker::train::BlockResults results(kEvaluatedTasks);
  results.Add(0, {{1, 0.5f}, {0.75f, 0.25f}, {1, 2}, testing::SumsOf({0.3, 0.4}), {7}});
  return results;
}

/// Two probabilities.
worker::model::TaskHeads HeadsOfTwoTasks() {
  Job job;
  for (const char* name : {"a", "b"}) {
    Task* task = job.add_task();
    task->set_name(name);
    task->mutable_binary_cross_entropy();
  }
  return worker::model::TaskHeads(job);
}

}  // namespace

/// What worker 1 of two sends, beside worker 0's own block.
int FuzzEvaluation(const uint8_t* data, size_t size) {
  static const worker::model::TaskHeads kHeads = HeadsOfTwoTasks();
  Judge("results of an evaluation", [&] {
    worker::train::BlockResults results = Own();
    results.Merge({reinterpret_cast<const char*>(data), size});
    worker::train::Summarise(results, kHeads, [] {});
  });
  return 0;
}

std::vector<std::string> EvaluationSeeds() {
  worker::train::BlockResults results(kEvaluatedTasks);
  results.Add(1, {{1, 0, 0, 1},
                  {0.75f, 0.25f, 0.5f, 0.5f},
                  {1, 1, 0.5f, 3},
                  testing::SumsOf({0.3, 0.4}),
                  {7, 8}});
  results.Add(3, {{0, 2}, {0.1f, 0.9f}, {1, 0}, testing::SumsOf({0.1, 0.2}), {7}});
  return {worker::train::BlockResults(kEvaluatedTasks).Serialize(), results.Serialize()};
}

}  // namespace zhiyin::fuzz
