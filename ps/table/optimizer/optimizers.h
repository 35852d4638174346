// The list of all optimizers.
#pragma once

#include <span>

#include "ps/table/optimizer.h"

namespace zhiyin::ps::table {

/// Adding an optimizer is a line here, with NAME for the constant kNAME that its file defines.
#define ZHIYIN_OPTIMIZERS(OPTIMIZER) \
  OPTIMIZER(Sgd)                     \
  OPTIMIZER(Momentum)                \
  OPTIMIZER(AdaGrad)                 \
  OPTIMIZER(RowWiseAdaGrad)          \
  OPTIMIZER(Adam)                    \
  OPTIMIZER(AdamW)                   \
  OPTIMIZER(Ftrl)                    \
  OPTIMIZER(RmsProp)                 \
  OPTIMIZER(Adadelta)                \
  OPTIMIZER(DelayCompensatedSgd)

#define ZHIYIN_DECLARE_OPTIMIZER(Name) extern const OptimizerKind k##Name;
ZHIYIN_OPTIMIZERS(ZHIYIN_DECLARE_OPTIMIZER)
#undef ZHIYIN_DECLARE_OPTIMIZER

std::span<const OptimizerKind* const> Optimizers();

}  // namespace zhiyin::ps::table
