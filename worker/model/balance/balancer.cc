#include "worker/model/balance/balancer.h"

#include <glog/logging.h>

namespace zhiyin::worker::model::balance {

std::unique_ptr<Balancer> MakeBalancer(const Job& job) {
  const zhiyin::Balance& config = job.train().balance();
  switch (config.kind_case()) {
    case zhiyin::Balance::kUncertainty:
      return MakeUncertainty(job);
    case zhiyin::Balance::kDynamicWeightAverage:
      return MakeDynamicWeightAverage(config.dynamic_weight_average());
    case zhiyin::Balance::kGradNorm:
      return MakeGradNorm(config.grad_norm(), job.task_size());
    case zhiyin::Balance::kPcGrad:
      return MakePcGrad();
    case zhiyin::Balance::kCaGrad:
      return MakeCaGrad(config.ca_grad());
    case zhiyin::Balance::kMgda:
      return MakeMgda();
    case zhiyin::Balance::KIND_NOT_SET:
      return nullptr;
  }
  LOG(FATAL) << "a method of balancing without a case";
}

}  // namespace zhiyin::worker::model::balance
