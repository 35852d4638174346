// The list of all interactions.
#pragma once

#include <span>

#include "worker/model/interaction/interaction.h"

namespace zhiyin::worker::model {

/// Adding an interaction is a line here, with NAME for the constant kNAME that its file defines.
#define ZHIYIN_INTERACTIONS(INTERACTION) \
  INTERACTION(Inputs)                    \
  INTERACTION(FactorizationMachine)      \
  INTERACTION(CrossV1)                   \
  INTERACTION(CrossV2)                   \
  INTERACTION(CrossMix)                  \
  INTERACTION(Senet)                     \
  INTERACTION(AutoInt)

#define ZHIYIN_DECLARE_INTERACTION(Name) extern const InteractionKind k##Name;
ZHIYIN_INTERACTIONS(ZHIYIN_DECLARE_INTERACTION)
#undef ZHIYIN_DECLARE_INTERACTION

std::span<const InteractionKind* const> Interactions();

}  // namespace zhiyin::worker::model
