#include "worker/model/loss/loss.h"

#include <glog/logging.h>

namespace zhiyin::worker::model::loss {

std::unique_ptr<Loss> MakeLoss(const Task& task) {
  switch (task.loss_case()) {
    case Task::kBinaryCrossEntropy:
      return MakeBinaryCrossEntropy();
    case Task::kSquaredError:
      return MakeSquaredError();
    case Task::kHinge:
      return MakeHinge();
    case Task::kPoisson:
      return MakePoisson();
    case Task::kPairwise:
      return MakePairwise();
    case Task::kSampledSoftmax:
      return MakeSampledSoftmax();
    case Task::LOSS_NOT_SET:
      break;
  }
  LOG(FATAL) << "a task without a loss passed validation";
}

const std::string& GroupField(const Task& task) {
  return task.has_pairwise() ? task.pairwise().group() : task.sampled_softmax().group();
}

}  // namespace zhiyin::worker::model::loss
