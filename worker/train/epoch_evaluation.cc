#include "worker/train/epoch_evaluation.h"

#include <cstdio>

#include "worker/train/training_summary.h"

namespace zhiyin::worker::train {
namespace {

std::string FiveDigits(double value) {
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
  evaluation.result = tools->evaluator->Evaluate(normalizer);
  if (tools->group.IsChief()) evaluation.n_rows_made += RowsMade(tools->client.Report());
  tools->group.Barrier("the end of an evaluation");
  return evaluation;
}

std::vector<Json> TestLines(int64_t epoch, int64_t step, const EvaluationResult& found) {
  std::vector<Json> lines;
  for (const model::metric::TaskMetrics& metrics : found.tasks)
    lines.push_back(MetricsLine(epoch, step, "test", metrics));
  return lines;
}

std::string EvaluationLine(int64_t epoch, int64_t n_epochs, double train_loss,
                           const EvaluationResult& found) {
  std::string text = "epoch " + std::to_string(epoch) + "/" + std::to_string(n_epochs) +
                     "  train loss " + FiveDigits(train_loss) + "  test loss " +
                     FiveDigits(found.loss);
  for (const model::metric::TaskMetrics& metrics : found.tasks) {
    if (metrics.auc) text += "  " + metrics.task + " AUC " + FiveDigits(*metrics.auc);
    if (!metrics.auc && metrics.mse)
      text += "  " + metrics.task + " MSE " + FiveDigits(*metrics.mse);
  }
  return text;
}

}  // namespace zhiyin::worker::train
