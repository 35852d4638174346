// The statistics of training examples that a saved model keeps: for itself, for a job that resumes
// it, and for later jobs (data.statistics.model).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "configs/manifest.pb.h"
#include "worker/data/statistics.h"

namespace zhiyin::worker::saved {

/// The statistics that training begins with.
struct FirstStatistics {
  data::Normalizer normalizer;
  std::vector<data::LabelSums> labels;  // [n_tasks]
};

/// The sums of labels whose mean is known, and nothing else: of so many that no prior moves it. As
/// far as it matters, labels are 0 and 1.
data::LabelSums LabelsOfMean(double mean);

/// Puts the statistics into a manifest.
void PutStatistics(const FirstStatistics& statistics, Manifest* manifest);
/// Those in a manifest; nullopt where it has not all of them, as one of an earlier version.
std::optional<FirstStatistics> StatisticsOf(const Manifest& manifest);

/// Returns the statistics that a job begins with whose data.statistics name an earlier job. What
/// the job gives itself is taken from it, and what it does not need is left out. `folder` is where
/// the manifest of the earlier job is, for messages. Throws Error where the earlier job lacks a
/// numeric or a task, or measured another thing under its name.
FirstStatistics StatisticsOfEarlier(const Job& job, const Manifest& earlier,
                                    const std::string& folder);

/// Throws Error, beginning with `name`, for statistics that PutStatistics would not have put there.
void CheckStatistics(const Manifest& manifest, const std::string& name);

}  // namespace zhiyin::worker::saved
