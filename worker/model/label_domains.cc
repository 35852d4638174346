#include "worker/model/label_domains.h"

#include <memory>

#include "worker/model/loss/loss.h"

namespace zhiyin::worker::model {

data::LabelDomains LabelDomainsOf(const Job& job) {
  data::LabelDomains domains;
  for (const Task& task : job.task()) {
    const std::shared_ptr<const loss::Loss> loss = loss::MakeLoss(task);
    domains.push_back({[loss](double label) { return loss->Accepts(label); }, loss->Domain()});
  }
  return domains;
}

}  // namespace zhiyin::worker::model
