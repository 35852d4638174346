#include "worker/model/first_outputs.h"

#include <glog/logging.h>

#include "worker/model/loss/loss.h"

namespace zhiyin::worker::model {

std::vector<double> FirstOutputs(const Job& job, std::span<const data::LabelSums> labels) {
  CHECK_EQ(labels.size(), static_cast<size_t>(job.task_size()));
  std::vector<double> outputs(labels.size());
  for (size_t t = 0; t < labels.size(); ++t) {
    const Task& task = job.task(static_cast<int>(t));
    const loss::LossKind* kind = loss::ChosenLoss(task);
    const double more = (task.positive_weight() - 1) * labels[t].positives;
    const double weight = labels[t].weight + more;
    if (kind->first_output == nullptr || !(weight > 0)) continue;
    const double mean =
        (labels[t].label + more + kind->prior.label) / (weight + kind->prior.weight);
    outputs[t] = kind->first_output(mean + task.label_smoothing() * (0.5 - mean));
  }
  return outputs;
}

}  // namespace zhiyin::worker::model
