#include "ps/table/optimizer.h"

#include <glog/logging.h>

namespace zhiyin::ps::table {

std::unique_ptr<Optimizer> MakeOptimizer(const zhiyin::Optimizer& config) {
  switch (config.kind_case()) {
    case zhiyin::Optimizer::kSgd:
      return MakeSgd(config.sgd());
    case zhiyin::Optimizer::kAdagrad:
      return MakeAdaGrad(config.adagrad());
    case zhiyin::Optimizer::kRowwiseAdagrad:
      return MakeRowWiseAdaGrad(config.rowwise_adagrad());
    case zhiyin::Optimizer::kAdam:
      return MakeAdam(config.adam());
    case zhiyin::Optimizer::kAdamw:
      return MakeAdam(config.adamw());
    case zhiyin::Optimizer::kMomentum:
      return MakeMomentum(config.momentum());
    case zhiyin::Optimizer::kFtrl:
      return MakeFtrl(config.ftrl());
    case zhiyin::Optimizer::kRmsprop:
      return MakeRmsProp(config.rmsprop());
    case zhiyin::Optimizer::kAdadelta:
      return MakeAdadelta(config.adadelta());
    case zhiyin::Optimizer::kDelayCompensatedSgd:
      return MakeDelayCompensatedSgd(config.delay_compensated_sgd());
    case zhiyin::Optimizer::KIND_NOT_SET:
      break;
  }
  LOG(FATAL) << "an optimizer without a kind passed validation";
}

}  // namespace zhiyin::ps::table
