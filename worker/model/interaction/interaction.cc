#include "worker/model/interaction/interaction.h"

#include <glog/logging.h>

#include "common/config/kinds.h"
#include "worker/model/interaction/interactions.h"

namespace zhiyin::worker::model {
namespace {

constexpr int kMaxInteractions = 64;

const InteractionKind* ChosenInteraction(const Interaction& config) {
  return config::FindKind(Interactions(), config::ChosenName(config, "kind"));
}

}  // namespace

std::span<const InteractionKind* const> Interactions() {
#define ZHIYIN_ADDRESS(Name) &k##Name,
  static constexpr const InteractionKind* kKinds[] = {ZHIYIN_INTERACTIONS(ZHIYIN_ADDRESS)};
#undef ZHIYIN_ADDRESS
  return kKinds;
}

std::unique_ptr<nn::ColumnLayer> MakeInteraction(const Interaction& config,
                                                 const InputLayout& layout, int64_t* n_weights) {
  const InteractionKind* kind = ChosenInteraction(config);
  CHECK(kind != nullptr) << "an interaction without a kind passed the checks";
  return kind->make(config, layout, n_weights);
}

void CheckInteractions(const ModelChecker& check) {
  const auto& interactions = check.job().model().interaction();
  if (interactions.size() > kMaxInteractions) {
    check.Fail(check.model_path()("interaction", kMaxInteractions),
               "is one too many, expected at most ", kMaxInteractions);
  }
  for (int i = 0; i < interactions.size(); ++i) {
    const config::ConfigPath path = check.model_path()("interaction", i);
    const InteractionKind* kind = ChosenInteraction(interactions[i]);
    if (kind == nullptr) {
      check.Fail(path, "has no kind, expected ",
                 config::Listed(config::KindNames(Interactions()), "or"));
    }
    if (kind->check != nullptr) kind->check(check, path(kind->name), interactions[i]);
  }
}

}  // namespace zhiyin::worker::model
