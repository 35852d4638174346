#include "worker/loss/loss.h"

#include <glog/logging.h>

namespace zhiyin::worker {

std::unique_ptr<Loss> MakeLoss(const Task& task) {
  switch (task.loss_case()) {
    case Task::kBinaryCrossEntropy:
      return MakeBinaryCrossEntropy();
    case Task::kSquaredError:
      return MakeSquaredError();
    case Task::LOSS_NOT_SET:
      break;
  }
  LOG(FATAL) << "a task without a loss passed validation";
}

}  // namespace zhiyin::worker
