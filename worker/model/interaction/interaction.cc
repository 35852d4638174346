#include "worker/model/interaction/interaction.h"

#include <glog/logging.h>

namespace zhiyin::worker::model {

std::unique_ptr<nn::ColumnLayer> MakeInteraction(const Interaction& config,
                                                 const InputLayout& layout, int64_t* n_weights) {
  switch (config.kind_case()) {
    case Interaction::kInputs:
      return MakeInputs(layout);
    case Interaction::kFm:
      return MakeFactorizationMachine(config.fm(), layout);
    case Interaction::kCrossV1:
      return MakeCrossV1(config.cross_v1(), layout, n_weights);
    case Interaction::kCrossV2:
      return MakeCrossV2(config.cross_v2(), layout, n_weights);
    case Interaction::kCrossMix:
      return MakeCrossMix(config.cross_mix(), layout, n_weights);
    case Interaction::kSenet:
      return MakeSenet(config.senet(), layout, n_weights);
    case Interaction::kAutoInt:
      return MakeAutoInt(config.auto_int(), layout, n_weights);
    case Interaction::KIND_NOT_SET:
      break;
  }
  LOG(FATAL) << "an interaction without a kind passed validation";
}

}  // namespace zhiyin::worker::model
