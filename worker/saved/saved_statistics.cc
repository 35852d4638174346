#include "worker/saved/saved_statistics.h"

#include <google/protobuf/util/message_differencer.h>

#include <algorithm>
#include <cmath>

#include "common/error.h"
#include "worker/model/loss/loss.h"

namespace zhiyin::worker::saved {
namespace {

using google::protobuf::util::MessageDifferencer;

/// The weight of labels of which only the mean is known: no prior of a loss is seen beside it.
constexpr double kWeightOfMean = 1e18;

/// The position of the part of this name; nullopt where there is none.
template <typename Parts>
std::optional<int> FindNamed(const Parts& parts, const std::string& name) {
  const auto at =
      std::ranges::find_if(parts, [&](const auto& part) { return part.name() == name; });
  if (at == parts.end()) return {};
  return static_cast<int>(at - parts.begin());
}

/// Appends the mean and the scale of a numeric.
void AddScaling(const Numeric& numeric, const Manifest& earlier, const std::string& folder,
                data::Normalizer* to) {
  double mean = 0;
  double scale = 1;
  if (numeric.has_mean()) {
    mean = numeric.mean();
    scale = 1 / numeric.stddev();
  } else if (numeric.standardise()) {
    const std::string what = "numeric \"" + numeric.name() + "\"";
    const std::optional<int> at = FindNamed(earlier.job().numeric(), numeric.name());
    if (!at) Fail(folder, ": has no ", what, ", expected one, or mean and stddev of it here");
    const Numeric& other = earlier.job().numeric(*at);
    if (!other.standardise())
      Fail(folder, ": its ", what, " is not standardised, expected mean and stddev of it here");
    if (other.log1p() != numeric.log1p()) {
      Fail(folder, ": its ", what, " has log1p: ", other.log1p() ? "true" : "false",
           ", expected log1p as here, or mean and stddev of it here");
    }
    mean = earlier.numeric_mean(*at);
    scale = earlier.numeric_scale(*at);
  }
  to->mean.push_back(mean);
  to->scale.push_back(scale);
}

/// Whether the labels of two tasks are measured alike.
bool HaveEqualLabels(const Task& a, const Task& b) {
  return MessageDifferencer::Equals(a.label(), b.label()) &&
         a.has_sample_space() == b.has_sample_space() &&
         MessageDifferencer::Equals(a.sample_space(), b.sample_space()) &&
         a.weight_column() == b.weight_column();
}

data::LabelSums LabelsOf(const Job& job, const Task& task, const Manifest& earlier,
                         const std::string& folder) {
  if (task.has_label_mean()) return LabelsOfMean(task.label_mean());
  if (job.train().start_at_zero() || model::loss::ChosenLoss(task)->first_output == nullptr)
    return {};
  const std::optional<int> at = FindNamed(earlier.job().task(), task.name());
  if (!at)
    Fail(folder, ": has no task \"", task.name(), "\", expected one, or label_mean of it here");
  if (!HaveEqualLabels(task, earlier.job().task(*at))) {
    Fail(folder, ": its task \"", task.name(),
         "\" has another label, sample_space or weight_column, expected equal ones, or label_mean "
         "of it here");
  }
  if (earlier.label_sums_size() == 0) {
    Fail(folder,
         ": does not keep the mean labels of its tasks, as models of earlier versions: "
         "expected label_mean of every task here, or train.start_at_zero");
  }
  const Manifest::LabelSums& sums = earlier.label_sums(*at);
  return {sums.weight(), sums.label(), sums.positives()};
}

}  // namespace

data::LabelSums LabelsOfMean(double mean) {
  return {kWeightOfMean, mean * kWeightOfMean, std::clamp(mean, 0.0, 1.0) * kWeightOfMean};
}

void PutStatistics(const FirstStatistics& statistics, Manifest* manifest) {
  const data::Normalizer& normalizer = statistics.normalizer;
  manifest->mutable_numeric_mean()->Assign(normalizer.mean.begin(), normalizer.mean.end());
  manifest->mutable_numeric_scale()->Assign(normalizer.scale.begin(), normalizer.scale.end());
  manifest->clear_label_sums();
  for (const data::LabelSums& labels : statistics.labels) {
    Manifest::LabelSums* const sums = manifest->add_label_sums();
    sums->set_weight(labels.weight);
    sums->set_label(labels.label);
    sums->set_positives(labels.positives);
  }
}

std::optional<FirstStatistics> StatisticsOf(const Manifest& manifest) {
  const Job& job = manifest.job();
  if (manifest.label_sums_size() != job.task_size() ||
      manifest.numeric_mean_size() != job.numeric_size() ||
      manifest.numeric_scale_size() != job.numeric_size())
    return {};
  FirstStatistics statistics;
  statistics.normalizer.mean.assign(manifest.numeric_mean().begin(), manifest.numeric_mean().end());
  statistics.normalizer.scale.assign(manifest.numeric_scale().begin(),
                                     manifest.numeric_scale().end());
  for (const Manifest::LabelSums& sums : manifest.label_sums())
    statistics.labels.push_back({sums.weight(), sums.label(), sums.positives()});
  return statistics;
}

FirstStatistics StatisticsOfEarlier(const Job& job, const Manifest& earlier,
                                    const std::string& folder) {
  FirstStatistics statistics;
  for (const Numeric& numeric : job.numeric())
    AddScaling(numeric, earlier, folder, &statistics.normalizer);
  for (const Task& task : job.task())
    statistics.labels.push_back(LabelsOf(job, task, earlier, folder));
  return statistics;
}

void CheckStatistics(const Manifest& manifest, const std::string& name) {
  const auto is_finite = [](double x) { return std::isfinite(x); };
  if (!std::ranges::all_of(manifest.numeric_mean(), is_finite) ||
      !std::ranges::all_of(manifest.numeric_scale(), is_finite))
    Fail(name, ": damaged: a mean or a scale of a numeric is no finite number");
  const int n_tasks = manifest.job().task_size();
  if (manifest.label_sums_size() != 0 && manifest.label_sums_size() != n_tasks) {
    Fail(name, ": damaged: the labels of ", manifest.label_sums_size(), " tasks, expected ",
         n_tasks);
  }
  for (const Manifest::LabelSums& sums : manifest.label_sums()) {
    if (!std::isfinite(sums.weight()) || !std::isfinite(sums.label()) ||
        !(sums.positives() >= 0 && sums.positives() <= sums.weight()))
      Fail(name, ": damaged: impossible sums of labels");
  }
}

}  // namespace zhiyin::worker::saved
