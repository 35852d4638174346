// The list of all losses.
#pragma once

#include <span>

#include "worker/model/loss/loss.h"

namespace zhiyin::worker::model::loss {

/// Adding a loss is a line here, with NAME for the constant kNAME that its file defines.
#define ZHIYIN_LOSSES(LOSS) \
  LOSS(BinaryCrossEntropy)  \
  LOSS(SquaredError)        \
  LOSS(Hinge)               \
  LOSS(Poisson)             \
  LOSS(Pairwise)            \
  LOSS(SampledSoftmax)

#define ZHIYIN_DECLARE_LOSS(Name) extern const LossKind k##Name;
ZHIYIN_LOSSES(ZHIYIN_DECLARE_LOSS)
#undef ZHIYIN_DECLARE_LOSS

std::span<const LossKind* const> Losses();

}  // namespace zhiyin::worker::model::loss
