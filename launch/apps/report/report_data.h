// What the sections of a report are made from: a saved model and its predictions on the test split.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "configs/job.pb.h"
#include "configs/manifest.pb.h"
#include "worker/model/loss/loss.h"
#include "worker/saved/frozen_model.h"
#include "worker/saved/scored_split.h"

namespace zhiyin::launch::apps {

/// A plain value; sections read it and change nothing. Tasks are numbered as in the job.
struct ReportData {
  Manifest manifest;
  std::shared_ptr<const worker::saved::FrozenModel> model;
  Job job;
  worker::saved::ScoredSplit test;
  std::vector<worker::model::loss::PredictionKind> kinds;  // [tasks]

  int n_tasks() const { return job.task_size(); }
  const std::string& name(int task) const { return job.task(task).name(); }
  worker::model::loss::PredictionKind kind(int task) const {
    return kinds[static_cast<size_t>(task)];
  }
  /// [n examples of the test split]: kMissing where there is no label.
  const std::vector<double>& labels(int task) const {
    return test.labels[static_cast<size_t>(task)];
  }
  /// [n examples of the test split], or empty: all 1.
  const std::vector<double>& weights(int task) const {
    return test.weights[static_cast<size_t>(task)];
  }
  /// [n examples of the test split].
  const std::vector<float>& predictions(int task) const {
    return test.predictions[static_cast<size_t>(task)];
  }
  /// The sum of the losses of the test split's examples with a label.
  double losses(int task) const { return test.losses[static_cast<size_t>(task)]; }
};

/// Returns the kind of each task of a checked job.
std::vector<worker::model::loss::PredictionKind> KindsOf(const Job& job);

/// Loads the model as job::LoadFrozen does and scores the test split by all processors. Throws
/// Error, also where the job has no test split or the split no examples.
ReportData LoadReportData(const std::string& checkpoint, const std::vector<std::string>& overrides);

}  // namespace zhiyin::launch::apps
