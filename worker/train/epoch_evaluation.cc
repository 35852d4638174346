#include "worker/train/epoch_evaluation.h"

#include <cmath>
#include <cstdio>

#include "common/text.h"
#include "worker/train/training_summary.h"

namespace zhiyin::worker::train {
namespace {

std::string FiveDigits(double value) {
  if (std::isnan(value)) return "undefined";
  char text[32];
  std::snprintf(text, sizeof(text), "%.5f", value);
  return text;
}

}  // namespace

EpochEvaluation EvaluateModel(const data::Normalizer& normalizer, Tools* tools) {
  EpochEvaluation evaluation;
  // Every gradient is in before anybody looks, and every row is made.
  if (tools->group.IsChief()) evaluation.n_rows_made -= RowsMade(tools->client.Report());
  tools->group.Barrier("the start of an evaluation");
  for (const std::unique_ptr<Evaluator>& evaluator : tools->evaluators)
    evaluation.found.Of(evaluator->split()) = evaluator->Evaluate(normalizer);
  if (tools->group.IsChief()) evaluation.n_rows_made += RowsMade(tools->client.Report());
  tools->group.Barrier("the end of an evaluation");
  return evaluation;
}

std::vector<Json> EvaluationLines(int64_t epoch, int64_t step, const Evaluations& found) {
  std::vector<Json> lines;
  ForEachEvaluation(found, [&](data::SplitKind split, const EvaluationResult& result) {
    for (const model::metric::TaskMetrics& metrics : result.tasks)
      lines.push_back(MetricsLine(epoch, step, data::SplitName(split), metrics));
  });
  return lines;
}

std::string EvaluationLine(int64_t epoch, int64_t n_epochs, double train_loss,
                           const Evaluations& found) {
  std::string text = "epoch " + std::to_string(epoch) + "/" + std::to_string(n_epochs) +
                     "  train loss " + FiveDigits(train_loss);
  ForEachEvaluation(found, [&](data::SplitKind split, const EvaluationResult& result) {
    text += TextOf("  ", data::SplitName(split), " loss ", FiveDigits(result.loss));
    for (const model::metric::TaskMetrics& metrics : result.tasks) {
      if (metrics.auc) text += "  " + metrics.task + " AUC " + FiveDigits(*metrics.auc);
      if (!metrics.auc && metrics.mse)
        text += "  " + metrics.task + " MSE " + FiveDigits(*metrics.mse);
    }
  });
  return text;
}

}  // namespace zhiyin::worker::train
