#include "worker/train/model_selection.h"

#include "worker/train/results.h"

namespace zhiyin::worker::train {

ModelSelection::ModelSelection(const Job& job) : job_(job) {
  if (job.train().has_early_stopping()) rule_.emplace(job);
}

ModelSelection::Decision ModelSelection::Decide(int64_t n_epochs, const EvaluationResult& found,
                                                bool has_report) {
  StoppingRule::Verdict verdict;
  if (rule_) verdict = rule_->Judge(n_epochs, found);
  Decision decision;
  decision.reports = !KeepsBest() || verdict.is_best || !has_report;
  decision.saves = KeepsBest() && verdict.is_best;
  decision.stops = verdict.stop && n_epochs < job_.train().epochs();
  return decision;
}

std::string ModelSelection::StopLine() const {
  return "no better than after epoch " + std::to_string(best_epoch()) + " in " +
         std::to_string(job_.train().early_stopping().patience()) +
         " evaluations: training ends here";
}

std::string ModelSelection::ReportText(const Evaluations& reported) const {
  const std::string which =
      HasBest() ? "the best, after epoch " + std::to_string(best_epoch()) + ": " : "";
  std::string text;
  ForEachEvaluation(reported, [&](data::SplitKind split, const EvaluationResult& result) {
    text += "\n" + which + EvaluationTable(split, result);
  });
  return text;
}

void ModelSelection::Save(Progress* progress) const {
  if (!rule_) return;
  Progress::Stopping* const stopping = progress->mutable_stopping();
  *stopping = rule_->progress();
  if (HasBest() && model_digest_) stopping->set_model_digest(*model_digest_);
}

void ModelSelection::Resume(const Progress& progress) {
  if (!rule_) return;
  const Progress::Stopping& stopping = progress.stopping();
  rule_->Resume(stopping);
  if (stopping.has_model_digest()) model_digest_ = stopping.model_digest();
}

}  // namespace zhiyin::worker::train
