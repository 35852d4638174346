#include "worker/interaction/interaction.h"

#include <glog/logging.h>

namespace zhiyin::worker {

std::unique_ptr<ColumnLayer> MakeInteraction(const Interaction& config, const InputLayout& layout,
                                             int64_t* /*n_weights*/) {
  switch (config.kind_case()) {
    case Interaction::kInputs:
      return MakeInputs(layout);
    case Interaction::kFm:
      return MakeFactorizationMachine(config.fm(), layout);
    case Interaction::KIND_NOT_SET:
      break;
  }
  LOG(FATAL) << "an interaction without a kind passed validation";
}

}  // namespace zhiyin::worker
