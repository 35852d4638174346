// The list of all generated data.
#pragma once

#include <span>

#include "worker/data/generated/world.h"

namespace zhiyin::worker::data {

/// Adding generated data is a line here, with NAME for the constant kNAME that its file defines.
#define ZHIYIN_WORLDS(WORLD) \
  WORLD(Ratings)             \
  WORLD(Uniform)             \
  WORLD(RelatedTasks)        \
  WORLD(Funnel)

#define ZHIYIN_DECLARE_WORLD(Name) extern const WorldKind k##Name;
ZHIYIN_WORLDS(ZHIYIN_DECLARE_WORLD)
#undef ZHIYIN_DECLARE_WORLD

std::span<const WorldKind* const> Worlds();

}  // namespace zhiyin::worker::data
